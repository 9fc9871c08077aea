"""Insert or update by key, in the words of each kind of database."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Executable,
    Table,
    and_,
    bindparam,
    exc,
    insert,
    literal,
    select,
    update,
)
from sqlalchemy.dialects import mysql, postgresql, sqlite

Row = Mapping[str, Any]

#: Writes rows that all have the same columns.
Write = Callable[[Connection, Sequence[Row]], None]

#: Databases with one statement for it that no other writer can come between.
NATIVE = frozenset({"postgresql", "sqlite", "mysql", "mariadb"})

#: Those whose statement names the key, and so needs a unique constraint on exactly these columns.
NEEDS_UNIQUE = frozenset({"postgresql", "sqlite"})


def writer(table: Table, keys: Sequence[str], columns: Sequence[str], dialect: str) -> Write:
    """How rows with these columns are written. The columns hold the keys."""
    if dialect not in NATIVE:
        return _Generic(table, keys, columns)
    statement = native_statement(table, keys, columns, dialect)

    def write(connection: Connection, rows: Sequence[Row]) -> None:
        connection.execute(statement, [dict(row) for row in rows])

    return write


def native_statement(table: Table, keys: Sequence[str], columns: Sequence[str], dialect: str) -> Executable:
    """``INSERT … ON CONFLICT`` or ``… ON DUPLICATE KEY UPDATE``; only the given columns change."""
    changed = [name for name in columns if name not in keys]
    match dialect:
        case "postgresql":
            return _on_conflict(postgresql.insert(table), keys, changed)
        case "sqlite":
            return _on_conflict(sqlite.insert(table), keys, changed)
        case _:
            statement = mysql.insert(table)
            # It needs at least one column to set; a key set to itself changes nothing.
            return statement.on_duplicate_key_update(
                {name: statement.inserted[name] for name in changed or keys[:1]}
            )


def _on_conflict(
    statement: postgresql.Insert | sqlite.Insert, keys: Sequence[str], changed: Sequence[str]
) -> Executable:
    if not changed:
        return statement.on_conflict_do_nothing(index_elements=list(keys))
    return statement.on_conflict_do_update(
        index_elements=list(keys), set_={name: statement.excluded[name] for name in changed}
    )


class _Generic:
    """Update, and insert where nothing was there, for databases without a statement of their own for it."""

    def __init__(self, table: Table, keys: Sequence[str], columns: Sequence[str]) -> None:
        self._keys = keys
        self._changed = [name for name in columns if name not in keys]
        found: list[ColumnElement[bool]] = [table.c[name] == bindparam(f"where_{name}") for name in keys]
        self._exists = select(literal(1)).select_from(table).where(and_(*found))
        self._update = (
            update(table).where(and_(*found)).values({name: bindparam(name) for name in self._changed})
        )
        self._insert = insert(table).values({name: bindparam(name) for name in columns})

    def __call__(self, connection: Connection, rows: Sequence[Row]) -> None:
        for row in rows:
            if not self._updated(connection, row):
                self._inserted(connection, row)

    def _updated(self, connection: Connection, row: Row) -> bool:
        where = {f"where_{name}": row[name] for name in self._keys}
        # Not every driver counts the rows of an update, so they are looked for.
        if connection.execute(self._exists, where).first() is None:
            return False
        if self._changed:
            connection.execute(self._update, where | {name: row[name] for name in self._changed})
        return True

    def _inserted(self, connection: Connection, row: Row) -> None:
        try:
            with connection.begin_nested():
                connection.execute(self._insert, dict(row))
        except exc.IntegrityError:
            # Another writer may have come between; any other conflict stays one.
            if not self._updated(connection, row):
                raise
