"""The points of an app in a shop: how many there are, and what a query of this name was charged."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

from hub.errors import ThrottledError
from hub.records import JSON

#: Who is throttled waits at least this long (facts, "Rate limits and errors").
LEAST_WAIT: Final = timedelta(seconds=1)
#: A wait up to this many seconds is sat out within a poll; a longer one goes back to the loop.
PATIENCE: Final = 10.0
#: What a query is taken to cost that was never asked, in points.
FIRST_COST: Final = 50


class Throttle:
    """Waits before the bucket is empty: it has to hold what a query *may* cost, and the rest comes back.

    What is known is of this process; the answer THROTTLED tells of the others.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._available: float | None = None
        self._rate = 0.0
        self._at = 0.0
        self._costs: dict[str, float] = {}

    def note(self, name: str, cost: Any) -> None:
        """Keep ``extensions.cost`` of an answer to the query ``name``; anything else is ignored."""
        if not isinstance(cost, dict) or not isinstance(status := cost.get("throttleStatus"), dict):
            return
        available, rate = _number(status.get("currentlyAvailable")), _number(status.get("restoreRate"))
        if available is None or not rate:
            return
        self._available, self._rate, self._at = available, rate, self._clock()
        if (requested := _number(cost.get("requestedQueryCost"))) is not None:
            most = _number(status.get("maximumAvailable")) or requested
            self._costs[name] = min(requested, most)

    def missing(self, name: str) -> float:
        """Seconds until there is enough for the query ``name``, as far as is known."""
        if self._available is None:
            return 0.0
        now = self._available + (self._clock() - self._at) * self._rate
        return max(0.0, (self._costs.get(name, FIRST_COST) - now) / self._rate)

    async def wait(self, name: str) -> None:
        """Until there is enough. Raises ``ThrottledError`` where that takes long."""
        seconds = self.missing(name)
        if seconds > PATIENCE:
            raise ThrottledError(
                f"the shop has no points left for {name}; they come back in {seconds:.0f} s",
                wait=timedelta(seconds=seconds),
            )
        if seconds > 0:
            await asyncio.sleep(seconds)


def wait_of(extensions: JSON) -> timedelta:
    """How long to wait after THROTTLED: (requested - available) / rate, at least a second."""
    cost = extensions.get("cost")
    cost = cost if isinstance(cost, dict) else {}
    status = cost.get("throttleStatus")
    status = status if isinstance(status, dict) else {}
    rate = _number(status.get("restoreRate"))
    if not rate:
        return LEAST_WAIT
    lacking = (_number(cost.get("requestedQueryCost")) or 0) - (
        _number(status.get("currentlyAvailable")) or 0
    )
    return max(LEAST_WAIT, timedelta(seconds=min(max(lacking, 0) / rate, 3600)))


def _number(value: Any) -> float | None:
    try:
        number = None if value is None or isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if number is not None and 0 <= number < 1e12 else None
