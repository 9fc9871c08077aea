"""Reading and writing rows of one kind, a batch in a statement."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection

from hub import codec
from hub.store.catalog.kinds import KINDS, Kind
from hub.store.catalog.merge import Row
from hub.store.database import Database, rowset
from hub.store.rows import Locked


def load(db: Database, tx: Connection, tenant_id: int, kind: str, keys: Collection[str]) -> dict[str, Row]:
    """The rows of these keys, whether gone or not."""
    spec = KINDS[kind]
    if not keys:
        return {}
    columns = "".join(f", t.{name}" for name in spec.columns)
    found = db.execute(
        tx,
        f"SELECT t.key, t.content, t.sources, t.gone_at{columns} FROM {db.rows('keys', key='text')} "
        f"CROSS JOIN {spec.table} t WHERE t.tenant_id = :tenant AND t.key = v.key",
        keys=rowset([{"key": key} for key in keys]),
        tenant=tenant_id,
    )
    return {
        row.key: Row(
            content=codec.loads(row.content),
            sources=codec.loads(row.sources),
            identity={name: getattr(row, name) for name in spec.columns},
            gone=row.gone_at is not None,
            exists=True,
        )
        for row in found
    }


def store(
    db: Database,
    tx: Connection,
    connection: Locked,
    kind: str,
    rows: Mapping[str, tuple[Row, Mapping[str, Any]]],
    *,
    number: int,
) -> None:
    """Write rows, each with its columns, as changed by ``connection`` in the transaction ``number``."""
    if not rows:
        return
    db.execute(
        tx,
        _upsert(db, KINDS[kind]),
        tenant=connection.tenant_id,
        now=connection.now,
        number=number,
        me=connection.id,
        rows=rowset([_written(key, row, columns) for key, (row, columns) in rows.items()]),
    )


def note_sources(db: Database, tx: Connection, tenant_id: int, kind: str, rows: Mapping[str, Row]) -> None:
    """Somebody else gave the same content: kept, and no change that anybody follows."""
    if rows:
        db.execute(
            tx,
            f"UPDATE {KINDS[kind].table} SET sources = CAST(v.sources AS text) "
            f"FROM {db.rows('rows', key='text', sources='json')} "
            f"WHERE {KINDS[kind].table}.tenant_id = :tenant AND {KINDS[kind].table}.key = v.key",
            tenant=tenant_id,
            rows=rowset([{"key": key, "sources": row.sources} for key, row in rows.items()]),
        )


def _written(key: str, row: Row, columns: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "key": key,
        "content": msgspec.Raw(codec.dumps(row.content)),
        "sources": row.sources,
        "gone": row.gone,
        **columns,
    }


def _upsert(db: Database, kind: Kind) -> str:
    shape = {"key": "text", "content": "json", "sources": "json", "gone": "boolean", **kind.columns}
    own = "".join(f", {name}" for name in kind.columns)
    values = "".join(f", v.{name}" for name in kind.columns)
    update = "".join(f", {name} = excluded.{name}" for name in kind.columns)
    return (
        f"INSERT INTO {kind.table} AS t (tenant_id, key, content, sources, gone_at, created_at, changed_at, "
        f"changed_in, changed_by, changed_in_by_others{own}) "
        "SELECT :tenant, v.key, CAST(v.content AS text), CAST(v.sources AS text), CASE WHEN v.gone THEN :now END, "
        f":now, :now, :number, :me, 0{values} FROM {db.rows('rows', **shape)} WHERE true "
        "ON CONFLICT (tenant_id, key) DO UPDATE SET content = excluded.content, sources = excluded.sources, "
        "gone_at = excluded.gone_at, changed_at = excluded.changed_at, changed_in = excluded.changed_in, "
        "changed_by = excluded.changed_by, changed_in_by_others = CASE WHEN t.changed_by <> excluded.changed_by "
        f"THEN t.changed_in ELSE t.changed_in_by_others END{update}"
    )


def keys_of_variants(
    db: Database, tx: Connection, tenant_id: int, products: Sequence[str]
) -> dict[str, list[str]]:
    """The variants of these products that are there."""
    found: dict[str, list[str]] = {product: [] for product in products}
    if not products:
        return found
    for row in db.execute(
        tx,
        f"SELECT t.key, t.product_key FROM {db.rows('keys', key='text')} CROSS JOIN catalog_variant t "
        "WHERE t.tenant_id = :tenant AND t.product_key = v.key AND t.gone_at IS NULL",
        keys=rowset([{"key": product} for product in products]),
        tenant=tenant_id,
    ):
        found[row.product_key].append(row.key)
    return found
