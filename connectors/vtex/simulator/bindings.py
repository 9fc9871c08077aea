"""Which SKU of a seller is which SKU of the marketplace (vtex facts, "Change notification")."""

from __future__ import annotations

from dataclasses import dataclass, field

from connectors.vtex.simulator.clock import Clock
from hub.records import JSON

Key = tuple[str, str]

#: The first number of a marketplace SKU that came from a suggestion: none of the account's own catalog.
FIRST_BOUND = 9_000_001


@dataclass
class Binding:
    """One seller's SKU in the marketplace; ``product`` is what was made of the suggestion."""

    number: int
    seller: str
    seller_sku: str
    updated: str
    product: JSON = field(default_factory=dict)
    active: bool = True
    requested: str | None = None
    notified: int = 0

    def details(self) -> JSON:
        """As GET answers it."""
        return {
            "IsPersisted": True,
            "IsRemoved": False,
            "SkuSellerId": self.number - FIRST_BOUND + 1,
            "SellerId": self.seller,
            "StockKeepingUnitId": self.number,
            "SellerStockKeepingUnitId": self.seller_sku,
            "IsActive": self.active,
            "UpdateDate": self.updated,
            "RequestedUpdateDate": self.requested,
        }


class Bindings:
    """All bindings of the account."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._by_key: dict[Key, Binding] = {}
        self._by_number: dict[int, Binding] = {}
        self._made = 0

    def __len__(self) -> int:
        return len(self._by_key)

    def get(self, key: Key) -> Binding | None:
        """By seller and seller's SKU."""
        return self._by_key.get(key)

    def numbered(self, text: str) -> Binding | None:
        """By the marketplace's SKU id."""
        return (
            self._by_number.get(int(text)) if text.isascii() and text.isdigit() and len(text) < 19 else None
        )

    def bind(self, key: Key, product: JSON) -> Binding:
        """Make one, or give the one there is the new content."""
        binding = self._by_key.get(key)
        if binding is None:
            binding = Binding(FIRST_BOUND + self._made, *key, updated="")
            self._made += 1
            self._by_key[key] = self._by_number[binding.number] = binding
        binding.product, binding.updated = product, self._clock.text()
        return binding

    def unbind(self, key: Key) -> bool:
        """Remove one; its number is never given again. Whether there was one."""
        binding = self._by_key.pop(key, None)
        if binding is not None:
            del self._by_number[binding.number]
        return binding is not None

    def notified(self, binding: Binding) -> None:
        """The seller says that it changed."""
        binding.notified += 1
        binding.requested = self._clock.text()

    def shown(self) -> list[JSON]:
        """All of them with what they were made from."""
        return [
            one.details() | {"Product": one.product, "Notified": one.notified}
            for one in self._by_key.values()
        ]
