"""The offers of the simulated marketplace, and what was written of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from connectors.marketplace.simulator.options import Options
from connectors.marketplace.simulator.rules import Rules
from hub.records import JSON


@dataclass(kw_only=True, slots=True)
class Offer:
    """One SKU as it is sold."""

    id: str
    sku: str
    product: JSON
    category: str | None = None
    currency: str | None = None
    price: Decimal | int | None = None
    list_price: Decimal | int | None = None
    stock: int | None = None
    active: bool = True

    def shown(self) -> JSON:
        """As answers have it."""
        return {
            "id": self.id,
            "sku": self.sku,
            "category": self.category,
            "currency": self.currency,
            "price": self.price,
            "list_price": self.list_price,
            "stock": self.stock,
            "active": self.active,
            "url": f"https://marketplace.example/p/{self.id}",
        }


class UnknownError(LookupError):
    """Nothing of this name is sold."""


class FaultsError(ValueError):
    """A write that breaks rules; ``faults`` are all of them."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


class Goods:
    """By SKU; an offer is also found by its id."""

    def __init__(self, options: Options) -> None:
        self._rules = Rules(options)
        self.offers: dict[str, Offer] = {}
        self.writes: Counter[str] = Counter()
        self.unknown: Counter[str] = Counter()
        self._skus: dict[str, str] = {}
        self._made = 0

    def find(self, name: str) -> Offer:
        """By SKU or id. Raises ``UnknownError``."""
        offer = self.offers.get(self._skus.get(name, name))
        if offer is None:
            raise UnknownError(name)
        return offer

    def upsert(self, sku: str, body: JSON) -> tuple[Offer, bool]:
        """And whether it was made. Raises ``FaultsError``."""
        _refuse(self._rules.faults_of_product(sku, body))
        self.writes[sku] += 1
        offer = self.offers.get(sku)
        made = offer is None
        if offer is None:
            self._made += 1
            offer = Offer(id=f"mp-{self._made}", sku=sku, product={})
            self.offers[sku], self._skus[offer.id] = offer, sku
        offer.product, offer.category = dict(body["product"]), body.get("category")
        _take(offer, body)
        return offer, made

    def price(self, name: str, body: JSON) -> Offer:
        """Raises ``UnknownError`` or ``FaultsError``."""
        offer = self._written(name)
        _refuse(self._rules.faults_of_price(offer.sku, body))
        _take(offer, {"list_price": None, **body})
        return offer

    def stock(self, name: str, body: JSON) -> Offer:
        """Raises ``UnknownError`` or ``FaultsError``."""
        offer = self._written(name)
        _refuse(self._rules.faults_of_stock(offer.sku, body))
        _take(offer, body)
        return offer

    def switch(self, name: str, *, active: bool, body: JSON) -> Offer:
        """Block or unblock; the stock stays, unless it comes along. Raises ``UnknownError`` or ``FaultsError``."""
        offer = self._written(name)
        if "stock" in body:
            _refuse(self._rules.faults_of_stock(offer.sku, body))
        _take(offer, {**body, "active": active})
        return offer

    def delete(self, name: str) -> None:
        """Raises ``UnknownError``."""
        offer = self._written(name)
        del self.offers[offer.sku], self._skus[offer.id]

    def put(self, name: str, changed: JSON) -> Offer:
        """Change an offer behind everybody's back. Raises ``UnknownError``."""
        offer = self.find(name)
        _take(offer, changed)
        return offer

    def remove(self, name: str) -> None:
        """Take one away behind everybody's back. Raises ``UnknownError``."""
        offer = self.find(name)
        del self.offers[offer.sku], self._skus[offer.id]

    def _written(self, name: str) -> Offer:
        try:
            offer = self.find(name)
        except UnknownError:
            self.unknown[name] += 1
            raise
        self.writes[offer.sku] += 1
        return offer


def _take(offer: Offer, body: JSON) -> None:
    fields: dict[str, Any] = {
        name: body[name] for name in ("currency", "price", "list_price", "stock", "active") if name in body
    }
    for name, value in fields.items():
        setattr(offer, name, value)


def _refuse(faults: list[str]) -> None:
    if faults:
        raise FaultsError(faults)
