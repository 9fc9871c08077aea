"""Documents of the catalog as Merchstack's records, in the official spelling. Pure functions, without metadata.

Left out, because Merchstack has no name for it: of a product ``status``, ``options`` and ``tags``; of a variant
``title``, ``gtin``, ``position``, weight, lengths and media of its own; of a medium ``alt``; of a category ``managed``
and ``path``; prices of another kind or currency, dates of a price, and which location holds how much of the stock.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import Any

from connectors.merchstack.shapes import (
    Asset,
    CategoryRecord,
    Facet,
    FacetDetail,
    FocalPoint,
    ProductRecord,
    Shape,
    Translation,
    VariantRecord,
)
from connectors.merchstack.to_catalog import PRICE_KIND
from hub import money
from hub.catalog.moments import moment
from hub.errors import RejectedError
from hub.records import JSON

#: What a price gives, and what that is called in a record.
_AMOUNTS: Mapping[str, str] = {"amount": "price", "compare_at": "compareAtPrice"}

#: A time before all others.
_ALWAYS = datetime.min.replace(tzinfo=UTC)


def category_record(document: JSON) -> JSON:
    """A category document (``hub.catalog.ports.Catalog.read``) as a record.

    What is absent stays absent; null stays null, for Merchstack leaves what it has where a field is absent.
    """
    return _record(
        CategoryRecord,
        document,
        translations=_each(Translation),
        media=_media,
        facets=lambda facets: [_record(Facet, each, details=_each(FacetDetail)) for each in facets],
    )


def product_record(
    document: JSON,
    *,
    currency: str | None,
    price_kind: str = PRICE_KIND,
    location: str | None = None,
    now: datetime | None = None,
    gone: Sequence[JSON] = (),
) -> JSON:
    """A product document, with its variants, as a record; ``gone`` are variants to switch off, behind those that live.

    A variant has one price: the one of ``price_kind`` in ``currency`` (default: in the only currency there is) that
    holds at ``now`` (default: one without dates). An amount that it had before and has no more (cleared, or of a price
    that ended) is null. Stock is the sum over all locations, or what ``location`` has, the threshold the largest; null
    where all that is known of it was cleared. Raises ``RejectedError`` where the price cannot be told.
    """
    offers = _Offers(currency, price_kind, location, now)
    record = _record(
        ProductRecord,
        document,
        translations=_each(Translation),
        media=_media,
        attributes=_attributes,
        variants=lambda variants: (
            [
                offers.added(_record(VariantRecord, each, attributes=_attributes), each, f"variants.{place}")
                for place, each in enumerate(variants)
            ]
            + [_switched_off(each) for each in gone]
        ),
    )
    if offers.faults:
        raise RejectedError(*offers.faults)
    return record


@cache
def official(shape: type[Shape]) -> Mapping[str, str]:
    """What the catalog's fields are called in a record."""
    return {name: spelling for name, (spelling, *_) in shape.spellings().items()}


def _record(shape: type[Shape], document: Mapping[str, Any], **parts: Callable[[Any], Any]) -> JSON:
    """The fields that have a name over there, and what came from there without a name here."""
    record: JSON = dict(document.get("extra") or {})
    for name, spelling in official(shape).items():
        if name in document:
            value = document[name]
            record[spelling] = parts[name](value) if name in parts and value is not None else value
    return record


def _each(shape: type[Shape]) -> Callable[[Sequence[JSON]], list[JSON]]:
    return lambda documents: [_record(shape, each) for each in documents]


def _media(media: Sequence[JSON]) -> list[JSON]:
    return [_record(Asset, each, focal_point=lambda point: _record(FocalPoint, point)) for each in media]


def _attributes(attributes: Mapping[str, Sequence[str]]) -> list[JSON]:
    """An array with one object, as the seed's examples have it."""
    return [{name: list(values) for name, values in attributes.items()}] if attributes else []


def _switched_off(variant: JSON) -> JSON:
    """Merchstack's import format has no operation for a variant, and a product is updated, never replaced."""
    sku = {"sku": variant["sku"]} if variant.get("sku") is not None else {}
    return {"externalSystemId": variant["key"], **sku, "enabled": False}


class _Offers:
    """What a variant costs and how many there are, as Merchstack wants to know it."""

    def __init__(self, currency: str | None, kind: str, location: str | None, now: datetime | None) -> None:
        self.faults: list[str] = []
        self._currency = currency
        self._kind = kind
        self._location = location
        self._now = now

    def added(self, record: JSON, variant: JSON, path: str) -> JSON:
        price = self._price(variant.get("prices") or (), path)
        return {**record, **price, **self._stock(variant.get("stock") or ())}

    def _price(self, prices: Sequence[JSON], path: str) -> JSON:
        begun = sorted(filter(self._has_begun, prices), key=_latest_last)
        given = [name for name in _AMOUNTS if any(name in each for each in begun)]
        fitting = [each for each in begun if self._holds(each)]
        currencies = sorted({each["currency"] for each in fitting})
        if len(currencies) > 1:
            self.faults.append(
                f"{path}.price: there are prices in {', '.join(currencies)}; say with settings.currency which to export"
            )
            return {}
        if not given:
            return {}
        # Where none holds, what was exported of the last one is cleared.
        chosen = fitting[-1] if fitting else {"currency": begun[-1]["currency"]}
        try:
            amounts = {_AMOUNTS[name]: _minor(chosen.get(name), chosen["currency"]) for name in given}
            return {**amounts, "currencyCode": chosen["currency"]}
        except (ValueError, ArithmeticError) as error:
            self.faults.append(f"{path}.price: {error}; correct it in the catalog")
            return {}

    def _has_begun(self, price: JSON) -> bool:
        if price.get("kind", PRICE_KIND) != self._kind or self._currency not in {None, price["currency"]}:
            return False
        start = price.get("valid_from")
        if start is None or self._now is None:
            return start is None
        return (at := moment(start)) is not None and at <= self._now

    def _holds(self, price: JSON) -> bool:
        """Of one that has begun."""
        if all(price.get(name) is None for name in _AMOUNTS):
            return False
        end = price.get("valid_to")
        if end is None or self._now is None:
            return end is None
        return (at := moment(end)) is not None and at > self._now

    def _stock(self, levels: Sequence[JSON]) -> JSON:
        counted = [each for each in levels if self._location in {None, each.get("location")}]
        return {
            **_together("stockOnHand", sum, [each["on_hand"] for each in counted if "on_hand" in each]),
            **_together(
                "outOfStockThreshold", max, [each["threshold"] for each in counted if "threshold" in each]
            ),
        }


def _together(name: str, reckon: Callable[[list[int]], int], counts: Sequence[int | None]) -> JSON:
    """Of the counts that are known; null where all of them were cleared, nothing where nobody gave one."""
    known = [each for each in counts if each is not None]
    return {name: reckon(known) if known else None} if counts else {}


def _minor(amount: Any, currency: str) -> int | None:
    return None if amount is None else money.to_minor(Decimal(amount), currency)


def _latest_last(price: JSON) -> tuple[datetime, str]:
    return moment(price.get("valid_from")) or _ALWAYS, price["currency"]
