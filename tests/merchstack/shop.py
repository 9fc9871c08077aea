"""A whole hub with connections from and to Merchstack's folders: real connectors, real store, no broker."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

from connectors.merchstack.connector import Merchstack
from connectors.merchstack.location import S3Credentials
from connectors.merchstack.settings import MerchstackSettings
from hub import codec
from hub.connector import Ports
from hub.loop.closing import close_groups
from hub.records import JSON
from hub.store.catalog import documents, listing
from hub.store.catalog.kinds import KINDS
from hub.store.database import Database
from tests.connectors.merchstack.import_world import jsonl
from tests.loop.hub_of_a_test import TENANT, Hub

#: Seconds that a file has been there when a test puts it.
AGE = 60

#: More polls than any test needs.
MANY = 500


class TurnedMerchstack(Merchstack):
    """The connector as it is, on a clock that a test turns on; time is the same for all of them."""

    turned: ClassVar[timedelta] = timedelta(0)

    def __init__(self, settings: MerchstackSettings, credentials: S3Credentials, ports: Ports) -> None:
        super().__init__(settings, credentials, replace(ports, clock=self))

    @classmethod
    def now(cls) -> datetime:
        """``hub.connector.Clock``."""
        return datetime.now(UTC) + cls.turned


@dataclass(kw_only=True)
class Inbox:
    """An importing connection and its folder."""

    hub: Hub
    folder: Path
    name: str = "shop"
    tenant: str = TENANT

    @classmethod
    async def connect(
        cls,
        hub: Hub,
        folder: Path,
        *,
        name: str = "shop",
        tenant: str = TENANT,
        owns: Sequence[str] | None = None,
        **settings: Any,
    ) -> Inbox:
        """Reads whatever is there at once, unless told otherwise."""
        _make(folder)
        told = {"url": str(folder), "tenant_id": "ABC", "quiet_seconds": 0, **settings}
        destination = {"name": "catalog", "settings": {} if owns is None else {"owns": list(owns)}}
        file = {"connector": "merchstack", "settings": told, "destination": destination}
        await hub.connect(file, name=name, tenant=tenant)
        return cls(hub=hub, folder=folder, name=name, tenant=tenant)

    def put(self, name: str, content: bytes | Sequence[JSON]) -> Path:
        """A file that was last written a while ago."""
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else jsonl(content))
        written = time.time() - AGE
        os.utime(path, (written, written))
        return path

    async def run(self) -> None:
        """Poll, work and close until there is nothing new."""
        await work_to_the_end(self.hub, self.name)

    def reports(self, name: str) -> list[JSON]:
        """What was said of a file, the earliest first; those after the first have a time before their name."""
        paths = (self.folder / "done").glob(f"*{name}.report.json")
        return [
            codec.loads(path.read_bytes()) for path in sorted(paths, key=lambda path: _time_of(path, name))
        ]

    def report(self, name: str) -> JSON:
        """What was said of a file last."""
        return self.reports(name)[-1]

    def keys(self, kind: str = "product") -> set[str]:
        """What is in the catalog."""
        return {row["key"] for row in listing.listed(self.hub.db, self.tenant_id, kind, limit=100_000)}

    def catalog(self, kind: str = "product") -> Mapping[str, JSON]:
        """Whole documents by key."""
        return catalog_of(self.hub.db, self.tenant_id, kind)

    @property
    def tenant_id(self) -> int:
        """The tenant, as the store calls it."""
        return self.hub.connection(self.name).tenant_id

    @property
    def states(self) -> dict[str, str]:
        """How far each key's newest record is."""
        return self.hub.states(self.name)


@dataclass(kw_only=True)
class Outbox:
    """An exporting connection and its folder."""

    hub: Hub
    folder: Path
    name: str

    @classmethod
    async def connect(
        cls,
        hub: Hub,
        folder: Path,
        *,
        name: str,
        tenant: str,
        delivery: JSON | None = None,
        **settings: Any,
    ) -> Outbox:
        """Exports managed categories, too."""
        _make(folder)
        told = {"url": str(folder), "tenant_id": "ABC", "store_id": "123", "categories": "all", **settings}
        file = {"connector": "merchstack-export", "settings": told, "delivery": delivery or {}}
        await hub.connect(file, name=name, tenant=tenant)
        return cls(hub=hub, folder=folder, name=name)

    async def run(self) -> None:
        """Export until there is nothing new."""
        await work_to_the_end(self.hub, self.name)

    def files(self) -> dict[str, list[JSON]]:
        """The records of every file, by its name."""
        return {
            path.name: [codec.loads(line) for line in path.read_bytes().splitlines()]
            for path in sorted(self.folder.glob("*.jsonl"))
        }

    def content(self) -> dict[tuple[str, str], JSON]:
        """The records of all files by type and key, without their metadata; none of them twice."""
        found: dict[tuple[str, str], JSON] = {}
        for records in self.files().values():
            for record in records:
                kind = record.pop("importMetaData")["recordType"]
                assert (kind, record["externalSystemId"]) not in found
                found[kind, record["externalSystemId"]] = record
        return found


def catalog_of(db: Database, tenant_id: int, kind: str) -> Mapping[str, JSON]:
    """Whole documents of one kind by key."""
    keys = [row["key"] for row in listing.listed(db, tenant_id, kind, limit=100_000)]
    with db.transaction() as tx:
        return documents.read(db, tx, tenant_id, kind, keys)


def everything(db: Database, tenant_id: int) -> dict[str, dict[str, JSON]]:
    """Key, identity and content of every row of a tenant's catalog, by kind."""
    left_out = {"changed_at", "gone_at"}
    return {
        kind: {
            row["key"]: {name: value for name, value in row.items() if name not in left_out}
            for row in listing.listed(db, tenant_id, kind, limit=100_000)
        }
        for kind in KINDS
    }


async def work_to_the_end(hub: Hub, name: str) -> None:
    """Poll, work and close groups until a page brings nothing new."""
    for _ in range(MANY):
        outcome = await hub.poll(name)
        assert outcome.result == "ok", outcome
        await hub.work_off(name)
        await close_groups(hub.runtime, hub.connection(name).id)
        if not outcome.news and not outcome.full:
            return
    raise AssertionError("it never ends")


def _make(folder: Path) -> None:
    folder.mkdir(exist_ok=True)


def _time_of(path: Path, name: str) -> int:
    return int(path.name.removesuffix(f"{name}.report.json").rstrip("-") or 0)
