"""The SKUs and products that there are, and the list of those in a sales channel."""

from __future__ import annotations

from connectors.vtex.simulator.clock import Clock
from connectors.vtex.simulator.items import (
    FIRST_PRODUCT,
    FIRST_SKU,
    Offer,
    Product,
    Sku,
    brand_names,
    category_names,
    make_product,
    make_sku,
)
from connectors.vtex.simulator.options import Options


class Catalog:
    """The account's own SKUs. What is handed out may be changed; call ``changed`` then."""

    def __init__(self, options: Options, clock: Clock) -> None:
        self.options, self._clock = options, clock
        self.brands, self.categories = brand_names(options), category_names(options)
        self._products: dict[int, Product] = {}
        self._skus: dict[int, Sku] = {}
        self._assigned: list[int] | None = None
        self._modified: set[int] = set()

    @property
    def numbers(self) -> range:
        """The ids of all SKUs."""
        return range(FIRST_SKU, FIRST_SKU + self.options.skus)

    def sku(self, number: int) -> Sku | None:
        """The SKU of that id."""
        found = self._skus.get(number)
        if found is None and number in self.numbers:
            product = self._product(FIRST_PRODUCT + (number - FIRST_SKU) // self.options.skus_per_product)
            found = self._skus[number] = make_sku(self.options, number, product)
        return found

    def product(self, number: int) -> Product | None:
        """The product of that id."""
        first = FIRST_SKU + (number - FIRST_PRODUCT) * self.options.skus_per_product
        return self._product(number) if first in self.numbers else None

    def skus_of(self, product: Product) -> list[Sku]:
        """All SKUs of a product."""
        step = self.options.skus_per_product
        first = FIRST_SKU + (product.id - FIRST_PRODUCT) * step
        return [sku for number in range(first, first + step) if (sku := self.sku(number))]

    def channels(self, sku: Sku) -> list[int]:
        """The sales channels that it is assigned to."""
        return [self.options.sales_channel] if sku.assigned else []

    def listed(self, channel: int, *, only_assigned: bool) -> list[int] | range:
        """The ids in a sales channel, or all."""
        if not only_assigned:
            return self.numbers
        if channel != self.options.sales_channel:
            return []
        if self._assigned is None:
            self._assigned = [one for one in self.numbers if (sku := self.sku(one)) and sku.assigned]
        return self._assigned

    def offer(self, sku: Sku) -> Offer:
        """Price and stock as a simulation sees them, which may be the old ones for a while."""
        if sku.stale is not None:
            until, old = sku.stale
            if self._clock.seconds() < until:
                return old
            sku.stale = None
        return sku.offer

    def set_offer(self, sku: Sku, offer: Offer) -> None:
        """A new price or stock."""
        if self.options.stale_seconds:
            sku.stale = (self._clock.seconds() + self.options.stale_seconds, self.offer(sku))
        sku.offer = offer
        self._modified.add(sku.id)

    def changed(self, sku: Sku) -> None:
        """Something of the SKU or its product was changed."""
        self._modified.add(sku.id)
        self._assigned = None

    @property
    def modified(self) -> int:
        """How many SKUs were changed."""
        return len(self._modified)

    def unmodified(self) -> list[int]:
        """Those in the channel that never were, in order."""
        listed = self.listed(self.options.sales_channel, only_assigned=True)
        return [one for one in listed if one not in self._modified]

    def category_path(self, category: int) -> str:
        """``Department/Category``."""
        _, department, name = self.categories[category]
        return f"{department}/{name}"

    def _product(self, number: int) -> Product:
        found = self._products.get(number)
        if found is None:
            found = self._products[number] = make_product(self.options, number)
        return found
