"""Claims: a worker takes a slice of due records and holds it by a heartbeat until it settles or gives it back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row

from hub import codec
from hub.store.database import Database, rowset
from hub.store.ledger.bells import Bell, Due
from hub.store.ledger.lock import locked, locking
from hub.store.rows import Held, Locked, Slice
from hub.store.together import Statement, statement

#: Who holds a claim that was made ahead, until somebody takes it (see ``hub.store.ledger.ahead``).
NOBODY = ""

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
#: What may be claimed of a stream, longest due first.
_DUE = (
    "SELECT id, state, lost_claims FROM record WHERE connection_id = :connection AND stream = {stream} "
    "AND ready AND claim_id IS NULL AND state IN ('waiting', 'awaiting') AND due_at <= {clock} "
    f"AND {_ONE_SUSPECT_AT_A_TIME} ORDER BY due_at, id"
)
#: The claim that was made a moment ago, under the connection's lock.
_LAST_CLAIM = "(SELECT max(id) FROM claim WHERE connection_id = :connection)"
#: Fields of ``Held`` that are made of columns of another name, or of none.
_MADE_OF = {"group": "group_name", "reported_before": "reported_at", "newer": "NULL"}
HELD = ", ".join(_MADE_OF.get(name, f"record.{name}") for name in Held.__struct_fields__)


class _Taken(NamedTuple):
    """A claim as it was read. What it holds is taken apart when the lock is given back."""

    connection: Locked
    claim_id: int
    stream: str
    stage: str
    rows: Sequence[Row[Any]]
    newer: Mapping[str, str]

    def slice(self) -> Slice:
        records = (held(row, self.newer) for row in self.rows)
        return Slice(
            claim_id=self.claim_id,
            connection_id=self.connection.id,
            tenant_id=self.connection.tenant_id,
            stream=self.stream,
            stage=self.stage,
            revision=self.connection.revision,
            records=sorted(records, key=attrgetter("id")),
        )


async def may_have_work(db: Database, connection_id: int) -> bool:
    """Whether anything waits or is awaited, or lies claimed by nobody, at a glance; it may not be due yet, or have to stay."""
    waiting = (
        "SELECT coalesce(sum(waiting + awaiting), 0) > 0 OR EXISTS "
        "(SELECT 1 FROM claim WHERE connection_id = :connection AND worker = :nobody) "
        "FROM tally WHERE connection_id = :connection"
    )
    return bool(await db.glance(waiting, connection=connection_id, nobody=NOBODY))


def claim_work(db: Database, connection_id: int, *, worker: str, lease: int, limit: int) -> Slice | None:
    """Claim up to ``limit`` due records of one stream, to push or to follow, for ``lease`` microseconds.

    Streams take turns. None when nothing is due, or when the connection must not push.
    """
    with db.transaction() as tx:
        if not sees_work(db, tx, connection_id):
            return None
        rows, streams, due = db.together(
            tx,
            locking(db, connection_id),
            _by_turn(db, connection_id),
            _due_of_next(db, connection_id, limit),
        )
        connection = locked(connection_id, rows)
        for turn, row in enumerate(streams if connection.may_push else ()):
            found = _due(db, tx, connection, row.stream, limit) if turn else due
            if found:
                taken = _take(db, tx, connection, row.stream, found, worker=worker, lease=lease)
                break
        else:
            return None
    return taken.slice()


def claim_reports(db: Database, connection_id: int, *, worker: str, lease: int, limit: int) -> Slice | None:
    """Claim up to ``limit`` settled records whose report is due."""
    with db.transaction() as tx:
        rows, due = db.together(tx, locking(db, connection_id), *_asking_reports(db, connection_id, limit))
        connection = locked(connection_id, rows)
        if not connection.may_report or not due:
            return None
        ids = _alone_or_together([row for row in due if row.stream == due[0].stream])
        taken = _hold(db, tx, connection, due[0].stream, "report", ids, worker=worker, lease=lease)
    return taken.slice()


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


def sees_work(db: Database, tx: Connection, connection_id: int) -> bool:
    """Whether anything is due. Without the lock, for which webhooks wait too: several bells are rung for what one slice takes, and all but one of them
    find nothing. What is admitted a moment later is looked for at the bell's end."""
    due = (
        "(SELECT r.due_at FROM record r WHERE r.connection_id = t.connection_id AND r.stream = t.stream AND r.ready "
        "AND r.claim_id IS NULL AND r.state IN ('waiting', 'awaiting') ORDER BY r.due_at LIMIT 1)"
    )
    clock, now = db.clock
    row = db.execute(
        tx,
        f"SELECT 1 FROM tally t WHERE t.connection_id = :connection AND {due} <= {clock} LIMIT 1",
        connection=connection_id,
        **now,
    ).one_or_none()
    return row is not None


def _asking_work(db: Database, connection_id: int, at_most: int) -> Sequence[Statement]:
    return [_by_turn(db, connection_id), _due_of_next(db, connection_id, at_most)]


def _counted_work(db: Database, tx: Connection, connection: Locked, found: Sequence[Sequence[Any]]) -> int:
    """Of the first stream that has any: whatever ``claim_work`` would find now."""
    if not connection.may_push:
        return 0
    streams, due = found
    return len(due) or sum(bool(_due(db, tx, connection, row.stream, 1)) for row in streams[1:])


def _asking_reports(db: Database, connection_id: int, at_most: int) -> Sequence[Statement]:
    clock, now = db.clock
    asked = statement(
        "SELECT id, stream, lost_claims FROM record WHERE connection_id = :connection "
        f"AND report_state = 'waiting' AND report_due_at <= {clock} AND {_ONE_SUSPECT_AT_A_TIME} "
        "ORDER BY report_due_at, id LIMIT :limit",
        connection=connection_id,
        limit=at_most,
        **now,
    )
    return [asked]


def _counted_reports(
    _db: Database, _tx: Connection, connection: Locked, found: Sequence[Sequence[Any]]
) -> int:
    return len(found[0]) if connection.may_report else 0


#: What ``claim_work`` and ``claim_reports`` would find.
WORK_DUE, REPORTS_DUE = Due(_asking_work, _counted_work), Due(_asking_reports, _counted_reports)


def _by_turn(db: Database, connection_id: int) -> Statement:
    clock, now = db.clock
    return statement(
        "SELECT stream FROM tally WHERE connection_id = :connection AND waiting + awaiting > 0 "
        f"AND (hold_until IS NULL OR hold_until <= {clock}) ORDER BY coalesce(claimed_at, 0), stream",
        connection=connection_id,
        **now,
    )


def _due(db: Database, tx: Connection, connection: Locked, stream: str, limit: int) -> Sequence[Row[Any]]:
    return db.execute(
        tx,
        f"{_DUE.format(stream=':stream', clock=':now')} LIMIT :limit",
        connection=connection.id,
        stream=stream,
        now=connection.now,
        limit=limit,
    ).all()


def _due_of_next(db: Database, connection_id: int, limit: int) -> Statement:
    """What ``_due`` gives for the stream whose turn it is."""
    clock, now = db.clock
    turn = _by_turn(db, connection_id).sql
    return statement(
        f"{_DUE.format(stream=f'({turn} LIMIT 1)', clock=clock)} LIMIT :limit",
        connection=connection_id,
        limit=limit,
        **now,
    )


def _take(
    db: Database,
    tx: Connection,
    connection: Locked,
    stream: str,
    due: Sequence[Row[Any]],
    *,
    worker: str,
    lease: int,
) -> _Taken:
    stage = "follow" if due[0].state == "awaiting" else "push"
    ids = _alone_or_together([row for row in due if (row.state == "awaiting") == (stage == "follow")])
    return _hold(db, tx, connection, stream, stage, ids, worker=worker, lease=lease)


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
) -> _Taken:
    claimed = statement(
        "INSERT INTO claim (tenant_id, connection_id, stream, stage, worker, expires_at) "
        "VALUES (:tenant, :connection, :stream, :stage, :worker, :until) RETURNING id",
        tenant=connection.tenant_id,
        connection=connection.id,
        stream=stream,
        stage=stage,
        worker=worker,
        until=connection.now + lease,
    )
    state = {"push": "state = 'working', ", "follow": "", "report": "report_state = 'working', "}[stage]
    held = statement(
        f"UPDATE record SET {state}claim_id = {_LAST_CLAIM} "
        f"FROM {db.rows('ids', id='bigint')} WHERE record.id = v.id RETURNING {HELD}",
        connection=connection.id,
        ids=rowset([{"id": one} for one in ids]),
    )
    turn = [] if stage == "report" else [_turn(connection, stream, working=stage == "push")]
    ((claim,), rows, *_) = db.together(tx, claimed, held, *turn, last=stage != "follow")
    newer = _newer_payloads(db, tx, connection, stream, rows) if stage == "follow" else {}
    return _Taken(connection, claim.id, stream, stage, rows, newer)


def _turn(connection: Locked, stream: str, *, working: bool) -> Statement:
    """The stream has had its turn; what the newest claim holds of it is counted as ``working``."""
    moved = "waiting = waiting - h.held, working = working + h.held, " if working else ""
    counted = (
        f"FROM (SELECT count(*) AS held FROM record WHERE claim_id = {_LAST_CLAIM}) h " if working else ""
    )
    return statement(
        f"UPDATE tally SET {moved}claimed_at = :now {counted}"
        "WHERE connection_id = :connection AND stream = :stream",
        now=connection.now,
        connection=connection.id,
        stream=stream,
    )


def _newer_payloads(
    db: Database, tx: Connection, connection: Locked, stream: str, rows: Sequence[Row[Any]]
) -> dict[str, str]:
    successors = db.execute(
        tx,
        f"SELECT r.order_key, r.payload FROM {db.found('keys', 'record', 'r', _BEHIND, order_key='text')} ORDER BY r.id",
        keys=rowset([{"order_key": row.order_key} for row in rows]),
        connection=connection.id,
        stream=stream,
    )
    return {row.order_key: row.payload for row in successors}


def held(row: Row[Any], newer: Mapping[str, str]) -> Held:
    """A row of the columns ``HELD``. Taken apart as a whole: a row is asked for one column in the time of all of them."""
    fields = dict(zip(Held.__struct_fields__, row, strict=True))
    fields["payload"] = codec.loads(fields["payload"])
    fields["handle"] = codec.loads(fields["handle"]) if fields["handle"] else None
    behind = newer.get(fields["order_key"])
    fields["newer"] = None if behind is None else codec.loads(behind)
    fields["reported_before"] = fields["reported_before"] is not None
    return Held(**fields)
