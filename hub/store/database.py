"""One engine a process, one clock, one way to open a transaction, for SQLite and PostgreSQL alike."""

from __future__ import annotations

import asyncio
import re
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any, ParamSpec, TypeVar

import sqlalchemy
from sqlalchemy import Connection, CursorResult, Engine, Row, TextClause, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from hub import codec
from hub.errors import ConfigurationError, ServiceUnavailableError
from hub.store.aside import Tell, aside
from hub.store.glance import Glance
from hub.store.together import Statement, as_driver_writes, ask, faults_of

P = ParamSpec("P")
R = TypeVar("R")

#: How long a SQLite writer waits for another one, in seconds.
SQLITE_BUSY_SECONDS = 30.0
#: How long opening a PostgreSQL connection may take, in seconds.
CONNECT_SECONDS = 5
#: A process that was suspended, or cut off, in the middle of a transaction holds its locks no longer than this. No
#: transaction waits for anything but the database. A server that has a time of its own keeps it.
IDLE_IN_TRANSACTION = "10s"

#: What is worked on is in memory: batches are looked up by their keys, as the default (4, for disks that turn) has a whole
#: table of some thousand rows read for each. A server that has a cost of its own keeps it.
RANDOM_PAGE_COST = "1.1"

_WHOSE = re.compile(r":(tenant|connection)\b")

#: The store's clock as an expression, in microseconds since 1970.
POSTGRES_CLOCK = "CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint)"


class Database:
    """The store's engine and what differs between the two databases.

    Transactions are plain synchronous functions, run in a thread by ``run``: nothing awaits inside of one, so a busy
    event loop never holds a lock.
    """

    def __init__(self, url: str, *, pool_size: int = 12) -> None:
        self.engine = _engine(url, pool_size)
        self.postgres = self.engine.dialect.name == "postgresql"
        #: Whether ``together`` sends its statements as one message.
        self.pipelines = self.postgres
        self._statements: dict[str, TextClause] = {}
        self._driver_texts: dict[str, str] = {}
        self._glance = Glance(self.engine, connect_seconds=CONNECT_SECONDS)
        self._aside = aside(self.engine, connect_seconds=CONNECT_SECONDS)
        self._threads = ThreadPoolExecutor(max_workers=pool_size, thread_name_prefix="store")

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A transaction that commits at the end of the block; on SQLite it takes the write lock at once.

        Raises ``ServiceUnavailableError`` when the database cannot be reached.
        """
        with _reaching(), self.engine.begin() as connection:
            yield connection

    async def glance(self, sql: str, /, **parameters: Any) -> Any:
        """One value, read outside of any transaction; ``sql`` must come from a small set of texts.

        Raises ``ServiceUnavailableError`` when the database cannot be reached.
        """
        with _reaching():
            return await self._glance(sql, parameters)

    def ask_aside(self, sql: str, tell: Tell, /, **parameters: int) -> None:
        """A question of yes or no for who cannot wait: returns at once, and ``tell`` gets the answer when it is there."""
        self._aside.ask(sql, parameters, tell)

    def hear_aside(self) -> None:
        """Tell the answers that have come: a busy event loop would come to them only after all that came with them."""
        self._aside.hear()

    async def run(self, call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Call a function that uses this database in a thread; as many at once as there are connections."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, partial(call, *args, **kwargs))

    def execute(self, connection: Connection, sql: str, /, **parameters: Any) -> CursorResult[Any]:
        """Run one statement; its parsed form is kept, so ``sql`` must come from a small set of texts."""
        statement = self._statements.get(sql)
        if statement is None:
            statement = self._statements[sql] = text(sql)
        return connection.execute(statement, parameters)

    def together(
        self, connection: Connection, *statements: Statement, last: bool = False
    ) -> Sequence[Sequence[Any]]:
        """Run statements one after another and give the rows of each: on PostgreSQL in one message and one answer.

        None of them may need what another one gives. Each text must come from a small set. With ``last`` nothing more may
        be done in the transaction: it is committed with them, so that its locks are not held until the answer is read.
        """
        if self.pipelines and (len(statements) > 1 or last):
            return ask(connection, statements, self._as_driver_writes, commit=last)
        results = [self.execute(connection, one.sql, **one.given) for one in statements]
        return [result.all() if result.returns_rows else () for result in results]

    def _as_driver_writes(self, sql: str) -> str:
        written = self._driver_texts.get(sql)
        if written is None:
            written = self._driver_texts[sql] = as_driver_writes(sql, self.engine.dialect)
        return written

    def insert_new(
        self, connection: Connection, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]
    ) -> None:
        """Insert rows that are known to be new, by the quickest way that the database has."""
        if not rows:
            return
        names = ", ".join(columns)
        if not self.postgres:
            marks = ", ".join("?" for _ in columns)
            connection.exec_driver_sql(f"INSERT INTO {table} ({names}) VALUES ({marks})", [*map(tuple, rows)])
            return
        driver: Any = connection.connection.driver_connection
        with (
            faults_of(connection),
            driver.cursor() as cursor,
            cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy,
        ):
            for row in rows:
                copy.write_row(row)

    def now(self, connection: Connection) -> int:
        """The store's clock in microseconds; SQLite is on this machine, so there it is this machine's."""
        if not self.postgres:
            return time.time_ns() // 1000
        return int(self.execute(connection, f"SELECT {POSTGRES_CLOCK}").scalar_one())

    @property
    def clock(self) -> tuple[str, Mapping[str, int]]:
        """``now`` as an expression for a statement that is not to wait for it, and the parameters that this takes.

        On PostgreSQL a query of its own: what is read once may be looked for in an index, and a clock may not.
        """
        return (
            (f"(SELECT {POSTGRES_CLOCK})", {}) if self.postgres else (":now", {"now": time.time_ns() // 1000})
        )

    @property
    def row_lock(self) -> str:
        """Appended to a SELECT to lock its rows; SQLite's transaction holds the only write lock already."""
        return " FOR NO KEY UPDATE" if self.postgres else ""

    @property
    def free_row_lock(self) -> str:
        """As ``row_lock``, and rows that somebody else has locked are left out."""
        return f"{self.row_lock} SKIP LOCKED" if self.postgres else ""

    def rows(self, parameter: str, **columns: str) -> str:
        """A FROM item made of one JSON parameter: a whole batch in one statement and one compiled plan.

        ``columns`` name their SQL types (``bigint``, ``integer``, ``text``, ``boolean``). Pass ``rowset(…)``.
        """
        if self.postgres:
            shape = ", ".join(f"{name} {kind}" for name, kind in columns.items())
            return f"json_to_recordset(CAST(:{parameter} AS json)) AS v({shape})"
        shape = ", ".join(f"json_extract(value, '$.{name}') AS {name}" for name in columns)
        return f"(SELECT {shape} FROM json_each(:{parameter})) AS v"

    def found(self, parameter: str, table: str, alias: str, fits: str, /, **columns: str) -> str:
        """A FROM item: for each row ``v`` of ``rows`` those of a table, as ``alias``, that fit it.

        Each is looked up by an index, whatever the database believes of the table: one that has just been filled counts as
        empty for a minute, and would be read as a whole for each ``v``.
        """
        given = self.rows(parameter, **columns)
        if self.postgres:
            # Whose rows they are is not to be known while it is planned: one whose first rows are newer than the statistics
            # counts as having none, and any index that begins with it would do.
            fits = _WHOSE.sub(r"(SELECT CAST(:\1 AS bigint))", fits)
            # OFFSET: a fence that no plan crosses.
            return f"{given} CROSS JOIN LATERAL (SELECT {alias}.*, {alias}.xmin FROM {table} {alias} WHERE {fits} OFFSET 0) {alias}"
        return f"{given} CROSS JOIN {table} {alias} ON {fits}"

    def batch(self, parameter: str, **columns: str) -> str:
        """As ``rows``, for the FROM of an UPDATE: SQLite would else read its whole table once for each row."""
        found = self.rows(parameter, **columns)
        return found if self.postgres else f"{found.removesuffix(') AS v')} LIMIT -1) AS v"

    def close(self) -> None:
        """Close the pool."""
        self._threads.shutdown(wait=True)
        self._glance.close()
        self._aside.close()
        self.engine.dispose()


def rowset(rows: Sequence[dict[str, Any]]) -> str:
    """The JSON parameter for ``Database.rows``."""
    return codec.dumps(rows).decode()


def as_dict(row: Row[Any]) -> dict[str, Any]:
    """A row by column names."""
    return dict(row._mapping)  # noqa: SLF001  # SQLAlchemy's documented way, whatever its name


def default_url(home: str) -> str:
    """The embedded store of a hub without configuration."""
    return f"sqlite:///{home}/hub.db"


def _engine(url: str, pool_size: int) -> Engine:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise ConfigurationError(
            "is no database URL; write sqlite:///PATH or postgresql://USER:PASSWORD@HOST/NAME",
            field="HUB_DATABASE_URL",
        ) from error
    if parsed.get_backend_name() == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
        return _postgres(parsed, pool_size)
    if parsed.get_backend_name() == "sqlite":
        return _sqlite(parsed)
    raise ConfigurationError(
        f"{parsed.get_backend_name()} is not supported; the store is SQLite or PostgreSQL",
        field="HUB_DATABASE_URL",
    )


def _postgres(url: sqlalchemy.URL, pool_size: int) -> Engine:
    engine = create_engine(
        url,
        pool_size=pool_size,
        max_overflow=2,
        pool_pre_ping=True,
        hide_parameters=True,  # payloads have no place in an error or a log
        connect_args={"connect_timeout": CONNECT_SECONDS},
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _: Any) -> None:
        connection.execute(
            "SELECT set_config('idle_in_transaction_session_timeout', %s, false) "
            "WHERE current_setting('idle_in_transaction_session_timeout') = '0'",
            [IDLE_IN_TRANSACTION],
        )
        connection.execute(
            "SELECT set_config('random_page_cost', %s, false) WHERE current_setting('random_page_cost') = '4'",
            [RANDOM_PAGE_COST],
        )
        connection.commit()

    return engine


def _sqlite(url: sqlalchemy.URL) -> Engine:
    engine = create_engine(
        url,
        hide_parameters=True,
        connect_args={"timeout": SQLITE_BUSY_SECONDS, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # SQLAlchemy's "begin" below opens transactions, not the driver
        _use_wal(connection)
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # IMMEDIATE: a transaction that reads first and writes later would otherwise fail instead of waiting.
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _use_wal(connection: sqlite3.Connection) -> None:
    """Two processes that open a new file at once both change its mode, and SQLite lets neither of them wait."""
    give_up = time.monotonic() + SQLITE_BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > give_up:
                raise
            time.sleep(0.01)
        else:
            return


@contextmanager
def _reaching() -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        if _unreachable(error):
            raise ServiceUnavailableError(
                f"the store cannot be reached ({type(error.orig).__name__}); check HUB_DATABASE_URL"
            ) from error
        raise


def _unreachable(error: DBAPIError) -> bool:
    if error.connection_invalidated:
        return True
    name = type(error.orig).__name__
    away = {"OperationalError", "AdminShutdown", "CannotConnectNow", "IdleInTransactionSessionTimeout"}
    return name in away and "no such table" not in str(error)
