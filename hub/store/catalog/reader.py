"""Reading the catalog and following its changes: ``hub.catalog.Catalog``, bound to a connection and its tenant."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row

from hub import codec
from hub.catalog import Change, Changes
from hub.errors import ConfigurationError
from hub.excerpt import excerpt
from hub.records import JSON
from hub.store.catalog import clock, documents, turning
from hub.store.catalog.keys import found_by
from hub.store.catalog.kinds import KINDS, Kind
from hub.store.catalog.watch import LAST, StoredWatch, places, question, standing
from hub.store.database import Database, rowset

#: How long a reader waits for what cannot be told yet, and how often it looks, in seconds.
_PATIENCE, _LOOK_EVERY = 1.0, 0.02

#: A time that will not come.
_NEVER = 2**62

#: How a row leads to the product and the variant that it belongs to.
_OWNERS = {
    "product": ("t.key", "NULL", ""),
    "variant": ("t.product_key", "t.key", ""),
    "price": (
        "v.product_key",
        "t.variant_key",
        "LEFT JOIN catalog_variant v ON v.tenant_id = t.tenant_id AND v.key = t.variant_key",
    ),
    "stock": (
        "v.product_key",
        "t.variant_key",
        "LEFT JOIN catalog_variant v ON v.tenant_id = t.tenant_id AND v.key = t.variant_key",
    ),
}


class StoredCatalog:
    """One tenant's catalog. ``connection_id`` is who reads: what only it has changed is no news to it."""

    def __init__(self, db: Database, *, tenant_id: int, connection_id: int) -> None:
        self._db, self._tenant_id, self._connection_id = db, tenant_id, connection_id

    async def changes(
        self, kinds: Collection[str], *, after: JSON, limit: int = 500, counterpart: str | None = None
    ) -> Changes:
        """See ``hub.catalog.Catalog``. Raises ``ConfigurationError`` for a counterpart that is unknown or brings nothing.

        What has been written while an older transaction is under way, wherever in the database server, cannot be told
        yet: it is waited for, for a moment.
        """
        give_up = time.monotonic() + _PATIENCE
        while True:
            page, held_back = await self._db.run(self._changes, kinds, after, limit, counterpart)
            if page.full or not held_back or time.monotonic() > give_up:
                return page
            await asyncio.sleep(_LOOK_EVERY)

    async def has_news(self, kinds: Collection[str], *, after: JSON) -> bool:
        """See ``hub.catalog.Catalog``."""
        return bool(await self._db.glance(question(kinds), tenant=self._tenant_id, **places(kinds, after)))

    def watch(self, kinds: Collection[str]) -> StoredWatch:
        """See ``hub.catalog.Catalog``."""
        return StoredWatch(self._db, tenant_id=self._tenant_id, kinds=kinds)

    async def prices_turned(self, *, after: JSON, until: datetime, limit: int = 500) -> Changes:
        """See ``hub.catalog.Catalog``."""
        return await self._db.run(self._prices_turned, after, until, limit)

    async def read(self, kind: str, keys: Collection[str]) -> Mapping[str, JSON]:
        """See ``hub.catalog.Catalog``."""
        return await self._db.run(self._read, kind, keys)

    async def known(self, kind: str, keys: Collection[str]) -> Collection[str]:
        """See ``hub.catalog.Catalog``."""
        return await self._db.run(self._known, kind, keys)

    async def given(
        self, kind: str, *, after: str = "", limit: int = 500, before: datetime | None = None
    ) -> Sequence[str]:
        """See ``hub.catalog.Catalog``."""
        return await self._db.run(self._given, kind, after, limit, before)

    def _changes(
        self, kinds: Collection[str], after: JSON, limit: int, counterpart: str | None
    ) -> tuple[Changes, bool]:
        """Kind by kind, each with a place of its own in the cursor, until the page is full; and whether more is there
        that cannot be told yet.
        """
        with self._db.transaction() as tx:
            own = self._connection_id if counterpart is None else self._named(tx, counterpart)
            horizon, end = clock.horizon(self._db, tx), clock.end(self._db, tx)
            cursor = {kind: place for kind, place in after.items() if place[0] < end}
            found: list[Change] = []
            for kind in sorted(kinds, key=list(KINDS).index):
                place = cursor.get(kind, (0, ""))
                rows = self._page(tx, KINDS[kind], place, limit - len(found), horizon, own)
                found += (_change(kind, row) for row in rows)
                full = len(found) >= limit
                if rows or kind in cursor:
                    cursor[kind] = standing(rows[-1].place, rows[-1].key, full) if rows else [*place[:2]]
                if full:
                    break
            held_back = any(self._held_back(tx, KINDS[kind], horizon) for kind in kinds)
        return Changes(changes=found, cursor=cursor, full=len(found) >= limit), held_back

    def _held_back(self, tx: Connection, kind: Kind, horizon: int) -> bool:
        look = f"SELECT {LAST.format(kind.table)} >= :horizon"
        return bool(self._db.execute(tx, look, tenant=self._tenant_id, horizon=horizon).scalar_one())

    def _page(
        self, tx: Connection, kind: Kind, place: Sequence[Any], limit: int, horizon: int, own: int
    ) -> Sequence[Row[Any]]:
        """By the last change of anybody but ``own``: for rows that it changed itself, the last one before that."""
        product, variant, join = _OWNERS.get(kind.name, ("NULL", "NULL", ""))
        columns = f"t.key, t.gone_at, {product} AS product, {variant} AS variant"
        branches = (
            (
                f"SELECT {columns}, t.changed_in AS place FROM {kind.table} t {join} WHERE t.tenant_id = :tenant "
                "AND (t.changed_in, t.key) > (:number, :key) AND t.changed_in < :horizon AND t.changed_by <> :own"
            ),
            (
                f"SELECT {columns}, t.changed_in_by_others AS place FROM {kind.table} t {join} WHERE t.tenant_id = :tenant "
                "AND t.changed_in > :number AND t.changed_by = :own AND t.changed_in_by_others > 0 "
                "AND (t.changed_in_by_others, t.key) > (:number, :key) AND t.changed_in_by_others < :horizon"
            ),
        )
        return self._db.execute(
            tx,
            f"SELECT key, gone_at, product, variant, place FROM ({' UNION ALL '.join(branches)}) AS changed "
            "ORDER BY place, key LIMIT :limit",
            tenant=self._tenant_id,
            number=place[0],
            key=place[1],
            horizon=horizon,
            own=own,
            limit=limit,
        ).all()

    def _named(self, tx: Connection, name: str) -> int:
        found = self._db.execute(
            tx,
            "SELECT id, config FROM connection WHERE name = :name AND tenant_id = :tenant",
            name=name,
            tenant=self._tenant_id,
        ).one_or_none()
        if found is None:
            raise ConfigurationError(
                f"there is no connection {excerpt(name)} of this tenant; add it first, or correct the name",
                field="settings.counterpart",
            )
        if codec.loads(found.config).get("destination") is None:
            raise ConfigurationError(
                f"{excerpt(name)} has no [destination], so it changes nothing in the catalog that could be left out; "
                "name the connection that imports, or leave the setting out",
                field="settings.counterpart",
            )
        return int(found.id)

    def _prices_turned(self, after: JSON, until: datetime, limit: int) -> Changes:
        with self._db.transaction() as tx:
            return turning.prices_turned(self._db, tx, self._tenant_id, after=after, until=until, limit=limit)

    def _read(self, kind: str, keys: Collection[str]) -> Mapping[str, JSON]:
        with self._db.transaction() as tx:
            return documents.read(self._db, tx, self._tenant_id, kind, _possible(keys))

    def _known(self, kind: str, keys: Collection[str]) -> Collection[str]:
        with self._db.transaction() as tx:
            rows = self._db.execute(
                tx,
                f"SELECT t.key FROM {found_by(self._db, KINDS[kind].table, 'key')} WHERE t.gone_at IS NULL",
                keys=rowset([{"key": key} for key in _possible(keys)]),
                tenant=self._tenant_id,
            )
            return {row.key for row in rows}

    def _given(self, kind: str, after: str, limit: int, before: datetime | None) -> Sequence[str]:
        mine = (
            "CAST(t.sources AS json) -> :source IS NOT NULL"
            if self._db.postgres
            else "json_type(t.sources, '$.' || json_quote(:source)) IS NOT NULL"
        )
        with self._db.transaction() as tx:
            rows = self._db.execute(
                tx,
                f"SELECT t.key FROM {KINDS[kind].table} t WHERE t.tenant_id = :tenant AND t.key > :after "
                f"AND t.gone_at IS NULL AND t.changed_at < :before AND {mine} ORDER BY t.key LIMIT :limit",
                tenant=self._tenant_id,
                before=_NEVER if before is None else round(before.timestamp() * 1_000_000),
                after=after,
                source=str(self._connection_id),
                limit=limit,
            )
            return [row.key for row in rows]


def _change(kind: str, row: Row[Any]) -> Change:
    return Change(
        kind=kind,
        key=row.key,
        stamp=f"{row.place:020d}",
        product=row.product,
        variant=row.variant,
        gone=row.gone_at is not None,
    )


def _possible(keys: Collection[str]) -> Collection[str]:
    """Those that a key can be: PostgreSQL refuses a whole question for one NUL in it, and who asks may be anybody."""
    return [key for key in keys if "\x00" not in key]
