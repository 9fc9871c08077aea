"""Drain: the loop in the foreground, beside a fleet or without one, until nothing is waiting, working or unreported."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from hub.errors import HubError
from hub.loop.poll import poll
from hub.loop.sweep import sweep
from hub.loop.work import close_groups, report, work
from hub.runtime import Runtime
from hub.store import connections
from hub.store.ledger.lock import lock
from hub.store.rows import Locked
from hub.store.stats import by_stream

#: How often the ledger is looked at while nothing is due.
_LOOK_EVERY = 0.05
#: How often lost claims are looked for.
_SWEEP_EVERY = timedelta(seconds=2)


@dataclass(kw_only=True)
class DrainSummary:
    """What a drain did. ``waiting``, ``awaiting`` and ``parked`` are what is left; ``error`` why it ended early."""

    polled: int = 0
    pushed: int = 0
    succeeded: int = 0
    failed: int = 0
    skipped: int = 0
    dead: int = 0
    reported: int = 0
    waiting: int = 0
    awaiting: int = 0
    parked: int = 0
    unreported: int = 0
    seconds: float = 0.0
    error: str | None = None

    @property
    def drained(self) -> bool:
        """Nothing is left that this drain was to wait for."""
        return self.error is None and not self.waiting and not self.unreported and not self.dead


@dataclass(kw_only=True)
class Drain:
    """One drain of one connection. ``on_progress`` gets the summary so far, a few times a second."""

    runtime: Runtime
    connection_id: int
    wait: timedelta
    on_progress: Callable[[DrainSummary], None] = lambda _: None
    summary: DrainSummary = field(default_factory=DrainSummary)
    _ending: bool = False

    async def run(self) -> DrainSummary:
        """Poll until the source has nothing new, work and report until nothing is due; wait for retries."""
        started = time.monotonic()
        pipeline = await self.runtime.pipeline(self.connection_id)
        workers = [asyncio.create_task(self._slices()) for _ in range(pipeline.delivery.parallel_slices)]
        sweeper = asyncio.create_task(self._sweep())
        try:
            if pipeline.connector.polls:
                await self._poll_to_the_end()
            await self._settle_down(started)
        finally:
            # Slices in flight settle; nothing is begun any more.
            self._ending = True
            sweeper.cancel()
            await asyncio.gather(*workers, sweeper, return_exceptions=True)
        await close_groups(self.runtime, self.connection_id)
        await self._look()
        self.summary.seconds = round(time.monotonic() - started, 3)
        return self.summary

    async def _poll_to_the_end(self) -> None:
        """Until a page brings nothing new; a full one without news is asked for once more, deeper."""
        deeper = False
        while not self.runtime.stopping:
            outcome = await poll(self.runtime, self.connection_id, early=True)
            self.summary.polled += outcome.polled
            self.on_progress(self.summary)
            if outcome.result in ("failed", "refused"):
                self.summary.error = outcome.error
                return
            if outcome.result == "paused" and (await self._connection()).may_poll:
                await asyncio.sleep(outcome.next_in.total_seconds())
                continue
            if outcome.result != "ok" or not (outcome.news or (outcome.full and not deeper)):
                return
            deeper = outcome.full and not outcome.news
            await asyncio.sleep(min(outcome.next_in, timedelta(seconds=1)).total_seconds())

    async def _settle_down(self, started: float) -> None:
        """Until nothing is open, or what is left is not due within ``wait``, or a side is refused."""
        while not self.runtime.stopping:
            connection = await self._connection()
            await self._look()
            self.summary.seconds = round(time.monotonic() - started, 3)
            self.on_progress(self.summary)
            idle = not self.summary.waiting or not connection.may_push
            told = not self.summary.unreported or not connection.may_report
            refused = (
                connection.source_refused
                or connection.destination_refused
                or (connection.status == "failed" and "the connection failed")
            )
            if refused and self.summary.error is None:
                self.summary.error = str(refused)
            if idle and told:
                return
            if time.monotonic() - started > self.wait.total_seconds():
                return
            await asyncio.sleep(_LOOK_EVERY)

    async def _slices(self) -> None:
        while not self._ending and not self.runtime.stopping:
            done = 0
            for step in (work, report):
                try:
                    outcome = await step(self.runtime, self.connection_id)
                except HubError as error:
                    self.summary.error = str(error)
                    await asyncio.sleep(1)
                    continue
                done += outcome.records
                self._count(Counter(outcome.states), outcome.records if step is work else 0)
            if not done:
                await asyncio.sleep(_LOOK_EVERY)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(_SWEEP_EVERY.total_seconds())
            await sweep(self.runtime)

    def _count(self, states: Counter[str], pushed: int) -> None:
        summary = self.summary
        summary.pushed += pushed
        summary.succeeded += states["success"]
        summary.failed += states["rejected"] + states["dead"]
        summary.skipped += states["skipped"] + states["superseded"]
        summary.reported += states["reported"]

    async def _look(self) -> None:
        stored = await self.runtime.db.run(
            connections.get_connection_by_id, self.runtime.db, self.connection_id
        )
        streams = await self.runtime.db.run(by_stream, self.runtime.db, stored.name)
        summary = self.summary
        summary.waiting = sum(s.states["waiting"] + s.states["working"] for s in streams)
        summary.awaiting = sum(s.states["awaiting"] for s in streams)
        summary.parked = sum(s.states["parked"] for s in streams)
        summary.dead = sum(s.states["dead"] for s in streams)
        summary.unreported = sum(s.unreported for s in streams)

    async def _connection(self) -> Locked:
        def read() -> Locked:
            with self.runtime.db.transaction() as tx:
                return lock(self.runtime.db, tx, self.connection_id)

        return await self.runtime.db.run(read)
