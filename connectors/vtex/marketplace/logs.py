"""The logs of a connection: what became of each SKU, in the payload and with the messages that VTEX asks for (its guide to
catalog logs), from the ledger."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from typing import Any, Final

from connectors.vtex.marketplace.log_codes import (
    CATEGORY,
    STATES,
    Operation,
    Told,
    operation,
    status_of,
    told,
)
from connectors.vtex.marketplace.log_query import Asked
from connectors.vtex.marketplace.messages import Context, Status, render
from hub import codec
from hub.connector import IdMap, Ledger, PastRecord
from hub.marketplace import Standing
from hub.records import JSON

#: In the id map: what was sent of an SKU (text), what it is called (see ``SkuInfo``), and what the marketplace has of it.
TRANSLATED, SKU, LISTING = "translated", "sku", "listing"
#: Records that are read at once.
PAGE: Final = 500
#: A shorter value is no secret, in characters.
_SHORTEST_SECRET = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class SkuInfo:
    """What people call an SKU: its name, where it is seen, and the path of its category."""

    name: str | None = None
    url: str | None = None
    category: str | None = None

    def text(self) -> str:
        """For the id map."""
        found = {"name": self.name, "url": self.url, "category": self.category}
        return codec.dumps({name: value for name, value in found.items() if value is not None}).decode()

    @classmethod
    def of(cls, text: str | None) -> SkuInfo:
        """From the id map; whatever is no such thing says nothing."""
        found = _object(text)
        said = {name: found.get(name) for name in ("name", "url", "category")}
        return cls(**{name: value for name, value in said.items() if isinstance(value, str) and value})


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One message of the log. ``destination`` is what the marketplace said, ``code`` that of ``messages``."""

    id: str
    at: datetime
    sku: str
    code: str
    status: Status
    operation: Operation
    direction: str
    source: str
    translated: str
    destination: str
    message: str

    def payload(self) -> Mapping[str, str]:
        """As VTEX's guide has it, and with the name that it misspells spelt right beside it."""
        return {
            "id": self.id,
            "Operation": self.operation,
            "Direction": self.direction,
            "ContentSource": self.source,
            "ContentTransalted": self.translated,
            "ContentTranslated": self.translated,
            "ContentDestination": self.destination,
            "BusinessMessage": self.message,
            "Status": self.status,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Lines:
    """A page, and the cursor to the next one, None behind the last."""

    lines: Sequence[Line]
    cursor: str | None


class Logs:
    """``zone`` is where days begin, ``marketplace`` its name for people, ``mapper`` where categories are mapped, as a link or
    a sentence. None of ``secrets`` is ever in a log."""

    def __init__(
        self,
        ledger: Ledger,
        ids: IdMap,
        *,
        zone: tzinfo,
        marketplace: str,
        mapper: str,
        secrets: Sequence[str] = (),
    ) -> None:
        self._ledger, self._ids = ledger, ids
        self.zone = zone
        self._marketplace, self._mapper = marketplace, mapper
        self._secrets = [one for one in secrets if len(one) >= _SHORTEST_SECRET]

    async def pages(self, asked: Asked) -> AsyncGenerator[Lines, None]:
        """All that is asked for, newest first. Raises ``ConfigurationError`` for a cursor that is none."""
        after, is_last = asked.after, False
        while not is_last:
            page = await self.page(asked, after=after, limit=asked.limit or PAGE)
            after = page.cursor
            is_last = after is None or asked.limit is not None
            yield page

    async def page(self, asked: Asked, *, after: str | None, limit: int) -> Lines:
        """What ``limit`` records came to."""
        found = await self._ledger.history(
            since=asked.since,
            until=asked.until,
            states=frozenset[str]().union(*(STATES[status] for status in asked.statuses)),
            after=after,
            limit=limit,
        )
        keys = [record.key for record in found.records]
        infos, sent, listed = [await self._ids.get(kind, keys) for kind in (SKU, TRANSLATED, LISTING)]
        lines = [
            line
            for record in found.records
            for line in self._lines(
                record,
                SkuInfo.of(infos.get(record.key)),
                sent.get(record.key, ""),
                _standing(listed.get(record.key)),
            )
            if line.status in asked.statuses
        ]
        return Lines(lines=lines, cursor=found.cursor)

    def _lines(
        self, record: PastRecord, info: SkuInfo, translated: str, standing: Standing | None
    ) -> Sequence[Line]:
        context = Context(
            sku=record.key,
            name=info.name,
            marketplace=self._marketplace,
            external_id=record.external_id or (standing.external_id if standing else None),
            link=(standing.url if standing else None) or info.url,
            category=info.category or _category(record),
            mapper=self._mapper,
            attempts=record.attempts,
        )
        line = Line(
            id=str(record.id),
            at=record.changed_at,
            sku=record.key,
            code="",
            status=Status.PENDING,
            operation=operation(record),
            direction=f"VTEX to {self._marketplace}",
            source=self._safe(codec.dumps(record.payload).decode()),
            translated=self._safe(translated),
            destination=self._safe(_destination(record)),
            message="",
        )
        found = told(record, gone=standing is None)
        return [self._line(line, one, context, number) for number, one in enumerate(found)]

    def _line(self, line: Line, one: Told, context: Context, number: int) -> Line:
        """What is said beside the main thing has an id of its own."""
        message = render(one.code, replace(context, items=one.items))
        return replace(
            line,
            id=f"{line.id}-{one.code}" if number else line.id,
            code=one.code,
            status=status_of(one.code),
            message=self._safe(message),
        )

    def _safe(self, text: str) -> str:
        for secret in self._secrets:
            for spelling in (secret, json.dumps(secret)[1:-1]):
                text = text.replace(spelling, "***")
        return text


def _destination(record: PastRecord) -> str:
    """Code, id and words of the answer, as far as there was one."""
    said = {
        "responseCode": record.response_code,
        "id": record.external_id,
        "errors": [text for one in told(record) for text in one.items] or None,
    }
    return codec.dumps({name: value for name, value in said.items() if value is not None}).decode()


def _category(record: PastRecord) -> str | None:
    key = record.wake_key or ""
    return key.removeprefix(CATEGORY) if key.startswith(CATEGORY) else None


def _standing(text: str | None) -> Standing | None:
    """The destination's own; one that cannot be read says nothing."""
    if text is None:
        return None
    try:
        return Standing.of(text)
    except (codec.DecodeError, KeyError, TypeError, ValueError, AttributeError):
        found = _object(text)
        url, external_id = found.get("url"), found.get("id")
        return Standing(
            external_id=external_id if isinstance(external_id, str) else "",
            url=url if isinstance(url, str) else None,
        )


def _object(text: str | None) -> JSON:
    try:
        found: Any = codec.loads(text) if text else None
    except (codec.DecodeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
