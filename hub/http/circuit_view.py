"""A circuit as a process sees it, so that not every request has to ask for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

from hub.errors import CircuitOpenError
from hub.policy.circuit import Circuit, Permit, State

#: Seconds for which a closed circuit is believed to be so.
BELIEF = 0.5


class CircuitView:
    """One circuit as it was when last asked."""

    def __init__(
        self, circuit: Circuit, tenant: str, key: str | Callable[[], str], clock: Callable[[], float]
    ) -> None:
        self._circuit = circuit
        self._tenant = tenant
        self._name = key
        self._clock = clock
        self._lock = asyncio.Lock()
        self._closed_until = 0.0
        self._open_until = 0.0
        self._probes = 0
        self._state: State = "closed"
        self.successes = 0

    @property
    def half_open(self) -> bool:
        """Whether each request is a probe, whose end the fleet waits for."""
        return self._state == "half_open"

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
        if permit.state == "closed" and self._state == "open" and now < self._open_until:
            return  # overtaken by an answer that is newer
        self._state = permit.state
        self._closed_until = now + BELIEF if permit.state == "closed" else 0.0
        self._open_until = now + permit.wait.total_seconds() if permit.state == "open" else 0.0
        if not self.half_open:
            self._probes = 0

    def _refuse_while_open(self) -> None:
        if (wait := self._open_until - self._clock()) > 0:
            raise self._refusal(timedelta(seconds=wait))

    def _refusal(self, wait: timedelta) -> CircuitOpenError:
        name = self._key.partition(":")[2]
        return CircuitOpenError(
            f"the circuit of {name} is open after failures in a row, for {wait.total_seconds():.1f} s more",
            wait=wait,
        )
