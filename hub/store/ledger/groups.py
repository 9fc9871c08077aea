"""Groups: files, lots and exports whose records end together (rule 12)."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from hub import codec
from hub.records import GroupTally, Outcome
from hub.store.database import Database, as_dict
from hub.store.rows import REMARKABLE, SETTLED_STATES, Locked

#: Whoever closes a group is told about so many of its records.
REMARK_LIMIT = 1000
_SETTLED = " + ".join(SETTLED_STATES)


def seal(db: Database, tx: Connection, connection: Locked, stream: str, names: Sequence[str]) -> None:
    """No more records of these groups will come; a group may be sealed before, with or without any record."""
    for name in names:
        db.execute(
            tx,
            "INSERT INTO recordgroup (connection_id, stream, name, tenant_id, sealed_at) "
            "VALUES (:connection, :stream, :name, :tenant, :now) "
            "ON CONFLICT (connection_id, stream, name) DO UPDATE SET sealed_at = excluded.sealed_at",
            connection=connection.id,
            stream=stream,
            name=name,
            tenant=connection.tenant_id,
            now=connection.now,
        )


def streams_of(db: Database, tx: Connection, connection: Locked, name: str) -> Sequence[str]:
    """The streams in which a group has had records."""
    rows = db.execute(
        tx,
        "SELECT stream FROM recordgroup WHERE connection_id = :connection AND name = :name ORDER BY stream",
        connection=connection.id,
        name=name,
    )
    return [row.stream for row in rows]


def closable(db: Database, connection_id: int) -> Sequence[GroupTally]:
    """Sealed groups whose records have all settled and that were not closed yet."""
    with db.transaction() as tx:
        rows = db.execute(
            tx,
            f"SELECT name, stream, admitted, created, {', '.join(SETTLED_STATES)} FROM recordgroup "
            f"WHERE connection_id = :connection AND sealed_at IS NOT NULL AND closed_at IS NULL "
            f"AND admitted = {_SETTLED} ORDER BY sealed_at LIMIT 100",
            connection=connection_id,
        ).all()
        return [
            GroupTally(**as_dict(row), remarks=_remarks(db, tx, connection_id, row.stream, row.name))
            for row in rows
        ]


def is_going_in(db: Database, connection_id: int, beginning: str) -> bool:
    """Whether a sealed group whose name begins so is not closed, in a stream with records that wait for nothing but work, or
    has none left that is open."""
    with db.transaction() as tx:
        found = db.execute(
            tx,
            "SELECT 1 FROM recordgroup g WHERE connection_id = :connection AND substr(name, 1, :length) = :beginning "
            f"AND sealed_at IS NOT NULL AND closed_at IS NULL AND (admitted = {_SETTLED} OR EXISTS (SELECT 1 FROM tally t "
            "WHERE t.connection_id = g.connection_id AND t.stream = g.stream AND t.waiting + t.working > 0)) LIMIT 1",
            connection=connection_id,
            length=len(beginning),
            beginning=beginning,
        ).one_or_none()
    return found is not None


def _remarks(db: Database, tx: Connection, connection_id: int, stream: str, name: str) -> Sequence[Outcome]:
    """What its records were rejected for or died of, and warnings of those that succeeded."""
    rows = db.execute(
        tx,
        "SELECT id, key, payload, state, status, response_code, duration_ms, error, external_id, total_attempts "
        f"FROM record WHERE connection_id = :connection AND group_name = :name AND stream = :stream "
        f"AND {REMARKABLE} ORDER BY id LIMIT {REMARK_LIMIT}",
        connection=connection_id,
        name=name,
        stream=stream,
    )
    return [
        Outcome(
            record_id=row.id,
            stream=stream,
            key=row.key,
            payload=codec.loads(row.payload),
            status="success" if row.state == "success" else "failed",
            attempts=row.total_attempts,
            response_code=row.response_code,
            duration_ms=row.duration_ms,
            error=row.error,
            external_id=row.external_id,
            group=name,
        )
        for row in rows
    ]


def mark_closed(db: Database, connection_id: int, group: GroupTally) -> None:
    """``close_group`` has returned; a record that came meanwhile keeps the group open."""
    with db.transaction() as tx:
        db.execute(
            tx,
            "UPDATE recordgroup SET closed_at = :now WHERE connection_id = :connection AND stream = :stream "
            f"AND name = :name AND admitted = :admitted AND admitted = {_SETTLED}",
            connection=connection_id,
            stream=group.stream,
            name=group.name,
            admitted=group.admitted,
            now=db.now(tx),
        )
