"""Objects by their ids."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from graphql import GraphQLError

from connectors.shopify.simulator import ids
from connectors.shopify.simulator.context import Context

Node = dict[str, Any]

#: Gives an object, a value, or for a connection the ``Listing`` that is cut into pages.
Resolver = Callable[[Context, Node, Mapping[str, Any]], Any]

#: The largest array that may go in (shopify facts, "Rate limits and errors").
MAX_INPUT = 250


def _row(kind: str, table: str) -> Resolver:
    def resolve(context: Context, node: Node, arguments: Mapping[str, Any]) -> Node | None:
        told = arguments.get("id")
        number = ids.number_of(told, kind) if told is not None else 1
        found = number is not None and context.shop.tables[table].has(number)
        row: Node | None = getattr(context.shop, kind.lower())(number) if found else None
        return row

    return resolve


def _of_variant(kind: str, method: str) -> Resolver:
    def resolve(context: Context, node: Node, arguments: Mapping[str, Any]) -> Node | None:
        number = ids.number_of(arguments["id"], kind)
        product, position = divmod(number or 0, ids.VARIANT_STRIDE)
        shop = context.shop
        if not shop.products.has(product) or position not in shop.positions(product):
            return None
        made: Node = getattr(shop, method)(product, position)
        return made

    return resolve


def _level(context: Context, node: Node, arguments: Mapping[str, Any]) -> Node | None:
    item, location = ids.level_of(arguments["id"]) or (0, 0)
    product, position = divmod(item, ids.VARIANT_STRIDE)
    shop = context.shop
    if not shop.products.has(product) or position not in shop.positions(product):
        return None
    return (
        shop.stock.level(item, location) if location in shop.stock.stocked_at(item, inactive=True) else None
    )


def resolve_node(context: Context, node: Node, arguments: Mapping[str, Any]) -> Node | None:
    """An object of any kind by its id; None for what is not there."""
    found = ids.parse(arguments["id"])
    if found is None:
        raise GraphQLError(
            f"Invalid global id '{arguments['id']}'", extensions={"code": "argumentLiteralsIncompatible"}
        )
    resolver = BY_KIND.get(found[0])
    resolved: Node | None = resolver(context, node, arguments) if resolver else None
    return resolved


def resolve_nodes(context: Context, node: Node, arguments: Mapping[str, Any]) -> list[Node | None]:
    """The same for many at once."""
    if len(arguments["ids"]) > MAX_INPUT:
        text = f"The input array size of {len(arguments['ids'])} is greater than the maximum allowed of {MAX_INPUT}."
        raise GraphQLError(text, extensions={"code": "MAX_INPUT_SIZE_EXCEEDED"})
    return [resolve_node(context, node, {"id": one}) for one in arguments["ids"]]


BY_KIND: dict[str, Resolver] = {
    "Product": _row("Product", "products"),
    "Collection": _row("Collection", "collections"),
    "Location": _row("Location", "locations"),
    "Customer": _row("Customer", "customers"),
    "ProductVariant": _of_variant("ProductVariant", "variant"),
    "InventoryItem": _of_variant("InventoryItem", "item"),
    "InventoryLevel": _level,
    "BulkOperation": lambda context, node, arguments: context.actions["bulkOperation"](arguments),
    "WebhookSubscription": lambda context, node, arguments: context.actions["webhookSubscription"](arguments),
}
