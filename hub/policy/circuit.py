"""The circuit breaker: after failures in a row nobody calls for a while, then a few probe whether it works again.

Here stand the port and the adapter for one process; ``redis_circuit`` counts over the fleet.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Literal

State = Literal["closed", "open", "half_open"]

#: Failures in a row that open a circuit.
FAILURES_TO_OPEN = 5
#: Successes that close it again, and so the probes that may be under way at once.
PROBES = 3
OPEN_FOR = timedelta(seconds=30)
#: A probe that has said nothing for so long will not any more: its process is gone.
PROBE_LEASE = timedelta(seconds=60)
#: When to ask again while all probes are under way.
PROBE_WAIT = timedelta(seconds=1)
#: A circuit that nobody used for so long is forgotten, and so closed.
FORGET_AFTER = timedelta(hours=1)
#: Circuits in a process, beyond which those are forgotten.
MOST_CIRCUITS = 1024


@dataclass(frozen=True, kw_only=True)
class Permit:
    """``allowed`` calls may be made; where that is none, ask again after ``wait``.

    In state ``half_open`` each allowed call is a probe, and its end has to be recorded.
    """

    allowed: int
    state: State
    wait: timedelta = timedelta(0)


@dataclass(frozen=True, kw_only=True)
class CircuitStatus:
    """One circuit that is not healthy: open, half open, or closed with failures counted."""

    key: str
    state: State
    failures: int


class Circuit(ABC):
    """Circuit breakers by key. What counts as a failure is the caller's to say: the other side did not work."""

    @abstractmethod
    async def allow(self, key: str, wanted: int) -> Permit:
        """Ask for ``wanted`` (at least 1) calls. A closed circuit allows all. Never raises."""

    @abstractmethod
    async def record(self, key: str, *, successes: int = 0, failures: int = 0, unused: int = 0) -> Permit:
        """Say how calls ended: ``successes`` came before ``failures``, and ``unused`` probes were not made.

        Returns what holds now, with none allowed. While the circuit is open nothing is counted. Never raises.
        """

    @abstractmethod
    async def snapshot(self) -> Sequence[CircuitStatus]:
        """The circuits that are not healthy, by key. Never raises."""


class MemoryCircuit(Circuit):
    """For one process: `hub run` without Redis, and a fleet whose Redis is away."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._breakers: dict[str, Breaker] = {}

    async def allow(self, key: str, wanted: int) -> Permit:
        """As the port says."""
        now = self._clock()
        breaker, permit = self._breaker(key, now).allowed(wanted, now)
        self._keep(key, breaker, now)
        return permit

    async def record(self, key: str, *, successes: int = 0, failures: int = 0, unused: int = 0) -> Permit:
        """As the port says."""
        now = self._clock()
        breaker = self._breaker(key, now).recorded(successes, failures, unused, now)
        self._keep(key, breaker, now)
        return breaker.permit(0, now)

    async def snapshot(self) -> Sequence[CircuitStatus]:
        """As the port says."""
        now = self._clock()
        found = [(key, self._breaker(key, now)) for key in sorted(self._breakers)]
        return [
            CircuitStatus(key=key, state=breaker.state(now), failures=breaker.failures)
            for key, breaker in found
            if breaker != HEALTHY
        ]

    def _breaker(self, key: str, now: float) -> Breaker:
        breaker = self._breakers.get(key, HEALTHY)
        return breaker if breaker.used + FORGET_AFTER.total_seconds() > now else HEALTHY

    def _keep(self, key: str, breaker: Breaker, now: float) -> None:
        if breaker == HEALTHY:
            self._breakers.pop(key, None)
        else:
            self._breakers[key] = breaker
        if len(self._breakers) > MOST_CIRCUITS:
            self._breakers = {k: kept for k in self._breakers if (kept := self._breaker(k, now)) != HEALTHY}


@dataclass(frozen=True, kw_only=True, slots=True)
class Breaker:
    """One circuit, with the rules of ``redis_circuit.SCRIPT``; times are seconds of one clock.

    It is closed while ``open_until`` is None, then open, and half open after that time. ``probes`` are under way
    until ``lease``.
    """

    failures: int = 0
    open_until: float | None = None
    successes: int = 0
    probes: int = 0
    lease: float = 0.0
    used: float = 0.0

    def state(self, now: float) -> State:
        """The state at that time."""
        if self.open_until is None:
            return "closed"
        return "open" if self.open_until > now else "half_open"

    def allowed(self, wanted: int, now: float) -> tuple[Breaker, Permit]:
        """With up to ``wanted`` calls allowed."""
        if self.state(now) != "half_open":
            return self, self.permit(wanted if self.open_until is None else 0, now)
        running = self.probes if self.lease > now else 0
        allowed = min(wanted, max(0, PROBES - self.successes - running))
        probing = self
        if allowed:
            lease = now + PROBE_LEASE.total_seconds()
            probing = replace(self, probes=running + allowed, lease=lease, used=now)
        return probing, probing.permit(allowed, now)

    def recorded(self, successes: int, failures: int, unused: int, now: float) -> Breaker:
        """With the ends of calls counted."""
        match self.state(now):
            case "closed":
                return self._counted(failures if successes else self.failures + failures, now)
            case "half_open":
                return self._probed(successes, failures, unused, now)
            case _:
                return self

    def permit(self, allowed: int, now: float) -> Permit:
        """What a caller is told."""
        state, wait = self.state(now), 0.0
        if state == "open" and self.open_until is not None:
            wait = self.open_until - now
        elif state == "half_open" and not allowed:
            wait = min(PROBE_WAIT.total_seconds(), max(0.0, self.lease - now))
        return Permit(allowed=allowed, state=state, wait=timedelta(seconds=wait))

    def _counted(self, in_a_row: int, now: float) -> Breaker:
        if in_a_row >= FAILURES_TO_OPEN:
            return self._opened(in_a_row, now)
        return Breaker(failures=in_a_row, used=now) if in_a_row else HEALTHY

    def _probed(self, successes: int, failures: int, unused: int, now: float) -> Breaker:
        if failures:
            return self._opened(self.failures + failures, now)
        if self.successes + successes >= PROBES:
            return HEALTHY
        probes = max(0, self.probes - successes - unused)
        return replace(self, successes=self.successes + successes, probes=probes, used=now)

    def _opened(self, failures: int, now: float) -> Breaker:
        return Breaker(failures=failures, open_until=now + OPEN_FOR.total_seconds(), used=now)


#: No failure counted, nothing to remember.
HEALTHY = Breaker(used=float("inf"))
