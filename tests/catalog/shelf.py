"""A tenant's catalog without connectors: written and read through the ports that plugins are handed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection

from hub.catalog import Change, Changes, Written, parse
from hub.records import JSON
from hub.store import connections
from hub.store.catalog import clock, owners
from hub.store.catalog.reader import StoredCatalog
from hub.store.catalog.tables import Entry
from hub.store.catalog.writer import OutdatedError, StoredCatalogWriter
from hub.store.database import Database
from hub.store.ledger.lock import lock

#: Seconds that transactions of other tests may stay open.
PATIENCE = 30.0

EVERY_KIND = ("product", "variant", "price", "stock", "category", "location", "customer")


class Shelf:
    """One tenant's catalog; its connections are known by name."""

    def __init__(self, db: Database, tenant: str, *names: str) -> None:
        self.db, self.tenant = db, tenant
        connections.add_tenant(db, tenant)
        self.ids = {name: self._connect(name) for name in names}

    def write(self, name: str, *bodies: JSON) -> Sequence[Written]:
        """Write entities as a connection, in one transaction, or in a second one where another writer was quicker."""
        try:
            with self.db.transaction() as tx:
                return self.write_within(tx, name, *bodies, hasty=True)
        except OutdatedError:
            with self.db.transaction() as tx:
                return self.write_within(tx, name, *bodies)

    def write_within(
        self, tx: Connection, name: str, *bodies: JSON, hasty: bool = False
    ) -> Sequence[Written]:
        """The same in a transaction of the caller's."""
        writer = self.writer(tx, name, hasty=hasty)
        written = writer.write([parse(body) for body in bodies])
        writer.carry_out()
        return written

    def writer(self, tx: Connection, name: str, *, hasty: bool = False) -> StoredCatalogWriter:
        """What a connection writes with."""
        connection = lock(self.db, tx, self.ids[name])
        return StoredCatalogWriter(
            db=self.db,
            tx=tx,
            tenant_id=connection.tenant_id,
            connection_id=connection.id,
            hasty=hasty,
        )

    def effects(self, name: str, *bodies: JSON) -> list[str]:
        """What became of each."""
        return [written.effect for written in self.write(name, *bodies)]

    def read(self, kind: str, key: str) -> JSON | None:
        """A document, or None."""
        found = asyncio.run(self.catalog("shop").read(kind, [key]))
        return found.get(key)

    def changes(
        self,
        name: str,
        *,
        after: JSON | None = None,
        kinds: Collection[str] = EVERY_KIND,
        others_are_open: bool = False,
        **options: Any,
    ) -> Changes:
        """What a connection hears of, once the transactions of other tests on the same server are over."""
        if not others_are_open:
            self._outlast_others()
        return asyncio.run(self.catalog(name).changes(kinds, after=after or {}, **options))

    def has_news(self, name: str, kinds: Collection[str], *, after: JSON) -> bool:
        """Whether a connection should read on."""
        return asyncio.run(self.catalog(name).has_news(kinds, after=after))

    def heard(self, name: str, *, after: JSON | None = None) -> set[tuple[str, str]]:
        """Kind and key of all that a connection hears of, page by page."""
        return {(one.kind, one.key) for one in self.all_changes(name, after=after)}

    def all_changes(self, name: str, *, after: JSON | None = None, limit: int = 2) -> Iterator[Change]:
        """Every change, read in small pages."""
        page = self.changes(name, after=after, limit=limit)
        yield from page.changes
        while page.full:
            page = self.changes(name, after=page.cursor, limit=limit)
            yield from page.changes

    def own(self, name: str, *parts: str) -> None:
        """Make a connection the system of record."""
        with self.db.transaction() as tx:
            self.own_within(tx, name, parts)

    def own_within(self, tx: Connection, name: str, parts: Sequence[str]) -> None:
        """The same in a transaction of the caller's."""
        tenant_id = lock(self.db, tx, self.ids[name]).tenant_id
        owners.claim(self.db, tx, tenant_id=tenant_id, connection_id=self.ids[name], parts=parts)

    def rows(self) -> dict[str, list[dict[str, Any]]]:
        """Every row of every table, as it stands."""
        tables = sorted(one.__tablename__ for one in Entry.__subclasses__())
        with self.db.transaction() as tx:
            return {
                table: [
                    dict(row._mapping)
                    for row in self.db.execute(tx, f"SELECT * FROM {table} ORDER BY tenant_id, key")
                ]
                for table in tables
            }

    @contextmanager
    def open_transaction(self) -> Iterator[Connection]:
        """A transaction that commits at the end of the block."""
        with self.db.transaction() as tx:
            yield tx

    def _outlast_others(self) -> None:
        with self.db.transaction() as tx:
            end = clock.end(self.db, tx)
        give_up = time.monotonic() + PATIENCE
        while time.monotonic() < give_up:
            with self.db.transaction() as tx:
                if clock.horizon(self.db, tx) >= end:
                    return
            time.sleep(0.01)
        raise AssertionError("a transaction of somebody else stayed open")

    def _connect(self, name: str) -> int:
        return connections.add_connection(
            self.db,
            tenant=self.tenant,
            name=name,
            connector="any",
            config={"destination": {"name": "catalog"}},
            credentials="",
            poll_target=None,
            streams=[],
            reports=False,
            polls=False,
        )

    def catalog(self, name: str) -> StoredCatalog:
        with self.db.transaction() as tx:
            tenant_id = lock(self.db, tx, self.ids[name]).tenant_id
        return StoredCatalog(self.db, tenant_id=tenant_id, connection_id=self.ids[name])
