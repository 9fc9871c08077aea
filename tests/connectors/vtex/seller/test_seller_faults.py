"""What goes wrong between hub and marketplace: limits, keys, accounts, and a worker that dies at the worst moment."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from hub.errors import ConnectionFailedError
from hub.runtime import Runtime
from hub.testing.asgi import App, Receive, Scope, Send
from tests.connectors.vtex.seller.conftest import Sell
from tests.connectors.vtex.seller.seller_world import KEYS, SellerWorld


async def work(world: SellerWorld, runtime: Runtime) -> None:
    """A process reads and pushes all that is due."""
    await world.hub.poll("market", runtime=runtime)
    while (await world.hub.work("market", runtime=runtime)).records:
        pass


def asked(world: SellerWorld) -> int:
    """How often the marketplace was told of a change, whatever it answered."""
    return sum(
        count
        for name in ("by_route", "throttled_by_route")
        for route, count in world.market[name].items()
        if "skuseller/changenotification" in route
    )


@pytest.mark.parametrize("form", ("seconds", "date"))
async def test_a_429_holds_the_whole_fleet_until_its_time_is_over(sell: Sell, form: str) -> None:
    """As a number or as a date; whoever else works for this account asks nothing meanwhile."""
    world = await sell(limit=["catalog=0.005/1"], retry_after_form=form)
    world.tell("bind", skus=["a-v", "b-v", "c-v"])
    first, second = world.hub.runtime, world.hub.make_runtime()
    world.offer("a", "b")
    await work(world, first)
    before = asked(world)
    assert world.market["throttled"] == 1

    world.offer("c")
    await work(world, second)
    assert asked(world) == before
    assert world.row("c")["state"] not in {"success", "rejected", "dead"}

    world.tell("clock", advance=150)
    world.hub.pass_time(150)  # a backoff of the hub's own would be over
    await work(world, world.hub.make_runtime())
    assert asked(world) == before

    for _ in range(6):
        world.tell("clock", advance=201)
        world.hub.pass_time(201)
        await work(world, world.hub.make_runtime())
    assert {world.row(key)["state"] for key in "abc"} == {"success"}
    assert all(world.row(key)["attempts"] <= 1 for key in "abc")


@pytest.mark.parametrize("style", ("x-ratelimit", "ratelimit"))
async def test_a_limit_that_is_told_of_is_never_reached(sell: Sell, style: str) -> None:
    """Nothing is sent once none remain, by two processes that share what they know; not one answer is a 429."""
    world = await sell({"delivery": {"concurrency": 1}}, limit=["catalog=40/20"], limit_headers=style)
    keys = [f"p{number}" for number in range(50)]
    world.tell("bind", skus=[f"{key}-v" for key in keys])
    world.offer(*keys)
    runtimes = [world.hub.runtime, world.hub.make_runtime()]
    await world.hub.poll("market")

    async with asyncio.timeout(60):
        while any(row["state"] != "success" for row in world.hub.rows("market")):
            await asyncio.gather(*(world.hub.work("market", runtime=one) for one in runtimes))
            await asyncio.sleep(0.05)

    assert asked(world) == 50
    assert world.market["throttled"] == 0


@asynccontextmanager
async def dying(world: SellerWorld) -> AsyncIterator[None]:
    """The first process has sent its suggestion, and never gets to note it; its lease is over then."""
    pipeline = await world.hub.runtime.pipeline(world.hub.connection("market").id)
    reached = asyncio.Event()

    async def never(*_: Any) -> None:
        reached.set()
        await asyncio.Event().wait()

    pipeline.connector._keep = never
    await world.hub.poll("market")
    dead = asyncio.create_task(world.hub.work("market"))
    await asyncio.wait_for(reached.wait(), 10)
    world.hub.pass_time(3600)
    try:
        yield
    finally:
        dead.cancel()
        await asyncio.gather(dead, return_exceptions=True)


async def others(world: SellerWorld) -> None:
    """Another process goes on, also with what awaits a decision."""
    runtime = world.hub.make_runtime()
    await world.hub.sweep()
    await work(world, runtime)
    world.hub.pass_time(3600)
    await work(world, world.hub.make_runtime())


async def test_a_worker_that_dies_after_it_suggested_suggests_nothing_twice_after_approval(
    sell: Sell,
) -> None:
    """Nobody noted that there was a suggestion, and it is not there any more: the SKU is."""
    world = await sell(approve="manual")
    world.offer("a")
    async with dying(world):
        assert len(world.market["suggestions"]) == 1
        world.tell("approve")
        await others(world)

    state = world.market
    assert world.row("a")["state"] == "success"
    assert state["suggestions"] == []
    assert [state[f"suggestions_{name}"] for name in ("late", "repeated", "of_bound")] == [0, 0, 0]


async def test_a_worker_that_dies_after_it_suggested_does_not_resend_what_was_denied(sell: Sell) -> None:
    """Also where a changed one would be: nobody knows what was denied."""
    world = await sell({"resend_denied": True}, approve="manual")
    world.offer("a")
    async with dying(world):
        world.tell("deny", reason="the image is blurred")
        await others(world)

    assert world.row("a")["state"] == "rejected"
    assert "the image is blurred" in world.row("a")["error"]
    assert world.market["suggestions_versions"] == 1


async def test_a_worker_that_dies_after_it_suggested_leaves_what_another_one_follows(sell: Sell) -> None:
    """While it is pending, sending it once more is a version of it and not another one."""
    world = await sell(approve="manual")
    world.offer("a")
    async with dying(world):
        await others(world)
        assert world.row("a")["state"] == "awaiting"
        assert len(world.market["suggestions"]) == 1
        world.tell("approve")
        await others(world)

    assert world.row("a")["state"] == "success"
    assert [world.market[f"suggestions_{name}"] for name in ("late", "of_bound")] == [0, 0]


@pytest.mark.parametrize(
    ("denied", "resource"),
    (
        ("catalog", "Catalog > Marketplace > Seller SKUs"),
        ("suggestions", "Channels > UI resources > Send marketplace suggestion"),
        ("notificator", "Seller Register > Seller Administration > View Seller"),
    ),
)
async def test_a_key_without_a_permission_is_told_which_one(sell: Sell, denied: str, resource: str) -> None:
    """By the name that License Manager has for it."""
    world = await sell()
    if denied == "notificator":
        world.tell("bind", skus=["a-v"])
    world.offer("a")
    world.tell("keys", **KEYS, denied=[denied])
    for amount in ("399.90", "299.90"):  # a price is told of once the SKU was
        world.price("a", amount)
        await world.hub.poll("market")
        await world.hub.work_off("market")

    assert resource in str(world.hub.connection("market").destination_refused)


@pytest.mark.parametrize("not_found", ("html", "other"))
async def test_a_wrong_account_stops_everything_at_once(sell: Sell, not_found: str) -> None:
    """No SKU is suggested there, and none is given up: all of them wait."""
    world = await sell(not_found=not_found)
    world.offer(*"abcdefgh")

    await world.hub.poll("market")
    await world.hub.work_off("market")
    connection = world.hub.connection("market")

    assert connection.status == "failed"
    assert all(name in str(connection.status_reason) for name in ("settings.account", "settings.seller_id"))
    assert world.market["suggestions_versions"] == 0
    assert {world.row(key)["state"] for key in "abcdefgh"}.isdisjoint({"rejected", "dead", "success"})


async def test_a_check_finds_a_wrong_account(sell: Sell) -> None:
    """Before anything is offered there."""
    world = await sell()
    await world.connect(name="wrong", tenant="wrong", account="another", seller_id="else")
    pipeline = await world.hub.runtime.pipeline(world.hub.connection("wrong").id)

    with pytest.raises(ConnectionFailedError, match=r"settings\.account"):
        await pipeline.connector.check()


class Meanwhile:
    """Stands before the marketplace: somebody decides there when the next suggestion has been sent and is not in yet."""

    def __init__(self) -> None:
        self.decide: Callable[[], Any] | None = None

    def before(self, app: App) -> App:
        """The marketplace with this before it."""

        async def asked(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["method"] == "PUT" and self.decide is not None:
                decide, self.decide = self.decide, None
                decide()
            await app(scope, receive, send)

        return asked


@pytest.mark.parametrize("approved", ("kept", "gone"))
async def test_an_approval_between_the_look_and_the_update_is_seen(sell: Sell, approved: str) -> None:
    """Whether the update is refused or makes a suggestion of what is there: price and stock are told of from then on."""
    meanwhile = Meanwhile()
    world = await sell(approve="manual", approved=approved, asked=meanwhile)
    world.offer("a")
    await world.sync()

    meanwhile.decide = lambda: world.tell("approve")
    world.offer("a", brand="Aurora")
    await world.sync()
    told = world.market["notified_price"]
    world.price("a", "77.00")
    await world.sync()

    assert (world.row("a")["state"], (await world.standing("a-v"))["state"]) == ("success", "accepted")
    assert (told, world.market["notified_price"]) == (1, 2)
    assert world.market["offers"]["seller"]["a-v"]["price"] == 7700


async def test_a_denial_between_the_look_and_the_update_is_seen(sell: Sell) -> None:
    """With its reason, not with that of the update that came late."""
    meanwhile = Meanwhile()
    world = await sell(approve="manual", asked=meanwhile)
    world.offer("a")
    await world.sync()

    meanwhile.decide = lambda: world.tell("deny", skus=["a-v"], reason="the image is blurred")
    world.offer("a", brand="Aurora")
    await world.sync()

    assert "denied it: the image is blurred" in str(world.row("a")["error"])
    assert (await world.standing("a-v"))["state"] == "denied"


@pytest.mark.parametrize("refused", ("here", "there"))
async def test_what_is_refused_while_its_suggestion_is_pending_is_told_of_once_approved(
    sell: Sell, refused: str
) -> None:
    """No record waits for the decision then, so that whoever has a price or a stock level looks for it."""
    world = await sell(
        approve="manual", unknown_names="refuse", known_brand=["Nike"], known_category=["Shoes/Sneakers"]
    )
    world.offer("a", brand="Nike")
    await world.sync()
    world.offer("a", brand=None if refused == "here" else "Nobody")
    await world.sync()
    assert (world.row("a")["state"], len(world.market["suggestions"])) == ("rejected", 1)

    world.stock("a", 3)
    await world.sync()
    assert (world.row("a", "stock")["state"], world.market["notified_inventory"]) == ("skipped", 0)

    world.tell("approve")
    world.stock("a", 4)
    await world.sync()
    assert (world.row("a", "stock")["state"], (await world.standing("a-v"))["state"]) == (
        "success",
        "accepted",
    )
    assert (world.market["notified_price"], world.market["notified_inventory"]) == (1, 1)
    world.stock("a", 5)
    await world.sync()
    assert (world.market["notified_price"], world.market["notified_inventory"]) == (1, 2)
    assert world.row("a")["state"] == "rejected"
