"""Merchstack's records as bodies of catalog entities. Pure functions; both give JSON that ``hub.catalog.parse`` takes.

Absent fields stay absent, null clears, an empty list or text is stored as such. What the catalog has no name for goes
into ``extra`` where it stood. ``tenantId``, ``storeId`` and the metadata are not content.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TypeVar

from msgspec import UNSET
from pydantic import ValidationError

from connectors.merchstack.faults import faults_of
from connectors.merchstack.shapes import (
    Asset,
    CategoryRecord,
    Facet,
    ProductRecord,
    Shape,
    VariantRecord,
    is_given,
)
from hub import money
from hub.errors import RejectedError
from hub.excerpt import excerpt
from hub.records import JSON

ShapeT = TypeVar("ShapeT", bound=Shape)

#: What stands in a record and is no content of the catalog.
NOT_CONTENT = frozenset({"exportMetaData", "importMetaData", "tenantId", "storeId"})

#: The kind of price that Merchstack's ``price`` is.
PRICE_KIND = "sale"

_ASSET_OPERATIONS: Mapping[str, str] = {"addAsset": "add", "updateAsset": "update", "deleteAsset": "delete"}

#: Fields that are put together on their own, and where the parts of a variant's price and stock go.
_CATEGORY_PARTS = frozenset({"translations", "media", "facets"})
_PRODUCT_PARTS = frozenset({"translations", "media", "variants"})
_PRICE: Mapping[str, str] = {"price": "amount", "compare_at_price": "compare_at"}
_STOCK: Mapping[str, str] = {"stock_on_hand": "on_hand", "out_of_stock_threshold": "threshold"}
_VARIANT_PARTS = frozenset({*_PRICE, *_STOCK, "currency_code"})
_SPELLED = {"price": "price", "compare_at_price": "compareAtPrice", "currency_code": "currencyCode"}


def category_body(record: JSON, *, operation: str, managed: bool, wait: bool) -> JSON:
    """A category of the catalog. ``operation`` is create, update or delete; ``wait``: for a parent not known yet.

    A managed one enriches: of another system's category of this key it changes the extra data alone. A delete needs
    the key only. Raises ``RejectedError`` with every error.
    """
    head: JSON = {"kind": "category", "managed": managed, **({"enriches": True} if managed else {})}
    if operation == "delete":
        return {**head, "operation": "delete", "key": _parsed(CategoryRecord, _key_alone(record)).key}
    found = _parsed(CategoryRecord, record)
    faults: list[str] = []
    body = {**head, **_content(found, _CATEGORY_PARTS), **_texts_and_media(found, faults)}
    if is_given(found.facets):
        body["facets"] = None if found.facets is None else [_facet(each) for each in found.facets]
    if not isinstance(body.get("related"), list | None):  # the seed names related items and shows none
        body.setdefault("extra", {})["relatedItems"] = body.pop("related")
    if body.get("parent") == "":  # no category has an empty key, so this one has no parent
        body["parent"] = None
    if found.parent == found.key:
        faults.append("externalSystemParentId: is the category itself; name another or leave it out")
    if faults:
        raise RejectedError(*faults)
    return {**body, "wait_for_parent": True} if wait else body


def product_body(record: JSON, *, operation: str, wait: bool, location: str) -> JSON:
    """A product of the catalog with the variants that the record names; their stock is at ``location``.

    A record that creates names all variants, and so does an empty or null list; an update names those that it
    changes ("the variant you are updating", seed 003). ``wait``: for categories not known yet. A delete needs the key
    only. Raises ``RejectedError`` with every error.
    """
    if operation == "delete":
        key = _parsed(ProductRecord, _key_alone(record)).key
        return {"kind": "product", "operation": "delete", "key": key}
    found = _parsed(ProductRecord, record)
    faults: list[str] = []
    body = {"kind": "product", **_content(found, _PRODUCT_PARTS), **_texts_and_media(found, faults)}
    if is_given(found.variants):
        listed = _unique(found.variants or (), "key", "variants", faults)
        body["variants"] = [_variant(each, f"variants.{place}", location, faults) for place, each in listed]
        if operation == "create" or not listed:
            body["all_variants"] = True
    if faults:
        raise RejectedError(*faults)
    return {**body, "wait_for_categories": True} if wait else body


def _parsed(shape: type[ShapeT], record: JSON) -> ShapeT:
    try:
        return shape.model_validate(record)
    except ValidationError as error:
        raise RejectedError(*faults_of(error, record)) from None


def _key_alone(record: JSON) -> JSON:
    return {name: record[name] for name in ("externalSystemId", "externalSystemID") if name in record}


def _content(shape: Shape, but: Collection[str] = ()) -> JSON:
    """What is there, by its name in the catalog; nested objects likewise."""
    content = {
        name: _content(value) if isinstance(value, Shape) else value
        for name, value in vars(shape).items()
        if value is not UNSET and name not in but
    }
    if shape.model_extra:
        extra = {name: value for name, value in shape.model_extra.items() if name not in NOT_CONTENT}
        content |= {"extra": extra} if extra else {}
    return content


def _unique(shapes: Sequence[ShapeT], name: str, field: str, faults: list[str]) -> list[tuple[int, ShapeT]]:
    """Each with its place; one that is repeated word for word counts once."""
    seen: dict[str, ShapeT] = {}
    places: list[tuple[int, ShapeT]] = []
    for place, shape in enumerate(shapes):
        value = getattr(shape, name)
        if value not in seen:
            seen[value] = shape
            places.append((place, shape))
        elif shape != seen[value]:
            faults.append(f"{field}.{place}: {excerpt(value)} stands here twice with other values; keep one")
    return places


def _texts_and_media(found: CategoryRecord | ProductRecord, faults: list[str]) -> JSON:
    parts: JSON = {}
    if is_given(found.translations):
        listed = _unique(found.translations or (), "language", "translations", faults)
        parts["translations"] = None if found.translations is None else [_content(each) for _, each in listed]
    if is_given(found.media):
        parts |= {"media": None} if found.media is None else _media(found.media, faults)
    return parts


def _media(assets: Sequence[Asset], faults: list[str]) -> JSON:
    """Assets with an operation change the media that are there, in order; those without one are the media."""
    changes = [
        {"operation": _ASSET_OPERATIONS[each.operation], "medium": _medium(each)}
        for each in assets
        if isinstance(each.operation, str)
    ]
    if changes and len(changes) == len(assets):
        return {"media_changes": changes}
    listed = [
        each for each in _unique(assets, "key", "assets", faults) if not isinstance(each[1].operation, str)
    ]
    return {"media": [_medium(each) for _, each in listed], **({"media_changes": changes} if changes else {})}


def _medium(asset: Asset) -> JSON:
    """A focal point that is a text, as the property table has it, has no form that is known: it is kept as it is."""
    medium = _content(asset, ("operation",))
    if isinstance(medium.get("focal_point"), str):
        medium.setdefault("extra", {})["focalPoint"] = medium.pop("focal_point")
    return medium


def _facet(facet: Facet) -> JSON:
    """A facet without details has none, however it says so."""
    details = facet.details if isinstance(facet.details, list) else []
    return {**_content(facet, ("details",)), "details": [_content(each) for each in details]}


def _variant(variant: VariantRecord, path: str, location: str, faults: list[str]) -> JSON:
    body = _content(variant, _VARIANT_PARTS)
    given = {
        name: value for name, value in vars(variant).items() if name in _VARIANT_PARTS and is_given(value)
    }
    if price := {_PRICE[name]: value for name, value in given.items() if name in _PRICE}:
        _add_price(body, price, given, path, faults)
    elif "currency_code" in given:
        body.setdefault("extra", {})["currencyCode"] = variant.currency_code
    if stock := {_STOCK[name]: value for name, value in given.items() if name in _STOCK}:
        body["stock"] = [{"location": location, **stock}]
    return body


def _add_price(body: JSON, price: JSON, given: JSON, path: str, faults: list[str]) -> None:
    """Seed 003: the price "in a decimal-less format" is in the minor unit of its currency."""
    currency = given.get("currency_code")
    if currency is None and all(amount is None for amount in price.values()):
        # Which price is cleared cannot be told; what was written is kept.
        body.setdefault("extra", {}).update(
            {_SPELLED[name]: given[name] for name in _SPELLED if name in given}
        )
        return
    if currency is None:
        faults.append(
            f"{path}.currencyCode: is missing, and a price means nothing without it; add a code such as USD"
        )
        return
    try:
        amounts = {
            name: amount if amount is None else money.from_minor(amount, currency)
            for name, amount in price.items()
        }
    except ValueError as error:
        faults.append(f"{path}.currencyCode: {error}")
        return
    body["prices"] = [{"kind": PRICE_KIND, "currency": currency, **amounts}]
