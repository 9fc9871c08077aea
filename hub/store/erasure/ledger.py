"""A person's records: those that are open are given up, and nothing of any of them is left but that it was there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row

from hub import codec
from hub.store.database import Database, rowset
from hub.store.erasure.words import Words
from hub.store.ledger.lock import lock
from hub.store.ledger.sweep import promote
from hub.store.ledger.tally import Moves, counted_report
from hub.store.rows import OPEN_STATES, Locked

#: Records that one transaction erases.
BATCH = 1000
#: Records that one look compares.
LOOK = 5000

_FIELDS = "id, stream, key, order_key, state, report_state, reported_at, claim_id, run_id, group_name, payload, handle"
#: Names under which a payload says what it is about.
_IDS = ("id", "key", "read", "source_id", "admin_graphql_api_id")


def of_person(db: Database, connection_id: int, keys: Sequence[str], words: Words) -> tuple[int, int]:
    """Erase the records of a connection that are about one of ``keys``; how many, and how many are in hands."""
    return _erase(db, connection_id, _ABOUT, keys, words)


def of_connection(db: Database, connection_id: int, words: Words) -> tuple[int, int]:
    """Erase all records of a connection; how many, and how many are in hands."""
    return _erase(db, connection_id, "", [], words)


#: By key, or by a payload that names it somewhere: which is looked at more closely.
_ABOUT = " AND EXISTS (SELECT 1 FROM {keys} WHERE v.key = r.key OR v.key = r.order_key OR {in_payload})"


def _erase(
    db: Database, connection_id: int, condition: str, keys: Sequence[str], words: Words
) -> tuple[int, int]:
    erased = in_hands = after = 0
    while True:
        with db.transaction() as tx:
            connection = lock(db, tx, connection_id)
            rows = _rows(db, tx, connection_id, condition, keys, after)
            if not rows:
                return erased, in_hands
            after = rows[-1].id
            mine = [row for row in rows if not keys or _is_about(row, keys)]
            for row in mine:
                if keys:
                    words.learn(codec.loads(row.payload))
            free = [row for row in mine if row.claim_id is None]
            in_hands += len(mine) - len(free)
            _give_up(db, tx, connection, free)
            _blank(db, tx, connection, free)
            erased += len(free)


def _rows(
    db: Database, tx: Connection, connection_id: int, condition: str, keys: Sequence[str], after: int
) -> Sequence[Row[Any]]:
    within = "position(v.key in r.payload) > 0" if db.postgres else "instr(r.payload, v.key) > 0"
    named = condition.format(keys=db.rows("keys", key="text"), in_payload=within)
    given = {"keys": rowset([{"key": key} for key in keys])} if named else {}
    return db.execute(
        tx,
        f"SELECT {_FIELDS} FROM record r WHERE connection_id = :connection AND id > :after{named} "
        "AND NOT (payload = '{}' AND handle IS NULL AND error IS NULL AND content_hash = '') "
        f"ORDER BY id LIMIT :limit",
        connection=connection_id,
        after=after,
        limit=BATCH,
        **given,
    ).all()


def _is_about(row: Row[Any], keys: Sequence[str]) -> bool:
    if row.key in keys or row.order_key in keys:
        return True
    payload = codec.loads(row.payload)
    return isinstance(payload, dict) and any(payload.get(name) in keys for name in _IDS)


def _give_up(db: Database, tx: Connection, connection: Locked, rows: Sequence[Row[Any]]) -> None:
    """Nothing is pushed, followed or reported any more; the counts say so."""
    moves = Moves()
    for row in rows:
        open_or_dead = row.state in OPEN_STATES or row.state == "dead"
        counted = counted_report(row.report_state, row.reported_at) if row.state not in OPEN_STATES else None
        if open_or_dead:
            moves.move(row.stream, row.state, "discarded", run_id=row.run_id, group=row.group_name)
        if counted != "reported":
            moves.unreport(row.stream, counted=counted, run_id=row.run_id)
            moves.report(row.stream, run_id=row.run_id)
    moves.write(db, tx, connection)


def _blank(db: Database, tx: Connection, connection: Locked, rows: Sequence[Row[Any]]) -> None:
    ids = rowset([{"id": row.id} for row in rows])
    chosen = f"SELECT v.id FROM {db.rows('ids', id='bigint')}"
    db.execute(
        tx,
        "UPDATE record SET payload = '{}', content_hash = '', handle = NULL, error = NULL, report_error = NULL, "
        "ready = false, wake_key = NULL, "
        "state = CASE WHEN state IN ('waiting', 'working', 'awaiting', 'parked', 'dead') THEN 'discarded' ELSE state END, "
        "report_state = CASE WHEN report_state IN ('waiting', 'working', 'dead') THEN 'discarded' ELSE report_state END, "
        "settled_at = coalesce(settled_at, :now), finished_at = coalesce(finished_at, :now) "
        f"WHERE id IN ({chosen})",
        ids=ids,
        now=connection.now,
    )
    db.execute(tx, f"UPDATE attempt SET error = NULL WHERE record_id IN ({chosen})", ids=ids)
    for row in rows:
        if row.state in OPEN_STATES:
            promote(db, tx, connection, row.stream, row.order_key)
