"""Merchstack's records as bodies of catalog entities. Pure functions; both give JSON that ``hub.catalog.parse`` takes.

Absent fields stay absent, null clears, an empty list or text is stored as such. What the catalog has no name for goes
into ``extra`` where it stood. ``tenantId``, ``storeId`` and the metadata are not content.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from pydantic import ValidationError

from connectors.merchstack.faults import faults_of
from connectors.merchstack.shapes import CategoryRecord, ProductRecord, Shape
from hub import money
from hub.errors import RejectedError
from hub.excerpt import excerpt
from hub.records import JSON

#: The kind of price that Merchstack's ``price`` is.
PRICE_KIND = "sale"

_ASSET_OPERATIONS: Mapping[str, str] = {"addAsset": "add", "updateAsset": "update", "deleteAsset": "delete"}

#: Where the parts of a variant's price and stock go, and how a price that cannot be told is kept.
_PRICE: Mapping[str, str] = {"price": "amount", "compare_at_price": "compare_at"}
_STOCK: Mapping[str, str] = {"stock_on_hand": "on_hand", "out_of_stock_threshold": "threshold"}
_OFFER: Mapping[str, str] = {
    "price": "price",
    "compare_at_price": "compareAtPrice",
    "currency_code": "currencyCode",
}


def category_body(record: JSON, *, operation: str, managed: bool, wait: bool) -> JSON:
    """A category of the catalog. ``operation`` is create, update or delete; ``wait``: for a parent not known yet.

    A managed one enriches: of another system's category of this key it changes the extra data alone. A delete needs
    the key only. Raises ``RejectedError`` with every error.
    """
    head: JSON = {"kind": "category", "managed": managed, **({"enriches": True} if managed else {})}
    if operation == "delete":
        return {**head, "operation": "delete", "key": _parsed(CategoryRecord, _key_alone(record))["key"]}
    body = {**head, **_parsed(CategoryRecord, record)}
    faults: list[str] = []
    _settle_texts_and_media(body, faults)
    for facet in body.get("facets") or ():  # a facet without details has none, however it says so
        facet["details"] = facet.get("details") or []
    if not isinstance(body.get("related"), list | None):  # the seed names related items and shows none
        body.setdefault("extra", {})["relatedItems"] = body.pop("related")
    if body.get("parent") == "":  # no category has an empty key, so this one has no parent
        body["parent"] = None
    if body.get("parent") == body["key"]:
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
        key = _parsed(ProductRecord, _key_alone(record))["key"]
        return {"kind": "product", "operation": "delete", "key": key}
    body = {"kind": "product", **_parsed(ProductRecord, record)}
    faults: list[str] = []
    _settle_texts_and_media(body, faults)
    if "variants" in body:
        listed = _unique(body["variants"] or (), "key", "variants", faults)
        body["variants"] = [_variant(each, f"variants.{place}", location, faults) for place, each in listed]
        if operation == "create" or not listed:
            body["all_variants"] = True
    if faults:
        raise RejectedError(*faults)
    return {**body, "wait_for_categories": True} if wait else body


def _parsed(shape: type[Shape], record: JSON) -> JSON:
    try:
        return cast("JSON", shape.model_validate(record))
    except ValidationError as error:
        raise RejectedError(*faults_of(error, record)) from None


def _key_alone(record: JSON) -> JSON:
    return {name: record[name] for name in ("externalSystemId", "externalSystemID") if name in record}


def _unique(objects: Sequence[JSON], name: str, field: str, faults: list[str]) -> list[tuple[int, JSON]]:
    """Each with its place; one that is repeated word for word counts once."""
    firsts: dict[str, tuple[int, JSON]] = {}
    for place, each in enumerate(objects):
        first, same = firsts.setdefault(each[name], (place, each))
        if first != place and each != same:
            what = f"{excerpt(each[name])} stands here twice with other values"
            faults.append(f"{field}.{place}: {what}; keep one")
    return list(firsts.values())


def _settle_texts_and_media(body: JSON, faults: list[str]) -> None:
    """Null and an empty list stay what they are."""
    if translations := body.get("translations"):
        body["translations"] = [each for _, each in _unique(translations, "language", "translations", faults)]
    if body.get("media"):
        body.update(_media(body.pop("media"), faults))


def _media(assets: Sequence[JSON], faults: list[str]) -> JSON:
    """Assets with an operation change the media that are there, in order; those without one are the media."""
    parts: JSON = {}
    changes = [each for each in assets if each.get("operation")]
    if len(changes) < len(assets):
        listed = _unique(assets, "key", "assets", faults)
        parts["media"] = [_medium(each) for _, each in listed if not each.get("operation")]
    if changes:
        parts["media_changes"] = [
            {"operation": _ASSET_OPERATIONS[each["operation"]], "medium": _medium(each)} for each in changes
        ]
    return parts


def _medium(asset: JSON) -> JSON:
    """A focal point that is a text, as the property table has it, has no form that is known: it is kept as it is."""
    asset.pop("operation", None)
    if isinstance(asset.get("focal_point"), str):
        asset.setdefault("extra", {})["focalPoint"] = asset.pop("focal_point")
    return asset


def _variant(variant: JSON, path: str, location: str, faults: list[str]) -> JSON:
    if offer := {name: variant.pop(name) for name in _OFFER if name in variant}:
        _add_price(variant, offer, path, faults)
    if stock := {part: variant.pop(name) for name, part in _STOCK.items() if name in variant}:
        variant["stock"] = [{"location": location, **stock}]
    return variant


def _add_price(variant: JSON, offer: JSON, path: str, faults: list[str]) -> None:
    """Seed 003: the price "in a decimal-less format" is in the minor unit of its currency."""
    currency = offer.get("currency_code")
    price = {part: offer[name] for name, part in _PRICE.items() if name in offer}
    if not price or (currency is None and all(amount is None for amount in price.values())):
        # There is none, or which one is cleared cannot be told; what was written is kept.
        variant.setdefault("extra", {}).update({_OFFER[name]: value for name, value in offer.items()})
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
    variant["prices"] = [{"kind": PRICE_KIND, "currency": currency, **amounts}]
