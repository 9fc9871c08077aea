"""A model of the wire for ``test_pacing``: the hub's own pacing against a token bucket, by a clock that nobody waits for."""

from __future__ import annotations

import asyncio
import math
import random
import selectors
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from hub.connector import Bucket
from hub.errors import NotNowError
from hub.http.pace import Pace
from hub.policy.circuit import MemoryCircuit
from hub.policy.lessons import lesson_of
from hub.policy.limiter import Grant, MemoryLimiter

#: Seconds that a client's process is busy with one request, and that the fleet takes to grant tokens.
BUSY, ROUND_TRIP = 0.0007, 0.0006
STALL = 0.1

UNTOLD, BESIDE = Bucket(key="untold"), Bucket(key="beside")

Form = Literal["whole seconds", "exact", "none"]


@dataclass(kw_only=True)
class Platform:
    """``rate`` requests a second, and ``burst`` more that it saves up. ``limits`` come into force later, at their second."""

    rate: float
    burst: float
    form: Form = "whole seconds"
    limits: tuple[tuple[float, float], ...] = ()
    #: Of this part of all requests it says the same for no reason.
    faulty: float = 0.0

    passed: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    _tokens: float = math.inf
    _at: float = 0.0

    def answer(self, now: float, dice: random.Random) -> float | None:
        """None for a request that passes; else the seconds of its ``Retry-After``, 0 for none."""
        for begin, rate in self.limits:
            self.rate = rate if now >= begin else self.rate
        self._tokens = min(self.burst, self._tokens + (now - self._at) * self.rate)
        self._at = now
        if self._tokens >= 1 - 1e-9 and dice.random() >= self.faulty:
            self._tokens -= 1
            self.passed.append(now)
            return None
        self.refused.append(now)
        wait = max(0.0, (1 - self._tokens) / self.rate)
        return {"whole seconds": max(1.0, math.ceil(wait)), "exact": wait, "none": 0.0}[self.form]


@dataclass(kw_only=True)
class Fleet:
    """Processes with so many requests at a time each, whose answers take ``latency`` seconds, more or less."""

    processes: int = 1
    concurrency: int = 32
    latency: float = 0.02
    bucket: Bucket = UNTOLD
    #: After this part of its requests a process does something else for ``STALL`` seconds.
    stalls: float = 0.0
    #: This part of all requests takes from another bucket, that is the same to the platform.
    beside: float = 0.0
    seed: int = 1

    def send(self, platform: Platform, requests: int) -> float:
        """Send until so many have passed; the seconds that it took."""
        with asyncio.Runner(loop_factory=_Turned) as runner:
            return runner.run(self._sent(platform, requests))

    async def _sent(self, platform: Platform, requests: int) -> float:
        clock = asyncio.get_running_loop().time
        limiter, circuit, left = _Shared(clock), MemoryCircuit(clock), iter(range(requests))
        dice = random.Random(self.seed)

        async def work(pace: Pace, process: asyncio.Lock) -> None:
            for _ in left:
                bucket = BESIDE if dice.random() < self.beside else self.bucket
                wait = await self._attempt(bucket, pace, process, platform, dice)
                while wait is not None:
                    await asyncio.sleep(wait)
                    wait = await self._attempt(bucket, pace, process, platform, dice)

        workers = []
        for _ in range(self.processes):
            pace = Pace(tenant="acme", circuit_key="host", limiter=limiter, circuit=circuit, clock=clock)
            pace.enter()
            process = asyncio.Lock()
            workers += [work(pace, process) for _ in range(self.concurrency)]
        await asyncio.gather(*workers)
        return max(platform.passed)

    async def _attempt(
        self, bucket: Bucket, pace: Pace, process: asyncio.Lock, platform: Platform, dice: random.Random
    ) -> float | None:
        """One request; the seconds until the next attempt at it, None where it passed."""
        clock = asyncio.get_running_loop().time
        try:
            await pace.admit(bucket)
        except NotNowError as error:
            return error.wait.total_seconds()
        begin, way = clock(), self.latency * dice.uniform(0.35, 0.65)
        async with process:
            await asyncio.sleep(BUSY + STALL * (dice.random() < self.stalls))
        await asyncio.sleep(way)
        wait = platform.answer(clock(), dice)
        await asyncio.sleep(way)
        pace.returned(bucket)
        if wait is None:
            await pace.answered(worked=True)
            return None
        lesson = lesson_of(429, {"retry-after": repr(wait)} if wait else {}, datetime.now(UTC))
        assert lesson
        await pace.learn(bucket, lesson, clock() - begin)
        return max(wait, 1.0)


class _Shared(MemoryLimiter):
    """As far away as Redis."""

    async def take(self, bucket: Bucket, wanted: int) -> Grant:
        await asyncio.sleep(ROUND_TRIP / 2)
        grant = await super().take(bucket, wanted)
        await asyncio.sleep(ROUND_TRIP / 2)
        return grant


class _Clock(selectors.SelectSelector):
    """Does not wait, but says that it has."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        assert timeout is not None, "everybody waits for somebody else"
        self.now += max(timeout, 0.0)
        return []


class _Turned(asyncio.SelectorEventLoop):
    """Runs what is due next at once; its time is that of what it runs."""

    def __init__(self) -> None:
        self._clock = _Clock()
        super().__init__(self._clock)

    def time(self) -> float:
        return self._clock.now


def events(times: list[float], apart: float = 0.5) -> list[float]:
    """The first of each row of refusals."""
    return [at for at, before in zip(times, [-math.inf, *times], strict=False) if at - before > apart]
