"""Brings a store to the present shape, one process at a time, and says whether it is there.

Every process asks when it starts, so Alembic is only loaded where there is something to migrate.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, inspect

import hub
from hub.errors import ServiceUnavailableError
from hub.store.catalog import clock
from hub.store.database import Database

#: "hub" as a number: the PostgreSQL advisory lock that upgrades take.
_ADVISORY_LOCK = 0x687562
#: Characters of a migration's file name that are its revision; they count up.
_REVISION = 4


def upgrade(db: Database) -> str:
    """Run the migrations that are missing and return the revision; two callers at once take turns.

    Raises ``ServiceUnavailableError`` when a newer hub has migrated the store beyond what this one knows.
    """
    present, wanted = revisions(db)
    if present == wanted:
        with db.transaction() as tx:
            clock.restamp(db, tx)
        return wanted
    with db.transaction() as tx:
        if db.postgres:  # SQLite's transaction holds the only write lock already
            db.execute(tx, "SELECT pg_advisory_xact_lock(:key)", key=_ADVISORY_LOCK)
            # Alembic is loaded and migrations are read in between: on a busy machine that takes its time.
            db.execute(tx, "SET LOCAL idle_in_transaction_session_timeout = 0")
        _refuse_unknown(_present(db, tx))
        from hub.store import schema  # noqa: PLC0415 - see above

        schema.upgrade(tx, scripts())
        return _present(db, tx) or ""


def require_current(db: Database) -> None:
    """Raises ``ServiceUnavailableError`` when the store has another shape than this version of the hub."""
    present, wanted = revisions(db)
    if present != wanted:
        _refuse_unknown(present)
        raise ServiceUnavailableError(
            f"the store is at revision {present or 'none'}, this hub needs {wanted}: run `hub db upgrade`"
        )


def revisions(db: Database) -> tuple[str | None, str]:
    """Where the store is (None: empty), and where this version of the hub needs it."""
    with db.transaction() as tx:
        return _present(db, tx), max(_known())


def differences(db: Database) -> Sequence[Any]:
    """What an Alembic autogeneration would still change: empty when migrations equal models."""
    from hub.store import schema  # noqa: PLC0415 - see above

    with db.transaction() as tx:
        return schema.differences(tx)


def scripts() -> Path:
    """The migrations inside an installed wheel, or those of the checkout."""
    package = Path(hub.__file__).parent
    shipped = package / "_migrations"
    return shipped if shipped.exists() else package.parent / "migrations"


def _present(db: Database, tx: Connection) -> str | None:
    if not inspect(tx).has_table("alembic_version"):
        return None
    revision: str | None = db.execute(tx, "SELECT version_num FROM alembic_version").scalar_one_or_none()
    return revision


def _known() -> Sequence[str]:
    return [path.name[:_REVISION] for path in (scripts() / "versions").glob("[0-9]*.py")]


def _refuse_unknown(present: str | None) -> None:
    if present is not None and present not in _known():
        raise ServiceUnavailableError(
            f"the store is at revision {present}, which this version of the hub does not know: a newer one has "
            "migrated it, so install that one"
        )
