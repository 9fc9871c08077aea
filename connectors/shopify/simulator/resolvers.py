"""How the fields are answered that no object of the shop carries by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from graphql import GraphQLError

from connectors.shopify.simulator import ids
from connectors.shopify.simulator.context import Context
from connectors.shopify.simulator.listing import Listing, Numbered, listed
from connectors.shopify.simulator.lookups import BY_KIND, Resolver, resolve_node, resolve_nodes
from connectors.shopify.simulator.media import product_metafields
from connectors.shopify.simulator.people import customer_addresses
from connectors.shopify.simulator.products import product_options, variant_count, variant_number
from connectors.shopify.simulator.search import Search, parse
from connectors.shopify.simulator.selling import SELLING
from connectors.shopify.simulator.shop import SEARCHABLE

Node = dict[str, Any]

#: How far a count goes unless it is told, and at most.
COUNT_LIMIT = 10_000
COUNT_CAP = 25_001


def count_of(number: int, limit: int | None = None) -> Node:
    """A ``Count``, cut at the limit."""
    if limit is not None and number > limit:
        return {"__typename": "Count", "count": limit, "precision": "AT_LEAST"}
    return {"__typename": "Count", "count": number, "precision": "EXACT"}


def searched(context: Context, arguments: Mapping[str, Any], fields: set[str], name: str) -> Search:
    """The parsed ``query``; fields that cannot be searched end up in the answer's warnings."""
    try:
        search = parse(arguments.get("query"), fields)
    except ValueError as error:
        raise GraphQLError(str(error), extensions={"code": "BAD_REQUEST"}) from None
    if search.ignored:
        context.warnings.append({"path": [name], "query": arguments["query"], "warnings": _warnings(search)})
    return search


def _warnings(search: Search) -> list[Node]:
    return [
        {"field": one, "message": "Invalid search field for this query.", "code": "invalid_field"}
        for one in search.ignored
    ]


def _listing(resource: str, name: str) -> Resolver:
    def resolve(context: Context, node: Node, arguments: Mapping[str, Any]) -> Listing:
        search = searched(context, arguments, SEARCHABLE[resource], name)
        return context.shop.listing(resource, search=search, sort=arguments.get("sortKey"))

    return resolve


def _count(resource: str, name: str) -> Resolver:
    listing = _listing(resource, name)

    def resolve(context: Context, node: Node, arguments: Mapping[str, Any]) -> Node:
        limit = arguments.get("limit", COUNT_LIMIT)
        return count_of(listing(context, node, arguments).count(), COUNT_CAP if limit is None else limit)

    return resolve


def _locations(context: Context, node: Node, arguments: Mapping[str, Any]) -> Listing:
    shop = context.shop
    numbers = [
        one
        for one in shop.locations.numbers()
        if (arguments.get("includeInactive") or shop.stock.active(one))
        and (arguments.get("includeLegacy") or not shop.location(one)["isFulfillmentService"])
    ]
    return Numbered(numbers, shop.location)


def _product_variants(context: Context, node: Node, arguments: Mapping[str, Any]) -> Listing:
    product, shop = node["_n"], context.shop
    return Numbered(shop.positions(product), lambda position: shop.variant(product, position))


def _product_media(context: Context, node: Node, arguments: Mapping[str, Any]) -> Listing:
    return listed(context.shop.media(node["_n"]))


def _product_collections(context: Context, node: Node, arguments: Mapping[str, Any]) -> Listing:
    shop, product = context.shop, node["_n"]
    numbers = [one for one in shop.collections.numbers() if shop.is_member(product, one)]
    return Numbered(numbers, shop.collection)


def _variant_media(context: Context, node: Node, arguments: Mapping[str, Any]) -> Listing:
    return context.shop.medium_of(node["_n"], node["_p"])


def _members(context: Context, node: Node, arguments: Mapping[str, Any]) -> Listing:
    shop = context.shop
    return Numbered(shop.members(_number(node, "Collection")), shop.product, _product_stub)


def _product_stub(number: int) -> Node:
    return {"__typename": "Product", "id": ids.gid("Product", number), "_n": number}


def _levels(context: Context, node: Node, arguments: Mapping[str, Any]) -> Listing:
    shop, item = context.shop, variant_number(node["_n"], node["_p"])
    stocked = shop.stock.stocked_at(item, inactive=bool(arguments.get("includeInactive")))
    return Numbered(stocked, lambda location: shop.stock.level(item, location))


def _level_of_item(context: Context, node: Node, arguments: Mapping[str, Any]) -> Node | None:
    item = variant_number(node["_n"], node["_p"])
    location = ids.number_of(arguments["locationId"], "Location")
    stocked = context.shop.stock.stocked_at(item, inactive=bool(arguments.get("includeInactive")))
    return context.shop.stock.level(item, location) if location in stocked and location is not None else None


def _quantities(context: Context, node: Node, arguments: Mapping[str, Any]) -> list[Node]:
    counts = context.shop.stock.quantities(node["_item"], node["_location"])
    known = [name for name in arguments["names"] if name in counts]
    if len(known) < len(arguments["names"]):
        raise GraphQLError(
            "The specified quantity name is invalid.", extensions={"code": "INVALID_FIELD_ARGUMENTS"}
        )
    return [
        {
            "__typename": "InventoryQuantity",
            "id": f"gid://shopify/InventoryQuantity/{node['_location']}?inventory_item_id={node['_item']}&name={name}",
            "name": name,
            "quantity": counts[name],
            "updatedAt": node["updatedAt"] if name == "available" else None,
        }
        for name in known
    ]


def _variant_of_item(context: Context, node: Node, arguments: Mapping[str, Any]) -> Listing:
    return listed([context.shop.variant(node["_n"], node["_p"])])


def _addresses(context: Context, node: Node, arguments: Mapping[str, Any]) -> Listing:
    return listed(customer_addresses(context.shop.options, node["_n"]))


def _first_medium(context: Context, node: Node, arguments: Mapping[str, Any]) -> Node | None:
    media = context.shop.media(node["_n"])
    return media[0] if media else None


def _total_inventory(context: Context, node: Node, arguments: Mapping[str, Any]) -> int:
    return sum(
        context.shop.stock.available(node["_n"], position) for position in context.shop.positions(node["_n"])
    )


def _number(node: Node, kind: str) -> int:
    return ids.number_of(node["id"], kind) or 0


#: The same objects with nothing but type and id, for when no more is asked for.
STUBS: dict[tuple[str, str], Callable[[Node], Node]] = {
    ("InventoryLevel", "item"): lambda node: {
        "__typename": "InventoryItem",
        "id": ids.gid("InventoryItem", node["_item"]),
    },
    ("InventoryLevel", "location"): lambda node: {
        "__typename": "Location",
        "id": ids.gid("Location", node["_location"]),
    },
}

RESOLVERS: dict[tuple[str, str], Resolver] = {
    ("QueryRoot", "products"): _listing("products", "products"),
    ("QueryRoot", "productVariants"): _listing("variants", "productVariants"),
    ("QueryRoot", "collections"): _listing("collections", "collections"),
    ("QueryRoot", "customers"): _listing("customers", "customers"),
    ("QueryRoot", "inventoryItems"): _listing("inventory_items", "inventoryItems"),
    ("QueryRoot", "locations"): _locations,
    ("QueryRoot", "productsCount"): _count("products", "productsCount"),
    ("QueryRoot", "productVariantsCount"): _count("variants", "productVariantsCount"),
    ("QueryRoot", "collectionsCount"): _count("collections", "collectionsCount"),
    ("QueryRoot", "locationsCount"): _count("locations", "locationsCount"),
    ("QueryRoot", "customersCount"): _count("customers", "customersCount"),
    ("QueryRoot", "product"): BY_KIND["Product"],
    ("QueryRoot", "collection"): BY_KIND["Collection"],
    ("QueryRoot", "location"): BY_KIND["Location"],
    ("QueryRoot", "customer"): BY_KIND["Customer"],
    ("QueryRoot", "productVariant"): BY_KIND["ProductVariant"],
    ("QueryRoot", "inventoryItem"): BY_KIND["InventoryItem"],
    ("QueryRoot", "inventoryLevel"): BY_KIND["InventoryLevel"],
    ("QueryRoot", "node"): resolve_node,
    ("QueryRoot", "nodes"): resolve_nodes,
    ("Product", "variants"): _product_variants,
    ("Product", "media"): _product_media,
    ("Product", "metafields"): lambda context, node, _: listed(
        product_metafields(context.shop.options, node["_n"])
    ),
    ("Product", "collections"): _product_collections,
    ("Product", "featuredMedia"): _first_medium,
    ("Product", "mediaCount"): lambda context, node, _: count_of(len(context.shop.media(node["_n"]))),
    ("Product", "variantsCount"): lambda context, node, _: count_of(len(context.shop.positions(node["_n"]))),
    ("Product", "hasOnlyDefaultVariant"): lambda context, node, _: (
        variant_count(context.shop.options, node["_n"]) == 1
    ),
    ("Product", "options"): lambda context, node, arguments: product_options(
        node["_n"], variant_count(context.shop.options, node["_n"])
    )[: arguments.get("first")],
    ("Product", "totalInventory"): _total_inventory,
    ("Product", "tracksInventory"): lambda context, node, _: any(
        context.shop.item(node["_n"], position)["tracked"] for position in context.shop.positions(node["_n"])
    ),
    ("ProductVariant", "product"): lambda context, node, _: context.shop.product(node["_n"]),
    ("ProductVariant", "displayName"): lambda context, node, _: (
        f"{context.shop.product(node['_n'])['title']} - {node['title']}"
    ),
    ("ProductVariant", "inventoryItem"): lambda context, node, _: context.shop.item(node["_n"], node["_p"]),
    ("ProductVariant", "inventoryQuantity"): lambda context, node, _: context.shop.stock.available(
        node["_n"], node["_p"]
    ),
    ("ProductVariant", "media"): _variant_media,
    ("ProductVariant", "metafields"): lambda context, node, _: listed([]),
    ("InventoryItem", "variants"): _variant_of_item,
    ("InventoryItem", "inventoryLevels"): _levels,
    ("InventoryItem", "inventoryLevel"): _level_of_item,
    ("InventoryItem", "locationsCount"): lambda context, node, _: count_of(
        len(context.shop.stock.stocked_at(variant_number(node["_n"], node["_p"]), inactive=False))
    ),
    ("InventoryLevel", "quantities"): _quantities,
    ("InventoryLevel", "item"): lambda context, node, _: context.shop.item(
        *divmod(node["_item"], ids.VARIANT_STRIDE)
    ),
    ("InventoryLevel", "location"): lambda context, node, _: context.shop.location(node["_location"]),
    ("Collection", "products"): _members,
    ("Collection", "productsCount"): lambda context, node, _: count_of(
        len(context.shop.members(_number(node, "Collection")))
    ),
    ("CollectionConditionsSource", "products"): lambda context, node, _: listed([]),
    ("Customer", "addressesV2"): _addresses,
    **SELLING,
}
