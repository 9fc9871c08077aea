"""Connections that are kept beside the pool, each for one kind of question, and how questions are spelled over them."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from sqlalchemy import Engine, text


def detached(engine: Engine) -> Any:
    """A connection of the driver's own that nobody else uses, outside of any transaction. Blocks while it is opened."""
    pooled = engine.raw_connection()
    connection: Any = pooled.dbapi_connection
    pooled.detach()
    if engine.dialect.name == "postgresql":
        connection.autocommit = True
    return connection


@lru_cache(maxsize=1000)
def spelled(sql: str, engine: Engine) -> str:
    """A statement in the driver's way; sqlite3 takes ``:name`` as it is."""
    return sql if engine.dialect.name == "sqlite" else str(text(sql).compile(dialect=engine.dialect))
