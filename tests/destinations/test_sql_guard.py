"""A tenant's database URL leads to no private address unless the operator allows it."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from connectors.destinations.sql_engine import make_engine
from hub.errors import ConfigurationError


@pytest.mark.parametrize(
    "url",
    (
        "postgresql://u:secret@127.0.0.1:1/db",
        "postgresql://u:secret@localhost:1/db",
        "postgresql://u:secret@[::1]:1/db",
        "postgresql://u:secret@2130706433:1/db",
        "postgresql://u:secret@example.com:1/db?hostaddr=127.0.0.1",
        "postgresql://u:secret@/db?host=/var/run/postgresql",
        "postgresql://u:secret@/db",
    ),
)
def test_a_private_host_is_refused_before_anything_is_sent(url: str) -> None:
    """By name, by number, by option, or as a socket; and the password stays out of the text."""
    engine = make_engine(url, timeout=1, allow_private_hosts=False)

    with pytest.raises(ConfigurationError, match="HUB_ALLOW_PRIVATE_HOSTS") as refused:
        engine.connect()

    assert "secret" not in str(refused.value)


def test_it_is_reached_where_the_operator_allows_it(postgres_url: str) -> None:
    """As in the demo, and in a network of one's own."""
    engine = make_engine(postgres_url, timeout=5, allow_private_hosts=True)

    with engine.connect() as connection:
        assert connection.execute(text("SELECT 1")).scalar_one() == 1
    engine.dispose()
