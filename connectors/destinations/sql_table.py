"""The table that records go to, as the database has it: which rows it can take, and why not the others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Self

from sqlalchemy import Column, Connection, Inspector, MetaData, Table, exc, inspect

from connectors.destinations.sql_upsert import NEEDS_UNIQUE, Row, Write, writer
from connectors.destinations.sql_values import Coercion, ColumnError, coercion
from hub.errors import ConfigurationError, RejectedError
from hub.excerpt import excerpt
from hub.records import Item

#: So many names are listed in an error.
LISTED = 20


@dataclass(frozen=True, kw_only=True)
class TargetTable:
    """A table as it was when it was reflected. Safe to share between threads."""

    table: Table
    keys: Sequence[str]
    idempotency_column: str | None
    dialect: str
    coercions: Mapping[str, Coercion]
    #: Of each column the name of its type, to be shown.
    types: Mapping[str, str]
    _writers: dict[Sequence[str], Write] = field(default_factory=dict)

    @classmethod
    def reflect(
        cls,
        connection: Connection,
        *,
        table: str,
        schema: str | None,
        keys: Sequence[str],
        idempotency_column: str | None,
    ) -> Self:
        """Read the columns from the database. Raises ``ConfigurationError`` for what is not there."""
        inspector = inspect(connection)
        try:
            # No other table is looked at, whatever this one points to.
            reflected = Table(table, MetaData(), schema=schema, autoload_with=connection, resolve_fks=False)
        except exc.NoSuchTableError as error:
            there = ", ".join(inspector.get_table_names(schema)[:LISTED]) or "none"
            raise ConfigurationError(
                f"the database has no table {table!r}; there are: {there}", field="destination.settings.table"
            ) from error
        _require(reflected, keys, "keys")
        _require(reflected, [idempotency_column] if idempotency_column else [], "idempotency_column")
        sqlite = connection.dialect.name == "sqlite"
        return cls(
            types={column.name: type(column.type).__name__ for column in reflected.columns},
            table=reflected,
            keys=keys,
            idempotency_column=idempotency_column,
            dialect=connection.dialect.name,
            coercions=_coercions(reflected, sqlite=sqlite),
        )

    def row(self, item: Item) -> Row:
        """The row for a record. Raises ``RejectedError`` with everything that the table cannot take."""
        if not isinstance(item.body, Mapping):
            raise RejectedError(
                f"a row needs an object, not {excerpt(item.body)}; map the record to its columns"
            )
        values = dict(item.body)
        errors = [self._unknown(name) for name in values if name not in self.coercions]
        if self.idempotency_column is not None:
            if self.idempotency_column in values:
                errors.append(
                    f"{self.idempotency_column}: is the idempotency_column; leave it out of the mapping"
                )
            values[self.idempotency_column] = item.idempotency_key
        errors += [
            f"{name}: is a key and must have a value" for name in self.keys if values.get(name) is None
        ]
        # In the table's order, so that rows with the same columns share a statement.
        row = {name: self._value(name, values[name], errors) for name in self.coercions if name in values}
        if errors:
            raise RejectedError(*errors)
        return row

    def write(self, connection: Connection, rows: Iterable[Row]) -> None:
        """Insert or update each row by its keys, in order."""
        for columns, alike in groupby(rows, key=tuple):
            if columns not in self._writers:
                self._writers[columns] = writer(self.table, self.keys, columns, self.dialect)
            self._writers[columns](connection, list(alike))

    def external_id(self, row: Row) -> str:
        """The row's key values, with a colon between them."""
        return ":".join(str(row[name]) for name in self.keys)

    def _value(self, name: str, value: Any, errors: list[str]) -> Any:
        if value is None:
            if not self.table.c[name].nullable and name not in self.keys:
                errors.append(f"{name}: must have a value; give the mapping a default")
            return None
        try:
            return self.coercions[name](value)
        except ColumnError as error:
            errors.append(f"{name}: {error}")
            return None

    def _unknown(self, name: str) -> str:
        if name in self.table.c:
            return f"{name}: is computed by the database; leave it out of the mapping"
        return f"{name}: table {self.table.name!r} has no such column; add it, or leave it out of the mapping"


def unique_error(connection: Connection, target: TargetTable) -> str | None:
    """What is missing for an upsert by the keys, if anything."""
    if target.dialect not in NEEDS_UNIQUE or set(target.keys) in _unique_sets(
        inspect(connection), target.table
    ):
        return None
    columns = ", ".join(target.keys)
    return (
        f"no primary key or unique index covers exactly {columns}, so an upsert cannot tell rows apart; "
        f"make one: CREATE UNIQUE INDEX ON {target.table.name} ({columns})"
    )


def needed_columns(target: TargetTable) -> Sequence[str]:
    """The columns that every new row has to bring."""
    return [
        column.name for column in target.table.columns if column.name in target.coercions and _needed(column)
    ]


def _coercions(table: Table, *, sqlite: bool) -> Mapping[str, Coercion]:
    found: dict[str, Coercion] = {}
    for column in table.columns:
        if column.computed is not None or (column.identity is not None and column.identity.always):
            continue
        found[column.name] = coercion(column.type, sqlite=sqlite)
        if hasattr(column.type, "none_as_null"):
            column.type.none_as_null = True
    return found


def _require(table: Table, names: Sequence[str], setting: str) -> None:
    if missing := [name for name in names if name not in table.c]:
        there = ", ".join(list(table.c.keys())[:LISTED])
        raise ConfigurationError(
            f"table {table.name!r} has no column {missing[0]!r}; there are: {there}",
            field=f"destination.settings.{setting}",
        )


def _unique_sets(inspector: Inspector, table: Table) -> Sequence[set[str | None]]:
    primary = inspector.get_pk_constraint(table.name, table.schema)
    constraints = inspector.get_unique_constraints(table.name, table.schema)
    indexes = filter(_is_whole, inspector.get_indexes(table.name, table.schema))
    columns: list[Sequence[str | None]] = [primary["constrained_columns"]]
    columns += [constraint["column_names"] for constraint in constraints]
    columns += [index["column_names"] for index in indexes]
    return [set(names) for names in columns]


def _is_whole(index: Any) -> bool:
    """Unique over all rows; a partial index is not."""
    options = index.get("dialect_options", {})
    return bool(index["unique"]) and not any(name.endswith("_where") for name in options)


def _needed(column: Column[Any]) -> bool:
    return not (
        column.nullable
        or column.server_default is not None
        or column.identity is not None
        or column.autoincrement is True
    )
