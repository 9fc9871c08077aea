"""A listing as an entity of the hub's own catalog, and what the catalog has as a standing. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from hub import codec
from hub.exact import EXACT
from hub.marketplace import Listing, Offer, Standing
from hub.records import JSON

#: Under this name ``extra`` holds what the catalog has no name for, as a whole: what is not there any more goes with it.
LISTING: Final = "listing"
#: Of a variant the fingerprint of its content, of a product the names of the source's categories, root first.
CONTENT: Final = "content"
PATH: Final = "category_path"
#: Keys of the catalog are not longer.
_LONGEST_KEY: Final = 512
#: What else is kept there, of the product and of the variant.
_OF_PRODUCT: Final = (PATH, "category_id")
_OF_VARIANT: Final = ("reference", "manufacturer_code", "unit", "unit_multiplier", "url")
#: The catalog measures in millimetres.
_MM: Final = Decimal(10)


def entity(listing: Listing, *, language: str, location: str) -> JSON:
    """A product with one variant. Without a product of its own it is that of the catalog: its key is still to be said."""
    variant: JSON = {"key": listing.sku, "enabled": listing.active, **_stock(listing, location)}
    if not listing.active:
        return {"kind": "product", "key": listing.group or listing.sku, "variants": [variant]}
    variant |= _prices(listing)
    if listing.product is None:
        return {"kind": "product", "key": listing.group or listing.sku, "variants": [variant]}
    return _product(listing, listing.product, language) | {
        "variants": [{**_variant(listing, listing.product), **variant}]
    }


def category_entities(path: Sequence[str], language: str) -> Iterator[JSON]:
    """The categories of a path of names, root first; each is called by its path."""
    for depth in range(1, len(path) + 1):
        above = {"parent": category_key(path[: depth - 1])} if depth > 1 else {}
        yield {
            "kind": "category",
            "key": category_key(path[:depth]),
            "translations": [{"language": language, "name": path[depth - 1]}],
            **above,
        }


def category_key(path: Sequence[str]) -> str:
    """What a category is called in the catalog."""
    return _key("/".join(name.replace("%", "%25").replace("/", "%2F") for name in path))


def standing(document: JSON, *, location: str) -> Standing:
    """What the catalog has of a variant, from its document."""
    kept = kept_of(document.get("extra"))
    return Standing(
        external_id=document["key"],
        group=document.get("product"),
        active=document.get("enabled") is not False,
        content=kept.get(CONTENT),
        offer=_offer(document.get("prices") or ()),
        stock=next(
            (one.get("on_hand") for one in document.get("stock") or () if one["location"] == location), None
        ),
        url=kept.get("url"),
    )


def kept_of(extra: Any) -> Mapping[str, Any]:
    """What ``extra`` has of a listing."""
    kept = extra.get(LISTING) if isinstance(extra, Mapping) else None
    return kept if isinstance(kept, Mapping) else {}


def _product(listing: Listing, product: JSON, language: str) -> JSON:
    texts = {
        "language": language,
        "name": product.get("product_name") or product.get("name"),
        "description": product.get("description"),
    }
    path = product.get(PATH) or ()
    categories = [listing.category] if listing.category else [category_key(path)] if path else []
    return {
        "kind": "product",
        "key": listing.group or product.get("product_id") or listing.sku,
        "brand": product.get("brand"),
        "enabled": True,
        "categories": categories,
        "translations": [{name: text for name, text in texts.items() if text is not None}],
        "attributes": product.get("product_attributes"),
        "extra": {LISTING: _kept(product, _OF_PRODUCT)},
    }


def _variant(listing: Listing, product: JSON) -> JSON:
    lengths = {
        f"{name}_mm": _millimetres(product.get(f"{name}_cm")) for name in ("length", "width", "height")
    }
    return {
        "sku": listing.sku,
        "gtin": product.get("gtin"),
        "title": product.get("sku_name") or product.get("name"),
        "weight_grams": product.get("weight_grams"),
        **lengths,
        "attributes": product.get("sku_attributes"),
        "media": list(_media(product.get("images") or ())),
        "extra": {LISTING: {CONTENT: listing.content, **_kept(product, _OF_VARIANT)}},
    }


def _kept(product: JSON, names: Sequence[str]) -> JSON:
    return {name: product[name] for name in names if product.get(name) is not None}


def _media(images: Sequence[Mapping[str, Any]]) -> Iterator[JSON]:
    seen = set[str]()
    for image in images:
        url = image.get("url")
        if not isinstance(url, str) or not url or url in seen:
            continue
        seen.add(url)
        name = {"name": image["name"]} if image.get("name") else {}
        yield {"key": _key(url), "type": "IMAGE", "source": url, **name}


def _prices(listing: Listing) -> JSON:
    offer = listing.offer
    if offer is None:
        return {}
    price = {
        "currency": offer.currency,
        "kind": "sale",
        "amount": offer.price,
        "compare_at": offer.list_price,
    }
    return {"prices": [price]}


def _stock(listing: Listing, location: str) -> JSON:
    on_hand = listing.stock if listing.active else 0
    return {} if on_hand is None else {"stock": [{"location": location, "on_hand": on_hand}]}


def _offer(prices: Sequence[JSON]) -> Offer | None:
    for price in prices:
        amount, listed = price.get("amount"), price.get("compare_at")
        if price["kind"] == "sale" and amount is not None and not price.get("valid_from"):
            return Offer(
                currency=price["currency"],
                price=Decimal(amount),
                list_price=None if listed is None else Decimal(listed),
            )
    return None


def _millimetres(centimetres: Any) -> Any:
    if not isinstance(centimetres, int | Decimal) or isinstance(centimetres, bool):
        return centimetres
    return EXACT.multiply(Decimal(centimetres), _MM)


def _key(text: str) -> str:
    return text if len(text) <= _LONGEST_KEY else codec.fingerprint(text)
