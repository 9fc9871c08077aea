"""Brings a store to the present shape, one process at a time, and says whether it is there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

import hub
from hub.errors import ServiceUnavailableError
from hub.store.database import Database
from hub.store.tables import metadata

#: "hub" as a number: the PostgreSQL advisory lock that upgrades take.
_ADVISORY_LOCK = 0x687562


def upgrade(db: Database) -> str:
    """Run the migrations that are missing and return the revision; two callers at once take turns."""
    with db.transaction() as tx:
        if db.postgres:  # SQLite's transaction holds the only write lock already
            db.execute(tx, "SELECT pg_advisory_xact_lock(:key)", key=_ADVISORY_LOCK)
        command.upgrade(_config(tx), "head")
        return MigrationContext.configure(tx).get_current_revision() or ""


def require_current(db: Database) -> None:
    """Raises ``ServiceUnavailableError`` when the store has another shape than this version of the hub."""
    with db.transaction() as tx:
        present = MigrationContext.configure(tx).get_current_revision()
        wanted = ScriptDirectory.from_config(_config(tx)).get_current_head()
    if present != wanted:
        raise ServiceUnavailableError(
            f"the store is at revision {present or 'none'}, this hub needs {wanted}: run `hub db upgrade`"
        )


def differences(db: Database) -> Sequence[Any]:
    """What an Alembic autogeneration would still change: empty when migrations equal models."""
    with db.transaction() as tx:
        found: Sequence[Any] = compare_metadata(
            MigrationContext.configure(tx, opts={"compare_type": True}), metadata
        )
        return found


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_scripts()))
    config.attributes["connection"] = connection
    return config


def _scripts() -> Path:
    """The migrations inside an installed wheel, or those of the checkout."""
    package = Path(hub.__file__).parent
    shipped = package / "_migrations"
    return shipped if shipped.exists() else package.parent / "migrations"
