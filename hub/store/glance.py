"""One value, read outside of any transaction over a connection that is kept: the cheapest question that a store answers."""

from __future__ import annotations

import asyncio
import sys
from typing import Any, Protocol, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.waiting import Ready, Wait
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

R = TypeVar("R")

#: psycopg cannot wait by Windows' event loop.
BY_LOOP = sys.platform != "win32"


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
        self._statements: dict[str, str] = {}
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
            return await kept.value(self._spelled(sql), parameters)
        except BaseException:
            self.close()
            raise

    async def _connected(self) -> _Kept:
        if self._postgres and BY_LOOP:
            _, told = self._engine.dialect.create_connect_args(self._engine.url)
            told = {"connect_timeout": self._connect_seconds, **told, "autocommit": True}
            return _ByLoop(await _Connection.connect(**told))
        return _InThread(await asyncio.to_thread(self._detached))

    def _detached(self) -> Any:
        pooled = self._engine.raw_connection()
        connection: Any = pooled.dbapi_connection
        pooled.detach()
        if self._postgres:
            connection.autocommit = True
        return connection

    def _spelled(self, sql: str) -> str:
        """In the driver's way; sqlite3 takes ``:name`` as it is."""
        if not self._postgres:
            return sql
        if sql not in self._statements:
            self._statements[sql] = str(text(sql).compile(dialect=self._engine.dialect))
        return self._statements[sql]


class _Kept(Protocol):
    async def value(self, sql: str, parameters: dict[str, Any]) -> Any: ...

    def close(self) -> None: ...


class _Connection(psycopg.AsyncConnection[Any]):
    """Waits with one future. psycopg's way takes the event loop three turns more, and those of a busy one are long."""

    async def wait(self, gen: PQGen[R], interval: float = 0.0, timeout: float | None = None) -> R:  # noqa: ASYNC109
        """Drive what talks to the server; whoever wants a time limit, cancels."""
        try:
            wanted = next(gen)
            while True:
                wanted = gen.send(await self._ready(wanted))
        except StopIteration as end:
            answer: R = end.value
            return answer

    async def _ready(self, wanted: Wait) -> Ready:
        loop, socket = asyncio.get_running_loop(), self.pgconn.socket
        ready: asyncio.Future[Ready] = loop.create_future()

        def tell(what: Ready) -> None:
            if not ready.done():
                ready.set_result(what)

        if wanted & Wait.R:
            loop.add_reader(socket, tell, Ready.R)
        if wanted & Wait.W:
            loop.add_writer(socket, tell, Ready.W)
        try:
            return await ready
        finally:
            loop.remove_reader(socket)
            loop.remove_writer(socket)


class _ByLoop:
    def __init__(self, connection: _Connection) -> None:
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

    async def value(self, sql: str, parameters: dict[str, Any]) -> Any:
        return await asyncio.to_thread(lambda: self._connection.execute(sql, parameters).fetchone()[0])

    def close(self) -> None:
        self._connection.close()
