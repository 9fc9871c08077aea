"""The number of a transaction, by which changes are ordered, and how far readers may read without missing one.

On PostgreSQL transactions commit in another order than they begin: a reader takes those below the oldest one that is
still under way. SQLite has one writer, whose transactions are counted.
"""

from __future__ import annotations

from sqlalchemy import Connection

from hub.store.catalog.kinds import KINDS
from hub.store.database import Database


def number(db: Database, tx: Connection) -> int:
    """The number of this transaction, which is about to change the catalog."""
    if db.postgres:
        own = "SELECT CAST(CAST(pg_current_xact_id() AS text) AS bigint)"
        return int(db.execute(tx, own).scalar_one())
    db.execute(
        tx,
        "INSERT INTO catalog_clock (id, ticks) VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET ticks = ticks + 1",
    )
    return int(db.execute(tx, "SELECT ticks FROM catalog_clock WHERE id = 1").scalar_one())


def horizon(db: Database, tx: Connection) -> int:
    """All changes in transactions below this number are there to be read, and none will be added."""
    if db.postgres:
        oldest = "SELECT CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint)"
        return int(db.execute(tx, oldest).scalar_one())
    ticks = db.execute(tx, "SELECT ticks FROM catalog_clock WHERE id = 1").scalar_one_or_none()
    return int(ticks or 0) + 1


def end(db: Database, tx: Connection) -> int:
    """No transaction has had this number or a greater one."""
    if db.postgres:
        newest = "SELECT CAST(CAST(pg_snapshot_xmax(pg_current_snapshot()) AS text) AS bigint)"
        return int(db.execute(tx, newest).scalar_one())
    return horizon(db, tx)


def restamp(db: Database, tx: Connection) -> None:
    """After a dump was restored elsewhere, changes bear numbers that are yet to come: they are stamped as made now."""
    if not db.postgres:
        return
    for kind in KINDS.values():
        for column in ("changed_in", "changed_in_by_others"):
            db.execute(
                tx,
                f"UPDATE {kind.table} SET {column} = :number WHERE {column} >= :end",
                number=number(db, tx),
                end=end(db, tx),
            )
