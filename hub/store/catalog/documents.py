"""Whole documents of the catalog, put together from their rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, Row

from hub import codec
from hub.records import JSON
from hub.store.catalog.keys import found_by
from hub.store.catalog.kinds import KINDS
from hub.store.catalog.tree import MAX_DEPTH, ancestry
from hub.store.database import Database, rowset


def read(
    db: Database, tx: Connection, tenant_id: int, kind: str, keys: Collection[str]
) -> Mapping[str, JSON]:
    """By key, in the shapes of ``hub.catalog.shapes``; what is gone or unknown is left out."""
    found = {row.key: _document(kind, row) for row in _rows(db, tx, tenant_id, kind, "key", keys)}
    if kind == "product":
        _add_variants(db, tx, tenant_id, found)
    if kind == "variant":
        _add_offers(db, tx, tenant_id, found)
    if kind == "category":
        _add_paths(db, tx, tenant_id, found)
    return found


def _add_variants(db: Database, tx: Connection, tenant_id: int, products: Mapping[str, JSON]) -> None:
    variants: dict[str, JSON] = {}
    for product in products.values():
        product["variants"] = []
    for row in _rows(db, tx, tenant_id, "variant", "product_key", products):
        variants[row.key] = document = {"key": row.key, **codec.loads(row.content)}
        products[row.product_key]["variants"].append(document)
    _add_offers(db, tx, tenant_id, variants)
    _add_gone_variants(db, tx, tenant_id, products)
    for product in products.values():
        product["variants"].sort(key=lambda one: (one.get("position") or 0, one["key"]))


def _add_gone_variants(db: Database, tx: Connection, tenant_id: int, products: Mapping[str, JSON]) -> None:
    """What is left of them to those who know them: who wants to take them away elsewhere needs no more."""
    gone = db.execute(
        tx,
        f"SELECT t.key, t.sku, t.product_key FROM {found_by(db, 'catalog_variant', 'product_key')} "
        "WHERE t.gone_at IS NOT NULL",
        keys=rowset([{"key": key} for key in products]),
        tenant=tenant_id,
    )
    for row in sorted(gone, key=attrgetter("key")):
        sku = {} if row.sku is None else {"sku": row.sku}
        products[row.product_key].setdefault("gone_variants", []).append({"key": row.key, **sku})


def _add_offers(db: Database, tx: Connection, tenant_id: int, variants: Mapping[str, JSON]) -> None:
    """What each variant costs, and how many there are."""
    for name in ("price", "stock"):
        offers: dict[str, list[JSON]] = defaultdict(list)
        for row in _rows(db, tx, tenant_id, name, "variant_key", variants):
            offers[row.variant_key].append(_offer(name, row))
        for key, variant in variants.items():
            variant["prices" if name == "price" else "stock"] = offers[key]


def _add_paths(db: Database, tx: Connection, tenant_id: int, categories: Mapping[str, JSON]) -> None:
    parents = ancestry(db, tx, tenant_id, sorted(categories))
    for key, category in categories.items():
        path = [key]
        while (above := parents.get(path[0])) is not None and len(path) < MAX_DEPTH:
            path.insert(0, above)
        category["path"] = path


def _rows(
    db: Database, tx: Connection, tenant_id: int, kind: str, column: str, keys: Collection[str]
) -> list[Row[Any]]:
    spec = KINDS[kind]
    columns = "".join(f", t.{name}" for name in spec.columns)
    return sorted(
        db.execute(
            tx,
            f"SELECT t.key, t.content{columns} FROM {found_by(db, spec.table, column)} WHERE t.gone_at IS NULL",
            keys=rowset([{"key": key} for key in keys]),
            tenant=tenant_id,
        ),
        key=attrgetter("key"),
    )


def _document(kind: str, row: Row[Any]) -> JSON:
    document: JSON = {"kind": kind, "key": row.key, **codec.loads(row.content)}
    if kind == "price":
        return {**document, "variant": row.variant_key, "price_kind": row.kind, **_terms(row)}
    if kind == "stock":
        return {**document, "variant": row.variant_key, "location": row.location_key}
    return {**document, "product": row.product_key} if kind == "variant" else document


def _offer(kind: str, row: Row[Any]) -> JSON:
    content: JSON = codec.loads(row.content)
    if kind == "stock":
        return {"location": row.location_key, **content}
    return {"kind": row.kind, **_terms(row), **content}


def _terms(row: Row[Any]) -> JSON:
    valid_from = {} if row.valid_from is None else {"valid_from": row.valid_from}
    return {"currency": row.currency, **valid_from}
