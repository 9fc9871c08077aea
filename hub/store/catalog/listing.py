"""The catalog as people look at it: lists by key, one thing with all that is known of it, and counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row

from hub import codec
from hub.records import JSON
from hub.store.catalog import documents
from hub.store.catalog.keys import found_by
from hub.store.catalog.kinds import KINDS
from hub.store.catalog.tree import ancestry
from hub.store.database import Database, as_dict, rowset

#: What columns are called in the shapes, where they stand beside the content.
_IDENTITY: Mapping[str, Mapping[str, str]] = {
    "variant": {"product": "product_key"},
    "price": {
        "variant": "variant_key",
        "price_kind": "kind",
        "currency": "currency",
        "valid_from": "valid_from",
    },
    "stock": {"variant": "variant_key", "location": "location_key"},
}

#: What a list can be narrowed down by; where deleted ones are listed, deleted variants count as well.
_FILTERS: Mapping[str, str] = {
    "sku": (
        "t.key IN (SELECT v.product_key FROM catalog_variant v WHERE v.tenant_id = :tenant AND v.sku = :sku "
        "AND (v.gone_at IS NULL OR :gone))"
    ),
    "variant": "t.variant_key = :variant",
    "location": "t.location_key = :location",
    "currency": "t.currency = :currency",
    "out_of_stock": "(t.on_hand <= coalesce(t.threshold, 0)) = :out_of_stock",
}

#: By database, since JSON is asked in another way.
_CATEGORY: Mapping[bool, str] = {
    True: (
        # A product whose categories were cleared has null there, which has no elements to be told.
        "EXISTS (SELECT 1 FROM json_array_elements_text(CASE json_typeof(CAST(t.content AS json) -> 'categories') "
        "WHEN 'array' THEN CAST(t.content AS json) -> 'categories' END) AS named(key) WHERE named.key = :category)"
    ),
    False: "EXISTS (SELECT 1 FROM json_each(t.content, '$.categories') AS named WHERE named.value = :category)",
}

#: When the variant went that a price or a stock level is of; one that was never there has not gone.
_VARIANT_GONE_AT = (
    "(SELECT v.gone_at FROM catalog_variant v WHERE v.tenant_id = t.tenant_id AND v.key = t.variant_key)"
)

_VARIANTS = (
    ", (SELECT count(*) FROM catalog_variant v WHERE v.tenant_id = t.tenant_id AND v.product_key = t.key "
    "AND v.gone_at IS NULL) AS variants"
)


def listed(
    db: Database,
    tenant_id: int,
    kind: str,
    *,
    after: str = "",
    limit: int = 50,
    gone: bool = False,
    filters: Mapping[str, Any] | None = None,
) -> Sequence[JSON]:
    """A tenant's entities by key, from behind the key ``after`` on; with ``gone`` also deleted ones, and prices and stock
    of deleted variants.

    ``filters`` are some of sku and category (products), variant and location and out_of_stock (stock), variant and
    currency (prices); those that are None are left out. Each row has ``key``, what identifies it, ``content``,
    ``changed_at`` and ``gone_at`` (microseconds; its variant's, where only that is gone); a product also how many ``variants`` it has.
    """
    given = {name: value for name, value in (filters or {}).items() if value is not None}
    conditions = "".join(
        f" AND {_CATEGORY[db.postgres] if name == 'category' else _FILTERS[name]}" for name in given
    )
    gone_at = (
        f"coalesce(t.gone_at, {_VARIANT_GONE_AT})" if "variant_key" in KINDS[kind].columns else "t.gone_at"
    )
    with db.transaction() as tx:
        rows = db.execute(
            tx,
            f"SELECT {_columns(kind, gone_at)}{_VARIANTS if kind == 'product' else ''} FROM {KINDS[kind].table} t "
            f"WHERE t.tenant_id = :tenant AND t.key > :after AND ({gone_at} IS NULL OR :gone){conditions} ORDER BY t.key LIMIT :limit",
            tenant=tenant_id,
            after=after,
            limit=limit,
            gone=gone,
            **given,
        )
        return [_line(kind, row) for row in rows]


def shown(db: Database, tenant_id: int, kind: str, key: str) -> JSON | None:
    """One entity: its whole ``document``, who gave what of it (``sources``), who changed it last and when.

    A product has its variants, prices and stock in the document, and where those came from under ``parts``. What is
    gone is shown as it was. None where the tenant never had such a thing.
    """
    with db.transaction() as tx:
        rows = _rows(db, tx, tenant_id, kind, "key", [key])
        if not rows:
            return None
        row = rows[0]
        names = _connections(db, tx, tenant_id)
        document = documents.read(db, tx, tenant_id, kind, [key]).get(key) or _as_it_was(kind, row)
        parts = _parts(db, tx, tenant_id, key) if kind == "product" and row.gone_at is None else []
        return {
            "kind": kind,
            "key": key,
            "gone_at": row.gone_at,
            "created_at": row.created_at,
            **_origin(row, names),
            "unresolved_categories": _unresolved(db, tx, tenant_id, document),
            "document": document,
            "parts": [{"kind": name, "key": part.key, **_origin(part, names)} for name, part in parts],
        }


def counts(db: Database, tenant_id: int) -> Sequence[JSON]:
    """By kind how many are there, how many are gone, and when one changed last (microseconds, or None)."""
    each = (
        f"SELECT '{kind.name}' AS kind, count(*) - count(gone_at) AS there, count(gone_at) AS gone, "
        f"max(changed_at) AS changed_at FROM {kind.table} WHERE tenant_id = :tenant"
        for kind in KINDS.values()
    )
    with db.transaction() as tx:
        rows = [as_dict(row) for row in db.execute(tx, " UNION ALL ".join(each), tenant=tenant_id)]
    return sorted(rows, key=lambda row: list(KINDS).index(row["kind"]))


def owned(db: Database, tenant_id: int) -> Mapping[str, str]:
    """By part the name of the connection that is its system of record; parts that nobody owns are left out."""
    with db.transaction() as tx:
        rows = db.execute(
            tx,
            "SELECT o.part, c.name FROM catalog_owner o JOIN connection c ON c.id = o.connection_id "
            "AND c.tenant_id = o.tenant_id WHERE o.tenant_id = :tenant ORDER BY o.part",
            tenant=tenant_id,
        )
        return {row.part: row.name for row in rows}


def _columns(kind: str, gone_at: str = "t.gone_at") -> str:
    own = "".join(f", t.{name}" for name in KINDS[kind].columns)
    return f"t.key, t.content, t.sources, {gone_at} AS gone_at, t.created_at, t.changed_at, t.changed_by{own}"


def _line(kind: str, row: Row[Any]) -> JSON:
    more = {"variants": row.variants} if kind == "product" else {}
    return {
        "key": row.key,
        **_identity(kind, row),
        **more,
        "content": codec.loads(row.content),
        "changed_at": row.changed_at,
        "gone_at": row.gone_at,
    }


def _identity(kind: str, row: Row[Any]) -> JSON:
    return {name: getattr(row, column) for name, column in _IDENTITY.get(kind, {}).items()}


def _as_it_was(kind: str, row: Row[Any]) -> JSON:
    identity = {name: value for name, value in _identity(kind, row).items() if value is not None}
    return {"kind": kind, "key": row.key, **codec.loads(row.content), **identity}


def _rows(
    db: Database, tx: Connection, tenant_id: int, kind: str, column: str, keys: Sequence[str]
) -> Sequence[Row[Any]]:
    return db.execute(
        tx,
        f"SELECT {_columns(kind)} FROM {found_by(db, KINDS[kind].table, column)} ORDER BY t.key",
        keys=rowset([{"key": key} for key in keys]),
        tenant=tenant_id,
    ).all()


def _parts(db: Database, tx: Connection, tenant_id: int, product: str) -> Sequence[tuple[str, Row[Any]]]:
    """A product's variants, and their prices and stock, that are there."""
    variants = _rows(db, tx, tenant_id, "variant", "product_key", [product])
    keys = [row.key for row in variants if row.gone_at is None]
    found = {"variant": variants} | {
        kind: _rows(db, tx, tenant_id, kind, "variant_key", keys) for kind in ("price", "stock")
    }
    return [(kind, row) for kind, rows in found.items() for row in rows if row.gone_at is None]


def _connections(db: Database, tx: Connection, tenant_id: int) -> Mapping[int, str]:
    rows = db.execute(tx, "SELECT id, name FROM connection WHERE tenant_id = :tenant", tenant=tenant_id)
    return {row.id: row.name for row in rows}


def _origin(row: Row[Any], names: Mapping[int, str]) -> JSON:
    """Whose the last change is, and by connection what it gave; one that was removed since has no name."""
    return {
        "changed_at": row.changed_at,
        "changed_by": names.get(row.changed_by),
        "sources": [
            {"connection": names.get(int(connection)), **source}
            for connection, source in codec.loads(row.sources).items()
        ],
    }


def _unresolved(db: Database, tx: Connection, tenant_id: int, document: JSON) -> Sequence[str]:
    """Categories that it names and nobody knows (yet)."""
    above = document.get("parent") if document["kind"] == "category" else None
    named = [*([] if above is None else [above]), *(document.get("categories") or [])]
    known = ancestry(db, tx, tenant_id, sorted(set(named))) if named else {}
    return [key for key in named if key not in known]
