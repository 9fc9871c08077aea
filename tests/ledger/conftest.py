"""Ledgers whose books are checked after every test."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from hub.store.database import Database
from hub.store.tables import metadata
from hub.testing.servers import Postgres
from tests.ledger.driver import Ledger

#: A PostgreSQL database with all migrations applied (tests/conftest.py makes it).
TEMPLATE = "hub_template"


@pytest.fixture(scope="session")
def _kept_postgres(postgres_server: Postgres) -> Iterator[Database]:
    """Emptying a database takes a hundredth of the time of making one, and there are hundreds of tests here."""
    with postgres_server.database(f"ledger_{uuid.uuid4().hex}", template=TEMPLATE) as url:
        database = Database(url)
        yield database
        database.close()


@pytest.fixture
def postgres_db(_kept_postgres: Database) -> Database:
    """An empty PostgreSQL store, no one else's while the test runs."""
    with _kept_postgres.transaction() as tx:
        for table in reversed(metadata.sorted_tables):
            tx.execute(table.delete())
    return _kept_postgres


@pytest.fixture
def sqlite_db(sqlite_url: str) -> Iterator[Database]:
    """An empty SQLite store of the test's own."""
    database = Database(sqlite_url)
    yield database
    database.close()


@pytest.fixture(params=("sqlite", "postgres"))
def db(request: pytest.FixtureRequest) -> Database:
    """An empty store; a test that asks for it runs on both databases."""
    database: Database = request.getfixturevalue(f"{request.param}_db")
    return database


@pytest.fixture
def make_ledger(db: Database) -> Iterator[Callable[..., Ledger]]:
    """Makes the ledger of a connection of the test's own; its books have to balance in the end."""
    made: list[Ledger] = []

    def make(**options: Any) -> Ledger:
        made.append(Ledger(db=db, **options))
        return made[-1]

    yield make
    for ledger in made:
        ledger.check()


@pytest.fixture
def ledger(make_ledger: Callable[..., Ledger]) -> Ledger:
    """The ledger of a connection that reports, with one stream, ``price``, whose newer records replace older ones."""
    return make_ledger()
