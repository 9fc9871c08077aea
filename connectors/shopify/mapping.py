"""Objects of a shop as entities of the catalog (hub.catalog.shapes). Pure; docs/connectors/shopify.md has the table.

Objects come *joined*: what hangs below one stands in it as a list (``variants``, ``media``, …), whichever way it was
read, so that pages and bulk operations give equal bodies. A body holds nothing that moves by itself (``updatedAt``,
order counts): its fingerprint is the content hash.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from hub import codec
from hub.excerpt import excerpt
from hub.records import JSON

#: Whether a product of this status can be bought; UNLISTED ones are reached by their link alone (facts, "Data model").
ENABLED: Final[Mapping[str, bool]] = {"ACTIVE": True, "UNLISTED": True, "DRAFT": False, "ARCHIVED": False}
#: Grams in one of each unit; ounce and pound are the international ones, which are exact.
GRAMS: Final[Mapping[str, Decimal]] = {
    "GRAMS": Decimal(1),
    "KILOGRAMS": Decimal(1000),
    "OUNCES": Decimal("28.349523125"),
    "POUNDS": Decimal("453.59237"),
}
#: What the catalog calls a medium's type.
MEDIA_TYPES: Final[Mapping[str, str]] = {
    "IMAGE": "image",
    "VIDEO": "video",
    "EXTERNAL_VIDEO": "external_video",
    "MODEL_3D": "model",
}
#: What a language is called that the platform does not tell (BCP 47).
UNKNOWN_LANGUAGE: Final = "und"

Warn = Callable[[str, str], None]


class UnfitError(ValueError):
    """An object that is none: it has no id."""


@dataclass(frozen=True, kw_only=True)
class Shop:
    """What mapping has to know of the shop. ``protected``: parts of customer data that the app may not see."""

    currency: str = "USD"
    language: str = UNKNOWN_LANGUAGE
    max_variants: int = 2048
    quantity: str = "on_hand"
    protected: frozenset[str] = field(default_factory=frozenset)


def location(node: JSON) -> JSON:
    """A location as a location."""
    return {
        "kind": "location",
        "key": _id(node),
        "name": node.get("name"),
        "enabled": node.get("isActive"),
        "address": _given(node.get("address") or {}),
        "extra": {
            "fulfillment_service": (node.get("fulfillmentService") or {}).get("handle"),
            "fulfills_online_orders": node.get("fulfillsOnlineOrders"),
            "ships_inventory": node.get("shipsInventory"),
        },
    }


def collection(node: JSON, shop: Shop, warn: Warn) -> JSON:
    """A collection as a category without a parent: collections of a shop are no tree."""
    image = node.get("image") or {}
    media = [_image(image)] if image.get("url") else []
    sources = node.get("sources") or []
    if any(_unknown(condition) for source in sources for condition in _conditions(source)):
        warn("unknown condition", f"{node.get('id')} chooses its products by something that is not known yet")
    return {
        "kind": "category",
        "key": _id(node),
        "managed": False,
        "assignment": "automatic" if any(map(_is_automatic, sources)) else "manual",
        "translations": [_texts(node, shop)],
        "media": media,
        "featured_medium": media[0]["key"] if media else None,
        "extra": {"sort_order": node.get("sortOrder"), "template_suffix": node.get("templateSuffix")},
    }


def product(node: JSON, shop: Shop, warn: Warn) -> JSON:
    """A product with all of its variants. ``collections`` may be missing: the categories stay as they are then."""
    key, status = _id(node), node.get("status")
    variants = node.get("variants") or []
    if len(variants) > shop.max_variants:
        warn(
            "too many variants",
            f"{key} has {len(variants)} variants, more than the {shop.max_variants} of its shop",
        )
    media = [medium for one in node.get("media") or [] if (medium := _medium(one, key, warn))]
    keys = {medium["key"] for medium in media}
    body: JSON = {
        "kind": "product",
        "key": key,
        "brand": node.get("vendor") or None,
        "status": status.lower() if isinstance(status, str) else None,
        "translations": [_texts(node, shop)],
        "media": media,
        "featured_medium": _one_of(keys, node.get("featuredMedia"))
        or next(iter([m["key"] for m in media]), None),
        "options": [_option(one) for one in node.get("options") or []],
        "tags": sorted(node.get("tags") or []),
        "variants": [_variant(one, node, keys, shop, warn) for one in variants],
        "all_variants": True,
        "extra": _product_extra(node),
    }
    if isinstance(status, str) and status in ENABLED:
        body["enabled"] = ENABLED[status]
    else:
        warn(
            "unknown status",
            f"{key} has the status {excerpt(status)}; whether it is enabled is left as it is",
        )
    if node.get("collections") is not None:
        body["categories"] = sorted({_id(one) for one in node["collections"]})
    return body


def stock(variant: JSON, item: JSON, shop: Shop) -> Iterator[JSON]:
    """The levels of an inventory item, each as the stock of a variant at a location."""
    for level in item.get("levels") or []:
        quantities = {one.get("name"): one.get("quantity") for one in level.get("quantities") or []}
        other = "available" if shop.quantity == "on_hand" else "on_hand"
        yield {
            "kind": "stock",
            "variant": _id(variant),
            "location": _id(level.get("location") or {}),
            "source_id": _id(level),
            "on_hand": quantities.get(shop.quantity),
            "extra": {
                other: quantities.get(other),
                "tracked": item.get("tracked"),
                "inventory_policy": _lower(variant.get("inventoryPolicy")),
            },
        }


def customer(node: JSON, shop: Shop) -> JSON:
    """A customer. What the app may not see is left as it is."""
    email, phone = node.get("defaultEmailAddress") or {}, node.get("defaultPhoneNumber") or {}
    body: JSON = {
        "kind": "customer",
        "key": _id(node),
        "language": node.get("locale") or None,
        "tags": sorted(node.get("tags") or []),
        "extra": {
            "state": _lower(node.get("state")),
            "note": node.get("note"),
            "tax_exempt": node.get("taxExempt"),
            "verified_email": node.get("verifiedEmail"),
            "email_marketing": _lower(email.get("marketingState")),
            "sms_marketing": _lower((phone.get("smsMarketingConsent") or {}).get("state")),
        },
    }
    if "name" not in shop.protected:
        body |= {"first_name": node.get("firstName"), "last_name": node.get("lastName")}
    if "email" not in shop.protected:
        body["email"] = email.get("emailAddress")
    if "phone" not in shop.protected:
        body["phone"] = phone.get("phoneNumber")
    if "address" not in shop.protected:
        first = (node.get("defaultAddress") or {}).get("id")
        body["addresses"] = [
            {**_given(one), "default": one.get("id") == first} for one in node.get("addresses") or []
        ]
    return body


def stock_key(variant: str, location: str) -> str:
    """What the catalog calls a stock level."""
    return codec.dumps([variant, location]).decode()


def key_of(body: Mapping[str, Any]) -> str:
    """What the catalog calls the thing that a body is about."""
    return stock_key(body["variant"], body["location"]) if body["kind"] == "stock" else str(body["key"])


def gone(kind: str, key: str) -> JSON:
    """The body that marks something of the catalog as gone; ``key`` is the catalog's."""
    if kind == "stock":
        variant, place = codec.loads(key)
        return {"kind": kind, "operation": "delete", "variant": variant, "location": place}
    return {"kind": kind, "operation": "delete", "key": key}


def _id(node: Mapping[str, Any]) -> str:
    gid = node.get("id")
    if not isinstance(gid, str) or not gid.startswith("gid://"):
        raise UnfitError(f"id: is {excerpt(gid)}, no global id")
    return gid


def _texts(node: JSON, shop: Shop) -> JSON:
    seo = node.get("seo") or {}
    return {
        "language": shop.language,
        "name": node.get("title"),
        "slug": node.get("handle"),
        "description": node.get("descriptionHtml"),
        "page_title": seo.get("title"),
        "page_description": seo.get("description"),
    }


def _product_extra(node: JSON) -> JSON:
    metafields = sorted(node.get("metafields") or [], key=_metafield_name)
    return {
        "product_type": node.get("productType") or None,
        "taxonomy": (node.get("category") or {}).get("fullName"),
        "taxonomy_id": (node.get("category") or {}).get("id"),
        "gift_card": node.get("isGiftCard"),
        "published_at": node.get("publishedAt"),
        "template_suffix": node.get("templateSuffix"),
        "metafields": {
            _metafield_name(one): {"type": one.get("type"), "value": one.get("value")} for one in metafields
        },
    }


def _metafield_name(node: JSON) -> str:
    return f"{node.get('namespace')}.{node.get('key')}"


def _option(node: JSON) -> JSON:
    values = [{"id": one.get("id"), "name": one.get("name")} for one in node.get("optionValues") or []]
    return {
        "id": node.get("id"),
        "name": node.get("name"),
        "position": node.get("position"),
        "values": values,
    }


def _variant(node: JSON, owner: JSON, media: set[str], shop: Shop, warn: Warn) -> JSON:
    key, item = _id(node), node.get("inventoryItem") or {}
    chosen = node.get("selectedOptions") or []
    images = node.get("media") or []
    body: JSON = {
        "key": key,
        "sku": node.get("sku") or None,
        "gtin": node.get("barcode") or None,
        "title": node.get("title"),
        "position": node.get("position"),
        "attributes": {}
        if owner.get("hasOnlyDefaultVariant")
        else {str(one.get("name")): [str(one.get("value"))] for one in chosen},
        "featured_medium": next((found for one in images if (found := _one_of(media, one))), None),
        "prices": _prices(node, shop, warn),
        "extra": {
            "inventory_item": item.get("id"),
            "inventory_policy": _lower(node.get("inventoryPolicy")),
            "tracked": item.get("tracked"),
            "requires_shipping": item.get("requiresShipping"),
            "taxable": node.get("taxable"),
            "country_of_origin": item.get("countryCodeOfOrigin"),
            "harmonized_system_code": item.get("harmonizedSystemCode"),
        },
    }
    return body | {"weight_grams": _grams(key, (item.get("measurement") or {}).get("weight"), warn)}


def _prices(node: JSON, shop: Shop, warn: Warn) -> list[JSON]:
    amount = amount_of(node.get("price"))
    if amount is None:
        warn("no price", f"{node.get('id')} has the price {excerpt(node.get('price'))}")
        return []
    compare_at = amount_of(node.get("compareAtPrice"))
    return [{"currency": shop.currency, "amount": amount, "compare_at": compare_at}]


def amount_of(text: object) -> Decimal | None:
    """Money is a text of digits; "0.00" and "0.0" are one (facts, "Data model"). None for anything else."""
    if not isinstance(text, str) or len(text) > 40:
        return None
    try:
        return _short(Decimal(text))
    except InvalidOperation:
        return None


def _grams(variant: str, weight: JSON | None, warn: Warn) -> Decimal | None:
    value, unit = (weight or {}).get("value"), (weight or {}).get("unit")
    if value is None:
        return None
    if (
        not isinstance(unit, str)
        or unit not in GRAMS
        or isinstance(value, bool)
        or not isinstance(value, int | Decimal)
    ):
        warn("unknown weight", f"{variant} weighs {excerpt(value)} {excerpt(unit)}")
        return None
    return _short(Decimal(value) * GRAMS[unit])


def _short(number: Decimal) -> Decimal | None:
    """Without zeros at its end, so that equal numbers are written alike."""
    if not number.is_finite() or abs(number.adjusted()) > 30:
        return None
    return Decimal(format(number.normalize(), "f"))


def _medium(node: JSON, owner: str, warn: Warn) -> JSON | None:
    """What is not ready has no address yet, and comes once it has."""
    if node.get("status") != "READY":
        state = str(node.get("status")).lower()
        warn(f"media {state}", f"{node.get('id')} of {owner} is {state} and left out until it is ready")
        return None
    found = node.get("image") or max(node.get("sources") or [{}], key=lambda one: one.get("width") or 0)
    sizes = {name: found[name] for name in ("width", "height") if found.get(name) is not None}
    return {
        "key": _id(node),
        "type": MEDIA_TYPES.get(str(node.get("mediaContentType")), str(node.get("mediaContentType")).lower()),
        "mime_type": node.get("mimeType") or found.get("mimeType"),
        "source": found.get("url") or node.get("originUrl"),
        "alt": node.get("alt"),
        **sizes,
    }


def _image(node: JSON) -> JSON:
    sizes = {name: node[name] for name in ("width", "height") if node.get(name) is not None}
    key = node.get("id") or str(node["url"]).partition("?")[0][:512]
    return {"key": key, "type": "image", "source": node["url"], "alt": node.get("altText"), **sizes}


def _one_of(media: set[str], node: JSON | None) -> str | None:
    gid = (node or {}).get("id")
    return gid if gid in media else None


def _is_automatic(source: JSON) -> bool:
    return bool(_conditions(source)) or source.get("__typename") == "CollectionSubCollectionsSource"


def _conditions(source: JSON) -> Sequence[JSON]:
    return [
        *((source.get("inclusion") or {}).get("conditions") or []),
        *((source.get("exclusion") or {}).get("conditions") or []),
    ]


def _unknown(condition: JSON) -> bool:
    return str(condition.get("__typename")).endswith("ConditionUnknown")


def _given(node: JSON) -> JSON:
    return {name: value for name, value in node.items() if value is not None and not name.startswith("__")}


def _lower(text: object) -> str | None:
    return text.lower() if isinstance(text, str) else None
