"""A list of SKUs that changes while it is loaded, page by page."""

from __future__ import annotations

import random

import pytest

from connectors.vtex.marketplace.feed import MOST_OVER_AGAIN
from hub import codec
from tests.connectors.vtex.marketplace.conftest import Join
from tests.connectors.vtex.marketplace.market_world import NAME, MarketWorld

LIST = "GET /api/catalog_system/pvt/sku/stockkeepingunitidsbysaleschannel"
DETAILS = "GET /api/catalog_system/pvt/sku/stockkeepingunitbyid/{skuId}"


def assign(world: MarketWorld, *skus: str, to_channel: bool) -> None:
    world.tell("change", skus=[int(sku) for sku in skus], assigned=to_channel, notify=False)


@pytest.mark.parametrize("page_size", (2, 5))
async def test_none_is_lost_when_the_list_shrinks_between_two_pages(join: Join, page_size: int) -> None:
    """What was first on the second page is last on the first one by then, also where the second one is empty now. The others
    are worked once."""
    world = await join({"page_size": page_size})
    gone, *skus = world.skus
    assert (await world.hub.poll(NAME)).full
    assign(world, gone, to_channel=False)

    await world.sync()

    assert set(world.offers) == set(skus)
    assert len(world.hub.rows(NAME)) == len({row["key"] for row in world.hub.rows(NAME)}) == 6


async def test_a_list_that_stays_costs_its_pages_twice_and_each_sku_once(join: Join) -> None:
    """And the empty page behind the last."""
    world = await join({"page_size": 2})

    await world.sync()

    assert world.asked[LIST] == 3 + 1 + 3
    assert world.asked[DETAILS] == 6
    assert {row["state"] for row in world.hub.rows(NAME)} == {"success"}


async def test_a_process_that_takes_over_goes_on_where_the_other_stopped(join: Join) -> None:
    """What the list was is in the cursor: the second pass goes on as well."""
    world = await join({"page_size": 2})
    gone, *skus = world.skus
    polls = 0
    while polls == 0 or codec.loads(world.hub.schedule(NAME)["cursor"])["load"]:
        assert (await world.hub.poll(NAME, runtime=world.hub.make_runtime())).result == "ok"
        polls += 1
        if polls == 1:
            assign(world, gone, to_channel=False)

    await world.work()

    assert set(world.offers) == set(skus)
    # Three pages (the last of one SKU), an empty one, back to the first, which has changed, and once more from the fourth on.
    assert polls == 4 + 3 + 4


@pytest.mark.parametrize("seed", (1, 2, 3))
async def test_a_list_that_never_rests_is_loaded_and_the_load_ends(join: Join, seed: int) -> None:
    """Those that are in it all the time are met."""
    dice = random.Random(seed)
    world = await join({"page_size": 2}, skus=12)
    everything = world.skus
    restless = dice.sample(everything, 4)
    polls = 0

    while (await world.hub.poll(NAME)).full:
        polls += 1
        for sku in restless:
            assign(world, sku, to_channel=dice.random() < 0.5)
    await world.work()

    assert codec.loads(world.hub.schedule(NAME)["cursor"])["load"] is None
    assert set(everything) - set(restless) <= set(world.offers)
    assert polls <= (MOST_OVER_AGAIN + 1) * 10
