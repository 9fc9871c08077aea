"""What a command needs of its surroundings: settings, logs, the store, a runtime."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from pydantic import ValidationError

from hub import log
from hub.boot import open_runtime, open_store
from hub.errors import ConfigurationError
from hub.fleet import lifeline
from hub.runtime import Runtime
from hub.settings import Settings
from hub.store import connections
from hub.store.connections import StoredConnection
from hub.store.database import Database

#: Seconds that a process may need beyond its shutdown timeout before it is killed.
MARGIN = 5.0


def read_settings() -> Settings:
    """From the environment. Raises ``ConfigurationError`` naming every variable that is wrong."""
    try:
        return Settings()
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False, include_context=False)
        named = [(f"HUB_{'_'.join(map(str, fault['loc']))}".upper(), fault["msg"]) for fault in faults]
        if len(named) == 1:
            raise ConfigurationError(named[0][1], field=named[0][0]) from None
        raise ConfigurationError("; ".join(f"{field}: {text}" for field, text in named)) from None


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
    opened = open_runtime(settings, redis_url=redis_url)
    try:
        yield opened
    finally:
        await opened.close()


def follow_parent(parent: int) -> None:
    """End when ``parent``, which started this process, has ended."""
    patience = read_settings().shutdown_timeout.total_seconds() + MARGIN
    lifeline.end_with(parent, patience=patience)
