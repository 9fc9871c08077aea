"""Connections that are kept beside the pool, each for one kind of question, and how questions are spelled over them."""

from __future__ import annotations

import sys
from functools import lru_cache
from typing import Any

from sqlalchemy import Engine, text

#: psycopg cannot wait by Windows' event loop.
BY_LOOP = sys.platform != "win32"


def told(engine: Engine, connect_seconds: int) -> dict[str, Any]:
    """What psycopg needs to open a connection beside the pool."""
    _, told = engine.dialect.create_connect_args(engine.url)
    return {"connect_timeout": connect_seconds, **told, "autocommit": True}


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
