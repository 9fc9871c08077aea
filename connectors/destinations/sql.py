"""A table of any SQL database as a destination: each record is inserted, or updates the row with its key."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator
from sqlalchemy import Connection, exc

from connectors.destinations.answers import timed
from connectors.destinations.sql_engine import READS, blames_record, make_engine, place, reason, translated
from connectors.destinations.sql_table import TargetTable, needed_columns, unique_error
from connectors.destinations.sql_upsert import Row
from connectors.destinations.threads import Abandoned, in_thread
from hub.connector import CheckResult, Destination, Ports, result_of
from hub.errors import ConfigurationError, RejectedError
from hub.records import Item, PushResult, Rejected, Success


class SqlSettings(BaseModel):
    """Settings of the destination ``sql``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    table: str = Field(min_length=1, description="The table that records go to.")
    schema_name: str | None = Field(
        None, alias="schema", min_length=1, description="Its schema; default the database's own."
    )
    keys: tuple[str, ...] = Field(
        min_length=1, description="The columns that name a row. Records with equal keys change the same row."
    )
    idempotency_column: str | None = Field(
        None, min_length=1, description="A text column that takes the idempotency key of the last write."
    )
    timeout: int = Field(
        30, ge=1, le=600, description="Seconds that a connection, a statement or a wait for a lock may take."
    )

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if len(set(self.keys)) < len(self.keys):
            raise ValueError("keys: names a column twice; name each once")
        if self.idempotency_column in self.keys:
            raise ValueError("idempotency_column: must not be one of keys, for it differs with each version")
        return self


class SqlCredentials(BaseModel):
    """Credentials of the destination ``sql``."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: SecretStr = Field(
        description="The database as a SQLAlchemy URL, such as postgresql://user:password@host/database."
    )


class SqlDestination(Destination[SqlSettings, SqlCredentials]):
    """Upserts by key, so that a repetition changes nothing. One transaction a slice."""

    name: ClassVar[str] = "sql"
    title: ClassVar[str] = "A table of a SQL database"
    Settings: ClassVar[type[BaseModel]] = SqlSettings
    Credentials: ClassVar[type[BaseModel]] = SqlCredentials

    def __init__(self, settings: SqlSettings, credentials: SqlCredentials, ports: Ports) -> None:
        """Raises ``ConfigurationError`` for a URL or driver that cannot be used."""
        super().__init__(settings, credentials, ports)
        self._engine = make_engine(
            credentials.url.get_secret_value(),
            timeout=settings.timeout,
            allow_private_hosts=ports.allow_private_hosts,
        )
        self._target: TargetTable | None = None

    def circuit_key(self) -> str:
        """The database."""
        return place(self._engine.url)

    async def check(self) -> CheckResult:
        """Connect, and look whether table, columns and a unique key are there."""
        return await in_thread(self._check)

    async def push(self, items: Sequence[Item]) -> Sequence[PushResult]:
        """Write a slice in one transaction, or, where one of its records is bad, all others."""
        started = time.perf_counter()
        results = await in_thread(partial(self._push, items))
        return [timed(result, started) for result in results]

    async def close(self) -> None:
        """Close the pool."""
        await asyncio.to_thread(self._engine.dispose)

    def _check(self, _abandoned: Abandoned) -> CheckResult:
        with self._errors(), self._engine.connect().execution_options(**{READS: True}) as connection:
            target = self._reflected(connection)
            if missing := unique_error(connection, target):
                raise ConfigurationError(missing, field="destination.settings.keys")
        facts = {
            "database": place(self._engine.url),
            "columns": target.types,
            "required": needed_columns(target),
        }
        return CheckResult(facts=facts)

    def _push(self, items: Sequence[Item], abandoned: Abandoned) -> Sequence[PushResult]:
        target = self._known_target()
        rows: dict[int, Row] = {}
        results: dict[int, PushResult] = {}
        for position, item in enumerate(items):
            try:
                rows[position] = target.row(item)
            except RejectedError as error:
                results[position] = result_of(error)
        if rows:
            written = self._write(target, list(rows.values()), abandoned)
            results |= dict(zip(rows, written, strict=True))
        return [results[position] for position in range(len(items))]

    def _write(self, target: TargetTable, rows: Sequence[Row], abandoned: Abandoned) -> Sequence[PushResult]:
        with self._errors():
            try:
                with self._engine.begin() as connection:
                    target.write(connection, rows)
                    abandoned.check()
                return [Success(external_id=target.external_id(row)) for row in rows]
            except Exception as error:
                if not blames_record(error):
                    raise
            with self._engine.begin() as connection:
                if target.dialect == "postgresql":
                    # What is checked at the end of a transaction would be checked when it is too late to tell whose it is.
                    connection.exec_driver_sql("SET CONSTRAINTS ALL IMMEDIATE")
                results = [_alone(connection, target, row) for row in rows]
                abandoned.check()
            return results

    def _known_target(self) -> TargetTable:
        # Two slices that look at once do no harm; one that waits for another's look at a dead database would.
        if (target := self._target) is None:
            with self._errors(), self._engine.connect().execution_options(**{READS: True}) as connection:
                self._target = target = self._reflected(connection)
        return target

    def _reflected(self, connection: Connection) -> TargetTable:
        return TargetTable.reflect(
            connection,
            table=self.settings.table,
            schema=self.settings.schema_name,
            keys=self.settings.keys,
            idempotency_column=self.settings.idempotency_column,
        )

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except exc.SQLAlchemyError as error:
            # The table may have been altered: it is looked at again.
            self._target = None
            raise translated(error, self._engine) from error


def _alone(connection: Connection, target: TargetTable, row: Row) -> PushResult:
    try:
        with connection.begin_nested():
            target.write(connection, [row])
    except Exception as error:
        if not blames_record(error):
            raise
        return Rejected(errors=[f"the database refused it: {reason(error)}"])
    return Success(external_id=target.external_id(row))
