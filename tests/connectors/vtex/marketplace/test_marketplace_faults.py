"""What goes wrong on both sides and in between: everything settles, and no SKU ends with an older price than VTEX's."""

from __future__ import annotations

import asyncio
import random
from decimal import Decimal
from typing import Final

import pytest

from tests.connectors.vtex.marketplace.conftest import Join
from tests.connectors.vtex.marketplace.market_world import NAME, MarketWorld
from tests.connectors.vtex.marketplace.storms import harm, rounds, until_settled

#: By what goes wrong, at whom, and how.
STORMS: Final = {
    "VTEX answers 429": ("vtex", {"throttle": 0.6, "retry_after": 1}),
    "VTEX answers 503": ("vtex", {"error": 0.5}),
    "VTEX hangs up": ("vtex", {"drop": 0.3}),
    "VTEX answers nonsense": ("vtex", {"garbage": 0.4}),
    "simulations fail": ("vtex", {"error": 1.0, "match": "simulation"}),
    "the marketplace is down": ("market", {"error": 1.0}),
    "the marketplace answers 429": ("market", {"throttle": 0.6, "retry_after": 1}),
    "the marketplace's answers are lost": ("market", {"lose": 0.5}),
}


def assert_as_in_vtex(world: MarketWorld) -> None:
    """Price and stock of every SKU, and no write twice without its key."""
    wrong = {}
    for sku in world.skus:
        offer, sold = world.vtex.platform.catalog.sku(int(sku)).offer, world.offers[sku]
        here, there = (Decimal(offer.price) / 100, offer.stock), (Decimal(str(sold["price"])), sold["stock"])
        if here != there:
            wrong[sku] = (here, there)
    summary = world.market.platform.summary()
    assert wrong == {}
    assert (summary["doubled"], summary["without_key"], summary["unknown"]) == (0, 0, 0)


@pytest.mark.parametrize("storm", STORMS)
async def test_after_a_storm_everything_is_as_vtex_has_it(join: Join, storm: str) -> None:
    """Prices change several times meanwhile, and the first load is under way."""
    where, faults = STORMS[storm]
    world = await join(skus=10)
    await harm(world.vtex if where == "vtex" else world.market, **faults)
    dice = random.Random(storm)
    for turn in range(4):
        chosen = dice.sample(world.skus, 4)
        world.tell("change", skus=[int(sku) for sku in chosen], price=1000 + turn)
        await world.vtex.platform.idle()
        await rounds(world, 1)
    await harm(world.vtex)
    await harm(world.market)
    await until_settled(world)

    assert_as_in_vtex(world)


@pytest.mark.parametrize("seed", range(3))
async def test_workers_that_are_killed_at_any_moment_leave_nothing_undone(join: Join, seed: int) -> None:
    """Nothing is sent twice without its key either."""
    dice = random.Random(seed)
    world = await join({"delivery": {"slice_size": 5}}, skus=12)
    for turn in range(8):
        chosen = dice.sample(world.skus, 3)
        world.tell("change", skus=[int(sku) for sku in chosen], price=2000 + turn)
        await world.vtex.platform.idle()
        await rounds(world, 1, dice)
    await until_settled(world)

    assert_as_in_vtex(world)


async def test_a_simulation_that_times_out_for_one_sku_is_taken_apart(join: Join) -> None:
    """The other 49 of its batch are sold meanwhile, and once it is well it is sold too."""
    world = await join(skus=50)
    bad = world.skus[30]
    world.tell("poison", skus=[int(bad)], **{"as": "timeout", "seconds": 0.2})
    await world.sync()
    sold = set(world.offers)
    world.tell("poison", skus=[])
    await until_settled(world)

    assert sold == set(world.skus) - {bad}
    assert_as_in_vtex(world)


async def test_a_price_that_changes_while_an_older_one_is_on_its_way_wins(join: Join) -> None:
    """The marketplace is slow; the notification comes while the push is under way."""
    world = await join(skus=2)
    await world.sync()
    [sku, _] = world.skus
    await harm(world.market, latency_ms=300)
    world.tell("change", skus=[int(sku)], price=111)
    await world.vtex.platform.idle()
    first = asyncio.create_task(world.hub.work(NAME))
    await asyncio.sleep(0.2)
    world.tell("change", skus=[int(sku)], price=222)
    await world.vtex.platform.idle()
    second = asyncio.create_task(world.hub.work(NAME, runtime=world.hub.make_runtime()))
    await asyncio.gather(first, second)
    await world.work()

    assert Decimal(str(world.offers[sku]["price"])) == Decimal("2.22")
