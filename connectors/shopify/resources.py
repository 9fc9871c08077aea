"""What is read of a shop, resource by resource: by which documents, how much at a time, and what becomes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from connectors.shopify import mapping
from connectors.shopify.mapping import Shop, Warn
from hub.records import JSON

Bodies = Callable[[JSON, Shop, Warn], Iterator[JSON]]


@dataclass(frozen=True, kw_only=True)
class Resource:
    """``kind`` is the catalog's. ``page`` and ``changed`` are documents, the second one for what was updated.

    ``size`` objects are asked for at once; a single query may cost 1,000 points (facts, "Rate limits and errors").
    ``bulk`` is the document of its bulk operation, if it is ever read so.
    """

    name: str
    kind: str
    title: str
    page: str
    size: int
    one: str
    bodies: Bodies
    changed: str | None = None
    changed_size: int | None = None
    sorted_by_id: bool = True
    bulk: str | None = None


def _one(make: Callable[[JSON, Shop, Warn], JSON]) -> Bodies:
    def bodies(node: JSON, shop: Shop, warn: Warn) -> Iterator[JSON]:
        yield make(node, shop, warn)

    return bodies


def _stock(node: JSON, shop: Shop, _: Warn) -> Iterator[JSON]:
    """Of an inventory item with its variants, or of a variant with its item."""
    for variant in node.get("variants") or [node]:
        yield from mapping.stock(variant, variant.get("inventoryItem") or node, shop)


LOCATIONS: Final = Resource(
    name="locations",
    kind="location",
    title="Locations, as warehouses",
    page="locations_page",
    size=100,
    one="location",
    bodies=_one(lambda node, _shop, _warn: mapping.location(node)),
    sorted_by_id=False,
)
COLLECTIONS: Final = Resource(
    name="collections",
    kind="category",
    title="Collections, as categories",
    page="collections_page",
    changed="collections_page",
    size=100,
    one="collection",
    bodies=_one(mapping.collection),
    bulk="bulk_collections",
)
PRODUCTS: Final = Resource(
    name="products",
    kind="product",
    title="Products with their variants and media",
    page="products_page",
    changed="products_page",
    size=100,
    one="product",
    bodies=_one(mapping.product),
    bulk="bulk_products",
)
STOCK: Final = Resource(
    name="stock",
    kind="stock",
    title="Inventory levels, as stock by warehouse",
    page="stock_page",
    changed="stock_changed_page",
    size=250,
    changed_size=20,
    one="item_stock",
    bodies=_stock,
    sorted_by_id=False,
    bulk="bulk_stock",
)
CUSTOMERS: Final = Resource(
    name="customers",
    kind="customer",
    title="Customers",
    page="customers_page",
    changed="customers_page",
    size=250,
    one="customer",
    bodies=_one(lambda node, shop, _warn: mapping.customer(node, shop)),
    bulk="bulk_customers",
)

#: By name, in the order in which they are read.
ALL: Final[Mapping[str, Resource]] = {
    one.name: one for one in (LOCATIONS, COLLECTIONS, PRODUCTS, STOCK, CUSTOMERS)
}
#: Those that bulk operations are for.
BULK: Final[Sequence[str]] = tuple(one.name for one in ALL.values() if one.bulk)


def read_anew(gid: str, **more: Any) -> JSON:
    """A payload that only names what changed: it is read when the record is worked."""
    return {"read": gid, **more}


def names_only(payload: JSON) -> bool:
    """Whether a payload is one of those."""
    return "read" in payload
