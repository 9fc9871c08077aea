"""Sweep: what time does. Lost claims come back, forgotten bells are rung again, finished records go."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from datetime import timedelta
from typing import Any

import structlog

from hub.errors import HubError
from hub.loop import errands
from hub.loop.closing import close_groups
from hub.runtime import Runtime
from hub.store import ringing, runs
from hub.store.catalog.waking import wake_arrived
from hub.store.ledger import sweep as ledger
from hub.telemetry import Swept

#: Pruning and reviving look over more rows than the rest, so they run this much more rarely.
HOUSEKEEPING_EVERY = timedelta(minutes=1)

_log = structlog.get_logger(__name__)


async def sweep(runtime: Runtime, *, rewake: bool = False) -> Swept:
    """One round. ``rewake`` forgets every bell that is out: the broker has lost its messages."""
    lost = await runtime.db.run(ledger.expire_claims, runtime.db)
    age = 0 if rewake else round(runtime.settings.bell_age.total_seconds() * 1_000_000)
    bells = await runtime.db.run(ringing.ring_due, runtime.db, older_than=age)
    if bells:
        await asyncio.to_thread(runtime.ring, bells)
    swept = Swept(lost_claims=lost, rung=len(bells))
    if lost or (rewake and bells):
        _log.warning("swept", lost_claims=lost, rung=len(bells), broker_lost_messages=rewake)
    runtime.observe(swept)
    return swept


async def keep_house(runtime: Runtime) -> Swept:
    """Prune what is finished, revive dead records whose connector wants that, wake and close what was left waiting."""
    keep = round(runtime.settings.keep_finished.total_seconds() * 1_000_000)
    pruned = await runtime.db.run(ledger.prune, runtime.db, keep=keep)
    await runtime.db.run(runs.prune, runtime.db, keep=keep)
    await runtime.db.run(ringing.prune_seen, runtime.db, keep=keep)
    await _quietly(errands.work_off(runtime), "errands")
    await runtime.db.run(wake_arrived, runtime.db)
    for connection_id in await runtime.db.run(ringing.with_open_groups, runtime.db):
        await _quietly(close_groups(runtime, connection_id), "closing groups")
    for connection_id in await runtime.db.run(ringing.with_dead, runtime.db):
        await _quietly(_revive(runtime, connection_id), "reviving dead records")
    swept = Swept(pruned=pruned)
    runtime.observe(swept)
    return swept


async def _revive(runtime: Runtime, connection_id: int) -> int:
    pipeline = await runtime.pipeline(connection_id)
    after = pipeline.connector.revive_dead_after
    if after is None:
        return 0
    return await runtime.db.run(
        ledger.revive, runtime.db, connection_id, after=round(after.total_seconds() * 1_000_000)
    )


async def _quietly(work: Awaitable[Any], what: str) -> None:
    """One connection's trouble does not keep house for the others."""
    try:
        await work
    except HubError as error:
        _log.warning(what, error=str(error))
