"""Thin Dramatiq actors over the loop. A message says only that there is work; the ledger says which."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import dramatiq
import structlog
from redis.exceptions import RedisError

from hub.errors import HubError
from hub.loop import poll as polling
from hub.loop import sweep as sweeping
from hub.loop import work as working
from hub.runtime import Runtime
from hub.store.ledger import bells, claim
from hub.store.ledger.bells import Bell, Due

#: Lower is sooner. Sweeping keeps everything else alive; reports free the source; polls are rare.
_PRIORITIES = {"sweep": 0, "poll": 10, "report": 20, "work": 30}

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Actors:
    """The four actors of one broker."""

    poll: dramatiq.Actor[..., Any]
    work: dramatiq.Actor[..., Any]
    report: dramatiq.Actor[..., Any]
    sweep: dramatiq.Actor[..., Any]

    def ring(self, rung: Sequence[Bell]) -> None:
        """Send bells. A broker that is away costs only time: the sweeper rings again."""
        for bell in rung:
            actor = self.work if bell.stage == "work" else self.report
            try:
                actor.send(bell.id, bell.connection_id)
            except (RedisError, dramatiq.errors.BrokerError) as error:
                _log.warning("a bell could not be rung", connection=bell.connection_id, error=str(error))
                return

    def fire(self, connection_ids: Sequence[int]) -> None:
        """Send polls that are due. Lost ones are fired again by the schedule."""
        for connection_id in connection_ids:
            self.poll.send(connection_id)


def declare(broker: dramatiq.Broker, runtime: Callable[[], Runtime]) -> Actors:
    """Make the actors known to a broker; ``runtime`` is asked when one runs."""

    async def poll(connection_id: int) -> None:
        await _quietly(polling.poll(runtime(), connection_id), connection_id)

    async def work(bell_id: int, connection_id: int) -> None:
        bell = Bell(bell_id, connection_id, "work")
        await _quietly(_answer(runtime(), actors, bell, working.work, claim.WORK_DUE), connection_id)

    async def report(bell_id: int, connection_id: int) -> None:
        bell = Bell(bell_id, connection_id, "report")
        await _quietly(_answer(runtime(), actors, bell, working.report, claim.REPORTS_DUE), connection_id)

    async def sweep() -> None:
        await _quietly(sweeping.keep_house(runtime()), None)

    def actor(call: Any) -> dramatiq.Actor[..., Any]:
        name = call.__name__
        declared = dramatiq.actor(broker=broker, actor_name=name, queue_name=name, priority=_PRIORITIES[name])
        return declared(call)

    actors = Actors(poll=actor(poll), work=actor(work), report=actor(report), sweep=actor(sweep))
    return actors


async def _answer(runtime: Runtime, actors: Actors, bell: Bell, step: Any, due: Due) -> None:
    """One slice, then to the back of the queue if more is due: so no tenant waits for another's backlog.

    The broker is asked in a thread: one that hangs must not keep the heartbeats of other slices.
    """
    db = runtime.db
    pipeline = await runtime.pipeline(bell.connection_id)
    limit = pipeline.delivery.parallel_slices
    if runtime.stopping:
        # It is for somebody else, and the sweeper tells them sooner than the bell would grow old.
        await db.run(bells.put_away, db, bell)
        return
    if not await db.run(bells.answer, db, bell, limit=limit):
        return
    try:
        outcome = await step(runtime, bell.connection_id, bell=bell)
    except BaseException:
        await db.run(bells.put_away, db, bell)
        raise
    if not outcome.records and await db.run(bells.leave, db, bell):
        return
    size = pipeline.delivery.slice_size
    rung = await db.run(bells.finish, db, bell, due=due, slice_size=size, limit=limit)
    if rung:
        await asyncio.to_thread(actors.ring, rung)


async def _quietly(work: Any, connection_id: int | None) -> None:
    """What the hub raises on purpose has left the ledger in order: it is said, and time does the rest."""
    try:
        await work
    except HubError as error:
        _log.warning("a message came to nothing", connection=connection_id, error=str(error))
