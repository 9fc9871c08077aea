"""What a test does to the shop: change, delete and add, each time to the same objects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from connectors.shopify.simulator import ids
from connectors.shopify.simulator.dice import mix
from connectors.shopify.simulator.products import variant_number
from connectors.shopify.simulator.resolvers import RESOLVERS
from connectors.shopify.simulator.schema import load
from connectors.shopify.simulator.shop import Shop
from connectors.shopify.simulator.stock import COUNTED

Node = dict[str, Any]

Rows = Literal["products", "collections", "locations", "customers"]
Resource = Literal["products", "collections", "locations", "customers", "variants", "inventory_levels"]

_KINDS = {
    "products": "Product",
    "collections": "Collection",
    "locations": "Location",
    "customers": "Customer",
    "variants": "ProductVariant",
    "inventory_levels": "InventoryLevel",
}
#: What changes where a command does not say: a text of each resource, by the number of the change.
_FIELDS = {"products": "title", "collections": "title", "locations": "name", "customers": "note"}


class Addressed(BaseModel):
    """Objects by ``ids``, or ``count`` of them, the same each time."""

    model_config = ConfigDict(extra="forbid")

    resource: Resource = "products"
    ids: list[str] = []
    count: int = Field(0, ge=0)
    #: Whether webhooks are sent, as the platform does.
    webhooks: bool = True


class Change(Addressed):
    """``fields`` as the API names them (of an inventory level: quantities by name); ``touch`` only moves the time."""

    fields: dict[str, Any] = {}
    touch: bool = False


class Add(BaseModel):
    """So many new ones."""

    model_config = ConfigDict(extra="forbid")

    resource: Rows = "products"
    count: int = Field(1, ge=1)
    webhooks: bool = True


def change(shop: Shop, told: Change) -> list[str]:
    """Apply it; returns the ids that were changed."""
    at = shop.clock.text()
    _require_known(told)
    chosen = _chosen(shop, told)
    for one in chosen:
        _change_one(shop, told, one, at)
    return chosen


def delete(shop: Shop, told: Addressed) -> list[str]:
    """They are gone; returns their ids."""
    chosen = _chosen(shop, told)
    for one in chosen:
        if told.resource == "variants":
            number = _number(one, "ProductVariant")
            shop.variants.delete(number)
            shop.products.change(number // ids.VARIANT_STRIDE, {}, shop.clock.text())
        elif told.resource == "inventory_levels":
            shop.stock.levels.delete(_level(one))
        else:
            shop.tables[told.resource].delete(_number(one, _KINDS[told.resource]))
    return chosen


def add(shop: Shop, told: Add) -> list[str]:
    """New ones, with the numbers that follow; returns their ids."""
    at = shop.clock.text()
    table = shop.tables[told.resource]
    numbers = [table.add(at) for _ in range(told.count)]
    return [ids.gid(_KINDS[told.resource], number) for number in numbers]


def _require_known(told: Change) -> None:
    """Raises ``ValueError`` for a field that would change nothing."""
    kind = _KINDS[told.resource]
    for name in told.fields:
        known = name in COUNTED if kind == "InventoryLevel" else _can_change(kind, name)
        if not known:
            raise ValueError(f"fields: {name} of a {kind} cannot be changed")


def _can_change(kind: str, name: str) -> bool:
    """What an object carries, and the two connections that a command may replace."""
    if (kind, name) in {("Product", "media"), ("Collection", "products")}:
        return True
    return name in load().type_map[kind].fields and (kind, name) not in RESOLVERS  # type: ignore[attr-defined]


def _change_one(shop: Shop, told: Change, one: str, at: str) -> None:
    match told.resource:
        case "variants":
            number = _number(one, "ProductVariant")
            fields = told.fields or {"price": f"{1000 + shop.variants.revision(number)}.00"}
            shop.variants.change(number, {} if told.touch else fields, at)
            shop.products.change(number // ids.VARIANT_STRIDE, {}, at)
        case "inventory_levels":
            item, location = _level(one)
            counts = told.fields or {"available": shop.stock.quantities(item, location)["available"] + 1}
            shop.stock.levels.change((item, location), {} if told.touch else counts, at)
            # Also the product's time moves, though nothing of it changed (shopify facts, "Data model").
            shop.products.change(item // ids.VARIANT_STRIDE, {}, at)
        case resource:
            number, table = _number(one, _KINDS[resource]), shop.tables[resource]
            fields = told.fields or {
                _FIELDS[resource]: f"Changed {table.revision(number) + 1}, number {number}"
            }
            table.change(number, {} if told.touch else fields, at)


def _chosen(shop: Shop, told: Addressed) -> list[str]:
    if told.ids:
        return list(told.ids)
    candidates = _candidates(shop, told.resource, told.count)
    if len(candidates) < told.count:
        raise ValueError(f"count: there are {len(candidates)} {told.resource}, not {told.count}")
    return list(candidates)


def _candidates(shop: Shop, resource: str, count: int) -> Sequence[str]:
    """Spread over the shop, but the first product (which may be the largest) and what was changed before."""
    table = shop.tables.get(resource, shop.products)
    fresh = [one for one in table.numbers() if (one > 1 or len(table) == 1) and not table.revision(one)]
    picked = sorted(fresh, key=lambda one: mix(shop.options.seed, one, 9))[:count]
    if resource in shop.tables:
        return [ids.gid(_KINDS[resource], one) for one in picked]
    variants = [variant_number(one, shop.positions(one)[0]) for one in picked if shop.positions(one)]
    if resource == "variants":
        return [ids.gid("ProductVariant", one) for one in variants]
    return [ids.level_gid(one, shop.stock.stocked_at(one, inactive=False)[0]) for one in variants]


def _number(one: str, kind: str) -> int:
    number = ids.number_of(one, kind)
    if number is None:
        raise ValueError(f"ids: {one} is no {kind}")
    return number


def _level(one: str) -> tuple[int, int]:
    level = ids.level_of(one)
    if level is None:
        raise ValueError(f"ids: {one} is no InventoryLevel")
    return level
