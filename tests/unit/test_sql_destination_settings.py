"""What the SQL destination refuses before it connects, and the statements for databases that no test can start."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy import Column, Integer, MetaData, Table, Text
from sqlalchemy.dialects import mysql

from connectors.destinations.sql import SqlCredentials, SqlDestination, SqlSettings
from connectors.destinations.sql_upsert import native_statement
from hub.connection_file import validated
from hub.connector import Ports
from hub.errors import ConfigurationError


@pytest.mark.parametrize(
    ("settings", "field", "remedy"),
    (
        ({"keys": ["sku"]}, "table", "is required"),
        ({"table": "prices"}, "keys", "is required"),
        ({"table": "prices", "keys": []}, "keys", "at least 1 item"),
        ({"table": "prices", "keys": ["sku", "sku"]}, "", "keys: names a column twice"),
        ({"table": "prices", "keys": ["sku"], "idempotency_column": "sku"}, "", "must not be one of keys"),
        ({"table": "prices", "keys": ["sku"], "timeout": 0}, "timeout", "greater than or equal to 1"),
        ({"table": "prices", "keys": ["sku"], "url": "x"}, "url", "is not a setting"),
    ),
)
def test_a_wrong_setting_is_refused(settings: Any, field: str, remedy: str) -> None:
    """With the setting's name and what to do."""
    with pytest.raises(ConfigurationError) as caught:
        validated(SqlSettings, settings, field="destination.settings")

    assert caught.value.field == f"destination.settings.{field}".rstrip(".")
    assert remedy in str(caught.value)


@pytest.mark.parametrize(
    ("url", "remedy"),
    (
        ("s3cret", "is no database URL; write it as postgresql://"),
        ("postgresql://user:s3cret@host:port/db", "is no database URL"),
        ("dbase://user:s3cret@host/db", "there is no database 'dbase'"),
        ("mysql+nodriver://user:s3cret@host/db", "there is no database 'mysql+nodriver'"),
        ("oracle+cx_oracle://user:s3cret@host/db", "the driver of oracle+cx_oracle is not installed"),
        ("postgresql+psycopg_async://user:s3cret@host/db", "is an asynchronous driver; use the plain one"),
        ("sqlite://", "needs a whole path"),
        ("sqlite:///s3cret.db", "needs a whole path"),
        ("sqlite:///:memory:", "needs a whole path"),
    ),
)
def test_a_url_that_cannot_be_used_is_refused(url: str, remedy: str) -> None:
    """When the connection is saved, and without a word of what may be a password."""
    with pytest.raises(ConfigurationError) as caught:
        SqlDestination(
            SqlSettings.model_validate({"table": "prices", "keys": ["sku"]}),
            SqlCredentials.model_validate({"url": url}),
            Ports(http=None, ids=None, documents=None, clock=None, log=None),  # type: ignore[arg-type]
        )

    assert caught.value.field == "destination.credentials.url"
    assert remedy in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_no_secret_is_shown() -> None:
    """Neither by a credential's repr nor by the error about it."""
    credentials = SqlCredentials.model_validate({"url": "postgresql://user:s3cret@host/db"})
    with pytest.raises(ValidationError) as caught:
        SqlCredentials.model_validate({"url": ["s3cret"]})

    assert "s3cret" not in repr(credentials)
    assert "s3cret" not in str(caught.value)


def test_every_setting_is_described() -> None:
    """``hub connectors show`` has nothing else to show."""
    for model in (SqlSettings, SqlCredentials):
        assert [name for name, field in model.model_fields.items() if not field.description] == []


@pytest.mark.parametrize("dialect", ("mysql", "mariadb"))
@pytest.mark.parametrize(
    ("columns", "update"),
    (
        (("sku", "price"), "ON DUPLICATE KEY UPDATE price = VALUES(price)"),
        (("sku",), "ON DUPLICATE KEY UPDATE sku = VALUES(sku)"),
    ),
)
def test_mysql_and_mariadb_update_what_is_there(dialect: str, columns: tuple[str, ...], update: str) -> None:
    """In their own words; a row that is all key sets the key to itself."""
    table = Table("prices", MetaData(), Column("sku", Text, primary_key=True), Column("price", Integer))

    statement = native_statement(table, ["sku"], columns, dialect)

    compiled = str(statement.compile(dialect=mysql.dialect(), column_keys=list(columns)))
    assert " ".join(compiled.split()) == (
        f"INSERT INTO prices ({', '.join(columns)}) VALUES ({', '.join(['%s'] * len(columns))}) {update}"
    )
