"""One value of the store, without a transaction."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hub.errors import ServiceUnavailableError
from hub.store.database import Database
from hub.testing.servers import Postgres


async def test_a_value_is_what_was_committed_last(db: Database) -> None:
    """Whatever was read before over the same connection."""
    with db.transaction() as tx:
        db.execute(tx, "CREATE TABLE counted (number integer)")
    seen = []
    for number in range(12):
        with db.transaction() as tx:
            db.execute(tx, "INSERT INTO counted VALUES (:number)", number=number)
            inside = await db.glance("SELECT count(*) FROM counted WHERE number >= :least", least=5)
        seen.append((inside, await db.glance("SELECT count(*) FROM counted WHERE number >= :least", least=5)))

    # It waits for no writer, and sees nothing that is not committed.
    assert seen == [(max(0, number - 5), max(0, number - 4)) for number in range(12)]


async def test_nothing_is_left_open(make_postgres: Callable[[], Postgres]) -> None:
    """A transaction that stays open would be ended by the server, and keep old rows until then."""
    db = Database(make_postgres().url())
    await db.glance("SELECT 1")
    with db.transaction() as tx:
        states = db.execute(tx, "SELECT state FROM pg_stat_activity WHERE pid <> pg_backend_pid()").scalars()
        found = [state for state in states if state]
    db.close()

    assert found == ["idle"]


async def test_a_store_that_was_restarted_is_asked_again(make_postgres: Callable[[], Postgres]) -> None:
    """And one that is away is said to be."""
    server = make_postgres()
    db = Database(server.url())
    before = await db.glance("SELECT 1")
    server.stop()
    with pytest.raises(ServiceUnavailableError, match="the store cannot be reached"):
        await db.glance("SELECT 1")
    server.start()
    back = await db.glance("SELECT 1")
    server.stop()
    server.start()
    unnoticed = await db.glance("SELECT 1")
    db.close()

    assert (before, back, unnoticed) == (1, 1, 1)
