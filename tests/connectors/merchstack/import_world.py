"""A folder of Merchstack's files, the connector over it, and what the core does with its pages, small enough to read."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from connectors.merchstack.connector import Merchstack
from connectors.merchstack.location import S3Credentials
from connectors.merchstack.settings import MerchstackSettings
from hub import codec
from hub.connector import Ports
from hub.records import JSON, BadRecord, GroupTally, Item, Outcome, Page, PollRequest, Record


class MemoryDocuments:
    """``hub.connector.Documents``; what is put is kept as JSON."""

    def __init__(self) -> None:
        self.texts: dict[str, bytes] = {}

    async def get(self, name: str) -> JSON | None:
        text = self.texts.get(name)
        return None if text is None else dict(codec.loads(text))

    async def put(self, name: str, document: JSON) -> None:
        self.texts[name] = codec.dumps(document)

    async def change(self, name: str, change: Callable[[JSON | None], JSON | None]) -> None:
        if (changed := change(await self.get(name))) is not None:
            await self.put(name, changed)

    async def remove(self, name: str) -> None:
        self.texts.pop(name, None)


class TurnedClock:
    """Stands still until it is turned."""

    def __init__(self) -> None:
        self.time = datetime(2026, 4, 27, 12, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time

    def turn(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


class SilentLog:
    def info(self, event: str, **facts: Any) -> None: ...

    def warning(self, event: str, **facts: Any) -> None: ...


@dataclass(kw_only=True)
class World:
    """One connection. ``commit`` is what the core does with a page: records, cursor and seals, or nothing of it."""

    folder: Path
    settings: Mapping[str, Any] = field(default_factory=dict)
    documents: MemoryDocuments = field(default_factory=MemoryDocuments)
    clock: TurnedClock = field(default_factory=TurnedClock)
    cursor: JSON = field(default_factory=dict)
    records: list[Record] = field(default_factory=list)
    bad: list[BadRecord] = field(default_factory=list)
    sealed: list[str] = field(default_factory=list)
    woken: list[str] = field(default_factory=list)
    _hashes: dict[tuple[str, str], str | None] = field(default_factory=dict)
    _admitted: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """A new process: nothing is left but the store."""
        told = {"url": str(self.folder), "tenant_id": "ABC", **self.settings}
        nothing: Any = None
        ports = Ports(
            http=nothing,
            ids=nothing,
            documents=self.documents,
            clock=self.clock,
            log=SilentLog(),
            connection="shop",
            tenant="acme",
        )
        self.connector = Merchstack(MerchstackSettings.model_validate(told), S3Credentials(), ports)

    def put(self, name: str, content: bytes | Sequence[JSON], *, age: float = 60) -> Path:
        """A file that was last written ``age`` seconds ago."""
        text = content if isinstance(content, bytes) else jsonl(content)
        path = self.folder / name
        path.write_bytes(gzip.compress(text) if name.endswith(".gz") and text[:2] != b"\x1f\x8b" else text)
        written = self.clock.now().timestamp() - age
        os.utime(path, (written, written))
        return path

    async def poll(self, *, open_records: int = 0) -> Page:
        """Ask for a page and leave it at that, as a hub does that dies before it commits."""
        return await self.connector.poll(PollRequest(cursor=self.cursor, open_records=open_records))

    def commit(self, page: Page) -> None:
        """Everything of the page, at once; the cursor as the store gives it back."""
        self.cursor = codec.loads(codec.dumps(page.cursor))
        for record in page.records:
            self.records.append(record)
            if self._hashes.get((record.stream, record.key)) != record.content_hash:
                self._hashes[record.stream, record.key] = record.content_hash
                self._admitted[str(record.group)] = self._admitted.get(str(record.group), 0) + 1
        self.bad += page.bad
        self.sealed += page.seals
        self.woken += page.wakes

    async def step(self, *, open_records: int = 0) -> Page:
        page = await self.poll(open_records=open_records)
        self.commit(page)
        return page

    async def read_all(self) -> None:
        """Poll until the connector says that there is no more, closing each file as soon as it is sealed."""
        for _ in range(1000):
            page = await self.step()
            await self.close_sealed()
            if not page.full:
                return
            self.clock.turn(page.poll_after.total_seconds() if page.poll_after else 0)
        raise AssertionError("it never ends")

    async def close_sealed(self, **counts: Any) -> None:
        for group in self.sealed:
            await self.connector.close_group(self.tally(group, **counts))
        self.sealed.clear()

    def tally(self, group: str, **counts: Any) -> GroupTally:
        """All of the group's records were created, unless said otherwise."""
        admitted = self._admitted.get(group, 0)
        none = dict.fromkeys(("skipped", "rejected", "dead", "superseded", "discarded"), 0)
        kind = group.partition("_")[0]
        known: dict[str, Any] = {"success": admitted, "created": admitted, **none, **counts}
        return GroupTally(name=group, stream=kind, admitted=admitted, **known)

    def report(self, name: str) -> Any:
        """The report of a file that is done, wherever it lies."""
        for path in (self.folder / "done" / f"{name}.report.json", self.folder / f"{name}.report.json"):
            if path.exists():
                return codec.loads(path.read_bytes())
        return None


def jsonl(records: Sequence[JSON]) -> bytes:
    return b"".join(codec.dumps(record) + b"\n" for record in records)


def product(key: str, number: int = 1, of: int = 1, **fields: Any) -> JSON:
    """A product of an export; ``export`` is its id."""
    return _record("product", key, number, of, fields)


def category(key: str, number: int = 1, of: int = 1, **fields: Any) -> JSON:
    """A category of an export."""
    return _record("category", key, number, of, fields)


def item_of(record: Record, **more: Any) -> Item:
    """A record on its way out."""
    return replace(Item(id=1, stream=record.stream, key=record.key, payload=record.payload), **more)


def remark(record: Record, error: str, **more: Any) -> Outcome:
    told: dict[str, Any] = {"status": "failed", "attempts": 1, "error": error, **more}
    return Outcome(record_id=1, stream=record.stream, key=record.key, payload=record.payload, **told)


def _record(kind: str, key: str, number: int, of: int, fields: JSON) -> JSON:
    metadata = {
        "formatVersion": "1.0",
        "exportId": fields.pop("export", "90100"),
        "recordNum": number,
        "recordOf": of,
        "recordType": kind,
        **fields.pop("metadata", {}),
    }
    return {
        "exportMetaData": metadata,
        "tenantId": "ABC",
        "storeId": "123",
        "externalSystemId": key,
        **fields,
    }
