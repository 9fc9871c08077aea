"""The servers that other tests stand on."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest
import redis

from hub.testing.servers import Postgres, Valkey


def test_a_valkey_keeps_what_it_answered_when_it_is_killed(own_valkey: Valkey) -> None:
    """Each write is on disk before the client hears of it."""
    with redis.Redis.from_url(own_valkey.url) as client:
        client.set("sku", "A-1")
    own_valkey.kill()
    own_valkey.start()

    with redis.Redis.from_url(own_valkey.url) as client:
        assert client.get("sku") == b"A-1"


@pytest.mark.parametrize("turn", (1, 2))
def test_every_test_finds_the_shared_valkey_empty(redis_url: str, turn: int) -> None:
    """What one test left behind is gone for the next."""
    with redis.Redis.from_url(redis_url) as client:
        assert client.keys() == []
        client.set("turn", turn)


def test_a_postgres_keeps_its_data_over_a_restart(make_postgres: Callable[[], Postgres]) -> None:
    """Stopping cuts its clients off and loses nothing."""
    server = make_postgres()
    server.execute("CREATE DATABASE {}", "kept")
    with psycopg.connect(server.url().replace("+psycopg", "")) as client:
        server.stop()
        with pytest.raises(psycopg.OperationalError):
            client.execute("SELECT 1")
    server.start()

    assert server.has("kept")


def test_a_test_database_is_gone_after_the_test(make_postgres: Callable[[], Postgres]) -> None:
    """Even where a client is still connected."""
    server = make_postgres()
    with server.database("short_lived") as url:
        client = psycopg.connect(url.replace("+psycopg", ""))
        assert server.has("short_lived")

    assert not server.has("short_lived")
    client.close()
