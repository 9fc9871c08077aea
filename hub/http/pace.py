"""What one side of a connection knows of its limits and its circuit, so that not every request has to ask the fleet.

Tokens are taken in lots and a closed circuit is believed for a moment. From the first request under way to the end of
the last one is a busy time; at its end unused tokens go back and successes are counted, each in one call.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from hub.connector import Bucket
from hub.errors import CircuitOpenError, NotNowError, ThrottledError
from hub.policy.circuit import Circuit, Permit
from hub.policy.lessons import Lesson
from hub.policy.limiter import Limiter

#: Seconds that a request may wait for its token; a longer wait goes back to the loop.
PATIENCE = 2.0
#: Seconds for which a closed circuit and an unlimited bucket are believed without asking again.
BELIEF = 0.5
#: A lot is never more than what the bucket gets in so many seconds, so that tokens are used about when they were taken.
LOT_SPAN = 0.5
#: Seconds after which the rest of a lot is worth nothing.
LOT_LIFE = 1.0
#: Seconds between two lessons of one bucket for the fleet, unless it is a block.
TELL_EVERY = 0.25
#: Seconds after which the successes of a long busy time are counted.
COUNT_EVERY = 1.0
#: Buckets that are remembered while nothing is going on.
MOST_IDLE_LOTS = 64

Clock = Callable[[], float]


class Pace:
    """When the next request may go. All connections of a tenant share its buckets and circuits, and no other's."""

    def __init__(
        self,
        *,
        tenant: str,
        circuit_key: str | Callable[[], str],
        limiter: Limiter,
        circuit: Circuit,
        clock: Clock = time.monotonic,
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
            return 0.0
        self._waiting += 1
        try:
            await self._circuit.admit(self._wanted())
            return await self._turn(lot)
        finally:
            self._waiting -= 1

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

    async def learn(self, bucket: Bucket, lesson: Lesson) -> None:
        """Hold on to what an answer said, here at once and then for the fleet."""
        await (self._lots.get(bucket.key) or self._lot(bucket)).learn(lesson)

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


class Lot:
    """Tokens in hand from one bucket, and what is known about it."""

    def __init__(self, limiter: Limiter, bucket: Bucket, name: str, clock: Clock) -> None:
        self._limiter = limiter
        self._bucket = bucket
        self._name = name
        self._clock = clock
        self._lock = asyncio.Lock()
        self._tokens = 0
        self._good_until = 0.0
        self._unlimited_until = 0.0
        self._nothing_until = 0.0
        self._turned_away = 0
        self._told_at = -TELL_EVERY
        self._untold: Lesson | None = None

    def spend(self, now: float) -> bool:
        """Whether a request may go now; a token is gone then."""
        if now < self._nothing_until:
            return False
        if now < self._unlimited_until:
            return True
        if self._tokens and now < self._good_until:
            self._tokens -= 1
            return True
        return False

    async def acquire(self, wanted: Callable[[], int]) -> float:
        """Wait for a token, in turn; the seconds that it took. Raises ``ThrottledError`` rather than wait long."""
        begin = self._clock()
        self._refuse_beyond(begin + PATIENCE)
        async with self._lock:
            while not self.spend(self._clock()):
                self._refuse_beyond(begin + PATIENCE)
                wait = self._nothing_until - self._clock()
                await (asyncio.sleep(wait) if wait > 0 else self._refill(wanted()))
        return self._clock() - begin

    async def learn(self, lesson: Lesson) -> None:
        """A block holds here at once; the fleet is told of it at once too, and of a mere count now and then."""
        now = self._clock()
        if lesson.block:
            self._nothing_until = max(self._nothing_until, now + lesson.block.total_seconds())
        if lesson.remaining is not None:
            self._tokens = min(self._tokens, lesson.remaining)
        self._untold = lesson
        if lesson.block or now >= self._told_at + TELL_EVERY:
            await self._tell()

    async def settle(self) -> None:
        """Nothing is going on: tokens go back, and the fleet hears the latest."""
        await self._give_back()
        await self._tell()

    async def _tell(self) -> None:
        lesson, self._untold = self._untold, None
        if lesson is None:
            return
        self._told_at, self._unlimited_until = self._clock(), 0.0
        if lesson.remaining is not None:  # those in hand are among them, and not the fleet's any more
            lesson = replace(lesson, remaining=lesson.remaining - self._tokens)
        await self._limiter.learn(self._bucket, lesson)

    async def _give_back(self) -> None:
        unused, self._tokens = self._tokens, 0
        if unused:
            await self._limiter.give_back(self._bucket, unused)

    def _refuse_beyond(self, latest: float) -> None:
        if self._nothing_until <= latest:
            return
        # Those that are turned away come back one after the other, not all for the same token.
        wait = self._nothing_until - self._clock() + self._turned_away / (self._bucket.rate or math.inf)
        self._turned_away += 1
        raise ThrottledError(
            f"the rate limit {self._name} has nothing for {wait:.1f} s",
            wait=timedelta(seconds=max(wait, 0.0)),
        )

    async def _refill(self, wanted: int) -> None:
        rate = self._bucket.rate
        await self._give_back()
        lot = min(wanted, max(1, math.ceil(rate * LOT_SPAN))) if rate else wanted
        grant = await self._limiter.take(self._bucket, lot)
        now = self._clock()
        if grant.unlimited:
            self._unlimited_until = now + BELIEF
        elif grant.granted:
            self._tokens, self._good_until, self._turned_away = grant.granted, now + LOT_LIFE, 0
        else:
            self._nothing_until = max(self._nothing_until, now + grant.wait.total_seconds())


class CircuitView:
    """One circuit as it was when last asked."""

    def __init__(self, circuit: Circuit, tenant: str, key: str | Callable[[], str], clock: Clock) -> None:
        self._circuit = circuit
        self._tenant = tenant
        self._name = key
        self._clock = clock
        self._lock = asyncio.Lock()
        self._closed_until = 0.0
        self._open_until = 0.0
        self._probes = 0
        self.half_open = False
        self.successes = 0

    @property
    def _key(self) -> str:
        """Asked for only when a request is made: the plugin that knows it is built with this client in hand."""
        return f"{self._tenant}:{self._name if isinstance(self._name, str) else self._name()}"

    def passes(self, now: float) -> bool:
        """Whether it is known to be closed."""
        return now < self._closed_until

    async def admit(self, wanted: int) -> None:
        """Let one request through. Raises ``CircuitOpenError``."""
        self._refuse_while_open()
        async with self._lock:
            self._refuse_while_open()
            if self.passes(self._clock()):
                return
            if not self._probes:
                await self._ask(wanted)
            if self.half_open:
                self._probes -= 1

    def not_made(self) -> None:
        """A request that was let through gave no sign; another one may be the probe."""
        if self.half_open:
            self._probes += 1

    async def tell(self, *, failures: int = 0, unused: int = 0) -> None:
        """Count what happened since the last time, and see what holds now."""
        successes, self.successes = self.successes, 0
        permit = await self._circuit.record(self._key, successes=successes, failures=failures, unused=unused)
        self._see(permit)

    async def settle(self) -> None:
        """Nothing is going on, or it has gone on for long: what is not counted yet is."""
        unused, self._probes = self._probes, 0
        if self.successes or unused:
            await self.tell(unused=unused)

    async def _ask(self, wanted: int) -> None:
        permit = await self._circuit.allow(self._key, wanted)
        self._see(permit)
        self._probes = permit.allowed if self.half_open else 0
        if not permit.allowed:
            self._open_until = self._clock() + permit.wait.total_seconds()
            raise self._refusal(permit.wait)

    def _see(self, permit: Permit) -> None:
        now = self._clock()
        self.half_open = permit.state == "half_open"
        self._closed_until = now + BELIEF if permit.state == "closed" else 0.0
        self._open_until = now + permit.wait.total_seconds() if permit.state == "open" else 0.0
        if not self.half_open:
            self._probes = 0

    def _refuse_while_open(self) -> None:
        if (wait := self._open_until - self._clock()) > 0:
            raise self._refusal(timedelta(seconds=wait))

    def _refusal(self, wait: timedelta) -> NotNowError:
        name = self._key.partition(":")[2]
        return CircuitOpenError(
            f"the circuit of {name} is open after failures in a row, for {wait.total_seconds():.1f} s more",
            wait=wait,
        )
