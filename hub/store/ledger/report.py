"""Reports settle on their own: their attempts, claims and due times are not those of the push."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from hub import codec
from hub.store.database import Database, rowset
from hub.store.ledger.lock import lock
from hub.store.ledger.settle import clean, keep_attempts, letting_go, stop_side
from hub.store.ledger.tally import Moves
from hub.store.rows import Held, Locked, ReportVerdict, Slice

_UPDATE = {
    "id": "bigint",
    "report_state": "text",
    "spent": "integer",
    "report_due_at": "bigint",
    "report_error": "text",
    "reported_at": "bigint",
    "finished_at": "bigint",
}


def settle_reports(db: Database, held_slice: Slice, verdicts: Sequence[ReportVerdict]) -> int:
    """Write what the source answered; returns how many were not taken because their claim was lost."""
    held = {record.id: record for record in held_slice.records}
    with db.transaction() as tx:
        connection = lock(db, tx, held_slice.connection_id)
        taken = _update(db, tx, held_slice, [_row(connection, verdict) for verdict in verdicts])
        final = [verdict for verdict in verdicts if verdict.id in taken]
        _keep_attempts(db, tx, connection, final, held)
        _count(db, tx, connection, final, held)
        _keep_facts(db, tx, final, held)
        stop_side(db, tx, connection, "source", final)
        db.together(tx, letting_go(held_slice.claim_id))
    return len(verdicts) - len(final)


def _row(connection: Locked, verdict: ReportVerdict) -> dict[str, Any]:
    acknowledged = verdict.state == "acknowledged"
    return {
        "id": verdict.id,
        "report_state": verdict.state,
        "spent": int(verdict.spent),
        "report_due_at": connection.now + verdict.due_after,
        "report_error": clean(verdict.error),
        "reported_at": connection.now if acknowledged else None,
        "finished_at": connection.now if acknowledged else None,
    }


def _update(db: Database, tx: Connection, held_slice: Slice, rows: Sequence[dict[str, Any]]) -> set[int]:
    updated = db.execute(
        tx,
        "UPDATE record SET report_state = v.report_state, report_attempts = report_attempts + v.spent, "
        "report_due_at = v.report_due_at, report_error = v.report_error, claim_id = NULL, lost_claims = 0, "
        "reported_at = coalesce(v.reported_at, record.reported_at), finished_at = v.finished_at "
        f"FROM {db.rows('rows', **_UPDATE)} WHERE record.id = v.id AND record.claim_id = :claim RETURNING record.id",
        rows=rowset(rows),
        claim=held_slice.claim_id,
    )
    return {row.id for row in updated}


def _keep_attempts(
    db: Database,
    tx: Connection,
    connection: Locked,
    verdicts: Sequence[ReportVerdict],
    held: Mapping[int, Held],
) -> None:
    rows = [
        {
            "record_id": verdict.id,
            "number": held[verdict.id].report_attempts + 1,
            "result": verdict.state,
            "error": clean(verdict.error),
        }
        for verdict in verdicts
        if verdict.spent and verdict.state != "acknowledged"
    ]
    if rows:
        keep_attempts(db, tx, connection, "report", rows)


def _count(
    db: Database,
    tx: Connection,
    connection: Locked,
    verdicts: Sequence[ReportVerdict],
    held: Mapping[int, Held],
) -> None:
    """A repeated report was counted when it was first acknowledged, and is not counted again."""
    moves = Moves()
    for verdict in verdicts:
        record = held[verdict.id]
        if record.reported_before:
            continue
        if verdict.state == "acknowledged":
            moves.report(record.stream, run_id=record.run_id)
        elif verdict.state == "dead":
            moves.report_dead(record.stream)
    moves.write(db, tx, connection)


def _keep_facts(
    db: Database, tx: Connection, verdicts: Sequence[ReportVerdict], held: Mapping[int, Held]
) -> None:
    """What the source said about a whole batch stays with the run that brought the record."""
    news: dict[int, dict[str, Any]] = {}
    for verdict in verdicts:
        run_id = held[verdict.id].run_id
        if verdict.facts and run_id is not None:
            news[run_id] = _merged(news.get(run_id, {}), verdict.facts)
    for run_id, facts in news.items():
        stored = db.execute(tx, "SELECT facts FROM run WHERE id = :id", id=run_id).scalar_one_or_none()
        if stored is not None:
            merged = codec.dumps(_merged(codec.loads(stored), facts)).decode()
            db.execute(tx, "UPDATE run SET facts = :facts WHERE id = :id", facts=merged, id=run_id)


def _merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Maps merge one level deep, so that the facts of two batches stand side by side."""
    result = dict(old)
    for name, value in new.items():
        both = isinstance(value, Mapping) and isinstance(result.get(name), Mapping)
        result[name] = {**result[name], **value} if both else value
    return result
