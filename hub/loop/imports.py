"""Imports: how one is going, and how one is given up."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from hub.connector import ImportReport, Imports
from hub.errors import ConfigurationError
from hub.loop.poll import lease_name
from hub.pipeline import Pipeline
from hub.records import JSON
from hub.runtime import Runtime
from hub.store import connections, leases, schedule
from hub.store.database import Database

#: A poll takes a minute at most; seconds.
_PATIENCE, _LOOK_EVERY = 70.0, 0.1


async def report(runtime: Runtime, connection: str) -> ImportReport | None:
    """The import that is under way, or the last one; None before the first.

    Raises ``NotFoundError``, and ``ConfigurationError`` for a connector that imports nothing.
    """
    pipeline = await _pipeline(runtime, connection)
    imports = _imports(pipeline)
    cursor = await runtime.db.run(_cursor, runtime.db, pipeline.connection.id)
    return await imports.import_report(cursor)


async def cancel(runtime: Runtime, connection: str) -> None:
    """Give up the pass that is under way; a poll that is being made is waited for. What was admitted goes its way.

    Raises ``NotFoundError``, and ``ConfigurationError`` for a connector that imports nothing, or that is polled for too
    long.
    """
    pipeline = await _pipeline(runtime, connection)
    imports = _imports(pipeline)
    lease = await _poll_lease(runtime, pipeline)
    try:
        await runtime.db.run(_cancel, runtime.db, pipeline, imports)
    finally:
        await runtime.db.run(leases.release, runtime.db, lease)


async def _poll_lease(runtime: Runtime, pipeline: Pipeline) -> leases.HeldLease:
    """So that no poll writes the cursor that it began with over the new one."""
    give_up = time.monotonic() + _PATIENCE
    duration = round(runtime.settings.poll_lease.total_seconds() * 1_000_000)
    while True:
        lease = await runtime.db.run(
            leases.acquire,
            runtime.db,
            lease_name(pipeline.connection.id),
            holder=f"{runtime.worker}:cancel",
            duration=duration,
        )
        if lease is not None:
            return lease
        if time.monotonic() > give_up:
            raise ConfigurationError(
                f"{pipeline.connection.name} has been polled for {_PATIENCE:g} seconds now; try again",
                field="connection",
            )
        await asyncio.sleep(_LOOK_EVERY)


def _cancel(db: Database, pipeline: Pipeline, imports: Imports) -> None:
    cursor = _cursor(db, pipeline.connection.id)
    connections.rewind(db, pipeline.connection.name, cursor=imports.cancelled(cursor))


def _cursor(db: Database, connection_id: int) -> JSON:
    with db.transaction() as tx:
        return schedule.read(db, tx, connection_id).cursor


async def _pipeline(runtime: Runtime, connection: str) -> Pipeline:
    stored = await runtime.db.run(connections.get_connection, runtime.db, connection)
    return await runtime.pipeline(stored.id, revision=stored.revision)


def _imports(pipeline: Pipeline) -> Imports:
    connector: Any = pipeline.connector
    if not isinstance(connector, Imports):
        raise ConfigurationError(
            f"{pipeline.connection.name} imports nothing as a whole: use `hub run {pipeline.connection.name} --drain`",
            field="connection",
        )
    return connector
