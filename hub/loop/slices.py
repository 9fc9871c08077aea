"""One process's share of a drain: slices of one connection, worked one after another until the process is to stop."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from hub.errors import HubError
from hub.loop.work import SliceOutcome, report, work, work_ahead
from hub.runtime import Runtime
from hub.store.ledger import claim

#: How often the ledger is looked at while nothing is due, in seconds.
LOOK_EVERY = 0.05
#: How soon to go on after something has failed, in seconds.
_RESPITE = 1.0


@dataclass(frozen=True, kw_only=True)
class Slices:
    """``on_done`` gets the states that the records of a slice went to (see ``SliceOutcome``), ``on_trouble`` what failed.

    While ``go`` is cleared, no slice is begun; whoever cleared it sets it again before the end. ``ahead``: some may lie ready.
    """

    runtime: Runtime
    connection_id: int
    on_done: Callable[[Mapping[str, int]], None]
    on_trouble: Callable[[str], None]
    go: asyncio.Event | None = None
    ahead: bool = False
    _looking: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def run(self, *, at_once: int) -> None:
        """Work ``at_once`` slices at the same time until the runtime stops."""
        pipeline = await self.runtime.pipeline(self.connection_id)
        run = self._work_and_report if pipeline.connector.reports else self._work
        await asyncio.gather(*(run() for _ in range(at_once)))

    async def _work(self) -> None:
        while not self.runtime.stopping:
            await self._may_go()
            if not await self._push():
                await self._lull()

    async def _work_and_report(self) -> None:
        while not self.runtime.stopping:
            await self._may_go()
            done = [await self._push(), await self._step(report)]
            if not any(done):
                await asyncio.sleep(LOOK_EVERY)

    async def _push(self) -> int:
        lay_ready = await self._step(work_ahead) if self.ahead else 0
        return lay_ready or await self._step(work)

    async def _may_go(self) -> None:
        if self.go is not None:
            await self.go.wait()

    async def _lull(self) -> None:
        """Until a record may be due. A glance costs a tenth of an attempt to claim, many times a second on the cores that the
        poll needs; one looks for all."""
        async with self._looking:
            while not self.runtime.stopping:
                await asyncio.sleep(LOOK_EVERY)
                await self._may_go()
                with contextlib.suppress(HubError):  # whoever tries to claim says it
                    if not await claim.may_have_work(self.runtime.db, self.connection_id):
                        continue
                return

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
