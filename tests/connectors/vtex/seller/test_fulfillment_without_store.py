"""The hub's store goes away and comes back; the marketplace is answered from memory meanwhile, for a set time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest

from connectors.vtex.seller import following
from hub.store import migrate
from hub.store.database import Database
from hub.testing.servers import Postgres
from tests.connectors.vtex.seller.endpoint_of_a_test import counter
from tests.connectors.vtex.seller.seller_world import SellerWorld, selling

#: VTEX waits no longer, in seconds.
VTEX_WAITS = 2.5
#: How long answers go on without the store, in seconds.
STALE_FOR = 4.0


def migrated(server: Postgres) -> str:
    """A store of this server."""
    db = Database(server.url())
    migrate.upgrade(db)
    db.close()
    return server.url()


async def ask(world: SellerWorld) -> httpx.Response:
    """In time, whatever is answered."""
    began = time.monotonic()
    answer = await world.simulate("a-v")
    assert time.monotonic() - began < VTEX_WAITS
    return answer


async def until(world: SellerWorld, status: int) -> httpx.Response:
    """The first answer with this status; all others are 200 or 503."""
    async with asyncio.timeout(30):
        while (answer := await ask(world)).status_code != status:
            assert answer.status_code in {200, 503}
    return answer


async def until_loaded(world: SellerWorld) -> None:
    """Before, an answer is 200 as well, but read from the store."""
    pipeline = await world.hub.runtime.pipeline(world.hub.connection("market").id)
    endpoint = pipeline.connector.asgi()
    async with asyncio.timeout(30):
        await endpoint._follower.loaded.wait()


async def test_without_the_store_answers_go_on_for_a_while_and_come_back_with_it(
    hub_home: Path, make_postgres: Callable[[], Postgres]
) -> None:
    """From the last state, each in time; then 503; and what has changed once the store is back."""
    server = make_postgres()
    async with selling(hub_home, migrated(server)) as world:
        await world.connect(answer_without_store_seconds=STALE_FOR)
        world.offer("a")
        await until_loaded(world)
        assert (await until(world, 200)).json()["logisticsInfo"][0]["stockBalance"] == 22

        stopped = time.monotonic()
        await asyncio.to_thread(server.stop)
        from_memory = []
        async with asyncio.timeout(STALE_FOR + 20):
            while (answer := await ask(world)).status_code == 200:
                from_memory.append(answer.json()["logisticsInfo"][0]["stockBalance"])
        gave_up = time.monotonic() - stopped
        unknown = await world.simulate("a-v", name="never-asked-for")

        await asyncio.to_thread(server.start)
        world.stock("a", 9)
        await until(world, 200)
        async with asyncio.timeout(30):
            while (await ask(world)).json()["logisticsInfo"][0]["stockBalance"] != 9:
                pass
        world.stock("a", 12)
        await asyncio.sleep(following.FRESH)
        fresh = (await ask(world)).json()["logisticsInfo"][0]["stockBalance"]

    assert fresh == 12
    assert set(from_memory) == {22}
    assert len(from_memory) > 20
    # The store was last heard of up to one look before it stopped.
    assert gave_up >= STALE_FOR - 2 * following.LOOK_EVERY
    assert (answer.status_code, unknown.status_code) == (503, 503)
    assert "the store cannot be reached" in answer.text


async def test_a_store_that_says_nothing_is_away_as_well(
    hub_home: Path,
    make_postgres: Callable[[], Postgres],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It takes connections and questions, and answers none: nothing fails, and everything would wait."""
    monkeypatch.setattr(following, "SILENT_FOR", 1.0)
    server = make_postgres()
    async with AsyncExitStack() as stack:
        world = await stack.enter_async_context(selling(hub_home, migrated(server)))
        await world.connect(answer_without_store_seconds=STALE_FOR)
        world.offer("a")
        await until_loaded(world)
        await until(world, 200)

        with server.silent():
            first = await ask(world)
            assert first.status_code == 200, first.text
            silent = await until(world, 503)
        await until(world, 200)

    assert "the store cannot be reached" in silent.text


async def test_what_is_not_loaded_yet_is_not_made_up(make_postgres: Callable[[], Postgres]) -> None:
    """A process that starts without the store answers 503, and loads once it is there."""
    server = make_postgres()
    db = Database(migrated(server))
    async with counter(db, loaded=False, hold=("changes",)) as at:
        await asyncio.to_thread(server.stop)
        without = await at.ask("a-v")
        await asyncio.to_thread(server.start)
        at.catalog.open()
        async with asyncio.timeout(20):
            await at.follower.loaded.wait()
        back = await at.stocks("a-v")
    db.close()

    assert without.status_code == 503
    assert without.elapsed.total_seconds() < VTEX_WAITS
    assert back == {"a-v": 22}
