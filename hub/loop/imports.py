"""Imports: how one is going, and how one is given up."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal, TypeGuard

from hub.connector import ImportReport, Imports
from hub.errors import ConfigurationError
from hub.loop.poll import lease_name
from hub.pipeline import Pipeline
from hub.runtime import Runtime
from hub.store import connections, history, leases, schedule
from hub.store.database import Database
from hub.store.ledger import groups
from hub.store.schedule import PollState

#: A poll takes a minute at most; seconds.
_PATIENCE, _LOOK_EVERY = 70.0, 0.1
#: States of an import that goes on.
_UNDER_WAY = ("beginning", "running")


@dataclass(frozen=True, kw_only=True)
class Cancelled:
    """What giving up came to: ``nothing`` was under way, or it ``ended`` while its last poll was waited for.

    ``last`` is the import that was ``cancelled``, as it was then, or the last one; None before the first.
    """

    outcome: Literal["nothing", "ended", "cancelled"]
    last: ImportReport | None


async def report(runtime: Runtime, connection: str) -> ImportReport | None:
    """The import that is under way, or the last one; None before the first.

    Raises ``NotFoundError``, and ``ConfigurationError`` for a connector that imports nothing.
    """
    pipeline = await _pipeline(runtime, connection)
    imports = _imports(pipeline)
    return await _report(runtime, pipeline, imports)


async def cancel(runtime: Runtime, connection: str) -> Cancelled:
    """Give up the pass that is under way; a poll that is being made is waited for. What was admitted goes its way.

    Where nothing is under way, nothing is changed. Raises ``NotFoundError``, and ``ConfigurationError`` for a connector that imports nothing, or that is polled for too
    long.
    """
    pipeline = await _pipeline(runtime, connection)
    imports = _imports(pipeline)
    before = await _report(runtime, pipeline, imports)
    lease = await _poll_lease(runtime, pipeline)
    try:
        present = await _report(runtime, pipeline, imports)
        if not _is_under_way(present):
            return Cancelled(outcome="ended" if _is_under_way(before) else "nothing", last=present)
        await runtime.db.run(_cancel, runtime.db, pipeline, imports, present)
    finally:
        await runtime.db.run(leases.release, runtime.db, lease)
    return Cancelled(outcome="cancelled", last=present)


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


def _is_under_way(report: ImportReport | None) -> TypeGuard[ImportReport]:
    return report is not None and report.state in _UNDER_WAY


def _cancel(db: Database, pipeline: Pipeline, imports: Imports, present: ImportReport) -> None:
    cursor = _polls(db, pipeline.connection.id).cursor
    name = pipeline.connection.name
    connections.cancel_import(db, name, cursor=imports.cancelled(cursor), import_=present.name)


async def _report(runtime: Runtime, pipeline: Pipeline, imports: Imports) -> ImportReport | None:
    """One that was asked for and whose first poll is not over stands nowhere but in the schedule; what of one is going in,
    in the ledger."""
    polls = await runtime.db.run(_polls, runtime.db, pipeline.connection.id)
    if not polls.full_pass:
        told = await imports.import_report(polls.cursor)
        return told if told is None else await _or_settling(runtime, pipeline.connection.id, told)
    asked = await runtime.db.run(history.last, runtime.db, pipeline.connection.id, "rewound")
    at = polls.due_at if asked is None else asked["at"]
    return ImportReport(
        name=None, state="beginning", started_at=datetime.fromtimestamp(at / 1_000_000, tz=UTC)
    )


async def _or_settling(runtime: Runtime, connection_id: int, told: ImportReport) -> ImportReport:
    if told.state != "done" or told.name is None:
        return told
    if not await runtime.db.run(groups.is_going_in, runtime.db, connection_id, told.name):
        return told
    read = {name: {"read": counts.get("read", 0)} for name, counts in told.resources.items()}
    return replace(told, state="settling", ended_at=None, resources=read)


def _polls(db: Database, connection_id: int) -> PollState:
    with db.transaction() as tx:
        return schedule.read(db, tx, connection_id)


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
