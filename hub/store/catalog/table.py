"""Reading and writing rows of one kind, a batch in a statement."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from hub import codec
from hub.store.catalog.keys import found_by
from hub.store.catalog.kinds import KINDS, Kind
from hub.store.catalog.merge import Row
from hub.store.database import Database, rowset

#: A row, and the columns beside its content.
Written = tuple[Row, Mapping[str, Any]]

_COLUMNS = (
    "tenant_id",
    "key",
    "content",
    "sources",
    "created_at",
    "changed_at",
    "changed_in",
    "changed_by",
    "changed_in_by_others",
    "gone_at",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Stamp:
    """Who writes, when, and in which transaction."""

    tenant_id: int
    connection_id: int
    now: int
    number: int


def load(db: Database, tx: Connection, tenant_id: int, kind: str, keys: Collection[str]) -> dict[str, Row]:
    """The rows of these keys, whether gone or not."""
    spec = KINDS[kind]
    if not keys:
        return {}
    columns = "".join(f", t.{name}" for name in spec.columns)
    found = db.execute(
        tx,
        f"SELECT t.key, t.content, t.sources, t.gone_at, {_version(db)} AS version{columns} "
        f"FROM {found_by(db, spec.table, 'key')}",
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
            version=row.version,
        )
        for row in found
    }


def versions(
    db: Database, tx: Connection, tenant_id: int, kind: str, keys: Collection[str]
) -> dict[str, str]:
    """The versions of those of these rows that are there: all that is left to read of what was read before."""
    found = db.execute(
        tx,
        f"SELECT t.key, {_version(db)} AS version FROM {found_by(db, KINDS[kind].table, 'key')}",
        keys=rowset([{"key": key} for key in keys]),
        tenant=tenant_id,
    )
    return {row.key: row.version for row in found}


def insert(db: Database, tx: Connection, stamp: Stamp, kind: str, rows: Mapping[str, Written]) -> None:
    """Write rows whose keys nobody has written yet; the lock on the tenant keeps it so."""
    if not rows:
        return
    spec = KINDS[kind]
    now, others = stamp.now, 0
    db.insert_new(
        tx,
        spec.table,
        (*_COLUMNS, *spec.columns),
        [
            (
                stamp.tenant_id,
                key,
                codec.dumps(row.content).decode(),
                codec.dumps(row.sources).decode(),
                now,
                now,
                stamp.number,
                stamp.connection_id,
                others,
                now if row.gone else None,
                *(columns[name] for name in spec.columns),
            )
            for key, (row, columns) in rows.items()
        ],
    )


def update(db: Database, tx: Connection, stamp: Stamp, kind: str, rows: Mapping[str, Written]) -> None:
    """Write rows that are there."""
    if not rows:
        return
    db.execute(
        tx,
        _update(db, KINDS[kind]),
        tenant=stamp.tenant_id,
        now=stamp.now,
        number=stamp.number,
        me=stamp.connection_id,
        rows=rowset(
            [
                {"key": key, "content": row.content, "sources": row.sources, "gone": row.gone, **columns}
                for key, (row, columns) in rows.items()
            ]
        ),
    )


def touch(db: Database, tx: Connection, stamp: Stamp, kind: str, keys: Sequence[str]) -> None:
    """Rows whose content stays, and of which something else has changed that followers want to know."""
    db.execute(
        tx,
        f"UPDATE {KINDS[kind].table} SET changed_at = :now, changed_in_by_others = CASE WHEN changed_by <> :me "
        "THEN changed_in ELSE changed_in_by_others END, changed_in = :number, changed_by = :me "
        f"WHERE tenant_id = :tenant AND key IN (SELECT v.key FROM {db.rows('keys', key='text')})",
        tenant=stamp.tenant_id,
        now=stamp.now,
        number=stamp.number,
        me=stamp.connection_id,
        keys=rowset([{"key": key} for key in keys]),
    )


def note_sources(db: Database, tx: Connection, tenant_id: int, kind: str, rows: Mapping[str, Row]) -> None:
    """Somebody else gave the same content: kept, and no change that anybody follows."""
    if rows:
        db.execute(
            tx,
            f"UPDATE {KINDS[kind].table} SET sources = CAST(v.sources AS text) "
            f"FROM {db.batch('rows', key='text', sources='json')} "
            f"WHERE {KINDS[kind].table}.tenant_id = :tenant AND {KINDS[kind].table}.key = v.key",
            tenant=tenant_id,
            rows=rowset([{"key": key, "sources": row.sources} for key, row in rows.items()]),
        )


def _update(db: Database, kind: Kind) -> str:
    shape = {"key": "text", "content": "json", "sources": "json", "gone": "boolean", **kind.columns}
    own = "".join(f", {name} = v.{name}" for name in kind.columns)
    return (
        f"UPDATE {kind.table} AS t SET content = CAST(v.content AS text), sources = CAST(v.sources AS text), "
        "gone_at = CASE WHEN v.gone THEN :now END, changed_at = :now, changed_in = :number, changed_by = :me, "
        "changed_in_by_others = CASE WHEN t.changed_by <> :me THEN t.changed_in ELSE t.changed_in_by_others END"
        f"{own} FROM {db.batch('rows', **shape)} WHERE t.tenant_id = :tenant AND t.key = v.key"
    )


def _version(db: Database) -> str:
    """PostgreSQL notes by which transaction a row was written; on SQLite nobody else writes meanwhile."""
    return "CAST(t.xmin AS text)" if db.postgres else "''"


def keys_of_variants(
    db: Database, tx: Connection, tenant_id: int, products: Sequence[str]
) -> dict[str, list[str]]:
    """The variants of these products that are there."""
    found: dict[str, list[str]] = {product: [] for product in products}
    if not products:
        return found
    for row in db.execute(
        tx,
        f"SELECT t.key, t.product_key FROM {found_by(db, 'catalog_variant', 'product_key')} WHERE t.gone_at IS NULL",
        keys=rowset([{"key": product} for product in products]),
        tenant=tenant_id,
    ):
        found[row.product_key].append(row.key)
    return found
