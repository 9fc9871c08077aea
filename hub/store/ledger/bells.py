"""Bells: the messages that are out for a connection, so that it never crowds the queue."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from hub.store.database import Database
from hub.store.ledger.lock import lock
from hub.store.rows import Locked

#: Whether more is due of a connection that is locked; see ``claim.work_is_due``.
IsDue = Callable[[Database, Connection, Locked], bool]


class Bell(NamedTuple):
    """One message to send: there is work at ``stage`` ("work" or "report") for a connection."""

    id: int
    connection_id: int
    stage: str


def note(
    db: Database, tx: Connection, connection: Locked, stage: str, *, wanted: int, limit: int
) -> Sequence[Bell]:
    """Note up to ``wanted`` bells, never more than ``limit`` in all; send what is returned after the commit."""
    out = db.execute(
        tx,
        "SELECT count(*) FROM bell WHERE connection_id = :connection AND stage = :stage",
        connection=connection.id,
        stage=stage,
    ).scalar_one()
    return [_note(db, tx, connection, stage) for _ in range(min(wanted, limit - out))]


def answer(db: Database, bell: Bell, *, limit: int) -> bool:
    """A worker heard a bell: True if it may work.

    A bell that had grown too old and was forgotten is adopted again, unless as many as allowed are out by now.
    """
    with db.transaction() as tx:
        renewed = db.execute(
            tx, "UPDATE bell SET rung_at = :now WHERE id = :id", id=bell.id, now=db.now(tx)
        ).rowcount
        if renewed:
            return True
        # Whoever notes or adopts another bell at this moment waits for this one to be counted.
        db.execute(tx, f"SELECT id FROM connection WHERE id = :id{db.row_lock}", id=bell.connection_id)
        row = db.execute(
            tx,
            "INSERT INTO bell (id, tenant_id, connection_id, stage, rung_at) "
            "SELECT :id, tenant_id, id, CAST(:stage AS varchar), :now FROM connection WHERE id = :connection AND "
            "(SELECT count(*) FROM bell WHERE connection_id = :connection AND stage = CAST(:stage AS varchar)) < :limit "
            "ON CONFLICT (id) DO UPDATE SET rung_at = excluded.rung_at",
            id=bell.id,
            stage=bell.stage,
            connection=bell.connection_id,
            now=db.now(tx),
            limit=limit,
        )
        return bool(row.rowcount)


def finish(db: Database, bell: Bell, *, is_due: IsDue, limit: int) -> Sequence[Bell]:
    """The slice of a bell is done: the bells to ring now. This one again while more is due, and one more while fewer than
    ``limit`` are out; none otherwise, and this one is put away.

    Bells get lost, and the sweeper rings a single one: so a connection comes back to all its slices. It is looked under
    the connection's lock, so that what is admitted meanwhile is not overlooked.
    """
    with db.transaction() as tx:
        connection = lock(db, tx, bell.connection_id)
        if is_due(db, tx, connection):
            more = note(db, tx, connection, bell.stage, wanted=1, limit=limit)
            db.execute(tx, "UPDATE bell SET rung_at = :now WHERE id = :id", id=bell.id, now=connection.now)
            return [bell, *more]
        db.execute(tx, "DELETE FROM bell WHERE id = :id", id=bell.id)
        return ()


def leave(db: Database, bell: Bell) -> bool:
    """A bell that found nothing is put away without the connection's lock, for which webhooks wait: where another one stays
    out, which looks once more at its end. False where it is the last one, or the others are leaving as well.
    """
    with db.transaction() as tx:
        # Whoever leaves holds its own bell first, so that two never rely on each other.
        db.execute(tx, f"SELECT id FROM bell WHERE id = :id{db.row_lock}", id=bell.id)
        another = db.execute(
            tx,
            "SELECT id FROM bell WHERE connection_id = :connection AND stage = :stage AND id <> :id "
            f"LIMIT 1{db.free_row_lock}",
            id=bell.id,
            connection=bell.connection_id,
            stage=bell.stage,
        ).one_or_none()
        if another is not None:
            db.execute(tx, "DELETE FROM bell WHERE id = :id", id=bell.id)
        return another is not None


def put_away(db: Database, *bells: Bell) -> None:
    """They are not out any more, whatever is due: the sweeper will ring again when its time has come."""
    with db.transaction() as tx:
        for bell in bells:
            db.execute(tx, "DELETE FROM bell WHERE id = :id", id=bell.id)


def _note(db: Database, tx: Connection, connection: Locked, stage: str) -> Bell:
    row = db.execute(
        tx,
        "INSERT INTO bell (tenant_id, connection_id, stage, rung_at) "
        "VALUES (:tenant, :connection, :stage, :now) RETURNING id",
        tenant=connection.tenant_id,
        connection=connection.id,
        stage=stage,
        now=connection.now,
    ).one()
    return Bell(row.id, connection.id, stage)
