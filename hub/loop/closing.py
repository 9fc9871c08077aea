"""Closing: a connector is told of each sealed group once all of its records have settled."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import structlog

from hub.errors import HubError
from hub.records import GroupTally
from hub.runtime import Runtime
from hub.store import leases
from hub.store.ledger import groups

_log = structlog.get_logger(__name__)


def lease_name(connection_id: int) -> str:
    """What the process holds that closes its groups."""
    return f"close:{connection_id}"


async def close_groups(
    runtime: Runtime, connection_id: int, *, on_trouble: Callable[[str], None] = lambda _: None
) -> bool:
    """Call ``close_group`` for what can be closed; False when another process is just doing so.

    ``on_trouble`` gets the reason for each group that could not be closed.

    One process at a time closes groups of a connection. It looks again after it has let go, so that a group which
    somebody else left to it is not forgotten.
    """
    while await runtime.db.run(groups.closable, runtime.db, connection_id):
        lease = await _acquire(runtime, connection_id, holder := f"{runtime.worker}:{uuid.uuid4().hex[:8]}")
        if lease is None:
            return False
        closed = 0
        try:
            for tally in await runtime.db.run(groups.closable, runtime.db, connection_id):
                closed += await _close(runtime, connection_id, tally, on_trouble)
                await _acquire(runtime, connection_id, holder)
        finally:
            await runtime.db.run(leases.release, runtime.db, lease)
        if not closed:  # what cannot be closed now is tried again when house is kept
            break
    return True


async def _acquire(runtime: Runtime, connection_id: int, holder: str) -> leases.HeldLease | None:
    duration = round(runtime.settings.poll_lease.total_seconds() * 1_000_000)
    return await runtime.db.run(
        leases.acquire, runtime.db, lease_name(connection_id), holder=holder, duration=duration
    )


async def _close(
    runtime: Runtime, connection_id: int, tally: GroupTally, on_trouble: Callable[[str], None]
) -> bool:
    pipeline = await runtime.pipeline(connection_id)
    try:
        await pipeline.connector.close_group(tally)
    except Exception as error:
        text = pipeline.redact(f"{type(error).__name__}: {error}")
        _log.warning("a group could not be closed yet", group=tally.name, error=text)
        said = text if not isinstance(error, HubError) else text.partition(": ")[2]
        on_trouble(f"the group {tally.name} could not be closed yet: {said}")
        return False
    await runtime.db.run(groups.mark_closed, runtime.db, connection_id, tally)
    return True
