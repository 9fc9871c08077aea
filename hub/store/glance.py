"""One value, read outside of any transaction over a connection that is kept: the cheapest question that a store answers."""

from __future__ import annotations

import threading
from typing import Any

from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError


class Glance:
    """For what is asked many times a second: a transaction from the pool takes five times the work, and on SQLite it
    would wait for whoever writes. Usable from any thread; they take turns.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._turn = threading.Lock()
        self._statements: dict[str, str] = {}
        self._kept: Any = None

    def __call__(self, sql: str, parameters: dict[str, Any]) -> Any:
        """The value; ``sql`` comes from a small set of texts. Raises ``DBAPIError``."""
        with self._turn:
            if self._kept is not None:
                try:
                    return self._value(sql, parameters)
                except self._error:
                    self._leave()  # the server may have been restarted since: once more, over a new connection
            try:
                self._kept = self._connected()
                return self._value(sql, parameters)
            except self._error as error:
                self._leave()
                raise DBAPIError(sql, None, error, hide_parameters=True) from error

    def close(self) -> None:
        """Ask nothing more."""
        with self._turn:
            self._leave()

    @property
    def _error(self) -> type[Exception]:
        error: type[Exception] = self._engine.dialect.loaded_dbapi.Error
        return error

    def _connected(self) -> Any:
        pooled = self._engine.raw_connection()
        connection: Any = pooled.dbapi_connection
        pooled.detach()
        if self._engine.dialect.name == "postgresql":
            connection.autocommit = True
        return connection

    def _value(self, sql: str, parameters: dict[str, Any]) -> Any:
        return self._kept.execute(self._spelled(sql), parameters).fetchone()[0]

    def _spelled(self, sql: str) -> str:
        """In the driver's way; sqlite3 takes ``:name`` as it is."""
        if self._engine.dialect.name == "sqlite":
            return sql
        if sql not in self._statements:
            self._statements[sql] = str(text(sql).compile(dialect=self._engine.dialect))
        return self._statements[sql]

    def _leave(self) -> None:
        kept, self._kept = self._kept, None
        if kept is not None:
            kept.close()
