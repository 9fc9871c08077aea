"""Calls that go in lots and are decided later."""

from __future__ import annotations

from typing import Any

from connectors.marketplace.simulator import ROUTES
from hub.records import JSON
from hub.testing.faults import Faults
from tests.connectors.marketplace.conftest import Sell
from tests.connectors.marketplace.marketplace_world import LOTS, MarketplaceWorld, listing, offer

TAKES_ALL = {**LOTS, "takes": ["upsert", "price", "stock"]}


def goods(count: int, **said: Any) -> list[Any]:
    return [listing(str(number), **said) for number in range(count)]


def lots(world: MarketplaceWorld) -> JSON:
    found: JSON = world.simulator.platform.state()["lots"]
    return found


async def test_lots_are_at_most_as_large_as_their_limit_and_followed_to_the_end(sell: Sell) -> None:
    """Each is asked about once when it is decided, for all of its SKUs."""
    world = await sell({"lots": LOTS}, lot_limit=10)

    await world.sync(*goods(25))
    waiting = {row["state"] for row in world.hub.rows("market")}
    await world.settle()

    assert waiting == {"awaiting"}
    assert sorted(len(lot["results"]) for lot in lots(world).values()) == [5, 10, 10]
    assert [lot["asked"] for lot in lots(world).values()] == [1, 1, 1]
    assert {row["state"] for row in world.hub.rows("market")} == {"success"}
    assert {row["response_code"] for row in world.hub.rows("market")} == {201}
    assert len(world.offers) == 25
    assert world.row("7")["external_id"] == world.offers["7"]["id"]


async def test_an_undecided_lot_is_asked_about_again_after_its_pause(sell: Sell) -> None:
    """Nothing else is said of its SKUs meanwhile."""
    world = await sell({"lots": LOTS}, lot_seconds=100)
    await world.sync(*goods(3))

    for _ in range(3):
        world.hub.pass_time(2)
        await world.hub.work_off("market")
    (lot,) = lots(world).values()
    assert lot["asked"] == 3
    assert await (await world.open()).standings(["0", "1", "2"]) == {}

    world.simulator.platform.clock.told({"advance": 200})
    await world.settle()

    assert len(await (await world.open()).standings(["0", "1", "2"])) == 3


async def test_no_update_is_sent_while_a_product_is_not_known_to_exist(sell: Sell) -> None:
    """Prices that come while its lot is undecided wait for it."""
    world = await sell({"lots": LOTS}, lot_seconds=100)
    await world.sync(*goods(5))

    await world.sync(*goods(5, product=None, offer=offer("12")))
    before = world.requests
    world.simulator.platform.clock.told({"advance": 200})
    await world.settle()

    assert "PUT /offers/{}/price" not in before
    assert {one["price"] for one in world.offers.values()} == {12}
    assert world.simulator.platform.summary()["unknown"] == 0


async def test_an_sku_that_its_lot_refuses_is_rejected_alone(sell: Sell) -> None:
    """With all errors that the result names."""
    world = await sell({"lots": LOTS}, refuse=["2"])

    await world.sync(*goods(3), listing("x", category="c99"))
    await world.settle()

    assert world.hub.states("market") == {"0": "success", "1": "success", "2": "rejected", "x": "rejected"}
    assert world.row("2")["error"] == "sku: 2 is not to be sold here"
    assert world.row("x")["error"] == "category: c99 is no category of this marketplace"
    assert set(await (await world.open()).listed()) == {"0", "1"}


async def test_a_lot_that_the_marketplace_has_lost_is_sent_again(sell: Sell) -> None:
    """As another lot: it is no repetition of the one that is lost."""
    world = await sell({"lots": LOTS}, lot_seconds=1)
    await world.sync(*goods(4))
    assert world.simulator.platform.lots.lose() == 1

    await world.settle()

    assert len(lots(world)) == 2
    assert world.simulator.platform.summary()["repeated"] == 0
    assert {row["state"] for row in world.hub.rows("market")} == {"success"}


async def test_lots_that_are_lost_for_ever_end_as_a_rejection(sell: Sell) -> None:
    """After ten of them."""
    world = await sell({"lots": LOTS}, lot_lost=1)

    await world.sync(*goods(2))
    await world.settle()

    assert set(world.hub.states("market").values()) == {"rejected"}
    assert world.row("0")["error"].startswith("the marketplace has lost the lot lot-10, 10 times")


async def test_prices_and_stock_go_in_lots_of_their_own(sell: Sell) -> None:
    """One after the other, where both have changed."""
    world = await sell({"lots": TAKES_ALL, "price": {"path": None}, "stock": {"path": None}})
    await world.sync(*goods(3))
    await world.settle()

    await world.sync(*goods(3, product=None, offer=offer("12"), stock=9))
    await world.settle()

    assert {(one["price"], one["stock"]) for one in world.offers.values()} == {(12, 9)}
    assert len(lots(world)) == 3
    assert {row["state"] for row in world.hub.rows("market")} == {"success"}


async def test_what_does_not_go_in_lots_follows_when_the_lot_is_decided(sell: Sell) -> None:
    """A price that failed then is tried again, while the record waits."""
    world = await sell({"lots": LOTS, "upsert": {**ROUTES["upsert"], "carries": []}})
    await world.sync(*goods(3))
    world.simulator.app.faults.set([Faults(match="/price", error=1, requests=3)])

    await world.settle()

    assert {(one["price"], one["stock"]) for one in world.offers.values()} == {(10, 5)}
    assert {row["state"] for row in world.hub.rows("market")} == {"success"}
    assert {row["response_code"] for row in world.hub.rows("market")} == {201}


async def test_a_lot_that_is_refused_as_a_whole_is_halved(sell: Sell) -> None:
    """A marketplace that takes fewer than it was thought to."""
    world = await sell({"lots": LOTS}, lot_limit=4)

    await world.sync(*goods(10))
    await world.settle()

    assert {row["state"] for row in world.hub.rows("market")} == {"success"}
    assert world.simulator.platform.summary()["largest_lot"] <= 4


async def test_a_lot_whose_answer_was_lost_is_handed_in_once(sell: Sell) -> None:
    """The repetition has its key."""
    world = await sell({"lots": LOTS})
    world.simulator.app.faults.set([Faults(match="POST /lots", lose=1, requests=1)])

    await world.sync(*goods(4))
    await world.settle()

    assert len(lots(world)) == 1
    assert world.simulator.platform.summary()["repeated"] == 1
    assert {row["state"] for row in world.hub.rows("market")} == {"success"}


async def test_a_marketplace_that_is_down_while_a_lot_is_followed_loses_nothing(sell: Sell) -> None:
    """The question is asked again."""
    world = await sell({"lots": LOTS})
    await world.sync(*goods(4))
    world.simulator.app.faults.set([Faults(match="GET /lots", error=1, requests=3)])

    await world.settle()

    assert {row["state"] for row in world.hub.rows("market")} == {"success"}


async def test_a_lot_that_was_asked_about_often_is_sent_again_when_it_is_lost(sell: Sell) -> None:
    """Ten questions about one lot are not ten lots."""
    world = await sell({"lots": LOTS}, lot_seconds=10_000)
    await world.sync(*goods(2))
    for _ in range(12):
        world.hub.pass_time(20)
        await world.hub.work_off("market")
    assert {row["state"] for row in world.hub.rows("market")} == {"awaiting"}

    assert world.simulator.platform.lots.lose() == 1
    world.hub.pass_time(20)
    await world.hub.work_off("market")
    world.simulator.platform.clock.told({"advance": 20_000})
    await world.settle()

    assert {row["state"] for row in world.hub.rows("market")} == {"success"}
    assert len(lots(world)) == 2


async def test_a_lot_whose_answer_was_lost_while_it_was_followed_is_handed_in_once(sell: Sell) -> None:
    """The repetition has its key there, too."""
    world = await sell({"lots": LOTS})
    await world.sync(*goods(2))
    assert world.simulator.platform.lots.lose() == 1
    world.simulator.app.faults.set([Faults(match="POST /lots", lose=1, requests=1)])

    await world.settle()

    assert len(lots(world)) == 2
    assert world.simulator.platform.summary()["repeated"] == 1
    assert {row["state"] for row in world.hub.rows("market")} == {"success"}
