"""When each connection is polled: fired once by however many schedulers, and set anew by the poll itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from hub import codec
from hub.errors import NotFoundError
from hub.records import JSON
from hub.store.database import Database, as_dict
from hub.store.rows import Locked


@dataclass(frozen=True, kw_only=True, slots=True)
class PollState:
    """Where the polls of a connection stand. ``open_records`` counts what is not reported (or settled) yet."""

    due_at: int
    cursor: JSON
    full_pass: bool
    previous_new: int
    previous_full: bool
    idle_polls: int
    failed_polls: int
    open_records: int
    unsettled: int


def fire_due(db: Database, *, lost_after: int, limit: int = 100) -> Sequence[int]:
    """Connections whose poll is due, each handed to exactly one caller.

    A poll that does not come back within ``lost_after`` microseconds is fired again.
    """
    with db.transaction() as tx:
        now = db.now(tx)
        skip = " FOR UPDATE SKIP LOCKED" if db.postgres else ""
        rows = db.execute(
            tx,
            # Materialized: a planner that runs the query again for each row would skip what it has just locked,
            # and hand out more than the limit.
            "WITH due AS MATERIALIZED (SELECT s.connection_id FROM schedule s WHERE s.due_at <= :now "
            "AND (s.fired_until IS NULL OR s.fired_until <= :now) "
            "AND EXISTS (SELECT 1 FROM connection c WHERE c.id = s.connection_id AND NOT c.paused "
            "AND c.source_refused IS NULL AND c.status NOT IN ('failed', 'inactive')) "
            f"ORDER BY s.due_at LIMIT :limit{skip}) "
            "UPDATE schedule SET fired_until = :until WHERE connection_id IN (SELECT connection_id FROM due) "
            "RETURNING connection_id",
            now=now,
            until=now + lost_after,
            limit=limit,
        )
        return [row.connection_id for row in rows]


def read(db: Database, tx: Connection, connection_id: int) -> PollState:
    """The state of a connection's polls. Raises ``NotFoundError`` when it was removed."""
    row = db.execute(
        tx,
        "SELECT due_at, cursor, full_pass, previous_new, previous_full, idle_polls, failed_polls FROM schedule "
        "WHERE connection_id = :id",
        id=connection_id,
    ).one_or_none()
    if row is None:
        raise NotFoundError(f"connection {connection_id} does not exist any more")
    counts = db.execute(
        tx,
        "SELECT coalesce(sum(admitted - reported - report_dead), 0) AS open_records, "
        "coalesce(sum(waiting + working + awaiting + parked), 0) AS unsettled "
        "FROM tally WHERE connection_id = :id",
        id=connection_id,
    ).one()
    return PollState(
        due_at=row.due_at,
        cursor=codec.loads(row.cursor),
        full_pass=bool(row.full_pass),
        previous_new=row.previous_new,
        previous_full=bool(row.previous_full),
        idle_polls=row.idle_polls,
        failed_polls=row.failed_polls,
        open_records=int(counts.open_records),
        unsettled=int(counts.unsettled),
    )


def write(db: Database, tx: Connection, connection: Locked, *, next_in: int, **values: Any) -> None:
    """Set the next poll ``next_in`` microseconds from now and whatever else changed (column names as keys)."""
    columns = "".join(f", {name} = :{name}" for name in values)
    db.execute(
        tx,
        f"UPDATE schedule SET due_at = :due, fired_until = NULL{columns} WHERE connection_id = :id",
        due=connection.now + next_in,
        id=connection.id,
        **values,
    )


def poll_soon(db: Database, connection_id: int) -> None:
    """Make a connection due now."""
    with db.transaction() as tx:
        db.execute(
            tx,
            "UPDATE schedule SET due_at = :now, fired_until = NULL WHERE connection_id = :id",
            id=connection_id,
            now=db.now(tx),
        )


def shown(db: Database, connection_id: int) -> dict[str, Any] | None:
    """The schedule as people see it; None for a connection that is not polled."""
    with db.transaction() as tx:
        row = db.execute(
            tx,
            "SELECT due_at, polled_at, cursor, full_pass, idle_polls, failed_polls, last_error FROM schedule "
            "WHERE connection_id = :id",
            id=connection_id,
        ).one_or_none()
    return None if row is None else as_dict(row)
