"""Several statements in one message to PostgreSQL: who holds a lock does not wait for each answer in turn."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import sqlalchemy
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError


class Statement(NamedTuple):
    """One statement of a small set of texts, and its parameters."""

    sql: str
    given: Mapping[str, Any]


def statement(sql: str, /, **given: Any) -> Statement:
    """As ``Database.execute`` takes it."""
    return Statement(sql, given)


def ask(
    connection: Connection, statements: Sequence[Statement], written: Callable[[str], str], *, commit: bool
) -> Sequence[Sequence[Any]]:
    """The rows of each statement, none for one that gives none. ``written`` gives a text as the driver wants it.

    With ``commit`` the transaction is over when it returns; SQLAlchemy's own commit finds nothing left to do.

    Raises ``DBAPIError`` as SQLAlchemy does; the transaction has failed then.
    """
    from psycopg.rows import namedtuple_row  # noqa: PLC0415 - a hub on SQLite has no use for it

    driver: Any = connection.connection.driver_connection
    with faults_of(connection):
        with driver.pipeline():
            cursors = [
                driver.cursor(row_factory=namedtuple_row).execute(written(one.sql), one.given)
                for one in statements
            ]
            if commit:
                driver.commit()
        return [cursor.fetchall() if cursor.description else () for cursor in cursors]


@contextmanager
def faults_of(connection: Connection) -> Iterator[None]:
    """What the driver raises as SQLAlchemy raises it, whose pool forgets a connection that broke."""
    import psycopg  # noqa: PLC0415

    try:
        yield
    except psycopg.Error as error:
        broken = connection.dialect.is_disconnect(error, connection.connection.driver_connection, None)  # type: ignore[arg-type]
        if broken:
            connection.invalidate(error)
        raise DBAPIError.instance(
            None,
            None,
            error,
            psycopg.Error,
            hide_parameters=True,
            connection_invalidated=broken,
            dialect=connection.dialect,
        ) from error


def as_driver_writes(sql: str, dialect: sqlalchemy.Dialect) -> str:
    """``:name`` as psycopg has it."""
    return str(sqlalchemy.text(sql).compile(dialect=dialect))
