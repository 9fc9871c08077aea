"""Drain: the loop in the foreground, beside a fleet or without one, until nothing is waiting, working or unreported."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol

from hub.errors import HubError
from hub.loop.closing import close_groups
from hub.loop.closing import lease_name as closing_lease
from hub.loop.in_advance import InAdvance
from hub.loop.poll import PollOutcome, poll
from hub.loop.poll import lease_name as poll_lease
from hub.loop.slices import LOOK_EVERY, Slices
from hub.loop.sweep import sweep
from hub.pipeline import Pipeline
from hub.runtime import HOW_TO_RECONNECT, Runtime
from hub.store import connections, leases
from hub.store.ledger.ahead import Ahead, lies_ready
from hub.store.ledger.claim import sees_work
from hub.store.ledger.lock import glimpse
from hub.store.ledger.sweep import give_back_untaken
from hub.store.rows import Locked
from hub.store.stats import by_stream

#: How often lost claims are looked for.
_SWEEP_EVERY = timedelta(seconds=2)
#: How long a poll waits at most before it is tried again.
_POLL_PAUSE = timedelta(seconds=1)
#: How soon to ask again for a poll lease that somebody else holds.
_LEASE_PAUSE = timedelta(seconds=0.25)
#: A share of the shutdown's time is for what is in flight; the rest settles and hands back.
_GRACE_SHARE = 0.6
#: While pages come one after another, what was done is looked at this often, in seconds.
_PROGRESS_EVERY = 0.25
#: Helpers keep up while no more waits for each of them than so many times what it works at once. Who polls only takes the
#: time of the cores from them.
_AHEAD = 10
#: What is due is given so long at least to be worked.
_DUE_PATIENCE = timedelta(seconds=2)


@dataclass(kw_only=True)
class DrainSummary:
    """What a drain did. ``polled`` leaves out what was known already, ``pushed`` what is to be retried.

    ``waiting``, ``awaiting``, ``parked``, ``dead`` and ``unreported`` are what is left; ``error`` why polls or pushes
    ended early; ``stopped`` whether somebody asked for it; ``paused`` and ``failed_for_good``
    how the connection was at the end. ``rejected`` is the part of ``failed`` that is not dead.
    """

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
    quarantined: int = 0
    seconds: float = 0.0
    error: str | None = None
    stopped: bool = False
    paused: bool = False
    failed_for_good: bool = False
    rejected: int = 0

    @property
    def drained(self) -> bool:
        """Nothing is left that this drain was to wait for."""
        left = self.waiting or self.unreported or self.dead
        return self.error is None and not left and not self.stopped


class Helpers(Protocol):
    """Other processes that work slices beside this one."""

    @property
    def number(self) -> int:
        """How many there are."""

    def begin(
        self, connection_id: int, *, at_once: int, on_done: Callable[[Mapping[str, int]], None]
    ) -> None:
        """Have each of them work ``at_once`` slices at the same time."""

    async def end(self) -> None:
        """Have them finish, and hear them out."""

    def hurry(self) -> None:
        """Have them hand back at once what is under way."""


@dataclass(kw_only=True)
class Drain:
    """One drain of one connection; the runtime begins no slice after it.

    ``wait`` is how long it waits in sum while nothing is due or polls are held back. What others are at work with does
    not count, nor does the lease of one that was killed. ``on_progress`` gets the summary so far, a few times a second.
    ``helpers`` are for what is written into the catalog.
    """

    runtime: Runtime
    connection_id: int
    wait: timedelta
    on_progress: Callable[[DrainSummary], None] = lambda _: None
    helpers: Helpers | None = None
    summary: DrainSummary = field(default_factory=DrainSummary)

    def __post_init__(self) -> None:
        self._stopped = asyncio.Event()
        self._waited = timedelta(0)
        self._working = 0
        #: Set while this process works slices itself.
        self._works = asyncio.Event()
        self._works.set()
        #: More records than that are too many for the helpers; None without helpers.
        self._enough: int | None = None
        self._advance = InAdvance()
        #: When it was looked last how much there is, and how many records have come since then.
        self._looked = -math.inf
        self._unseen = 0
        #: Why the connection failed, when it was last looked at.
        self._reason: str | None = None
        #: By name the leases that somebody else held when this was last looked at.
        self._held: dict[str, leases.Holding | None] = {}

    async def run(self) -> DrainSummary:
        """Poll until the source has nothing new, work and report until nothing is due; wait for retries."""
        started = time.monotonic()
        pipeline = await self.runtime.pipeline(self.connection_id)
        # What goes elsewhere waits for its answers, and one process can wait for many.
        helpers = self.helpers if pipeline.catalog is not None else None
        at_once = pipeline.delivery.parallel_slices
        if helpers is not None:
            at_once = max(1, at_once // (helpers.number + 1))
            if helpers.number:
                self._count_on(helpers.number * at_once, pipeline.delivery.slice_size)
            helpers.begin(self.connection_id, at_once=at_once, on_done=self._count)
        slices = Slices(
            runtime=self.runtime,
            connection_id=self.connection_id,
            on_done=self._count,
            on_trouble=self._note_trouble,
            go=self._works,
            ahead=self._advance.claims is not None,
        )
        workers = asyncio.create_task(slices.run(at_once=at_once))
        sweeper = asyncio.create_task(self._sweep())
        try:
            await self._unless_stopped(self._poll_and_settle(pipeline))
        finally:
            self._works.set()
            sweeper.cancel()
            await self._hand_back([workers, sweeper])
            if helpers is not None:
                await helpers.end()
            await self._advance.close()
            if self._advance.claims is not None:
                with contextlib.suppress(HubError):  # it comes back by itself, later
                    await self.runtime.db.run(give_back_untaken, self.runtime.db, self.connection_id)
        await self._close_groups()
        await self._look()
        self.summary.seconds = round(time.monotonic() - started, 3)
        return self.summary

    def stop(self) -> None:
        """End soon: what is in flight has its grace, then it is handed back; at once when asked a second time."""
        if self._stopped.is_set():
            self.runtime.stop(grace=0)
            if self.helpers is not None:
                self.helpers.hurry()
        self.summary.stopped = True
        self._stopped.set()

    async def _unless_stopped(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        stopped = asyncio.create_task(self._stopped.wait())
        await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    async def _hand_back(self, tasks: Sequence[asyncio.Task[None]]) -> None:
        self.runtime.stop(grace=self.runtime.settings.shutdown_timeout.total_seconds() * _GRACE_SHARE)
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _close_groups(self) -> None:
        """Also what another process has begun to close, and may have died over. What cannot be closed is trouble: what a
        connector does for a group (a report, the files of an export) is missing."""
        while not await close_groups(self.runtime, self.connection_id, on_trouble=self._note_trouble_if_none):
            lease = closing_lease(self.connection_id)
            pause = await self._outlast(lease, "another process keeps closing groups")
            if pause is None or self._stopped.is_set():
                return
            await asyncio.sleep(pause.total_seconds())

    async def _poll_and_settle(self, pipeline: Pipeline) -> None:
        if pipeline.connector.polls:
            await self._poll_to_the_end()
        self._works.set()
        await self._settle_down()

    async def _poll_to_the_end(self) -> None:
        """Until a page brings nothing new. A full one without news is asked for again while the cursor moves on, and once
        more, deeper, where it does not."""
        deeper = False
        while True:
            self._leave_to_helpers()
            outcome = await poll(self.runtime, self.connection_id, early=True, advance=self._advance)
            self.summary.polled += outcome.taken_in
            self.summary.quarantined += outcome.admission.quarantined
            self._unseen += outcome.news
            if self._is_time_to_look():
                await self._progress()
            if outcome.result in ("failed", "refused"):
                self.summary.error = outcome.error
                return
            pause = await self._pause_before_next(outcome, deeper=deeper)
            if pause is None:
                return
            deeper = outcome.full and not outcome.news
            if pause:
                self._works.set()
            await asyncio.sleep(pause.total_seconds())

    def _is_time_to_look(self) -> bool:
        """A look takes a tenth of the time of a poll that has nothing to wait for."""
        enough = self._enough is not None and self.summary.waiting + self._unseen > self._enough
        return enough or time.monotonic() - self._looked >= _PROGRESS_EVERY

    def _count_on(self, slices: int, slice_size: int) -> None:
        """Helpers work so many slices at once."""
        self._enough = _AHEAD * slices * slice_size
        self._advance.claims = Ahead(slices=_AHEAD * slices, limit=slice_size, lease=self.runtime.claim_lease)

    def _leave_to_helpers(self) -> None:
        """Who polls keeps from working while the helpers keep up: two threads of one process run by turns, and the poll is
        what all wait for."""
        if self._enough is not None and self.summary.waiting <= self._enough:
            self._works.clear()
        else:
            self._works.set()

    async def _pause_before_next(self, outcome: PollOutcome, *, deeper: bool) -> timedelta | None:
        """How long until the next poll; None when there need not be one."""
        if outcome.result == "ok":
            if outcome.unfinished:  # the source works, however long that takes
                return outcome.next_in
            more = outcome.news or (outcome.full and (outcome.moved or not deeper))
            return min(outcome.next_in, _POLL_PAUSE) if more else None
        if outcome.result == "lost":  # a fleet polls it now; what that brings is waited for
            return await self._outlast(poll_lease(self.connection_id), "another process keeps polling")
        connection = await self._connection()
        if not connection.may_poll:
            return None
        if outcome.error is None:  # the backlog is full, and gets less
            return min(outcome.next_in, _POLL_PAUSE)
        return self._patience(min(outcome.next_in, _POLL_PAUSE), outcome.error)

    async def _outlast(self, lease: str, error: str) -> timedelta | None:
        """How long until a lease is asked for again. One that stays as it is runs out by itself, and is waited for however
        long that takes: its holder works, or was killed. One that is taken again and again costs patience."""
        held = await self.runtime.db.run(leases.holding, self.runtime.db, lease)
        before, self._held[lease] = self._held.get(lease), held
        if held is None or before in (None, held):
            return _LEASE_PAUSE
        return self._patience(_LEASE_PAUSE, error)

    def _patience(self, pause: timedelta, error: str) -> timedelta | None:
        if self._waited >= self.wait:
            self.summary.error = f"waited {self.wait.total_seconds():g} seconds: {error}"
            return None
        self._waited += pause
        return pause

    async def _settle_down(self) -> None:
        """Until nothing is open, or it waited long enough for what is left, or a side is refused."""
        looked = time.monotonic()
        while True:
            connection = await self._connection()
            moved = await self._progress()
            refused = _refusal(connection, self._reason)
            if refused and self.summary.error is None:
                self.summary.error = refused
            idle = not self.summary.waiting or not connection.may_push
            told = not self.summary.unreported or not connection.may_report
            if (idle and told) or self._waited >= await self._patience_left():
                return
            await asyncio.sleep(LOOK_EVERY)
            now = time.monotonic()
            if not moved and not self._working:
                self._waited += timedelta(seconds=now - looked)
            looked = now

    async def _patience_left(self) -> timedelta:
        """What is due is not waited for: it is worked in a moment, unless something is in its way."""

        def is_due() -> bool:
            with self.runtime.db.transaction() as tx:
                where = self.runtime.db, tx, self.connection_id
                return sees_work(*where) or lies_ready(*where)

        if self.wait < _DUE_PATIENCE and await self.runtime.db.run(is_due):
            return _DUE_PATIENCE
        return self.wait

    def _note_trouble(self, text: str) -> None:
        self.summary.error = text

    def _note_trouble_if_none(self, text: str) -> None:
        self.summary.error = self.summary.error or text

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(_SWEEP_EVERY.total_seconds())
            with contextlib.suppress(HubError):  # the slices say it
                await sweep(self.runtime)

    def _count(self, done: Mapping[str, int]) -> None:
        summary = self.summary
        states: Counter[str] = Counter(done)
        failed = states["rejected"] + states["dead"]
        summary.pushed += states["success"] + states["skipped"] + failed
        summary.succeeded += states["success"]
        summary.failed += failed
        summary.rejected += states["rejected"]
        summary.skipped += states["skipped"] + states["superseded"]
        summary.reported += states["reported"]

    async def _progress(self) -> bool:
        """Look, and tell; True if something has moved since the last look."""
        before = self._moves()
        await self._look()
        self.on_progress(self.summary)
        return self._moves() != before

    def _moves(self) -> tuple[int, ...]:
        summary = self.summary
        return summary.pushed, summary.reported, summary.waiting, summary.unreported

    async def _look(self) -> None:
        stored = await self.runtime.db.run(
            connections.get_connection_by_id, self.runtime.db, self.connection_id
        )
        streams = await self.runtime.db.run(by_stream, self.runtime.db, stored.name)
        self._looked, self._unseen = time.monotonic(), 0
        summary = self.summary
        summary.paused = stored.paused
        summary.failed_for_good = stored.status == "failed"
        self._reason = stored.status_reason
        self._working = sum(s.states["working"] for s in streams)
        summary.waiting = self._working + sum(s.states["waiting"] for s in streams)
        summary.awaiting = sum(s.states["awaiting"] for s in streams)
        summary.parked = sum(s.states["parked"] for s in streams)
        summary.dead = sum(s.states["dead"] + s.report_dead for s in streams)
        summary.unreported = sum(s.unreported for s in streams)

    async def _connection(self) -> Locked:
        def read() -> Locked:
            with self.runtime.db.transaction() as tx:
                return glimpse(self.runtime.db, tx, self.connection_id)

        return await self.runtime.db.run(read)


def _refusal(connection: Locked, reason: str | None) -> str | None:
    if connection.status == "inactive":
        return f"the connection has no access: {HOW_TO_RECONNECT}"
    if connection.status == "failed":
        return f"the connection failed: {reason}" if reason else "the connection failed"
    return connection.source_refused or connection.destination_refused
