"""The migrations, from an empty database to what the models say."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

from hub.errors import ServiceUnavailableError
from hub.store import migrate
from hub.store.database import Database

UPGRADE = """
import os
from hub.store import migrate
from hub.store.database import Database

def run():
    print(migrate.upgrade(Database(os.environ["URL"])))
"""


@pytest.fixture(params=("sqlite", "postgres"))
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database without a table."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'empty.db'}"
    url: str = request.getfixturevalue("empty_postgres_url")
    return url


@pytest.fixture
def empty(empty_url: str) -> Iterator[Database]:
    db = Database(empty_url)
    yield db
    db.close()


def test_migrations_equal_the_models(empty: Database) -> None:
    """Nothing is left that Alembic would still generate."""
    migrate.upgrade(empty)

    assert migrate.differences(empty) == []


def test_a_second_upgrade_changes_nothing(empty: Database) -> None:
    """Every process of a hub without configuration runs it when it starts."""
    first = migrate.upgrade(empty)

    assert migrate.upgrade(empty) == first
    migrate.require_current(empty)


def test_an_empty_store_is_refused_with_the_command_that_helps(empty: Database) -> None:
    """A hub must not find out at the first query."""
    with pytest.raises(ServiceUnavailableError, match="hub db upgrade"):
        migrate.require_current(empty)


def test_a_store_of_a_newer_hub_is_left_alone(empty: Database) -> None:
    """Nobody can run migrations that he does not have."""
    migrate.upgrade(empty)
    with empty.transaction() as tx:
        empty.execute(tx, "UPDATE alembic_version SET version_num = '9999'")

    for call in (migrate.upgrade, migrate.require_current):
        with pytest.raises(ServiceUnavailableError, match="newer one has migrated it"):
            call(empty)


def test_the_names_of_the_migrations_say_which_is_the_newest() -> None:
    """So that a store that is up to date is recognised without loading Alembic."""
    head = ScriptDirectory(str(migrate.scripts())).get_current_head()

    assert max(path.name[:4] for path in (migrate.scripts() / "versions").glob("*.py")) == head


def test_processes_that_upgrade_at_once_take_turns(
    empty: Database, empty_url: str, at_once: Callable[..., list[str]]
) -> None:
    """All end well, at the same revision."""
    revisions = at_once(UPGRADE, processes=3, environment={"URL": empty_url})

    assert revisions == [migrate.upgrade(empty)] * 3
    assert migrate.differences(empty) == []
