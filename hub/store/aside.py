"""Questions of yes or no that nobody waits for: the answer is told when it is there."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any, Protocol

import psycopg
from psycopg.pq import ExecStatus
from sqlalchemy import Engine, text
from sqlalchemy.engine.default import DefaultDialect

from hub.store.kept import BY_LOOP, detached, told

#: An answer that has not come after so many seconds is given up, and the connection with it.
SILENT_FOR = 5.0
#: Questions that are under way at once.
AT_ONCE = 3
#: Seconds until the next try after a connection could not be opened.
CONNECT_AGAIN = 0.5

#: Gets the answer; None where there is none.
Tell = Callable[[bool | None], None]


class Aside(Protocol):
    """Questions outside of any transaction, over connections that are kept."""

    def ask(self, sql: str, parameters: Mapping[str, int], tell: Tell) -> None:
        """Returns at once; called on the event loop. ``sql`` comes from a small set of texts.

        Where too many are under way there is no answer.
        """
        ...

    def hear(self) -> None:
        """Tell the answers that have come, without waiting for the event loop to come to them."""
        ...

    def close(self) -> None:
        """Ask nothing more."""
        ...


def aside(engine: Engine, *, connect_seconds: int) -> Aside:
    """PostgreSQL is asked by the event loop itself: a thread would have to be given its turn beside a busy loop, and the
    loop then has to wait for a core again. SQLite can only be asked by a thread.
    """
    by_loop = engine.dialect.name == "postgresql" and BY_LOOP
    return _InTurn(engine, connect_seconds) if by_loop else _ByThread(engine)


class _InTurn:
    """Some connections: the next question goes out before the last one is answered."""

    def __init__(self, engine: Engine, connect_seconds: int) -> None:
        self._all = [_ByLoop(engine, connect_seconds) for _ in range(AT_ONCE)]
        self._closed = False

    def ask(self, sql: str, parameters: Mapping[str, int], tell: Tell) -> None:
        free = [] if self._closed else [one for one in self._all if not one.is_busy()]
        # One that cannot be opened again must not stand in the way of those that are open.
        chosen = next((one for one in free if one.is_open()), free[0] if free else None)
        if chosen is None:
            tell(None)
        else:
            chosen.ask(sql, parameters, tell)

    def hear(self) -> None:
        for one in self._all:
            one.hear()

    def close(self) -> None:
        self._closed = True
        for one in self._all:
            one.close()


class _ByLoop:
    """One question at a time. Sends the question and reads the answer without a task, each of which would cost a turn of the loop."""

    def __init__(self, engine: Engine, connect_seconds: int) -> None:
        self._told = told(engine, connect_seconds)
        self._connection: psycopg.AsyncConnection[Any] | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._connect_at = 0.0
        self._socket: int | None = None
        self._tell: Tell | None = None
        self._answer: bool | None = None
        self._asked_at = 0.0

    def is_busy(self) -> bool:
        return self._tell is not None and time.monotonic() - self._asked_at < SILENT_FOR

    def is_open(self) -> bool:
        return self._connection is not None and self._tell is None

    def ask(self, sql: str, parameters: Mapping[str, int], tell: Tell) -> None:
        loop = asyncio.get_running_loop()
        if self._loop is not loop or self._tell is not None:
            self._leave()
            self._loop = loop
        if self._connection is None:
            self._connect()
            tell(None)
            return
        self._tell, self._answer, self._asked_at = tell, None, time.monotonic()
        try:
            self._send(*_numbered(sql), parameters)
        except psycopg.Error:
            self._leave()

    def hear(self) -> None:
        if self._tell is not None and self._socket is not None:
            self._read()

    def close(self) -> None:
        self._leave()

    def _connect(self) -> None:
        if self._connecting is None and time.monotonic() >= self._connect_at:
            self._connecting = asyncio.ensure_future(self._connected())

    async def _connected(self) -> None:
        connection = None
        try:
            connection = await psycopg.AsyncConnection.connect(**self._told)
        except psycopg.Error:
            self._connect_at = (
                time.monotonic() + CONNECT_AGAIN
            )  # whoever asks in the usual way is told what it is
        finally:
            if self._connecting is asyncio.current_task():
                self._connecting, self._connection = None, connection
            elif connection is not None:  # it was left meanwhile
                connection.pgconn.finish()

    def _send(self, sql: bytes, names: tuple[str, ...], parameters: Mapping[str, int]) -> None:
        assert self._connection is not None and self._loop is not None  # noqa: S101, PT018 - for mypy
        pgconn = self._connection.pgconn
        pgconn.send_query_params(sql, [b"%d" % parameters[name] for name in names])
        if pgconn.flush():
            raise psycopg.OperationalError("the server does not read")
        self._socket = pgconn.socket  # a connection that is lost does not tell it any more
        self._loop.add_reader(self._socket, self._read)

    def _read(self) -> None:
        """As much of the answer as has come."""
        assert self._connection is not None  # noqa: S101 - for mypy
        pgconn = self._connection.pgconn
        try:
            pgconn.consume_input()
            while not pgconn.is_busy():
                if (result := pgconn.get_result()) is None:
                    self._end()
                    return
                if result.status != ExecStatus.TUPLES_OK:
                    raise psycopg.OperationalError("no answer")
                self._answer = result.get_value(0, 0) == b"t"
        except psycopg.Error:
            self._leave()

    def _end(self) -> None:
        if self._loop is not None and self._socket is not None and not self._loop.is_closed():
            self._loop.remove_reader(self._socket)
        self._socket = None
        tell, self._tell = self._tell, None
        if tell is not None:
            tell(self._answer)

    def _leave(self) -> None:
        self._answer = None
        self._end()
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.pgconn.finish()
        if self._connecting is not None and self._loop is not None and not self._loop.is_closed():
            self._connecting.cancel()
        self._connecting = None


class _ByThread:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="aside")
        self._kept: Any = None
        self._room = threading.Semaphore(AT_ONCE)
        self._closed = False

    def ask(self, sql: str, parameters: Mapping[str, int], tell: Tell) -> None:
        if self._closed or not self._room.acquire(blocking=False):
            tell(None)
        else:
            self._thread.submit(self._answer, sql, parameters, tell)

    def hear(self) -> None:
        """The thread tells them itself."""

    def close(self) -> None:
        self._closed = True
        self._thread.shutdown(wait=True)
        self._leave()

    def _answer(self, sql: str, parameters: Mapping[str, int], tell: Tell) -> None:
        answer = None
        try:
            if self._kept is None:
                self._kept = detached(self._engine)
            answer = bool(self._kept.execute(sql, parameters).fetchone()[0])
        except Exception:  # noqa: BLE001 - whoever asks in the usual way is told what it is
            self._leave()
        finally:
            self._room.release()
            tell(answer)

    def _leave(self) -> None:
        kept, self._kept = self._kept, None
        if kept is not None:
            kept.close()


@lru_cache(maxsize=1000)
def _numbered(sql: str) -> tuple[bytes, tuple[str, ...]]:
    """With ``$1`` for the first of the names, as PostgreSQL itself spells parameters."""
    compiled = text(sql).compile(dialect=DefaultDialect(paramstyle="numeric_dollar"))
    return str(compiled).encode(), tuple(compiled.positiontup or ())
