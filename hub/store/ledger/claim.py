"""Claims: a worker takes a slice of due records and holds it by a heartbeat until it settles or gives it back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, Row

from hub import codec
from hub.store.database import Database, rowset
from hub.store.ledger.bells import Bell
from hub.store.ledger.lock import lock
from hub.store.ledger.tally import Moves
from hub.store.rows import Held, Locked, Slice

#: After so many lost claims a record is worked alone, so that it can take nobody down with it.
ALONE_AFTER = 3

#: Who was in the same hands as a poisoned record lost as many claims. They are told apart by working one at a time:
#: the innocent ones settle, and the poisoned one has nobody left to take along.
_ONE_SUSPECT_AT_A_TIME = (
    f"(lost_claims < {ALONE_AFTER} OR NOT EXISTS (SELECT 1 FROM claim c JOIN record held ON held.claim_id = c.id "
    f"WHERE c.connection_id = :connection AND held.lost_claims >= {ALONE_AFTER}))"
)

_BEHIND = (
    "r.connection_id = :connection AND r.stream = :stream AND r.order_key = v.order_key "
    "AND NOT r.ready AND r.state = 'waiting'"
)
#: Fields of ``Held`` that are made of columns of another name, or of none.
_MADE_OF = {"group": "group_name", "reported_before": "reported_at", "newer": "NULL"}
_HELD = ", ".join(_MADE_OF.get(name, f"record.{name}") for name in Held.__struct_fields__)


async def may_have_work(db: Database, connection_id: int) -> bool:
    """Whether anything waits or is awaited, at a glance; it may not be due yet, or have to stay."""
    waiting = "SELECT coalesce(sum(waiting + awaiting), 0) > 0 FROM tally WHERE connection_id = :connection"
    return bool(await db.glance(waiting, connection=connection_id))


def claim_work(db: Database, connection_id: int, *, worker: str, lease: int, limit: int) -> Slice | None:
    """Claim up to ``limit`` due records of one stream, to push or to follow, for ``lease`` microseconds.

    Streams take turns. None when nothing is due, or when the connection must not push.
    """
    with db.transaction() as tx:
        if not sees_work(db, tx, connection_id):
            return None
        connection = lock(db, tx, connection_id)
        if not connection.may_push:
            return None
        for stream in _streams_by_turn(db, tx, connection):
            due = _due(db, tx, connection, stream, limit)
            if due:
                stage = "follow" if due[0].state == "awaiting" else "push"
                ids = _alone_or_together(
                    [row for row in due if (row.state == "awaiting") == (stage == "follow")]
                )
                return _hold(db, tx, connection, stream, stage, ids, worker=worker, lease=lease)
    return None


def claim_reports(db: Database, connection_id: int, *, worker: str, lease: int, limit: int) -> Slice | None:
    """Claim up to ``limit`` settled records whose report is due."""
    with db.transaction() as tx:
        connection = lock(db, tx, connection_id)
        if not connection.may_report:
            return None
        due = _reports_due(db, tx, connection, limit)
        if not due:
            return None
        ids = _alone_or_together([row for row in due if row.stream == due[0].stream])
        return _hold(db, tx, connection, due[0].stream, "report", ids, worker=worker, lease=lease)


def renew(db: Database, claim_id: int, *, lease: int, bell: Bell | None = None) -> bool:
    """The heartbeat. False when the claim was lost meanwhile: whatever comes of it will not be taken."""
    with db.transaction() as tx:
        now = db.now(tx)
        if bell is not None:
            db.execute(tx, "UPDATE bell SET rung_at = :now WHERE id = :id", id=bell.id, now=now)
        row = db.execute(
            tx, "UPDATE claim SET expires_at = :until WHERE id = :id", id=claim_id, until=now + lease
        )
        return bool(row.rowcount)


def work_is_due(db: Database, tx: Connection, connection: Locked) -> bool:
    """Whether ``claim_work`` would find something now."""
    streams = _streams_by_turn(db, tx, connection) if connection.may_push else ()
    return any(_due(db, tx, connection, stream, 1) for stream in streams)


def report_is_due(db: Database, tx: Connection, connection: Locked) -> bool:
    """Whether ``claim_reports`` would find something now."""
    return connection.may_report and bool(_reports_due(db, tx, connection, 1))


def sees_work(db: Database, tx: Connection, connection_id: int) -> bool:
    """Whether anything is due. Without the lock, for which webhooks wait too: several bells are rung for what one slice takes, and all but one of them
    find nothing. What is admitted a moment later is looked for at the bell's end."""
    due = (
        "(SELECT r.due_at FROM record r WHERE r.connection_id = t.connection_id AND r.stream = t.stream AND r.ready "
        "AND r.claim_id IS NULL AND r.state IN ('waiting', 'awaiting') ORDER BY r.due_at LIMIT 1)"
    )
    row = db.execute(
        tx,
        f"SELECT 1 FROM tally t WHERE t.connection_id = :connection AND {due} <= :now LIMIT 1",
        connection=connection_id,
        now=db.now(tx),
    ).one_or_none()
    return row is not None


def _reports_due(db: Database, tx: Connection, connection: Locked, limit: int) -> Sequence[Row[Any]]:
    return db.execute(
        tx,
        "SELECT id, stream, lost_claims FROM record WHERE connection_id = :connection "
        f"AND report_state = 'waiting' AND report_due_at <= :now AND {_ONE_SUSPECT_AT_A_TIME} "
        "ORDER BY report_due_at, id LIMIT :limit",
        connection=connection.id,
        now=connection.now,
        limit=limit,
    ).all()


def _streams_by_turn(db: Database, tx: Connection, connection: Locked) -> Sequence[str]:
    rows = db.execute(
        tx,
        "SELECT stream FROM tally WHERE connection_id = :connection AND waiting + awaiting > 0 "
        "AND (hold_until IS NULL OR hold_until <= :now) ORDER BY coalesce(claimed_at, 0), stream",
        connection=connection.id,
        now=connection.now,
    )
    return [row.stream for row in rows]


def _due(db: Database, tx: Connection, connection: Locked, stream: str, limit: int) -> Sequence[Row[Any]]:
    return db.execute(
        tx,
        "SELECT id, state, lost_claims FROM record WHERE connection_id = :connection AND stream = :stream "
        "AND ready AND claim_id IS NULL AND state IN ('waiting', 'awaiting') AND due_at <= :now "
        f"AND {_ONE_SUSPECT_AT_A_TIME} ORDER BY due_at, id LIMIT :limit",
        connection=connection.id,
        stream=stream,
        now=connection.now,
        limit=limit,
    ).all()


def _alone_or_together(due: Sequence[Row[Any]]) -> Sequence[int]:
    """Rule 5: a record that lost several workers is worked alone."""
    if due[0].lost_claims >= ALONE_AFTER:
        return [due[0].id]
    return [row.id for row in due if row.lost_claims < ALONE_AFTER]


def _hold(
    db: Database,
    tx: Connection,
    connection: Locked,
    stream: str,
    stage: str,
    ids: Sequence[int],
    *,
    worker: str,
    lease: int,
) -> Slice:
    claim_id: int = db.execute(
        tx,
        "INSERT INTO claim (tenant_id, connection_id, stream, stage, worker, expires_at) "
        "VALUES (:tenant, :connection, :stream, :stage, :worker, :until) RETURNING id",
        tenant=connection.tenant_id,
        connection=connection.id,
        stream=stream,
        stage=stage,
        worker=worker,
        until=connection.now + lease,
    ).scalar_one()
    state = {"push": "state = 'working', ", "follow": "", "report": "report_state = 'working', "}[stage]
    rows = db.execute(
        tx,
        f"UPDATE record SET {state}claim_id = :claim "
        f"FROM {db.rows('ids', id='bigint')} WHERE record.id = v.id RETURNING {_HELD}",
        claim=claim_id,
        ids=rowset([{"id": one} for one in ids]),
    ).all()
    if stage == "push":
        _count_as_working(db, tx, connection, stream, len(rows))
    if stage != "report":
        _take_turn(db, tx, connection, stream)
    newer = _newer_payloads(db, tx, connection, stream, rows) if stage == "follow" else {}
    held = sorted((_held(row, newer) for row in rows), key=attrgetter("id"))
    return Slice(
        claim_id=claim_id,
        connection_id=connection.id,
        tenant_id=connection.tenant_id,
        stream=stream,
        stage=stage,
        revision=connection.revision,
        records=held,
    )


def _count_as_working(db: Database, tx: Connection, connection: Locked, stream: str, count: int) -> None:
    moves = Moves()
    for _ in range(count):
        moves.move(stream, "waiting", "working", run_id=None, group=None)
    moves.write(db, tx, connection)


def _take_turn(db: Database, tx: Connection, connection: Locked, stream: str) -> None:
    db.execute(
        tx,
        "UPDATE tally SET claimed_at = :now WHERE connection_id = :connection AND stream = :stream",
        now=connection.now,
        connection=connection.id,
        stream=stream,
    )


def _newer_payloads(
    db: Database, tx: Connection, connection: Locked, stream: str, rows: Sequence[Row[Any]]
) -> dict[str, Any]:
    successors = db.execute(
        tx,
        f"SELECT r.order_key, r.payload FROM {db.found('keys', 'record', 'r', _BEHIND, order_key='text')} ORDER BY r.id",
        keys=rowset([{"order_key": row.order_key} for row in rows]),
        connection=connection.id,
        stream=stream,
    )
    return {row.order_key: codec.loads(row.payload) for row in successors}


def _held(row: Row[Any], newer: Mapping[str, Any]) -> Held:
    """Taken apart as a whole: a row is asked for one column in the time of all of them."""
    fields = dict(zip(Held.__struct_fields__, row, strict=True))
    fields["payload"] = codec.loads(fields["payload"])
    fields["handle"] = codec.loads(fields["handle"]) if fields["handle"] else None
    fields["newer"] = newer.get(fields["order_key"])
    fields["reported_before"] = fields["reported_before"] is not None
    return Held(**fields)
