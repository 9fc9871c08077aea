"""Prices that begin or end as time passes: changes that nobody writes."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from hub.catalog import Change, Changes
from hub.catalog.moments import microseconds
from hub.records import JSON
from hub.store.catalog import clock
from hub.store.database import Database


def prices_turned(
    db: Database, tx: Connection, tenant_id: int, *, after: JSON, until: datetime, limit: int
) -> Changes:
    """See ``hub.catalog.Catalog``. The cursor is the moment and the key behind which to go on."""
    end = microseconds(until)
    asked = {"at": end + 1, "key": ""}
    if not after or after["at"] > end:
        return Changes(changes=[], cursor=after or asked, full=False)
    rows = db.execute(
        tx,
        f"SELECT key, product, variant, at FROM ({_turned('begins_at')} UNION ALL {_turned('ends_at')}) AS turned "
        "ORDER BY at, key LIMIT :limit",
        tenant=tenant_id,
        at=after["at"],
        key=after["key"],
        until=end,
        limit=limit,
    ).all()
    # No change that was there to be read before has a later stamp, and all that come have one.
    stamp = f"{clock.horizon(db, tx) - 1:020d}"
    full = len(rows) >= limit
    return Changes(
        changes=[
            Change(kind="price", key=row.key, stamp=stamp, product=row.product, variant=row.variant)
            for row in rows
        ],
        cursor={"at": rows[-1].at, "key": rows[-1].key} if full else asked,
        full=full,
    )


def _turned(column: str) -> str:
    return (
        f"SELECT t.key, v.product_key AS product, t.variant_key AS variant, t.{column} AS at FROM catalog_price t "
        "JOIN catalog_variant v ON v.tenant_id = t.tenant_id AND v.key = t.variant_key AND v.gone_at IS NULL "
        f"WHERE t.tenant_id = :tenant AND (t.{column}, t.key) > (:at, :key) AND t.{column} <= :until "
        "AND t.gone_at IS NULL"
    )
