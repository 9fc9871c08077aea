"""Across all connections: where work is due and nobody was told. The few queries that name no single tenant."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from hub.errors import NotFoundError
from hub.store.database import Database
from hub.store.ledger.bells import Bell, note
from hub.store.ledger.lock import lock

_MAY_PUSH = "NOT c.paused AND c.destination_refused IS NULL AND c.status NOT IN ('failed', 'inactive')"
# What has been due longest, and not whether anything is: no database then thinks of looking through the whole table.
_WORK_IS_DUE = (
    "EXISTS (SELECT 1 FROM tally t WHERE t.connection_id = c.id AND t.waiting + t.awaiting > 0 "
    "AND (t.hold_until IS NULL OR t.hold_until <= :now) AND (SELECT r.due_at FROM record r "
    "WHERE r.connection_id = c.id AND r.stream = t.stream AND r.ready AND r.claim_id IS NULL "
    "AND r.state IN ('waiting', 'awaiting') ORDER BY r.due_at LIMIT 1) <= :now)"
)
_REPORT_IS_DUE = (
    "(SELECT r.report_due_at FROM record r WHERE r.connection_id = c.id AND r.report_state = 'waiting' "
    "ORDER BY r.report_due_at LIMIT 1) <= :now"
)
_CONDITIONS = {
    "work": f"{_MAY_PUSH} AND {_WORK_IS_DUE}",
    "report": f"c.source_refused IS NULL AND c.status <> 'inactive' AND {_REPORT_IS_DUE}",
}


def ring_due(db: Database, *, older_than: int) -> Sequence[Bell]:
    """Forget bells rung more than ``older_than`` microseconds ago; note one wherever work is due and none is out."""
    with db.transaction() as tx:
        now = db.now(tx)
        db.execute(tx, "DELETE FROM bell WHERE rung_at <= :before", before=now - older_than)
        silent = [
            (row.id, stage)
            for stage, condition in _CONDITIONS.items()
            for row in db.execute(
                tx,
                f"SELECT c.id FROM connection c WHERE {condition} "
                "AND NOT EXISTS (SELECT 1 FROM bell b WHERE b.connection_id = c.id AND b.stage = :stage)",
                stage=stage,
                now=now,
            )
        ]
    return [bell for connection_id, stage in silent for bell in _ring(db, connection_id, stage)]


def _ring(db: Database, connection_id: int, stage: str) -> Sequence[Bell]:
    """Under the connection's lock: what is admitted at this moment may ring too."""
    with suppress(NotFoundError), db.transaction() as tx:
        return note(db, tx, lock(db, tx, connection_id), stage, wanted=1, limit=1)
    return ()


def forget_fired_polls(db: Database) -> None:
    """The broker has lost its messages: what was fired and not yet polled is due again."""
    with db.transaction() as tx:
        db.execute(tx, "UPDATE schedule SET fired_until = NULL WHERE due_at <= :now", now=db.now(tx))


def with_open_groups(db: Database) -> Sequence[int]:
    """Connections that have a sealed group which is not closed."""
    with db.transaction() as tx:
        rows = db.execute(
            tx,
            "SELECT DISTINCT connection_id FROM recordgroup WHERE sealed_at IS NOT NULL AND closed_at IS NULL",
        )
        return [row.connection_id for row in rows]


def with_dead(db: Database) -> Sequence[int]:
    """Connections that have dead records."""
    with db.transaction() as tx:
        return [row.connection_id for row in db.execute(tx, "SELECT connection_id FROM tally WHERE dead > 0")]


def prune_seen(db: Database, *, keep: int) -> None:
    """Forget webhook ids and authorizations that are past."""
    with db.transaction() as tx:
        now = db.now(tx)
        db.execute(tx, "DELETE FROM webhook_seen WHERE seen_at < :before", before=now - keep)
        db.execute(tx, "DELETE FROM authorization_state WHERE expires_at < :now", now=now)
