"""Bodies of webhooks: the shapes of the older REST API, with numbers for ids (shopify facts, "Webhooks")."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from connectors.shopify.simulator import ids
from connectors.shopify.simulator.products import variant_number
from connectors.shopify.simulator.shop import Shop
from hub.records import JSON

#: A product's body names so many variants at most.
_VARIANTS = 100
_ZONE = timezone(timedelta(hours=1))
SHOP_ID = 70_000_000_001


def body_of(shop: Shop, topic: str, gid: str) -> JSON:
    """What a topic says of an object, which for ``…/delete`` may be gone."""
    resource, _, event = topic.partition("/")
    if event == "delete":
        return {"id": _digits(gid)}
    match resource:
        case "products":
            return _product(shop, ids.number_of(gid, "Product") or 0)
        case "collections":
            return _collection(shop, ids.number_of(gid, "Collection") or 0)
        case "customers":
            return _customer(shop, ids.number_of(gid, "Customer") or 0)
        case "locations":
            return _location(shop, ids.number_of(gid, "Location") or 0)
        case "inventory_levels":
            return _level(shop, ids.level_of(gid) or (0, 0))
    raise ValueError(f"topic: {topic} needs a payload")


def shop_body(shop: Shop) -> JSON:
    """Of ``app/uninstalled``."""
    domain = shop.options.shop
    return {"id": SHOP_ID, "name": domain.partition(".")[0], "domain": domain, "myshopify_domain": domain}


def scopes_body(shop: Shop, previous: list[str], current: list[str]) -> JSON:
    """Of ``app/scopes_update``."""
    return {"id": 1, "previous": previous, "current": current, "updated_at": _offset(shop.clock.text())}


def compliance_body(shop: Shop, topic: str, customer: int) -> JSON:
    """Of the three topics that every app has to answer."""
    base: JSON = {"shop_id": SHOP_ID, "shop_domain": shop.options.shop}
    if topic == "shop/redact":
        return base
    email = shop.customer(customer)["defaultEmailAddress"]
    told = {"id": ids.CUSTOMER + customer, "email": email and email["emailAddress"], "phone": None}
    base["customer"] = told
    if topic == "customers/data_request":
        return base | {"orders_requested": [], "data_request": {"id": 9_999}}
    return base | {"orders_to_redact": []}


def _product(shop: Shop, number: int) -> JSON:
    node = shop.product(number)
    positions = shop.positions(number)[:_VARIANTS]
    return {
        "id": ids.PRODUCT + number,
        "admin_graphql_api_id": node["id"],
        "title": node["title"],
        "body_html": node["descriptionHtml"],
        "vendor": node["vendor"],
        "product_type": node["productType"],
        "handle": node["handle"],
        "status": node["status"].lower(),
        "tags": ", ".join(node["tags"]),
        "created_at": _offset(node["createdAt"]),
        "updated_at": _offset(node["updatedAt"]),
        "published_at": node["publishedAt"] and _offset(node["publishedAt"]),
        "variants": [_variant(shop, number, position) for position in positions],
    }


def _variant(shop: Shop, product: int, position: int) -> JSON:
    node, number = shop.variant(product, position), variant_number(product, position)
    return {
        "id": ids.VARIANT + number,
        "product_id": ids.PRODUCT + product,
        "admin_graphql_api_id": node["id"],
        "inventory_item_id": ids.ITEM + number,
        "inventory_quantity": shop.stock.available(product, position),
        "title": node["title"],
        "sku": node["sku"],
        "barcode": node["barcode"],
        "position": position,
        "price": node["price"],
        "compare_at_price": node["compareAtPrice"],
        "updated_at": _offset(node["updatedAt"]),
    }


def _collection(shop: Shop, number: int) -> JSON:
    node = shop.collection(number)
    return {
        "id": ids.COLLECTION + number,
        "admin_graphql_api_id": node["id"],
        "title": node["title"],
        "handle": node["handle"],
        "body_html": node["descriptionHtml"],
        "sort_order": node["sortOrder"].lower(),
        "updated_at": _offset(node["updatedAt"]),
    }


def _customer(shop: Shop, number: int) -> JSON:
    node = shop.customer(number)
    email = node["defaultEmailAddress"]
    return {
        "id": ids.CUSTOMER + number,
        "admin_graphql_api_id": node["id"],
        "email": email and email["emailAddress"],
        "first_name": node["firstName"],
        "last_name": node["lastName"],
        "updated_at": _offset(node["updatedAt"]),
    }


def _location(shop: Shop, number: int) -> JSON:
    node = shop.location(number)
    shown: JSON = {"id": ids.LOCATION + number, "admin_graphql_api_id": node["id"], "name": node["name"]}
    return shown | {"active": node["isActive"], "updated_at": _offset(node["updatedAt"])}


def _level(shop: Shop, level: tuple[int, int]) -> JSON:
    item, location = level
    node = shop.stock.level(item, location)
    return {
        "inventory_item_id": ids.ITEM + item,
        "location_id": ids.LOCATION + location,
        "available": shop.stock.quantities(item, location)["available"],
        "updated_at": _offset(node["updatedAt"]),
        "admin_graphql_api_id": node["id"],
    }


def _offset(at: str) -> str:
    """A time with the offset of the shop, as these bodies have it."""
    return datetime.fromisoformat(at).astimezone(_ZONE).isoformat()


def _digits(gid: str) -> Any:
    found = ids.parse(gid)
    return int(found[1]) if found and found[1].isdigit() else None


def customer_of(gid: str | None) -> int:
    """The customer whom a compliance topic is about; the first unless named."""
    return 1 if gid is None else ids.number_of(gid, "Customer") or 1


def product_of(variant: str) -> str:
    """The product of a variant."""
    return ids.gid("Product", (ids.number_of(variant, "ProductVariant") or 0) // ids.VARIANT_STRIDE)
