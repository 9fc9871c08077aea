"""What is in stock where: generated for any item and location, under what was changed."""

from __future__ import annotations

from typing import Any

from connectors.shopify.simulator import ids
from connectors.shopify.simulator.dice import mix
from connectors.shopify.simulator.options import Options
from connectors.shopify.simulator.overlay import Overlay, Table
from connectors.shopify.simulator.places import location_active
from connectors.shopify.simulator.products import product_time, variant_number

Node = dict[str, Any]

#: What is counted of an item at a location; what is there adds up to ``on_hand``.
COUNTED = ("incoming", "available", "committed", "reserved", "damaged", "safety_stock", "quality_control")


class Stock:
    """Inventory levels by item and location."""

    def __init__(self, options: Options, locations: Table) -> None:
        self._options, self._locations = options, locations
        self.levels: Overlay[tuple[int, int]] = Overlay()
        self._changed: tuple[int, dict[int, set[int]]] = (0, {})

    def stocked_at(self, item: int, *, inactive: bool) -> list[int]:
        """Locations that have a level of this item, ascending; one that was added later has none of its own."""
        count = self._locations.started_with
        some = min(self._options.stocked or count, count)
        held = (
            range(1, count + 1) if some == count else sorted((item + one) % count + 1 for one in range(some))
        )
        told = self._changed_at().get(item)
        if told is not None and not told.issubset(held):
            held = sorted(told.union(held))
        gone = self.levels.deleted
        return [
            one
            for one in held
            if self._locations.has(one) and (inactive or self.active(one)) and (item, one) not in gone
        ]

    def _changed_at(self) -> dict[int, set[int]]:
        """Locations at which something was changed, by item."""
        version, found = self._changed
        if version != self.levels.version:
            found = {}
            for item, location in self.levels.changes:
                found.setdefault(item, set()).add(location)
            self._changed = (self.levels.version, found)
        return found

    def active(self, location: int) -> bool:
        """Whether a location is in use."""
        change = self._locations.changes.get(location)
        generated = location_active(self._options, location)
        active: bool = change.fields.get("isActive", generated) if change else generated
        return active

    def level(self, item: int, location: int) -> Node:
        """The stock of an item at a location."""
        at = product_time(self._options, item // ids.VARIANT_STRIDE)
        change = self.levels.changes.get((item, location))
        return {
            "__typename": "InventoryLevel",
            "id": ids.level_gid(item, location),
            "isActive": self.active(location),
            "createdAt": at,
            "updatedAt": change.updated_at if change else at,
            "_item": item,
            "_location": location,
        }

    def quantities(self, item: int, location: int) -> dict[str, int]:
        """All that is counted of an item at a location."""
        dice = mix(self._options.seed, item, location, 8)
        counts = dict.fromkeys(COUNTED[1:], 0)
        counts["available"] = dice % 60 - (dice // 60 % 30 == 0)
        counts["committed"] = dice // 1800 % 4
        counts["damaged"] = int(dice // 7200 % 20 == 0)
        incoming = dice // 144_000 % 3
        change = self.levels.changes.get((item, location))
        if change is not None:
            told = change.fields
            counts |= {name: told[name] for name in counts if name in told}
            incoming = told.get("incoming", incoming)
        counts["on_hand"] = sum(counts.values())
        counts["incoming"] = incoming
        return counts

    def available(self, product: int, position: int) -> int:
        """What is available of a variant at all locations in use."""
        item = variant_number(product, position)
        return sum(self.quantities(item, one)["available"] for one in self.stocked_at(item, inactive=False))
