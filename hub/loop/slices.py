"""One process's share of a drain: slices of one connection, worked one after another until the process is to stop."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from hub.errors import HubError
from hub.loop.work import SliceOutcome, report, work
from hub.runtime import Runtime

#: How often the ledger is looked at while nothing is due, in seconds.
LOOK_EVERY = 0.05
#: How soon to go on after something has failed, in seconds.
_RESPITE = 1.0


@dataclass(frozen=True, kw_only=True)
class Slices:
    """``on_done`` gets the states that the records of a slice went to (see ``SliceOutcome``), ``on_trouble`` what failed."""

    runtime: Runtime
    connection_id: int
    on_done: Callable[[Mapping[str, int]], None]
    on_trouble: Callable[[str], None]

    async def run(self, *, at_once: int) -> None:
        """Work ``at_once`` slices at the same time until the runtime stops."""
        pipeline = await self.runtime.pipeline(self.connection_id)
        steps = (work, report) if pipeline.connector.reports else (work,)
        await asyncio.gather(*(self._one_after_another(steps) for _ in range(at_once)))

    async def _one_after_another(self, steps: tuple[Callable[..., Awaitable[SliceOutcome]], ...]) -> None:
        while not self.runtime.stopping:
            done = [await self._step(step) for step in steps]
            if not any(done):
                await asyncio.sleep(LOOK_EVERY)

    async def _step(self, step: Callable[..., Awaitable[SliceOutcome]]) -> int:
        try:
            outcome = await step(self.runtime, self.connection_id)
        except Exception as error:
            self.on_trouble(str(error) if isinstance(error, HubError) else type(error).__name__)
            await asyncio.sleep(_RESPITE)
            return 0
        if outcome.states:
            self.on_done(Counter(outcome.states))
        return outcome.records
