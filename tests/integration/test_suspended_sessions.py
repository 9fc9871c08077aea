"""A process that is suspended while it holds the lock of a connection does not hold up the whole fleet."""

from __future__ import annotations

import pytest

from hub.errors import ServiceUnavailableError
from hub.store.database import IDLE_IN_TRANSACTION, Database

SETTING = "SELECT current_setting('idle_in_transaction_session_timeout')"


def test_a_lock_is_let_go_when_its_holder_has_gone_silent(postgres_url: str) -> None:
    """The next one gets it, and who comes back too late is told so and starts over."""
    sleeper = Database(f"{postgres_url}&options=-c%20idle_in_transaction_session_timeout%3D100")
    other = Database(postgres_url)
    with other.transaction() as tx:
        other.execute(tx, "INSERT INTO tenant (name, created_at) VALUES ('acme', 0)")

    def sleep_with_a_lock() -> None:
        with sleeper.transaction() as asleep:
            sleeper.execute(asleep, "SELECT * FROM tenant FOR UPDATE")
            with other.transaction() as tx:
                other.execute(tx, "SET LOCAL lock_timeout = '10s'")
                other.execute(tx, "UPDATE tenant SET name = 'other'")
            sleeper.execute(asleep, "UPDATE tenant SET name = 'late'")

    with pytest.raises(ServiceUnavailableError):
        sleep_with_a_lock()

    with sleeper.transaction() as tx:
        assert sleeper.execute(tx, "SELECT name FROM tenant").scalar_one() == "other"
    sleeper.close()
    other.close()


def test_a_server_with_a_time_of_its_own_keeps_it(postgres_url: str) -> None:
    """The operator knows better."""
    for url, expected in (
        (postgres_url, IDLE_IN_TRANSACTION),
        (f"{postgres_url}&options=-c%20idle_in_transaction_session_timeout%3D7s", "7s"),
    ):
        db = Database(url)
        with db.transaction() as tx:
            assert db.execute(tx, SETTING).scalar_one() == expected
        db.close()
