"""The shop: generated objects under what was changed in them, and how they hang together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from connectors.shopify.simulator import ids
from connectors.shopify.simulator.clock import Clock
from connectors.shopify.simulator.listing import Listing, Nested, Numbered, Sorted
from connectors.shopify.simulator.media import media_stub, product_media
from connectors.shopify.simulator.options import Options
from connectors.shopify.simulator.overlay import Overlay, Table
from connectors.shopify.simulator.people import base_customer, customer_time
from connectors.shopify.simulator.places import (
    base_collection,
    base_location,
    by_condition,
    collection_parents,
    collection_time,
    location_time,
)
from connectors.shopify.simulator.products import (
    base_item,
    base_product,
    base_variant,
    product_time,
    variant_count,
    variant_number,
)
from connectors.shopify.simulator.search import Search
from connectors.shopify.simulator.stock import Stock

Node = dict[str, Any]

#: Fields of each resource that can be searched.
SEARCHABLE = {
    "products": {
        "id",
        "updated_at",
        "created_at",
        "published_at",
        "status",
        "vendor",
        "title",
        "product_type",
        "handle",
    },
    "collections": {"id", "updated_at", "title", "handle"},
    "customers": {"id", "updated_at", "created_at", "email", "state"},
    "locations": {"id", "created_at", "name"},
    "variants": {"id", "updated_at", "sku", "barcode", "title"},
    "inventory_items": {"id", "updated_at", "created_at", "sku"},
}


class Shop:
    """Products, variants, stock, collections, locations and customers by the numbers that they have here."""

    def __init__(self, options: Options, clock: Clock) -> None:
        self.options, self.clock = options, clock
        self.products = Table(options.products)
        self.collections = Table(options.collections)
        self.locations = Table(options.locations)
        self.customers = Table(options.customers)
        self.variants: Overlay[int] = Overlay()
        self.stock = Stock(options, self.locations)
        self.started_at = clock.text()
        self._sorted: dict[tuple[str, str, str], tuple[int, list[tuple[str, int]]]] = {}

    @property
    def tables(self) -> Mapping[str, Table]:
        """What has numbers of its own."""
        return {
            "products": self.products,
            "collections": self.collections,
            "locations": self.locations,
            "customers": self.customers,
        }

    def product(self, number: int) -> Node:
        """A product; what depends on its variants is left to the resolvers."""
        node = base_product(self.options, number)
        node["_n"] = number
        return _changed(node, self.products, number)

    def collection(self, number: int) -> Node:
        """A collection without its members."""
        node = base_collection(self.options, number)
        node["_n"] = number
        return _changed(node, self.collections, number)

    def location(self, number: int) -> Node:
        """A location."""
        node = base_location(self.options, number)
        node["_n"] = number
        return _changed(node, self.locations, number)

    def customer(self, number: int) -> Node:
        """A customer."""
        node = base_customer(self.options, number)
        node["_n"] = number
        return _changed(node, self.customers, number)

    def positions(self, product: int) -> Sequence[int]:
        """Positions of the variants that a product has."""
        count = variant_count(self.options, product)
        if not self.variants.deleted:
            return range(1, count + 1)
        gone = self.variants.deleted
        return [one for one in range(1, count + 1) if variant_number(product, one) not in gone]

    def variant(self, product: int, position: int) -> Node:
        """A variant; its stock is left to the resolvers."""
        node = base_variant(self.options, product, position, variant_count(self.options, product))
        node["_n"], node["_p"] = product, position
        return _changed(node, self.variants, variant_number(product, position))

    def item(self, product: int, position: int) -> Node:
        """The inventory item of a variant."""
        number = variant_number(product, position)
        change = self.variants.changes.get(number)
        node = base_item(self.options, product, position)
        node["_n"], node["_p"] = product, position
        if change is not None:
            node["updatedAt"] = change.updated_at
            node["sku"] = change.fields.get("sku", node["sku"])
        return node

    def members(self, collection: int) -> list[int]:
        """Products of a collection, ascending."""
        told = self._told_members(collection)
        if told is not None:
            return sorted(one for one in told if self.products.has(one))
        return [one for one in self.products.numbers() if self.is_member(one, collection)]

    def is_member(self, product: int, collection: int) -> bool:
        """Whether a product is in a collection."""
        told = self._told_members(collection)
        if told is not None:
            return product in told
        parents = collection_parents(self.options, collection)
        if parents:
            return any(self.is_member(product, parent) for parent in parents)
        change = self.products.changes.get(product)
        every = max(self.options.collections, 1)
        if change is not None and "tags" in change.fields and by_condition(self.options, collection):
            return f"group-{collection % every}" in change.fields["tags"]
        return product % every == collection % every

    def _told_members(self, collection: int) -> set[int] | None:
        """What a command has put into it, if one did."""
        change = self.collections.changes.get(collection)
        if change is None or "products" not in change.fields:
            return None
        found = (ids.number_of(one, "Product") for one in change.fields["products"])
        return {one for one in found if one is not None}

    def media(self, product: int) -> list[Node]:
        """Media of a product; those that were changed come with the product's fields."""
        change = self.products.changes.get(product)
        told = change.fields.get("media") if change else None
        return product_media(self.options, product) if told is None else list(told)

    def medium_of(self, product: int, position: int) -> Listing:
        """The one medium that a variant shows, if its product has any."""
        change = self.products.changes.get(product)
        told = change.fields.get("media") if change else None
        count = self.options.media if told is None else len(told)
        places = [position % count] if count else []
        if told is not None:
            return Numbered(places, told.__getitem__)
        options = self.options
        return Numbered(
            places,
            lambda place: product_media(options, product)[place],
            lambda place: media_stub(options, product, place),
        )

    def listing(self, resource: str, *, search: Search, sort: str | None) -> Listing:
        """A resource as it is found and sorted; sort keys that the simulator does not know are those of the id."""
        if resource in {"variants", "inventory_items"}:
            make = self.variant if resource == "variants" else self.item
            where = search.finds if search.terms else None
            return Nested(self.products.numbers(), self.positions, make, where)
        _, make_row, _ = self._rows(resource)
        stub = _stub_maker(resource)
        if sort not in {"UPDATED_AT", "TITLE", "NAME"}:
            return Numbered(self._found(resource, search), make_row, stub)
        return Sorted(self._pairs(resource, search, sort), make_row, stub)

    def _found(self, resource: str, search: Search) -> Sequence[int]:
        table, make, _ = self._rows(resource)
        if not search.terms:
            return table.numbers()
        if search.by_time_alone:
            return [one for one in table.numbers() if search.finds_time(self._time(resource, one))]
        return [one for one in table.numbers() if search.finds(make(one))]

    def _pairs(self, resource: str, search: Search, sort: str) -> list[tuple[str, int]]:
        table, make, _ = self._rows(resource)
        name = (resource, sort, repr(search.terms))
        version, pairs = self._sorted.get(name, (-1, []))
        if version != table.version:
            if sort == "UPDATED_AT":
                pairs = sorted((self._time(resource, one), one) for one in self._found(resource, search))
            else:
                field = (
                    "displayName"
                    if resource == "customers"
                    else "name"
                    if resource == "locations"
                    else "title"
                )
                pairs = sorted((str(make(one)[field]), one) for one in self._found(resource, search))
            self._sorted[name] = (table.version, pairs)
        return pairs

    def _time(self, resource: str, number: int) -> str:
        table, _, time = self._rows(resource)
        change = table.changes.get(number)
        return change.updated_at if change else time(self.options, number)

    def _rows(self, resource: str) -> tuple[Table, Callable[[int], Node], Callable[[Options, int], str]]:
        match resource:
            case "products":
                return self.products, self.product, product_time
            case "collections":
                return self.collections, self.collection, collection_time
            case "locations":
                return self.locations, self.location, location_time
            case _:
                return self.customers, self.customer, customer_time


def _changed(node: Node, overlay: Overlay[int], number: int) -> Node:
    change = overlay.changes.get(number)
    if change is not None:
        node.update(change.fields)
        node["updatedAt"] = change.updated_at
    return node


def _stub_maker(resource: str) -> Callable[[int], Node]:
    kind = {
        "products": "Product",
        "collections": "Collection",
        "locations": "Location",
        "customers": "Customer",
    }[resource]
    return lambda number: {"__typename": kind, "id": ids.gid(kind, number), "_n": number}
