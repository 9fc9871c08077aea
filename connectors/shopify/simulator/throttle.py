"""The leaky bucket of an app in a shop (shopify facts, "Rate limits and errors")."""

from __future__ import annotations

from connectors.shopify.simulator.clock import Clock
from hub.records import JSON

#: Seconds times points a second are not always whole where they ought to be.
_ROUNDING = 1e-4


class Bucket:
    """Points that fill up with time. It has to hold what a query may cost; what it did not cost comes back."""

    def __init__(self, clock: Clock, *, size: int, restore: int) -> None:
        self._clock, self._size, self._restore = clock, size, restore
        self._points, self._at = float(size), clock.seconds()

    def take(self, cost: int) -> bool:
        """Whether there is enough; if so it is gone."""
        self._fill()
        if cost > self._points + _ROUNDING:
            return False
        self._points -= cost
        return True

    def give_back(self, cost: int) -> None:
        """What was taken and not used."""
        self._points = min(self._points + cost, self._size)

    def set(self, points: float) -> None:
        """Holds so many from now on, as if another client of the app had taken the rest."""
        self._points, self._at = min(points, self._size), self._clock.seconds()

    def status(self) -> JSON:
        """``throttleStatus``."""
        self._fill()
        return {
            "maximumAvailable": float(self._size),
            "currentlyAvailable": int(self._points),
            "restoreRate": float(self._restore),
        }

    def _fill(self) -> None:
        now = self._clock.seconds()
        self._points = min(self._points + (now - self._at) * self._restore, self._size)
        self._at = now
