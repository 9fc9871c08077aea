"""What time does to the ledger: lost claims come back, dead records revive, parked ones wake, finished ones go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row

from hub.records import EVERYTHING
from hub.store.database import Database, rowset
from hub.store.ledger.claim import NOBODY
from hub.store.ledger.lock import lock
from hub.store.ledger.settle import keep_attempts
from hub.store.ledger.tally import Moves, counted_report
from hub.store.rows import Locked

#: After so many lost claims a record is dead: it has taken that many workers with it.
DEAD_AFTER = 5
WORKER_DIED = "its worker died"
#: What is open, as the index record_open has it: SQLite uses a partial index where it finds the condition word for word.
_OPEN = "state IN ('waiting', 'working', 'awaiting', 'parked', 'dead')"
#: Rows that one transaction prunes.
PRUNE_BATCH = 1000


def expire_claims(db: Database) -> int:
    """Give the records of claims without a heartbeat back; returns how many claims were lost (rule 5).

    What nobody had taken is lost with nobody.
    """
    with db.transaction() as tx:
        expired = db.execute(
            tx, "SELECT id, connection_id FROM claim WHERE expires_at <= :now ORDER BY id", now=db.now(tx)
        ).all()
    return sum(_expire(db, claim.id, claim.connection_id) for claim in expired)


def give_back_untaken(db: Database, connection_id: int) -> None:
    """Nobody will take what lies claimed by nobody: it waits again."""
    with db.transaction() as tx:
        connection = lock(db, tx, connection_id)
        untaken = db.execute(
            tx,
            "DELETE FROM claim WHERE connection_id = :connection AND worker = :nobody RETURNING id",
            connection=connection_id,
            nobody=NOBODY,
        ).all()
        for claim in untaken:
            _give_back(db, tx, connection, claim.id, lost=0)


def _expire(db: Database, claim_id: int, connection_id: int) -> bool:
    with db.transaction() as tx:
        connection = lock(db, tx, connection_id)
        gone = db.execute(
            tx,
            "DELETE FROM claim WHERE id = :id AND expires_at <= :now RETURNING worker",
            id=claim_id,
            now=connection.now,
        ).one_or_none()
        if gone is None:
            return False
        lost: bool = gone.worker != NOBODY
        _give_back(db, tx, connection, claim_id, lost=int(lost))
    return lost


def _give_back(db: Database, tx: Connection, connection: Locked, claim_id: int, *, lost: int) -> None:
    rows = db.execute(
        tx,
        "SELECT id, stream, state, report_state, reported_at, lost_claims, run_id, group_name, order_key "
        "FROM record WHERE claim_id = :claim",
        claim=claim_id,
    ).all()
    poisoned = [row for row in rows if row.lost_claims + lost >= DEAD_AFTER]
    _update_lost(db, tx, connection, [row for row in rows if row not in poisoned], lost)
    moves = Moves()
    for row in rows:
        if row.state == "working":
            new = "dead" if row in poisoned else "waiting"
            moves.move(row.stream, "working", new, run_id=row.run_id, group=row.group_name)
    for row in poisoned:
        _bury(db, tx, connection, row, moves)
    moves.write(db, tx, connection)


def _update_lost(
    db: Database, tx: Connection, connection: Locked, rows: Sequence[Row[Any]], lost: int
) -> None:
    db.execute(
        tx,
        "UPDATE record SET claim_id = NULL, lost_claims = lost_claims + :lost, "
        "state = CASE WHEN state = 'working' THEN 'waiting' ELSE state END, "
        "due_at = CASE WHEN state IN ('working', 'awaiting') THEN :now ELSE due_at END, "
        "report_state = CASE WHEN report_state = 'working' THEN 'waiting' ELSE report_state END "
        f"WHERE id IN (SELECT v.id FROM {db.rows('ids', id='bigint')})",
        now=connection.now,
        lost=lost,
        ids=rowset([{"id": row.id} for row in rows]),
    )


def _bury(db: Database, tx: Connection, connection: Locked, row: Row[Any], moves: Moves) -> None:
    """A record, a follow or a report that has cost several workers their life is worked no more."""
    if row.report_state == "working":
        if counted_report("dead", row.reported_at) == "report_dead":
            moves.report_dead(row.stream)
        db.execute(
            tx,
            "UPDATE record SET report_state = 'dead', report_error = :why, claim_id = NULL, "
            "lost_claims = lost_claims + 1 WHERE id = :id",
            id=row.id,
            why=WORKER_DIED,
        )
        return
    if row.state == "awaiting":
        moves.move(row.stream, "awaiting", "dead", run_id=row.run_id, group=row.group_name)
    reports = _reports(db, tx, connection)
    if not reports:
        moves.report(row.stream, run_id=row.run_id)
    db.execute(
        tx,
        "UPDATE record SET state = 'dead', status = 'failed', error = :why, claim_id = NULL, settled_at = :now, "
        "lost_claims = lost_claims + 1, report_due_at = :now, report_state = :report, finished_at = :finished "
        "WHERE id = :id",
        id=row.id,
        why=WORKER_DIED,
        now=connection.now,
        report="waiting" if reports else "none",
        finished=None if reports else connection.now,
    )
    promote(db, tx, connection, row.stream, row.order_key)


def _reports(db: Database, tx: Connection, connection: Locked) -> bool:
    return bool(
        db.execute(tx, "SELECT reports FROM connection WHERE id = :id", id=connection.id).scalar_one()
    )


def promote(db: Database, tx: Connection, connection: Locked, stream: str, order_key: str) -> None:
    """The first record that waits behind a settled one may be worked now, unless another is still before it."""
    db.execute(
        tx,
        "UPDATE record SET ready = true WHERE id = (SELECT min(id) FROM record WHERE connection_id = :connection "
        f"AND stream = :stream AND order_key = :key AND {_OPEN} AND state <> 'dead') AND NOT ready",
        connection=connection.id,
        stream=stream,
        key=order_key,
    )


def wake(db: Database, connection_id: int, wake_key: str) -> int:
    """What was parked for ``wake_key`` goes on; returns how many records that were."""
    with db.transaction() as tx:
        return wake_within(db, tx, lock(db, tx, connection_id), [wake_key])


def wake_within(db: Database, tx: Connection, connection: Locked, wake_keys: Sequence[str]) -> int:
    """The same for several keys, inside a transaction that holds the connection's lock; EVERYTHING wakes all."""
    if not wake_keys:
        return 0
    named = (
        ""
        if EVERYTHING in wake_keys
        else f"AND wake_key IN (SELECT v.key FROM {db.rows('keys', key='text')})"
    )
    parameters = {"keys": rowset([{"key": key} for key in wake_keys])} if named else {}
    rows = db.execute(
        tx,
        "UPDATE record SET state = 'waiting', due_at = :now, changed_at = :now, wake_key = NULL WHERE connection_id = :connection "
        f"AND state = 'parked' {named} RETURNING stream, run_id, group_name",
        now=connection.now,
        connection=connection.id,
        **parameters,
    ).all()
    moves = Moves()
    for row in rows:
        moves.move(row.stream, "parked", "waiting", run_id=row.run_id, group=row.group_name)
    moves.write(db, tx, connection)
    return len(rows)


def prune(db: Database, *, keep: int) -> int:
    """Remove records that finished more than ``keep`` microseconds ago, keeping what rule 4 needs of each key.

    Dead letters stay until a person has decided about them. Returns how many records were removed.
    """
    removed = 0
    while batch := _prune_batch(db, keep):
        removed += batch
    return removed


def _prune_batch(db: Database, keep: int) -> int:
    with db.transaction() as tx:
        old = db.execute(
            tx,
            "SELECT id FROM record WHERE finished_at IS NOT NULL AND finished_at < :before "
            "AND state <> 'dead' AND report_state <> 'dead' AND claim_id IS NULL "
            f"ORDER BY finished_at LIMIT {PRUNE_BATCH}",
            before=db.now(tx) - keep,
        ).all()
        if not old:
            return 0
        ids = rowset([{"id": row.id} for row in old])
        chosen = f"SELECT v.id FROM {db.rows('ids', id='bigint')}"
        _remember_keys(db, tx, chosen, ids)
        _remember_pushes(db, tx, chosen, ids)
        db.execute(tx, f"DELETE FROM attempt WHERE record_id IN ({chosen})", ids=ids)
        return db.execute(tx, f"DELETE FROM record WHERE id IN ({chosen})", ids=ids).rowcount


def _remember_keys(db: Database, tx: Connection, chosen: str, ids: str) -> None:
    kept = (
        "run_id, group_name, order_key, version, number, content_hash, state, status, response_code, duration_ms, "
        "error, external_id, total_attempts, reported_at"
    )
    updates = ", ".join(f"{name} = excluded.{name}" for name in ("record_id", *kept.split(", ")))
    db.execute(
        tx,
        f"INSERT INTO memory (connection_id, stream, key, tenant_id, record_id, {kept}) "
        f"SELECT connection_id, stream, key, tenant_id, id, {kept} FROM record r WHERE r.id IN ({chosen}) "
        "AND r.id = (SELECT max(l.id) FROM record l WHERE l.connection_id = r.connection_id "
        "AND l.stream = r.stream AND l.key = r.key) "
        f"ON CONFLICT (connection_id, stream, key) DO UPDATE SET {updates} WHERE excluded.number >= memory.number",
        ids=ids,
    )


def _remember_pushes(db: Database, tx: Connection, chosen: str, ids: str) -> None:
    """The last success of each thing; one that is pruned later than its successor changes nothing any more."""
    db.execute(
        tx,
        "INSERT INTO pushed (connection_id, stream, order_key, tenant_id, record_id, key, version) "
        "SELECT connection_id, stream, order_key, tenant_id, id, key, version FROM record WHERE id IN ("
        f"SELECT max(r.id) FROM record r WHERE r.id IN ({chosen}) AND r.state = 'success' "
        "GROUP BY r.connection_id, r.stream, r.order_key) "
        "ON CONFLICT (connection_id, stream, order_key) DO UPDATE SET record_id = excluded.record_id, "
        "key = excluded.key, version = excluded.version WHERE excluded.record_id > pushed.record_id",
        ids=ids,
    )


def overtaken(db: Database) -> str:
    """Whether a later record of the same thing as ``r`` is open or was pushed: working ``r`` again would undo it.

    Versions say which one is later, and the order of arrival where they do not.
    """
    by_code_points = ' COLLATE "C"' if db.postgres else ""
    same = "l.connection_id = r.connection_id AND l.stream = r.stream AND l.order_key = r.order_key"
    later = (
        f"CASE WHEN l.version <> r.version THEN l.version > r.version{by_code_points} ELSE {{id}} > r.id END"
    )
    open_or_pushed = " OR ".join(
        f"EXISTS (SELECT 1 FROM record l WHERE {same} AND {state} AND {later.format(id='l.id')})"
        for state in (f"l.{_OPEN} AND l.state <> 'dead'", "l.state = 'success'")
    )
    return f"{open_or_pushed} OR EXISTS (SELECT 1 FROM pushed l WHERE {same} AND {later.format(id='l.record_id')})"


def revive(db: Database, connection_id: int, *, after: int) -> int:
    """Dead records of a connector that retries them slowly become due again (rule 7).

    Those that took several workers with them are left to a person (rule 5).
    """
    with db.transaction() as tx:
        connection = lock(db, tx, connection_id)
        ids = [
            row.id
            for row in db.execute(
                tx,
                "SELECT id FROM record r WHERE connection_id = :connection AND state = 'dead' "
                "AND settled_at <= :before AND coalesce(error, '') <> :died "
                f"AND NOT ({overtaken(db)}) ORDER BY settled_at LIMIT 100",
                connection=connection.id,
                before=connection.now - after,
                died=WORKER_DIED,
            )
        ]
        return revive_now(db, tx, connection, ids)


def revive_now(db: Database, tx: Connection, connection: Locked, ids: Sequence[int]) -> int:
    """Put settled records back to work with a new budget of attempts; what they died of stays as an attempt."""
    if not ids:
        return 0
    chosen = f"SELECT v.id FROM {db.rows('ids', id='bigint')}"
    rows = db.execute(
        tx,
        "SELECT r.id, r.stream, r.state, r.report_state, r.reported_at, r.run_id, r.group_name, r.total_attempts, "
        f"r.response_code, r.duration_ms, r.error FROM record r WHERE r.id IN ({chosen}) AND NOT ({overtaken(db)})",
        ids=rowset([{"id": one} for one in ids]),
    ).all()
    if not rows:
        return 0
    keep_attempts(
        db,
        tx,
        connection,
        "push",
        [
            {
                "record_id": row.id,
                "number": row.total_attempts,
                "result": row.state,
                "response_code": row.response_code,
                "duration_ms": row.duration_ms,
                "error": row.error,
            }
            for row in rows
        ],
    )
    db.execute(
        tx,
        "UPDATE record SET state = 'waiting', status = NULL, due_at = :now, changed_at = :now, attempts = 0, lost_claims = 0, "
        "claim_id = NULL, ready = false, settled_at = NULL, report_state = 'none', report_attempts = 0, "
        f"report_error = NULL, reported_at = NULL, finished_at = NULL WHERE id IN ({chosen})",
        now=connection.now,
        ids=rowset([{"id": row.id} for row in rows]),
    )
    _line_up(db, tx, rowset([{"id": row.id} for row in rows]))
    _count_revived(db, tx, connection, rows)
    return len(rows)


def _line_up(db: Database, tx: Connection, revived: str) -> None:
    """Rule 1 holds for what comes back too: it waits behind what is open, and behind what came before it."""
    db.execute(
        tx,
        f"UPDATE record SET ready = true WHERE id IN (SELECT v.id FROM {db.rows('ids', id='bigint')}) "
        "AND NOT EXISTS (SELECT 1 FROM record l WHERE l.connection_id = record.connection_id "
        "AND l.stream = record.stream AND l.order_key = record.order_key AND l.id <> record.id "
        f"AND l.{_OPEN} AND l.state <> 'dead' AND (l.ready OR l.id < record.id))",
        ids=revived,
    )


def _count_revived(db: Database, tx: Connection, connection: Locked, rows: Sequence[Row[Any]]) -> None:
    moves = Moves()
    for row in rows:
        moves.move(row.stream, row.state, "waiting", run_id=row.run_id, group=row.group_name)
        counted = counted_report(row.report_state, row.reported_at)
        moves.unreport(row.stream, counted=counted, run_id=row.run_id)
    moves.write(db, tx, connection)
