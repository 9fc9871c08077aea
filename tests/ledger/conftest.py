"""Ledgers whose books are checked after every test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from hub.store import migrate
from hub.store.database import Database
from tests.ledger.driver import Ledger


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


@pytest.fixture
def memory_db() -> Iterator[Database]:
    """A SQLite without a disk."""
    database = Database("sqlite://")
    migrate.upgrade(database)
    yield database
    database.close()
