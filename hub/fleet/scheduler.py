"""The scheduler: fires due polls, and, in the one process that holds the lease, sweeps and keeps house."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog
from dramatiq.errors import BrokerError
from redis.asyncio import Redis
from redis.exceptions import RedisError

from hub.errors import HubError
from hub.fleet.actors import Actors
from hub.loop import sweep as sweeping
from hub.runtime import Runtime
from hub.store import leases, ringing, schedule
from hub.store.leases import HeldLease

#: The lease that makes one of the schedulers the leader.
LEADER = "scheduler"
#: Lives in the broker as long as its messages do: when it is gone, they are.
EPOCH_KEY = "hub:epoch"

_log = structlog.get_logger(__name__)


@dataclass(kw_only=True)
class Scheduler:
    """Any number of them may run: each due connection is fired once, and one of them leads."""

    runtime: Runtime
    actors: Actors
    redis: Redis
    on_tick: Callable[[bool], None] = lambda _: None

    def __post_init__(self) -> None:
        self._held: HeldLease | None = None
        self._swept_at = float("-inf")
        self._kept_house_at = time.monotonic()
        self._stopped = asyncio.Event()

    async def run(self) -> None:
        """Until ``stop``. Neither a store nor a broker that is away ends it."""
        interval = self.runtime.settings.schedule_interval.total_seconds()
        while not self._stopped.is_set():
            try:
                await self.tick()
            except (HubError, RedisError, BrokerError, OSError) as error:
                _log.warning("the scheduler could not do its round", error=f"{type(error).__name__}: {error}")
            except Exception:
                # Nobody would fire anything any more: a fault is told loudly, and the next round is tried.
                _log.exception("a fault in the scheduler's round")
            try:
                await asyncio.wait_for(self._stopped.wait(), interval)
            except TimeoutError:
                continue
        await self._hand_over()

    def stop(self) -> None:
        """End after the present round."""
        self._stopped.set()

    async def tick(self) -> None:
        """One round. It sweeps before it fires: a broker that has lost its messages would get the new ones twice."""
        now = time.monotonic()
        if now - self._swept_at >= self.runtime.settings.sweep_interval.total_seconds():
            self._swept_at = now
            leads = await self._lead()
            self.on_tick(leads)
            if leads:
                await self._sweep(now)
        db = self.runtime.db
        lost_after = round(self.runtime.settings.poll_lease.total_seconds() * 1_000_000)
        await self._fire(await db.run(schedule.fire_due, db, lost_after=lost_after))

    async def _fire(self, due: Sequence[int]) -> None:
        try:
            await asyncio.to_thread(self.actors.fire, due)
        except (RedisError, BrokerError):
            # They would be taken for polls that are under way, and be left alone until those are given up.
            for connection_id in due:
                await self.runtime.db.run(schedule.poll_soon, self.runtime.db, connection_id)
            raise

    async def _lead(self) -> bool:
        db = self.runtime.db
        duration = round(self.runtime.settings.leader_lease.total_seconds() * 1_000_000)
        self._held = await db.run(leases.acquire, db, LEADER, holder=self.runtime.worker, duration=duration)
        return self._held is not None

    async def _sweep(self, now: float) -> None:
        """Here and not only in a worker's actor: it has to go on while every worker is busy."""
        rewake = await self._broker_lost_messages()
        if rewake:
            await self.runtime.db.run(ringing.forget_fired_polls, self.runtime.db)
        await sweeping.sweep(self.runtime, rewake=rewake)
        if now - self._kept_house_at >= sweeping.HOUSEKEEPING_EVERY.total_seconds():
            self._kept_house_at = now
            await asyncio.to_thread(self.actors.sweep.send)

    async def _broker_lost_messages(self) -> bool:
        """After FLUSHALL, or a restart without persistence, its own mark is gone with the messages."""
        known = await self.redis.set(EPOCH_KEY, self.runtime.worker, nx=True, get=True)
        return known is None

    async def _hand_over(self) -> None:
        if self._held is not None:
            await self.runtime.db.run(leases.release, self.runtime.db, self._held)
