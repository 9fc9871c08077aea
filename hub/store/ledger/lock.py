"""The lock that every ledger transaction takes first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from hub.errors import NotFoundError
from hub.store.database import Database
from hub.store.rows import Locked
from hub.store.together import Statement, statement

_COLUMNS = "id, tenant_id, name, revision, paused, status, source_refused, destination_refused"


def lock(db: Database, tx: Connection, connection_id: int) -> Locked:
    """Lock a connection until the transaction ends and read the store's clock.

    Raises ``NotFoundError`` when it was removed meanwhile.
    """
    (rows,) = db.together(tx, locking(db, connection_id))
    return locked(connection_id, rows)


def glimpse(db: Database, tx: Connection, connection_id: int) -> Locked:
    """The same without the lock, for which whoever only wants to know would wait: it may be otherwise a moment later."""
    (rows,) = db.together(tx, _reading(db, connection_id))
    return locked(connection_id, rows)


def locking(db: Database, connection_id: int) -> Statement:
    """Takes the lock; what follows it in one message runs when it is had."""
    return _reading(db, connection_id, db.row_lock)


def _reading(db: Database, connection_id: int, row_lock: str = "") -> Statement:
    clock, now = db.clock
    return statement(
        f"SELECT {_COLUMNS}, {clock} AS now FROM connection WHERE id = :id{row_lock}", id=connection_id, **now
    )


def locked(connection_id: int, rows: Sequence[Any]) -> Locked:
    """The connection, from the rows of ``locking``. Raises ``NotFoundError`` when it was removed meanwhile."""
    if not rows:
        raise NotFoundError(f"connection {connection_id} does not exist any more")
    (row,) = rows
    return Locked(
        id=row.id,
        tenant_id=row.tenant_id,
        name=row.name,
        now=row.now,
        revision=row.revision,
        paused=bool(row.paused),
        status=row.status,
        source_refused=row.source_refused,
        destination_refused=row.destination_refused,
    )
