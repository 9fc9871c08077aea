"""Whatever was committed before a marketplace asks is in the answer, in every web process, loaded or not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import httpx
import pytest
from prometheus_client import CollectorRegistry

from connectors.vtex.seller import following
from connectors.vtex.seller.following import AHEAD, FRESH
from hub.store import migrate
from hub.store.database import Database
from hub.testing.servers import Postgres
from hub.testing.simulator import running
from hub.web.app import make_app
from hub.web.metrics import WebMetrics
from tests.connectors.vtex.seller.conftest import Sell
from tests.connectors.vtex.seller.endpoint_of_a_test import PATH, body_of, counter
from tests.connectors.vtex.seller.seller_world import SellerWorld, goods

#: VTEX waits no longer, in seconds.
VTEX_WAITS = 2.5


@asynccontextmanager
async def another_web_process(world: SellerWorld) -> AsyncIterator[httpx.AsyncClient]:
    """With a memory of its own, over the same store."""
    registry = CollectorRegistry()
    runtime = world.hub.make_runtime()
    app = make_app(runtime, registry=registry, metrics=WebMetrics(registry), broker_answers=_no_broker)
    async with running(app) as url, httpx.AsyncClient(base_url=url, timeout=10) as client:
        yield client
    await app.close()


async def _no_broker() -> bool:
    return False


async def stock(client: httpx.AsyncClient, sku: str = "a-v") -> int | None:
    """What a process answers."""
    answer = await client.post(f"/c/market{PATH}", content=body_of(sku))
    assert answer.status_code == 200, answer.text
    found = answer.json()["logisticsInfo"]
    return found[0]["stockBalance"] if found else None


async def test_what_was_committed_before_is_in_the_answer_of_every_process(sell: Sell) -> None:
    """From the first question on, which a process answers while it still loads, and after each change."""
    world = await sell()
    world.offer("a")
    async with AsyncExitStack() as stack:
        processes = [
            world.client,
            *[await stack.enter_async_context(another_web_process(world)) for _ in "12"],
        ]
        for number in range(10, 40):  # above the threshold
            world.stock("a", number)
            await asyncio.sleep(FRESH)  # what was committed within this time is not promised
            assert [await stock(process) for process in processes] == [number] * 3


async def test_what_comes_and_goes_is_answered_as_soon(sell: Sell) -> None:
    """A new SKU, a deleted one, one that moves to another product."""
    world = await sell()
    world.offer("a")
    assert [await stock(world.client, sku) for sku in ("a-v", "b-v")] == [22, None]

    world.offer("b")
    await asyncio.sleep(FRESH)
    assert await stock(world.client, "b-v") == 22
    world.shelf.write("shop", {"kind": "product", "key": "b", "operation": "delete"})
    await asyncio.sleep(FRESH)
    assert await stock(world.client, "b-v") is None
    world.shelf.write("shop", {**goods("a"), "key": "c"})
    await asyncio.sleep(FRESH)
    assert await stock(world.client, "a-v") == 22
    world.shelf.write("shop", {"kind": "product", "key": "c", "operation": "delete"})
    await asyncio.sleep(FRESH)
    assert await stock(world.client, "a-v") is None


@pytest.mark.parametrize("waiting", ("changes", "has_news"))
async def test_while_it_loads_it_reads_what_is_asked_for(sqlite_db: Database, waiting: str) -> None:
    """As it is at that moment, however long loading takes; what nobody knows is left out."""
    async with counter(sqlite_db, offered=("a", "b"), loaded=False, hold=(waiting,)) as at:
        first = await at.stocks("a-v", "b-v", "c-v")
        at.stock("a", 7)
        at.offer("c")
        at.shelf.write("shop", {"kind": "product", "key": "b", "operation": "delete"})
        second = await at.stocks("a-v", "b-v", "c-v")
        at.catalog.open()
        async with asyncio.timeout(10):
            await at.follower.loaded.wait()
        third = await at.stocks("a-v", "b-v", "c-v")

    assert first == {"a-v": 22, "b-v": 22}
    assert second == third == {"a-v": 7, "c-v": 22}


async def test_where_skus_have_names_of_their_own_loading_is_waited_for(sqlite_db: Database) -> None:
    """They cannot be looked up: 503 in time where that takes too long, and the right answer once it is done."""
    async with counter(sqlite_db, sku="sku", loaded=False, hold=("changes",), deadline=0.3) as at:
        early = await at.ask("SKU-a")
        at.catalog.open()
        async with asyncio.timeout(10):
            await at.follower.loaded.wait()
        later = await at.stocks("SKU-a")

    assert (early.status_code, early.headers["retry-after"]) == (503, "1")
    assert "being loaded" in early.text
    assert early.elapsed.total_seconds() < 1
    assert later == {"SKU-a": 22}


async def test_no_more_wait_for_the_store_than_it_can_serve(sqlite_db: Database) -> None:
    """The others are put off at once."""
    async with counter(sqlite_db, loaded=False, hold=("read", "changes"), deadline=30, most_reading=2) as at:
        waiting = [asyncio.create_task(at.ask("a-v")) for _ in range(2)]
        await at.catalog.until_waiting(3)  # two of them, and loading
        refused = await at.ask("a-v")
        at.catalog.open()
        answers = await asyncio.gather(*waiting)

    assert (refused.status_code, [one.status_code for one in answers]) == (503, [200, 200])


async def test_a_look_that_takes_long_does_not_make_a_slow_answer(sqlite_db: Database) -> None:
    """What is in memory is answered then, and what was asked for is read where that is quicker."""
    async with counter(sqlite_db) as at:
        at.catalog.close("has_news")
        at.stock("a", 7)
        await asyncio.sleep(FRESH)
        began = time.monotonic()
        looked_again = await at.stocks("a-v")
        at.catalog.close("has_news", "read")
        at.stock("a", 8)
        await asyncio.sleep(FRESH)
        from_memory = await at.stocks("a-v")
        took = time.monotonic() - began
        at.catalog.open()
        after = await at.stocks("a-v")

    assert (looked_again, from_memory, after) == ({"a-v": 7}, {"a-v": 7}, {"a-v": 8})
    assert took < VTEX_WAITS


async def test_while_questions_come_nobody_waits_for_a_look(db: Database) -> None:
    """The next one is made before the last one is too old, and waited for by none; it is not fooled by a change."""
    async with counter(db) as at:
        at.catalog.close("has_news")
        async with asyncio.timeout(10):
            for _ in range(5):
                await asyncio.sleep(FRESH)
                while not at.follower.is_fresh():  # noqa: ASYNC110 - it tells nobody
                    await asyncio.sleep(0.001)
        at.stock("a", 7)
        await asyncio.sleep(FRESH)
        stale = []
        for _ in range(50):
            stale.append(at.follower.is_fresh())
            await asyncio.sleep(0.002)
        at.catalog.open()
        after = await at.stocks("a-v")

    assert not any(stale)
    assert after == {"a-v": 7}
    assert AHEAD < FRESH


async def test_what_was_read_earlier_and_comes_later_changes_nothing(sqlite_db: Database) -> None:
    """A slow reader does not bring back what somebody has read anew meanwhile."""
    async with counter(sqlite_db) as at:
        at.catalog.close_once("product")
        slow = asyncio.create_task(at.follower.read_variants(["a-v"]))
        await at.catalog.until_waiting(1)
        at.stock("a", 7)
        await asyncio.sleep(FRESH)
        meanwhile = await at.stocks("a-v")
        at.catalog.open()
        await slow
        after = await at.stocks("a-v")

    assert meanwhile == after == {"a-v": 7}


@pytest.mark.parametrize(("sku", "name"), (("key", "a-v"), ("sku", "SKU-a")))
async def test_a_transaction_of_somebody_else_does_not_hide_a_change(
    make_postgres: Callable[[], Postgres], sku: str, name: str
) -> None:
    """On PostgreSQL changes are told late while an older transaction is under way; the answer is not."""
    # A server of its own: what is open here would hold back every reader there.
    db = Database(make_postgres().url())
    migrate.upgrade(db)
    async with counter(db, sku=sku) as at:
        with at.shelf.open_transaction() as older:
            db.execute(older, "SELECT pg_current_xact_id()")
            at.stock("a", 7)
            await asyncio.sleep(FRESH)
            began = time.monotonic()
            meanwhile = await at.stocks(name)
            took = time.monotonic() - began
        after = await at.stocks(name)
    db.close()

    assert meanwhile == after == {name: 7}
    assert took < VTEX_WAITS


async def test_more_changes_at_once_than_a_page_holds_are_all_in_the_answer(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page ends within the last transaction there is, whose rest is no less news."""
    monkeypatch.setattr(following, "PAGE", 3)
    keys = [f"p{number}" for number in range(8)]
    async with counter(db, offered=keys) as at:
        at.shelf.write("shop", *({"kind": "stock", "variant": f"{key}-v", "on_hand": 7} for key in keys))
        await asyncio.sleep(FRESH)
        async with asyncio.timeout(10):
            while (
                not await at.follower.refresh()
            ):  # on a busy machine a look may take longer than it is waited for
                pass
        answered = await at.stocks(*(f"{key}-v" for key in keys))

    assert answered == {f"{key}-v": 7 for key in keys}
