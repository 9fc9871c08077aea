"""Reading and writing rows of one kind, a batch in a statement."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from hub import codec
from hub.store.catalog.columns import columns_of
from hub.store.catalog.keys import found_by
from hub.store.catalog.kinds import KINDS, Kind
from hub.store.catalog.merge import Row
from hub.store.database import Database, rowset
from hub.store.together import Statement, statement

#: The columns of every kind but ``changed_in``, which is known last.
_COLUMNS = (
    "tenant_id",
    "key",
    "content",
    "sources",
    "created_at",
    "changed_at",
    "changed_by",
    "changed_in_by_others",
    "gone_at",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Stamp:
    """Who writes, and when."""

    tenant_id: int
    connection_id: int
    now: int


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


def asking_versions(db: Database, tenant_id: int, kind: str, keys: Collection[str]) -> Statement:
    """Asks for the versions of those of these rows that are there: all that is left to read of what was read before."""
    return statement(
        f"SELECT t.key, {_version(db)} AS version FROM {found_by(db, KINDS[kind].table, 'key')}",
        keys=rowset([{"key": key} for key in keys]),
        tenant=tenant_id,
    )


def insertable(stamp: Stamp, kind: str, rows: Mapping[str, Row]) -> Sequence[Sequence[Any]]:
    """What ``insert`` takes."""
    me, now, others = stamp.connection_id, stamp.now, 0
    contents = codec.lines([row.content for row in rows.values()])
    sources = codec.lines([row.sources for row in rows.values()])
    return [
        (
            stamp.tenant_id,
            key,
            content,
            given,
            now,
            now,
            me,
            others,
            now if row.gone else None,
            *columns_of(kind, row),
        )
        for (key, row), content, given in zip(rows.items(), contents, sources, strict=True)
    ]


def insert(db: Database, tx: Connection, kind: str, rows: Sequence[Sequence[Any]], number: int) -> None:
    """Write rows that are not there."""
    if rows:
        spec = KINDS[kind]
        columns = (*_COLUMNS, *spec.columns, "changed_in")
        db.insert_new(tx, spec.table, columns, [(*row, number) for row in rows])


def updatable(kind: str, rows: Mapping[str, Row]) -> str | None:
    """What ``update`` takes."""
    names = KINDS[kind].columns
    new = [
        {
            "key": key,
            "content": row.content,
            "sources": row.sources,
            "gone": row.gone,
            **dict(zip(names, columns_of(kind, row), strict=True)),
        }
        for key, row in rows.items()
    ]
    return rowset(new) if new else None


def update(db: Database, tx: Connection, stamp: Stamp, kind: str, rows: str | None, number: int) -> None:
    """Write rows that are there."""
    if rows is not None:
        db.execute(
            tx,
            _update(db, KINDS[kind]),
            tenant=stamp.tenant_id,
            now=stamp.now,
            number=number,
            me=stamp.connection_id,
            rows=rows,
        )


def touch(db: Database, tx: Connection, stamp: Stamp, kind: str, keys: Sequence[str], number: int) -> None:
    """Rows whose content stays, and of which something else has changed that followers want to know."""
    if keys:
        db.execute(
            tx,
            f"UPDATE {KINDS[kind].table} SET changed_at = :now, changed_in_by_others = CASE WHEN changed_by <> :me "
            "THEN changed_in ELSE changed_in_by_others END, changed_in = :number, changed_by = :me "
            f"WHERE tenant_id = :tenant AND key IN (SELECT v.key FROM {db.rows('keys', key='text')})",
            tenant=stamp.tenant_id,
            now=stamp.now,
            number=number,
            me=stamp.connection_id,
            keys=rowset([{"key": key} for key in keys]),
        )


def notable(rows: Mapping[str, Row]) -> str | None:
    """What ``note_sources`` takes."""
    return rowset([{"key": key, "sources": row.sources} for key, row in rows.items()]) if rows else None


def note_sources(db: Database, tx: Connection, stamp: Stamp, kind: str, rows: str | None) -> None:
    """Somebody else gave the same content: kept, and no change that anybody follows."""
    if rows is not None:
        db.execute(
            tx,
            f"UPDATE {KINDS[kind].table} SET sources = CAST(v.sources AS text) "
            f"FROM {db.batch('rows', key='text', sources='json')} "
            f"WHERE {KINDS[kind].table}.tenant_id = :tenant AND {KINDS[kind].table}.key = v.key",
            tenant=stamp.tenant_id,
            rows=rows,
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
    (rows,) = db.together(tx, asking_variants(db, tenant_id, products)) if products else ((),)
    return variants_by_product(products, rows)


def asking_variants(db: Database, tenant_id: int, products: Collection[str]) -> Statement:
    """Asks for what ``variants_by_product`` takes."""
    return statement(
        f"SELECT t.key, t.product_key FROM {found_by(db, 'catalog_variant', 'product_key')} WHERE t.gone_at IS NULL",
        keys=rowset([{"key": product} for product in products]),
        tenant=tenant_id,
    )


def variants_by_product(products: Collection[str], rows: Iterable[Any]) -> dict[str, list[str]]:
    """The keys of the variants of each product, in the order of the database."""
    found: dict[str, list[str]] = {product: [] for product in products}
    for row in rows:
        found[row.product_key].append(row.key)
    return found
