"""What the web process has answered with 2xx is kept, whatever dies next to it or with it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import dramatiq
import httpx
import pytest
import redis

from hub.fleet import actors
from hub.fleet.broker import NAMESPACE, make_broker
from hub.loop.sweep import sweep
from hub.runtime import Runtime
from hub.settings import Settings
from hub.store import migrate
from hub.store.database import Database
from hub.testing.servers import Postgres, Valkey
from tests.web.driver import Hub, count, locked, open_runtime, rows, signed
from tests.web.process import web_process

HOOK = "/hooks/north-1"


@pytest.fixture
def saved(acme: Path, database_url: str, tmp_path: Path) -> Iterator[Runtime]:
    """A store with one connection, and nobody who serves it yet."""
    with _saved(database_url, tmp_path) as runtime:
        yield runtime


@pytest.mark.parametrize("deliveries", (1, 25))
def test_what_was_answered_survives_sigkill(
    saved: Runtime, database_url: str, tmp_path: Path, redis_url: str, deliveries: int
) -> None:
    """The process dies with the last answer; every webhook that it answered is in the store."""
    with (
        web_process(database_url, redis_url, tmp_path) as web,
        httpx.Client(base_url=web.url, timeout=30) as client,
    ):
        answers = [client.post(HOOK, **signed(count(seq, f"A-{seq}"))) for seq in range(deliveries)]
        web.kill()

    assert {answer.status_code for answer in answers} == {202}
    assert len(rows(saved.db, "record")) == deliveries


def test_while_the_store_is_down_senders_are_put_off(
    acme: Path, make_postgres: Callable[[], Postgres], tmp_path: Path, redis_url: str
) -> None:
    """503 and never 2xx; the process lives, says what is wrong, and takes webhooks again when the store is back."""
    server = make_postgres()
    store = Database(server.url())
    migrate.upgrade(store)
    with (
        _saved(server.url(), tmp_path),
        web_process(server.url(), redis_url, tmp_path) as web,
        httpx.Client(base_url=web.url, timeout=30) as client,
    ):
        assert client.post(HOOK, **signed(count(1))).status_code == 202
        server.stop()
        down = client.post(HOOK, **signed(count(2)))
        never_seen = client.post("/hooks/north-2", **signed(count(2)))
        health = [client.get(path) for path in ("/healthz", "/readyz")]
        server.start()
        while (back := client.post(HOOK, **signed(count(3)))).status_code == 503:
            assert back.headers["retry-after"] == "5"

    assert (down.status_code, never_seen.status_code, back.status_code) == (503, 503, 202)
    assert down.headers["retry-after"] == "5"
    assert [answer.status_code for answer in health] == [200, 503]
    assert "HUB_DATABASE_URL" in health[1].json()["store"]
    assert sorted(row["key"] for row in rows(store, "record")) == ["000000000001", "000000000003"]
    store.close()


async def test_without_a_broker_webhooks_are_taken_and_the_sweeper_rings(
    saved: Runtime, database_url: str, tmp_path: Path, own_valkey: Valkey
) -> None:
    """Bells are a convenience; the ledger knows what is due."""
    with web_process(database_url, own_valkey.url, tmp_path) as web:
        own_valkey.stop()
        async with httpx.AsyncClient(base_url=web.url, timeout=30) as client:
            answer = await client.post(HOOK, **signed(count(1)))
            ready = await client.get("/readyz")
        assert answer.status_code == 202
        assert (ready.status_code, ready.json()["broker"]) == (200, "down")
    own_valkey.start()
    with redis.Redis.from_url(own_valkey.url) as queue:
        assert queue.llen(f"{NAMESPACE}:work") == 0
        saved.ring = _bells_of(saved, own_valkey.url).ring
        await sweep(saved, rewake=True)
        assert queue.llen(f"{NAMESPACE}:work") == 1


def test_a_bell_reaches_the_broker(saved: Runtime, database_url: str, tmp_path: Path, redis_url: str) -> None:
    """So that a worker starts at once, and not with the next sweep."""
    with web_process(database_url, redis_url, tmp_path) as web:
        assert httpx.post(f"{web.url}{HOOK}", **signed(count(1))).status_code == 202
        assert web.stop() == 0
    with redis.Redis.from_url(redis_url) as queue:
        assert queue.llen(f"{NAMESPACE}:work") == 1


def test_sigterm_lets_webhooks_under_way_finish(
    saved: Runtime, database_url: str, tmp_path: Path, redis_url: str
) -> None:
    """They are stored and answered; then the process ends with 0."""
    with web_process(database_url, redis_url, tmp_path) as web:
        assert httpx.get(f"{web.url}{HOOK}?challenge=1").text == "1"
        answers: list[httpx.Response] = []
        with locked(saved.db, 1):
            sender = threading.Thread(
                target=lambda: answers.append(httpx.post(f"{web.url}{HOOK}", timeout=30, **signed(count(1))))
            )
            sender.start()
            while "hub_webhooks_waiting 1.0" not in httpx.get(f"{web.url}/metrics", verify=False).text:
                pass
            web.process.terminate()
        sender.join()
        assert web.stop() == 0
    assert [answer.status_code for answer in answers] == [202]
    assert len(rows(saved.db, "record")) == 1


def test_neither_log_nor_exposition_hold_a_secret(
    saved: Runtime, database_url: str, tmp_path: Path, redis_url: str
) -> None:
    """No query string, no path behind a connection's name, no signature, no text of a connector's error."""
    secret = "the-secret-of-webhooks"
    with web_process(database_url, redis_url, tmp_path) as web:
        with httpx.Client(base_url=web.url) as client:
            client.post(f"{HOOK}/s3cret-path?token=s3cret-query", **signed(count(1)))
            client.post(HOOK, content=b"x", headers={"x-acme-signature": "s3cret-header"})
            broken = client.get("/c/clumsy-1/")
            client.post("/hooks/clumsy-1/broken", **signed(count(2)))
            client.get("/authorize/north-1?link=s3cret-link")
            client.get("/authorize/callback?state=s3cret-state&code=s3cret-code")
            exposition = client.get("/metrics").text
        assert web.stop() == 0
    logged = "\n".join(map(str, web.log))

    assert broken.status_code == 500
    assert secret not in broken.text
    assert [line["path"] for line in web.log if line.get("event") == "request"] == [
        "/hooks/north-1/\\u2026",
        "/hooks/north-1",
        "/hooks/clumsy-1/\\u2026",
        "/authorize/north-1",
        "/authorize/callback",
    ]
    assert "an endpoint failed" in logged
    assert "a webhook could not be taken" in logged
    for text in (logged, exposition):
        assert "s3cret" not in text
        assert secret not in text


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    """Before anything is started."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        told = {"HUB_HOME": str(tmp_path / "home"), "HUB_WEB_PORT": str(port)}
        command = [sys.executable, "-m", "hub", "web"]
        refused = subprocess.run(
            command, env={**os.environ, **told}, capture_output=True, text=True, check=False
        )

    assert refused.returncode == 2
    said = " ".join(refused.stderr.split())
    assert f"HUB_WEB_PORT: cannot listen on 127.0.0.1, port {port} (Address already in use" in said
    assert not (tmp_path / "home").exists()


@contextlib.contextmanager
def _saved(database_url: str, tmp_path: Path) -> Iterator[Runtime]:
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    settings = Settings(home=tmp_path, database_url=database_url, allow_private_hosts=True)
    with asyncio.Runner() as runner:
        runtime = open_runtime(settings, lambda _: None)
        hub = Hub(runtime=runtime, url="", client=httpx.AsyncClient(), shelf=shelf)
        runner.run(hub.add("north-1"))
        runner.run(hub.add("clumsy-1", connector="clumsy"))
        yield runtime
        runner.run(hub.client.aclose())
        runner.run(runtime.close())


def _bells_of(runtime: Runtime, redis_url: str) -> actors.Actors:
    broker: dramatiq.Broker = make_broker(redis_url)
    return actors.declare(broker, lambda: runtime)
