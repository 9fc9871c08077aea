"""What every SKU costs and how many there are, ready to be answered: the catalog's documents as offers. Pure."""

from __future__ import annotations

import math
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from connectors.vtex.cents import in_cents
from connectors.vtex.seller.amounts import available
from connectors.vtex.values import number
from hub.catalog.moments import moment
from hub.records import JSON

#: A price without an end of its own is promised for so long, in seconds: an hour, as in the seed's sample.
PROMISED_FOR = 3600


@dataclass(frozen=True, kw_only=True)
class Terms:
    """Which of a variant's prices and stock levels are offered, and what its SKU is called over there.

    ``sku``: its ``key`` or its ``sku``. ``locations``: the warehouses that count; None for all. ``merchant_name`` is null
    where the marketplace takes the payment.
    """

    sku: Literal["key", "sku"] = "key"
    currency: str
    price_kind: str = "sale"
    locations: Collection[str] | None = None
    merchant_name: str | None = None
    measurement_unit: str = "un"


@dataclass(frozen=True, slots=True)
class _Period:
    """A price in hundredths, and what it is reduced from, from one moment (seconds since 1970) until another.

    0 is a price that VTEX cannot be told: while it holds, none is.
    """

    begins: float
    ends: float
    price: int
    list_price: int


class Offer:
    """One SKU. Holds the parts of its answer as JSON, and builds them anew when its price begins or ends."""

    __slots__ = (
        "_periods",
        "_terms",
        "at_hand_until",
        "product",
        "sku",
        "stock",
        "tail",
        "until",
        "valid_to",
        "variant",
    )

    def __init__(
        self, sku: str, variant: str, product: str, stock: int, periods: Sequence[_Period], terms: Terms
    ) -> None:
        self.sku, self.variant, self.product, self.stock = sku, variant, product, stock
        self._periods, self._terms = periods, terms
        #: From ``listPrice`` to the end of the line; None while it has no price.
        self.tail: str | None = None
        #: Until then there is nothing to think about: it is in stock, at a price that can be promised for ``PROMISED_FOR``,
        #: and its SKU is written in JSON as it is. In seconds since 1970.
        self.at_hand_until = -math.inf
        #: The present price ends then, by itself or because the next one begins, in seconds since 1970.
        self.valid_to = math.inf
        #: The parts hold until then, in seconds since 1970.
        self.until = -math.inf

    def turn(self, now: float) -> None:
        """Build the parts for ``now``: of the periods that hold the one that began last."""
        holding = [one for one in self._periods if one.begins <= now < one.ends]
        self.until = min(
            (at for one in self._periods for at in (one.begins, one.ends) if at > now), default=math.inf
        )
        period = max(holding, key=lambda one: one.begins, default=None)
        self.at_hand_until = -math.inf
        if period is None or not period.price:
            self.tail = None
            return
        self.valid_to = min(
            [period.ends, *(one.begins for one in self._periods if now < one.begins < one.ends)]
        )
        unit, merchant = text(self._terms.measurement_unit), text(self._terms.merchant_name)
        # Interned: many SKUs cost the same, and what they share stays in the processor's cache.
        self.tail = sys.intern(
            f',"listPrice":{period.list_price},"measurementUnit":{unit},"merchantName":{merchant},"offerings":[],'
            f'"price":{period.price},"priceTags":[],"unitMultiplier":1}}'
        )
        if self.stock and text(self.sku) == f'"{self.sku}"':
            self.at_hand_until = math.inf if self.valid_to == math.inf else self.valid_to - PROMISED_FOR


class Offers:
    """All offers of a connection, by SKU."""

    def __init__(self, terms: Terms) -> None:
        self.by_sku: dict[str, Offer] = {}
        #: Of these those about which there is nothing to think until ``at_hand_until``; filled as they are asked for.
        self.at_hand: dict[str, Offer] = {}
        self.at_hand_until = math.inf
        self._terms = terms
        self._of_variant: dict[str, Offer] = {}
        self._of_product: dict[str, set[str]] = {}
        #: All offers of an SKU that more than one variant has.
        self._sharing: dict[str, list[Offer]] = {}

    def put(self, products: Iterable[str], documents: Mapping[str, JSON]) -> list[str]:
        """Replace all that is offered of these products; without a document one is gone.

        A variant that was another product's is not offered there any more. Returns SKUs that more than one variant has:
        the one whose key comes first is offered, so that every process answers alike, whatever it read first.
        """
        doubled = []
        for key in products:
            for variant in self._of_product.pop(key, ()):
                self._take(self._of_variant[variant])
            document = documents.get(key)
            for offer in () if document is None else offers_of(document, self._terms):
                if moved := self._of_variant.get(offer.variant):
                    self._take(moved)
                    self._of_product[moved.product].discard(offer.variant)
                self._of_product.setdefault(key, set()).add(offer.variant)
                if self._give(offer):
                    doubled.append(offer.sku)
        return doubled

    def keep_at_hand(self, offer: Offer) -> None:
        """There is nothing to think about it for a while."""
        self.at_hand[offer.sku] = offer
        self.at_hand_until = min(self.at_hand_until, offer.at_hand_until)

    def look_over(self, now: float) -> None:
        """Let go of those about which there is something to think by ``now``."""
        self.at_hand = {sku: offer for sku, offer in self.at_hand.items() if now < offer.at_hand_until}
        self.at_hand_until = min((offer.at_hand_until for offer in self.at_hand.values()), default=math.inf)

    def _give(self, offer: Offer) -> bool:
        """Whether there was one of this SKU."""
        self.at_hand.pop(offer.sku, None)
        self._of_variant[offer.variant] = offer
        other = self.by_sku.get(offer.sku)
        if other is None:
            self.by_sku[offer.sku] = offer
            return False
        sharing = self._sharing.setdefault(offer.sku, [other])
        sharing.append(offer)
        self.by_sku[offer.sku] = min(sharing, key=_variant_of)
        return True

    def _take(self, offer: Offer) -> None:
        self.at_hand.pop(offer.sku, None)
        del self._of_variant[offer.variant]
        sharing = self._sharing.get(offer.sku)
        if sharing is None:
            del self.by_sku[offer.sku]
            return
        sharing.remove(offer)
        self.by_sku[offer.sku] = min(sharing, key=_variant_of)
        if len(sharing) == 1:
            del self._sharing[offer.sku]


def text(value: str | None) -> str:
    """As JSON."""
    return msgspec.json.encode(value).decode()


def _variant_of(offer: Offer) -> str:
    return offer.variant


def offers_of(product: JSON, terms: Terms) -> Iterator[Offer]:
    """A product's document (``Catalog.read``) as the offers of its variants; one without an SKU offers nothing.

    A product or variant that is switched off has no stock, and keeps its price.
    """
    for variant in product["variants"]:
        sku = variant["key"] if terms.sku == "key" else variant.get("sku")
        if not sku:
            continue
        enabled = product.get("enabled") is not False and variant.get("enabled") is not False
        stock = available(variant.get("stock") or (), terms.locations) if enabled else 0
        yield Offer(str(sku), variant["key"], product["key"], stock, _periods(variant, terms), terms)


def _periods(variant: JSON, terms: Terms) -> list[_Period]:
    found = []
    for price in variant.get("prices") or ():
        if price["currency"] != terms.currency or price.get("kind", "sale") != terms.price_kind:
            continue
        if (number(price.get("amount")) or 0) <= 0:
            continue
        amount = _cents(price.get("amount"))
        begins, ends = _seconds(price.get("valid_from"), -math.inf), _seconds(price.get("valid_to"), math.inf)
        found.append(_Period(begins, ends, amount, max(_cents(price.get("compare_at")), amount)))
    return found


def _cents(amount: Any) -> int:
    """0 where there is none, or where it is finer than VTEX counts: an older price is not given away for that."""
    try:
        return in_cents(amount)
    except ValueError:
        return 0


def _seconds(text: str | None, otherwise: float) -> float:
    at = moment(text)
    return otherwise if at is None else at.timestamp()
