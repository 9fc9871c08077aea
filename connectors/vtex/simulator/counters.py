"""What the simulator counts of the requests that it gets: small, whatever their number."""

from __future__ import annotations

from collections import Counter, defaultdict

from connectors.vtex.simulator.web import Request, Route
from hub.records import JSON


class Counters:
    """Requests by route and status, 429s by route, and how often each SKU was asked for."""

    def __init__(self) -> None:
        self.requests: Counter[str] = Counter()
        self.throttled: Counter[str] = Counter()
        self.statuses: Counter[int] = Counter()
        self.refused = self.unknown_paths = self.direct_writes = 0
        self._skus: defaultdict[str, Counter[str]] = defaultdict(Counter)

    def came(self, route: Route, request: Request) -> None:
        """A request that passed its key and its limit."""
        if route.sku is not None:
            self._skus[route.name][request.names[route.sku]] += 1

    def asked(self, route: str, skus: list[str]) -> None:
        """A request for many SKUs at once."""
        self._skus[route].update(skus)

    def answered(self, route: str, status: int) -> None:
        """Any answer at all."""
        self.requests[route] += 1
        self.statuses[status] += 1

    def summary(self) -> JSON:
        """``by_sku`` says for each route how many SKUs were asked for, and how often the one asked for most was."""
        return {
            "requests": sum(self.requests.values()),
            "by_route": dict(self.requests),
            "by_status": {str(status): count for status, count in self.statuses.items()},
            "throttled": sum(self.throttled.values()),
            "throttled_by_route": dict(self.throttled),
            "refused": self.refused,
            "unknown_paths": self.unknown_paths,
            "direct_writes": self.direct_writes,
            "by_sku": {
                route: {"skus": len(skus), "most": max(skus.values())} for route, skus in self._skus.items()
            },
        }
