"""Runs: one poll that brought something, or one import, with its counters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hub import codec
from hub.errors import NotFoundError
from hub.store.database import Database, as_dict
from hub.store.rows import Locked
from hub.store.together import Statement, statement


def starting(db: Database, connection_id: int, kind: str) -> Statement:
    """Opens a run inside the transaction that admits its first page, and gives its id."""
    clock, now = db.clock
    return statement(
        "INSERT INTO run (tenant_id, connection_id, kind, started_at, polled, admitted, duplicates, coalesced, "
        "quarantined, success, skipped, rejected, dead, superseded, reported, facts) "
        f"SELECT tenant_id, id, CAST(:kind AS varchar), {clock}, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, '{{}}' "
        "FROM connection WHERE id = :connection RETURNING id",
        connection=connection_id,
        kind=kind,
        **now,
    )


def finishing(connection: Locked, run_id: int, **counts: Any) -> Statement:
    """Writes what the poll brought (column names as keys)."""
    columns = "".join(f", {name} = :{name}" for name in counts)
    return statement(
        f"UPDATE run SET finished_at = :now{columns} WHERE id = :id",
        id=run_id,
        now=connection.now,
        **counts,
    )


def dropping(run_id: int) -> Statement:
    """Takes back a run that has brought nothing."""
    return statement("DELETE FROM run WHERE id = :id", id=run_id)


def list_runs(db: Database, connection_id: int | None = None, *, limit: int = 20) -> Sequence[dict[str, Any]]:
    """Runs, newest first."""
    where = "WHERE connection_id = :connection" if connection_id is not None else ""
    given = {"connection": connection_id} if connection_id is not None else {}
    with db.transaction() as tx:
        rows = db.execute(
            tx, f"SELECT * FROM run {where} ORDER BY id DESC LIMIT :limit", limit=limit, **given
        )
        return [_shown(row) for row in rows]


def show_run(db: Database, run_id: int) -> dict[str, Any]:
    """One run. Raises ``NotFoundError``."""
    with db.transaction() as tx:
        row = db.execute(tx, "SELECT * FROM run WHERE id = :id", id=run_id).one_or_none()
    if row is None:
        raise NotFoundError(f"there is no run {run_id}; `hub runs list` shows those that exist")
    return _shown(row)


def prune(db: Database, *, keep: int) -> int:
    """Remove runs that ended more than ``keep`` microseconds ago and whose records are gone."""
    with db.transaction() as tx:
        return db.execute(
            tx,
            "DELETE FROM run WHERE finished_at < :before AND NOT EXISTS "
            "(SELECT 1 FROM record WHERE record.run_id = run.id AND record.finished_at IS NULL)",
            before=db.now(tx) - keep,
        ).rowcount


def _shown(row: Any) -> dict[str, Any]:
    return {**as_dict(row), "facts": codec.loads(row.facts)}
