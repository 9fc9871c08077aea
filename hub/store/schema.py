"""Alembic over the models: what runs migrations and finds differences, inside a transaction of the caller's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection

from hub.store.catalog import tables as _catalog  # noqa: F401 - declares its tables
from hub.store.tables import metadata


def upgrade(tx: Connection, scripts: Path) -> None:
    """Run the migrations in ``scripts`` that are missing."""
    config = Config()
    config.set_main_option("script_location", str(scripts))
    config.attributes["connection"] = tx
    command.upgrade(config, "head")


def differences(tx: Connection) -> Sequence[Any]:
    """What an Alembic autogeneration would still change."""
    context = MigrationContext.configure(tx, opts={"compare_type": True})
    found: Sequence[Any] = compare_metadata(context, metadata)
    return found
