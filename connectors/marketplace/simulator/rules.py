"""What the simulated marketplace takes: every fault of a write is named at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from connectors.marketplace.simulator.options import Options
from hub.records import JSON


class Rules:
    """Of one marketplace."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._leaves = {f"c{number + 1}" for number in range(options.categories)}

    def faults_of_product(self, sku: str, body: JSON) -> list[str]:
        """Of an upsert."""
        product = body.get("product")
        if not isinstance(product, Mapping):
            return ["product: is required"]
        return [
            *self._refused(sku),
            *self._missing(product),
            *self._lengths(product),
            *self._category(body.get("category")),
            *(self._price(body) if "price" in body else ()),
            *(self._stock(body) if "stock" in body else ()),
        ]

    def faults_of_price(self, sku: str, body: JSON) -> list[str]:
        """Of a price."""
        return [*self._refused(sku), *self._price(body)]

    def faults_of_stock(self, sku: str, body: JSON) -> list[str]:
        """Of a stock level."""
        return [*self._refused(sku), *self._stock(body)]

    def _refused(self, sku: str) -> Iterator[str]:
        if sku in self._options.refuse:
            yield f"sku: {sku} is not to be sold here"

    def _missing(self, product: Mapping[str, Any]) -> Iterator[str]:
        for name in self._options.require:
            if not product.get(name):
                yield f"product.{name}: is required"
        if len(product.get("images") or ()) < self._options.images:
            yield f"product.images: at least {self._options.images} are required"

    def _lengths(self, product: Mapping[str, Any]) -> Iterator[str]:
        for name, most in (
            ("name", self._options.name_length),
            ("description", self._options.description_length),
        ):
            text = product.get(name) or ""
            if len(text) > most:
                yield f"product.{name}: has {len(text)} characters, at most {most} are allowed"

    def _category(self, category: Any) -> Iterator[str]:
        if self._options.known_categories and category is not None and category not in self._leaves:
            yield f"category: {category} is no category of this marketplace"

    def _price(self, body: JSON) -> Iterator[str]:
        price, listed = body.get("price"), body.get("list_price")
        if not isinstance(body.get("currency"), str):
            yield "currency: is required"
        if not isinstance(price, int | Decimal) or not 0 < price <= self._options.price_max:
            yield f"price: must be above 0 and at most {self._options.price_max}"
        elif listed is not None and (not isinstance(listed, int | Decimal) or listed < price):
            yield "list_price: must not be below price"

    def _stock(self, body: JSON) -> Iterator[str]:
        stock = body.get("stock")
        if not isinstance(stock, int) or isinstance(stock, bool) or not 0 <= stock <= self._options.stock_max:
            yield f"stock: must be a whole number from 0 to {self._options.stock_max}"
