"""Bells: the messages that are out for a connection, so that it never crowds the queue."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection

from hub.store.database import Database, rowset
from hub.store.ledger.lock import locked, locking
from hub.store.rows import Locked
from hub.store.together import Statement, statement

#: A bell that nobody has heard for so long, in microseconds, may be lost: nobody relies on it any more.
HEARD_WITHIN = 1_000_000

_OUT = "connection_id = :connection AND stage = CAST(:stage AS varchar)"
_UNHEARD = f"SELECT id FROM bell WHERE {_OUT} AND NOT heard AND rung_at > :fresh"


class Due(NamedTuple):
    """How it is seen what is due of a connection: ``asking`` for so many, by statements that run under its lock, and
    ``counted`` from their rows. See ``claim.WORK_DUE``."""

    asking: Callable[[Database, int, int], Sequence[Statement]]
    counted: Callable[[Database, Connection, Locked, Sequence[Sequence[Any]]], int]


class Bell(NamedTuple):
    """One message to send: there is work at ``stage`` ("work" or "report") for a connection."""

    id: int
    connection_id: int
    stage: str


def note(
    db: Database, tx: Connection, connection: Locked, stage: str, *, wanted: int, limit: int
) -> Sequence[Bell]:
    """Note bells as ``noting`` does; send what is returned after the commit."""
    return noted(connection, db.together(tx, noting(db, connection, stage, wanted=wanted, limit=limit)))


def noting(
    db: Database, connection: Locked, stage: str, *, wanted: int, limit: int, at_most: int | None = None
) -> Statement:
    """Notes bells, ``at_most`` so many, until ``wanted`` are out that nobody has heard, never more than ``limit`` in all.

    Who hears a bell looks for work afterwards, and so finds what is written with this: the unheard ones are locked, so
    that they stay unheard until then.
    """
    return statement(
        f"WITH unheard AS ({_UNHEARD} ORDER BY id{db.row_lock}) "
        "INSERT INTO bell (tenant_id, connection_id, stage, rung_at, heard) "
        f"SELECT :tenant, :connection, CAST(:stage AS varchar), :now, false FROM {db.rows('turns', turn='integer')} "
        "WHERE v.turn <= :wanted - (SELECT count(*) FROM unheard) "
        f"AND v.turn <= :limit - (SELECT count(*) FROM bell WHERE {_OUT}) RETURNING id, stage",
        tenant=connection.tenant_id,
        connection=connection.id,
        stage=stage,
        now=connection.now,
        fresh=connection.now - HEARD_WITHIN,
        turns=rowset([{"turn": turn} for turn in range(1, min(wanted, limit, at_most or limit) + 1)]),
        wanted=wanted,
        limit=limit,
    )


def noted(connection: Locked, rows: Sequence[Sequence[Any]]) -> Sequence[Bell]:
    """The bells that statements of ``noting`` have noted, from their rows."""
    return [Bell(row.id, connection.id, row.stage) for of_one in rows for row in of_one]


def answer(db: Database, bell: Bell, *, limit: int) -> bool:
    """A worker heard a bell: True if it may work.

    A bell that had grown too old and was forgotten is adopted again, unless as many as allowed are out by now.
    """
    clock, now = db.clock
    with db.transaction() as tx:
        renewed = db.execute(
            tx, f"UPDATE bell SET heard = true, rung_at = {clock} WHERE id = :id", id=bell.id, **now
        ).rowcount
        if renewed:
            return True
        # Whoever notes or adopts another bell at this moment waits for this one to be counted.
        db.execute(tx, f"SELECT id FROM connection WHERE id = :id{db.row_lock}", id=bell.connection_id)
        row = db.execute(
            tx,
            "INSERT INTO bell (id, tenant_id, connection_id, stage, rung_at, heard) "
            "SELECT :id, tenant_id, id, CAST(:stage AS varchar), :now, true FROM connection WHERE id = :connection AND "
            "(SELECT count(*) FROM bell WHERE connection_id = :connection AND stage = CAST(:stage AS varchar)) < :limit "
            "ON CONFLICT (id) DO UPDATE SET rung_at = excluded.rung_at, heard = excluded.heard",
            id=bell.id,
            stage=bell.stage,
            connection=bell.connection_id,
            now=db.now(tx),
            limit=limit,
        )
        return bool(row.rowcount)


def finish(db: Database, bell: Bell, *, due: Due, slice_size: int, limit: int) -> Sequence[Bell]:
    """The slice of a bell is done: the bells to ring now. This one again while more is due, and one more where that is more
    than a slice and fewer than ``limit`` are out. It is put away where nothing is due, or another one that nobody has
    heard yet will do.

    Bells get lost, and the sweeper rings a single one: so a connection comes back to all its slices. It is looked under
    the connection's lock, so that what is admitted meanwhile is not overlooked.
    """
    with db.transaction() as tx:
        asking = due.asking(db, bell.connection_id, slice_size + 1)
        rows, *found, unheard = db.together(
            tx, locking(db, bell.connection_id), *asking, _another_unheard(db, bell)
        )
        connection = locked(bell.connection_id, rows)
        left = due.counted(db, tx, connection, found)
        if left > slice_size or (left and not unheard):
            more = noting(db, connection, bell.stage, wanted=limit, limit=limit, at_most=1)
            again = [_again(connection, bell), *([more] if left > slice_size else [])]
            _, *noted_rows = db.together(tx, *again, last=True)
            return [bell, *noted(connection, noted_rows)]
        db.together(tx, statement("DELETE FROM bell WHERE id = :id", id=bell.id), last=True)
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


def _again(connection: Locked, bell: Bell) -> Statement:
    return statement(
        "UPDATE bell SET rung_at = :now, heard = false WHERE id = :id", id=bell.id, now=connection.now
    )


def _another_unheard(db: Database, bell: Bell) -> Statement:
    """Another one that is out and that nobody has heard; it stays so until this transaction ends."""
    clock, now = db.clock
    unheard = _UNHEARD.replace(":fresh", f"{clock} - {HEARD_WITHIN}")
    return statement(
        f"{unheard} AND id <> :id ORDER BY id LIMIT 1{db.row_lock}",
        id=bell.id,
        connection=bell.connection_id,
        stage=bell.stage,
        **now,
    )
