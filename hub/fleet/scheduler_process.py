"""`hub scheduler`: the scheduler around a broker that it only sends to, with metrics of its own and of the ledger."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import structlog
from prometheus_client import CollectorRegistry
from redis.asyncio import Redis
from redis.exceptions import RedisError

from hub import event_loop, log
from hub.boot import open_runtime
from hub.embedded import ensure_broker
from hub.errors import HubError
from hub.fleet import actors
from hub.fleet.broker import NAMESPACE, make_broker
from hub.fleet.exposition import Exposition
from hub.fleet.scheduler import Scheduler
from hub.metrics import LedgerMetrics, Metrics
from hub.policy.circuit import State
from hub.runtime import Runtime
from hub.settings import Settings
from hub.store import stats

#: Seconds that a call to Redis may take.
REDIS_PATIENCE = 5.0
#: An event loop that is silent for so long, in seconds, is stuck.
STUCK_AFTER = 15.0
#: States of circuits that are shown even where there is none: an alert needs the 0.
_CIRCUIT_STATES: tuple[State, ...] = ("open", "half_open")
_QUEUES = ("sweep", "poll", "report", "work")

_log = structlog.get_logger(__name__)


def run(settings: Settings) -> int:
    """Schedule until SIGTERM or SIGINT; returns the exit code. Raises ``HubError`` where it cannot start."""
    log.set_up(settings, process="scheduler")
    event_loop.run(_run(settings))
    return 0


@dataclass(kw_only=True)
class LedgerWatch:
    """Keeps ``LedgerMetrics`` fresh while this scheduler leads, and empty while it does not."""

    runtime: Runtime
    redis: Redis
    metrics: LedgerMetrics
    _ticked_at: float = field(default=float("-inf"), init=False)
    _refreshing: asyncio.Task[None] | None = field(default=None, init=False)

    def on_tick(self, leads: bool) -> None:
        """After a round of the scheduler. The store is read beside it, so that no round waits for it."""
        self._ticked_at = time.monotonic()
        if not leads:
            self.metrics.leads = False
        elif self._refreshing is None or self._refreshing.done():
            self._refreshing = asyncio.create_task(self._refresh())

    @property
    def silent(self) -> bool:
        """No round came to its end for longer than a leader may be silent: somebody else leads by now."""
        lease = self.runtime.settings.leader_lease
        return time.monotonic() - self._ticked_at > lease.total_seconds()

    async def _refresh(self) -> None:
        db, metrics = self.runtime.db, self.metrics
        try:
            metrics.streams = await db.run(stats.by_stream, db)
            metrics.leases = await db.run(stats.leases_held, db)
            metrics.queues = {name: await self.redis.llen(f"{NAMESPACE}:{name}") for name in _QUEUES}
            states = Counter(circuit.state for circuit in await self.runtime.circuit.snapshot())
        except (HubError, RedisError, OSError) as error:
            _log.warning("the ledger's metrics are not up to date", error=f"{type(error).__name__}: {error}")
            return
        metrics.circuits = {state: states[state] for state in _CIRCUIT_STATES}
        metrics.leads = True


class _Pulse:
    """Whether the event loop still turns."""

    def __init__(self, watch: LedgerWatch) -> None:
        self._watch = watch
        self._beat_at = time.monotonic()

    async def beat(self) -> None:
        """For ever."""
        while True:
            self._beat_at = time.monotonic()
            if self._watch.silent:
                self._watch.metrics.leads = False
            await asyncio.sleep(1)

    def alive(self) -> bool:
        return time.monotonic() - self._beat_at < STUCK_AFTER

    def ready(self) -> bool:
        return self.alive() and not self._watch.silent


async def _run(settings: Settings) -> None:
    url = ensure_broker(settings)
    registry = CollectorRegistry()
    metrics, ledger = Metrics(registry), LedgerMetrics()
    registry.register(ledger)
    broker = make_broker(url)
    declared = actors.declare(broker, lambda: runtime)
    runtime = open_runtime(settings, redis_url=url, ring=declared.ring, observe=metrics.observe)
    redis = Redis.from_url(url, socket_timeout=REDIS_PATIENCE, socket_connect_timeout=REDIS_PATIENCE)
    watch = LedgerWatch(runtime=runtime, redis=redis, metrics=ledger)
    scheduler = Scheduler(runtime=runtime, actors=declared, redis=redis, on_tick=watch.on_tick)
    try:
        async with _shown(settings, registry, _Pulse(watch)):
            _stop_on_signals(scheduler)
            _log.info(
                "the scheduler runs", metrics=f"{settings.metrics_host}:{settings.scheduler_metrics_port}"
            )
            await scheduler.run()
    finally:
        await runtime.close()
        await redis.aclose()
        broker.close()


@contextlib.asynccontextmanager
async def _shown(settings: Settings, registry: CollectorRegistry, pulse: _Pulse) -> AsyncIterator[None]:
    exposition = Exposition(
        settings.metrics_host,
        settings.scheduler_metrics_port,
        field="HUB_SCHEDULER_METRICS_PORT",
        registry=lambda: registry,
        alive=pulse.alive,
        ready=pulse.ready,
    )
    exposition.start()
    beating = asyncio.create_task(pulse.beat())
    try:
        yield
    finally:
        beating.cancel()
        exposition.stop()


def _stop_on_signals(scheduler: Scheduler) -> None:
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, scheduler.stop)
