"""What one side of a connection knows of its limits and its circuit, so that not every request has to ask the fleet.

Tokens are taken in lots and a closed circuit is believed for a moment. From the first request under way to the end of
the last one is a busy time; at its end unused tokens go back and successes are counted, each in one call.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from hub.connector import Bucket
from hub.http.circuit_view import CircuitView
from hub.http.lot import Lot
from hub.policy.circuit import Circuit
from hub.policy.lessons import Lesson
from hub.policy.limiter import Limiter

#: Seconds after which the successes of a long busy time are counted.
COUNT_EVERY = 1.0
#: Buckets that are remembered while nothing is going on.
MOST_IDLE_LOTS = 64


class Pace:
    """When the next request may go. All connections of a tenant share its buckets and circuits, and no other's."""

    def __init__(
        self,
        *,
        tenant: str,
        circuit_key: str | Callable[[], str],
        limiter: Limiter,
        circuit: Circuit,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._tenant = tenant
        self._limiter = limiter
        self._clock = clock
        self._circuit = CircuitView(circuit, tenant, circuit_key, clock)
        self._lots: dict[str, Lot] = {}
        self._users = 0
        self._announced = 0
        self._waiting = 0
        self._settled_at = 0.0

    def enter(self, announced: int = 0) -> None:
        """A request begins, or a slice of ``announced`` ones."""
        if not self._users:
            self._settled_at = self._clock()
        self._users += 1
        self._announced += announced

    async def leave(self, announced: int = 0) -> None:
        """What was entered ends."""
        self._users -= 1
        self._announced -= announced
        if self._users == 0 or self._clock() - self._settled_at > COUNT_EVERY:
            await self._settle()

    async def admit(self, bucket: Bucket) -> float:
        """Wait for the turn of one request; the seconds that it took.

        Raises ``CircuitOpenError``, or ``ThrottledError`` where the wait would be too long.
        """
        lot = self._lots.get(bucket.key) or self._lot(bucket)
        now = self._clock()
        if self._circuit.passes(now) and lot.spend(now):
            lot.under_way += 1
            return 0.0
        self._waiting += 1
        try:
            await self._circuit.admit(self._wanted())
            waited = await self._turn(lot)
        finally:
            self._waiting -= 1
        lot.under_way += 1
        return waited

    def returned(self, bucket: Bucket) -> None:
        """An admitted request is answered, or never will be."""
        (self._lots.get(bucket.key) or self._lot(bucket)).returned()

    @property
    def is_probing(self) -> bool:
        """Whether requests are let through to find out if the other side works again."""
        return self._circuit.half_open

    async def answered(self, *, worked: bool) -> None:
        """The other side answered; ``worked`` is False for a 5xx."""
        if worked:
            self._circuit.successes += 1
            if not self._circuit.half_open:
                return
        await self._circuit.tell(failures=0 if worked else 1)

    async def failed(self) -> None:
        """No answer came."""
        await self._circuit.tell(failures=1)

    def not_made(self) -> None:
        """An admitted request says nothing about the other side: it was not sent, or nobody waited for its end."""
        self._circuit.not_made()

    async def learn(self, bucket: Bucket, lesson: Lesson, took: float = 0.0) -> None:
        """Hold on to what an answer said that ``took`` so many seconds, here at once and then for the fleet."""
        lot = self._lots.get(bucket.key) or self._lot(bucket)
        await lot.learn(lesson, took, beside=self._lots.values())

    async def _turn(self, lot: Lot) -> float:
        try:
            return await lot.acquire(self._wanted)
        except BaseException:
            self._circuit.not_made()
            raise

    def _wanted(self) -> int:
        return max(self._announced, self._waiting, 1)

    def _lot(self, bucket: Bucket) -> Lot:
        scoped = Bucket(key=f"{self._tenant}:{bucket.key}", rate=bucket.rate, burst=bucket.burst)
        lot = self._lots[bucket.key] = Lot(self._limiter, scoped, bucket.key, self._clock)
        return lot

    async def _settle(self) -> None:
        self._settled_at = self._clock()
        await self._circuit.settle()
        if self._users:
            return
        for lot in list(self._lots.values()):
            await lot.settle()
        if len(self._lots) > MOST_IDLE_LOTS and not self._users:
            self._lots.clear()
