"""One value, read outside of any transaction over a connection that is kept: the cheapest question that a store answers."""

from __future__ import annotations

import asyncio
import threading
from typing import Any, Protocol

import psycopg
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from hub.store.kept import BY_LOOP, detached, spelled, told


class Glance:
    """For what is asked many times a second; those who ask at once take turns.

    A transaction from the pool takes five times the work, and on SQLite it would wait for whoever writes. PostgreSQL is
    asked by the event loop itself: a thread would have to wait for its turn several times beside a busy loop, and keep
    the loop from running.
    """

    def __init__(self, engine: Engine, *, connect_seconds: int) -> None:
        self._engine = engine
        self._postgres = engine.dialect.name == "postgresql"
        self._connect_seconds = connect_seconds
        self._turn = asyncio.Lock()
        self._kept: _Kept | None = None

    async def __call__(self, sql: str, parameters: dict[str, Any]) -> Any:
        """The value; ``sql`` comes from a small set of texts. Raises ``DBAPIError``."""
        async with self._turn:
            if self._kept is not None:
                try:
                    return await self._value(self._kept, sql, parameters)
                except self._error:
                    pass  # the server may have been restarted since: once more, over a new connection
            try:
                self._kept = await self._connected()
                return await self._value(self._kept, sql, parameters)
            except self._error as error:
                raise DBAPIError(sql, None, error, hide_parameters=True) from error

    def close(self) -> None:
        """Ask nothing more."""
        kept, self._kept = self._kept, None
        if kept is not None:
            kept.close()

    @property
    def _error(self) -> type[Exception]:
        error: type[Exception] = self._engine.dialect.loaded_dbapi.Error
        return error

    async def _value(self, kept: _Kept, sql: str, parameters: dict[str, Any]) -> Any:
        """A connection over which nobody heard the end of a question is not kept."""
        try:
            return await kept.value(spelled(sql, self._engine), parameters)
        except BaseException:
            self.close()
            raise

    async def _connected(self) -> _Kept:
        if self._postgres and BY_LOOP:
            own = told(self._engine, self._connect_seconds)
            return _ByLoop(await psycopg.AsyncConnection.connect(**own))
        return _InThread(await asyncio.to_thread(detached, self._engine))


class _Kept(Protocol):
    async def value(self, sql: str, parameters: dict[str, Any]) -> Any: ...

    def close(self) -> None: ...


class _ByLoop:
    def __init__(self, connection: psycopg.AsyncConnection[Any]) -> None:
        self._connection = connection

    async def value(self, sql: str, parameters: dict[str, Any]) -> Any:
        cursor = await self._connection.execute(sql.encode(), parameters)
        row = await cursor.fetchone()
        return None if row is None else row[0]

    def close(self) -> None:
        self._connection.pgconn.finish()


class _InThread:
    def __init__(self, connection: Any) -> None:
        self._connection = connection
        #: Whoever asked may be gone before the thread is done, which must not lose the connection under its hands.
        self._in_use = threading.Lock()

    async def value(self, sql: str, parameters: dict[str, Any]) -> Any:
        return await asyncio.to_thread(self._value, sql, parameters)

    def close(self) -> None:
        with self._in_use:
            self._connection.close()

    def _value(self, sql: str, parameters: dict[str, Any]) -> Any:
        with self._in_use:
            return self._connection.execute(sql, parameters).fetchone()[0]
