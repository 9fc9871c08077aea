"""Dead letters and records as people see them: list, show, replay, discard. Every query names the connection."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row

from hub.errors import ConfigurationError, NotFoundError
from hub.store.database import Database, as_dict
from hub.store.ledger.lock import lock
from hub.store.ledger.sweep import revive_now
from hub.store.ledger.tally import Moves, counted_report
from hub.store.rows import STATES, Locked

_LISTED = (
    "id, stream, key, order_key, version, number, state, status, attempts, total_attempts, due_at, response_code, "
    "duration_ms, error, external_id, superseded_by, report_state, report_attempts, report_error, run_id, "
    "group_name, admitted_at, settled_at, reported_at"
)
#: States from which a record can be put back to work.
REPLAYABLE = ("dead", "rejected", "skipped")


def list_records(
    db: Database,
    connection_id: int,
    *,
    state: str | None = None,
    stream: str | None = None,
    key: str | None = None,
    limit: int = 50,
) -> Sequence[dict[str, Any]]:
    """The newest records of a connection, without their payloads."""
    if state is not None and state not in STATES:
        raise ConfigurationError(f"{state!r} is no state; it is one of {', '.join(STATES)}", field="--state")
    filters = {"state": state, "stream": stream, "key": key}
    given = {name: value for name, value in filters.items() if value is not None}
    where = "".join(f" AND {name} = :{name}" for name in given)
    with db.transaction() as tx:
        rows = db.execute(
            tx,
            f"SELECT {_LISTED} FROM record WHERE connection_id = :connection{where} ORDER BY id DESC LIMIT :limit",
            connection=connection_id,
            limit=limit,
            **given,
        )
        return [as_dict(row) for row in rows]


def list_dead(db: Database, connection_id: int | None = None, *, limit: int = 50) -> Sequence[dict[str, Any]]:
    """Dead letters, newest first; ``letter`` says whether the push or the report died."""
    where = "AND connection_id = :connection" if connection_id is not None else ""
    given = {"connection": connection_id} if connection_id is not None else {}
    with db.transaction() as tx:
        rows = db.execute(
            tx,
            f"SELECT connection_id, {_LISTED} FROM record WHERE (state = 'dead' OR report_state = 'dead') {where} "
            "ORDER BY settled_at DESC, id DESC LIMIT :limit",
            limit=limit,
            **given,
        )
        return [{**as_dict(row), "letter": "push" if row.state == "dead" else "report"} for row in rows]


def show_record(db: Database, record_id: int) -> dict[str, Any]:
    """A record with its payload and its earlier attempts. Raises ``NotFoundError``."""
    with db.transaction() as tx:
        row = db.execute(
            tx,
            f"SELECT connection_id, {_LISTED}, payload, handle, wake_key FROM record WHERE id = :id",
            id=record_id,
        ).one_or_none()
        if row is None:
            raise NotFoundError(f"there is no record {record_id} (finished ones are pruned after a while)")
        attempts = db.execute(
            tx,
            "SELECT stage, number, at, result, response_code, duration_ms, error FROM attempt "
            "WHERE record_id = :id ORDER BY id",
            id=record_id,
        )
        return {**as_dict(row), "earlier_attempts": [as_dict(one) for one in attempts]}


def replay(db: Database, record_id: int) -> str:
    """Work a settled record again, or send a dead report again without a push; says which ("push" or "report").

    Raises ``ConfigurationError`` where that would do harm: it is still open, it succeeded, or newer content of the
    same thing has come since.
    """
    with db.transaction() as tx:
        row, connection = _locked_record(db, tx, record_id)
        if row.report_state == "dead" and row.state != "dead":
            _replay_report(db, tx, connection, row)
            return "report"
        if row.state == "superseded":
            raise ConfigurationError(
                f"record {record_id} is superseded by {_name(row.superseded_by)}; replay that one instead"
            )
        if row.state not in REPLAYABLE:
            raise ConfigurationError(
                f"record {record_id} is {row.state}; only {', '.join(REPLAYABLE)} ones can be replayed"
            )
        if not revive_now(db, tx, connection, [record_id]):
            raise ConfigurationError(
                f"record {record_id} was overtaken by a later one of the same order_key; replay would undo that"
            )
        return "push"


def discard(db: Database, record_id: int) -> str:
    """Decide that a dead letter needs no more work; says which ("push" or "report")."""
    with db.transaction() as tx:
        row, connection = _locked_record(db, tx, record_id)
        moves = Moves()
        if row.state == "dead":
            moves.move(row.stream, "dead", "discarded", run_id=row.run_id, group=row.group_name)
            change, letter = "state = 'discarded'", "push"
        elif row.report_state == "dead":
            letter = "report"
        else:
            raise ConfigurationError(f"record {record_id} is {row.state}; only dead letters can be discarded")
        if row.report_state == "dead":
            counted = counted_report("dead", row.reported_at)
            moves.unreport(row.stream, counted=counted, run_id=row.run_id)
            moves.report(row.stream, run_id=row.run_id)
            given_up = "report_state = 'discarded', finished_at = :now"
            change = f"{change}, {given_up}" if letter == "push" else given_up
        moves.write(db, tx, connection)
        db.execute(
            tx, f"UPDATE record SET {change} WHERE id = :id AND :now > 0", id=record_id, now=connection.now
        )
        return letter


def _replay_report(db: Database, tx: Connection, connection: Locked, row: Row[Any]) -> None:
    moves = Moves()
    if counted_report("dead", row.reported_at) == "report_dead":
        moves.report_dead(row.stream, by=-1)
    moves.write(db, tx, connection)
    db.execute(
        tx,
        "UPDATE record SET report_state = 'waiting', report_due_at = :now, report_attempts = 0, lost_claims = 0 "
        "WHERE id = :id",
        id=row.id,
        now=connection.now,
    )


def _locked_record(db: Database, tx: Connection, record_id: int) -> tuple[Row[Any], Locked]:
    found = db.execute(tx, "SELECT connection_id FROM record WHERE id = :id", id=record_id).one_or_none()
    if found is None:
        raise NotFoundError(f"there is no record {record_id} (finished ones are pruned after a while)")
    connection = lock(db, tx, found.connection_id)
    row = db.execute(
        tx,
        "SELECT id, stream, state, report_state, reported_at, superseded_by, run_id, group_name FROM record WHERE id = :id",
        id=record_id,
    ).one()
    return row, connection


def _name(record_id: int | None) -> str:
    return f"record {record_id}" if record_id is not None else "one that was pruned"
