"""The lock that every ledger transaction takes first."""

from __future__ import annotations

from sqlalchemy import Connection

from hub.errors import NotFoundError
from hub.store.database import POSTGRES_CLOCK, Database
from hub.store.rows import Locked

_COLUMNS = "id, tenant_id, name, revision, paused, status, source_refused, destination_refused"


def lock(db: Database, tx: Connection, connection_id: int) -> Locked:
    """Lock a connection until the transaction ends and read the store's clock.

    Raises ``NotFoundError`` when it was removed meanwhile.
    """
    clock = f", {POSTGRES_CLOCK} AS now" if db.postgres else ""
    row = db.execute(
        tx, f"SELECT {_COLUMNS}{clock} FROM connection WHERE id = :id{db.row_lock}", id=connection_id
    ).one_or_none()
    if row is None:
        raise NotFoundError(f"connection {connection_id} does not exist any more")
    return Locked(
        id=row.id,
        tenant_id=row.tenant_id,
        name=row.name,
        now=row.now if db.postgres else db.now(tx),
        revision=row.revision,
        paused=bool(row.paused),
        status=row.status,
        source_refused=row.source_refused,
        destination_refused=row.destination_refused,
    )
