"""The life of a SKU at a marketplace, over the simulator."""

from __future__ import annotations

from tests.connectors.vtex.seller.conftest import Sell


async def test_what_the_marketplace_does_not_have_is_suggested_and_waits(sell: Sell) -> None:
    """Without an attempt spent, however long it takes."""
    world = await sell(approve="manual")
    world.offer("a")

    await world.sync()
    await world.later(3 * 24 * 3600)

    (suggestion,) = world.market["suggestions"]
    row = world.row("a")
    assert suggestion["status"] == "Pending"
    assert (row["state"], row["attempts"]) == ("awaiting", 0)


async def test_what_is_approved_is_known_and_asked_for(sell: Sell) -> None:
    """The marketplace asks for price and stock itself."""
    world = await sell(approve="manual")
    world.offer("a")
    await world.sync()

    world.tell("approve")
    await world.later(60)

    assert world.row("a")["state"] == "success"
    assert world.market["offers"]["seller"]["a-v"]["status"] == "available"
