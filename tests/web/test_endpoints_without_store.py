"""Connectors' own applications while the hub's store is away, slow or silent."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from hub import runtime
from hub.store import connections, migrate
from hub.store.database import Database
from hub.testing.servers import Postgres
from hub.web.directory import FRESH_SECONDS, STALE_SECONDS
from tests.web.driver import Hub, serving

#: Some who ask wait no longer, in seconds.
IN_TIME = 2.5


@asynccontextmanager
async def on(server: Postgres, home: Path) -> AsyncIterator[Hub]:
    """A hub over a server that may be stopped."""
    db = Database(server.url())
    migrate.upgrade(db)
    db.close()
    async with serving(server.url(), home) as hub:
        yield hub


async def status(hub: Hub, name: str) -> int:
    """Of an answer that comes in time."""
    began = time.monotonic()
    answer = await hub.client.get(f"/c/{name}/x")
    assert time.monotonic() - began < IN_TIME
    return answer.status_code


async def test_a_known_endpoint_answers_while_the_store_is_away(
    acme: Path, make_postgres: Callable[[], Postgres], tmp_path: Path
) -> None:
    """However long, as its own application says; what is not known is 503, not 404; after that all is as before."""
    server = make_postgres()
    async with on(server, tmp_path) as hub:
        await hub.add("north-1")
        await hub.add("north-2")
        assert await status(hub, "north-1") == 200

        await asyncio.to_thread(server.stop)
        stopped = time.monotonic()
        while time.monotonic() - stopped < STALE_SECONDS + FRESH_SECONDS:
            assert await status(hub, "north-1") == 200
            await asyncio.sleep(0.1)
        unknown = [await status(hub, name) for name in ("north-2", "nobody")]

        await asyncio.to_thread(server.start)
        async with asyncio.timeout(15):
            while await status(hub, "north-2") != 200:
                pass
        await hub.runtime.db.run(connections.remove_connection, hub.runtime.db, "north-1")
        async with asyncio.timeout(30):
            while (gone := await status(hub, "north-1")) == 200:
                pass

    assert unknown == [503, 503]
    assert gone == 404


async def test_a_store_that_says_nothing_holds_nobody_up(
    acme: Path, make_postgres: Callable[[], Postgres], tmp_path: Path
) -> None:
    """Known endpoints are called, the others put off, both in time."""
    server = make_postgres()
    async with on(server, tmp_path) as hub:
        await hub.add("north-1")
        await hub.add("north-2")
        assert await status(hub, "north-1") == 200

        with server.silent():
            began = time.monotonic()
            while time.monotonic() - began < STALE_SECONDS + FRESH_SECONDS:
                assert await status(hub, "north-1") == 200
                await asyncio.sleep(0.1)
            unknown = await status(hub, "north-2")
        async with asyncio.timeout(30):
            while await status(hub, "north-2") != 200:
                pass

    assert unknown == 503


async def test_what_goes_on_for_a_connection_ends_with_it(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its connector is closed once nobody can be at work with it any more."""
    monkeypatch.setattr(runtime, "RETIRED_FOR", timedelta(0))
    connection_id = await hub.add("north-1")
    assert await status(hub, "north-1") == 200
    pipeline = await hub.runtime.pipeline(connection_id)
    closed = asyncio.Event()

    async def close() -> None:
        closed.set()

    monkeypatch.setattr(pipeline.connector, "close", close)
    await hub.runtime.db.run(connections.remove_connection, hub.runtime.db, "north-1")
    async with asyncio.timeout(30):
        while await status(hub, "north-1") == 200:
            pass
        await closed.wait()
