"""What the contract suite has to know of Shopify."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from hub.records import JSON
from hub.testing.world import World


class ShopifyWorld(World):
    """A small shop, which is told nothing of what becomes of its records."""

    simulator = "shopify"
    simulator_options: ClassVar[Mapping[str, Any]] = {"products": 10, "locations": 3, "customers": 5}
    poll = "POST /admin/api/2026-10/graphql.json"
    report = None
    push = "POST /"
    most_polls_in_a_second = 50

    def connection(self, source: str, destination: str) -> JSON:
        """A custom app with a fixed token."""
        return {
            "connector": "shopify",
            "settings": {"shop": "simulated.myshopify.com", "endpoint": source},
            "credentials": {"access_token": "shpat_simulator"},
            "destination": {"name": "http", "settings": {"url": f"{destination}/things"}},
        }

    def expected(self) -> Mapping[str, str]:
        """Nothing is reported."""
        return {}

    def reported(self, source: JSON) -> Mapping[str, Sequence[str]]:
        """Nothing is."""
        return {}
