"""What a command needs besides its settings: logs, the store, a runtime."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

from hub import log
from hub.cli.environment import read_settings
from hub.settings import Settings
from hub.store import connections
from hub.store.connections import StoredConnection
from hub.store.database import Database
from hub.store.opening import open_store

if TYPE_CHECKING:  # see ``runtime``
    from hub.runtime import Runtime


def begin() -> Settings:
    """Settings, with logs set up for somebody who waits for a command: warnings, unless HUB_LOG_LEVEL says more."""
    settings = read_settings()
    if "log_level" not in settings.model_fields_set:
        settings = settings.model_copy(update={"log_level": "WARNING"})
    log.set_up(settings, process="cli")
    return settings


@contextmanager
def store() -> Iterator[Database]:
    """The store. Raises ``ServiceUnavailableError``."""
    db = open_store(begin())
    try:
        yield db
    finally:
        db.close()


@contextmanager
def store_with(name: str) -> Iterator[tuple[Database, StoredConnection]]:
    """The store and one connection in it. Raises ``NotFoundError``."""
    with store() as db:
        yield db, connections.get_connection(db, name)


@asynccontextmanager
async def runtime(settings: Settings, *, redis_url: str | None = None) -> AsyncIterator[Runtime]:
    """A runtime for the time of a command; its policies are this process's own unless there is a Redis."""
    from hub.boot import open_runtime  # noqa: PLC0415 - many commands need the store alone, and start much sooner

    opened = open_runtime(settings, redis_url=redis_url)
    try:
        yield opened
    finally:
        await opened.close()
