"""What becomes of an SKU at the marketplace when something happens to it in VTEX (seed 001, scenarios)."""

from __future__ import annotations

import asyncio
from decimal import Decimal

from tests.connectors.vtex.marketplace.conftest import Join
from tests.connectors.vtex.marketplace.market_world import NAME, TREELESS, MarketWorld
from tests.connectors.vtex.marketplace.storms import until_settled

SKU_ROUTE = "GET /api/catalog_system/pvt/sku/stockkeepingunitbyid/{skuId}"
SIMULATION_ROUTE = "POST /api/fulfillment/pvt/orderForms/simulation"


def since(now: dict[str, int], before: dict[str, int]) -> dict[str, int]:
    """What was asked meanwhile."""
    return {name: count - before.get(name, 0) for name, count in now.items() if count > before.get(name, 0)}


async def logged(world: MarketWorld, sku: str) -> str:
    """The status and message of what happened to an SKU last."""
    newest = (await world.logs(sku))[0]
    return f"{newest['Status']}: {newest['BusinessMessage']}"


def sold_for(world: MarketWorld, sku: str) -> tuple[Decimal, int]:
    """Price and stock there."""
    offer = world.offers[sku]
    return Decimal(str(offer["price"])), offer["stock"]


def offer_id(world: MarketWorld, sku: str) -> str:
    """What the marketplace calls it."""
    return str(world.offers[sku]["id"])


async def test_the_initial_load_puts_every_sku_up_for_sale(join: Join) -> None:
    """With price and stock; both ids are kept."""
    world = await join()
    await world.sync()

    assert set(world.offers) == set(world.skus)
    for sku in world.skus:
        offer = world.vtex.platform.catalog.sku(int(sku)).offer
        assert sold_for(world, sku) == (Decimal(offer.price) / 100, offer.stock)
        assert world.row(sku)["external_id"] == world.offers[sku]["id"]
        assert world.row(sku)["state"] == "success"
        assert f"was created in Simulated Market with the code {offer_id(world, sku)}" in await logged(
            world, sku
        )


async def test_a_load_again_writes_nothing(join: Join) -> None:
    """All of it is unchanged."""
    world = await join()
    await world.sync()
    before = world.told

    world.rewind()
    await world.sync()

    assert since(world.told, before) == {}
    assert {world.row(sku)["state"] for sku in world.skus} == {"skipped"}


async def test_a_price_is_read_without_the_product(join: Join) -> None:
    """One simulation, one call to the marketplace."""
    world = await join()
    await world.sync()
    asked, told = world.asked, world.told

    await world.change(world.skus[0], price=12345)

    assert sold_for(world, world.skus[0])[0] == Decimal("123.45")
    assert since(world.asked, asked) == {SIMULATION_ROUTE: 1}
    assert sum(since(world.told, told).values()) == 1
    assert (await logged(world, world.skus[0])).startswith("Success: The price of")


async def test_a_stock_level_is_told_alone(join: Join) -> None:
    """And nothing of the price."""
    world = await join()
    await world.sync()
    told = world.told

    await world.change(world.skus[0], stock=77)

    assert sold_for(world, world.skus[0])[1] == 77
    assert list(since(world.told, told)) == ["PUT /offers/{}/stock"]
    assert (await logged(world, world.skus[0])).startswith("Success: The stock of")


async def test_new_content_is_read_anew(join: Join) -> None:
    """The whole SKU."""
    world = await join()
    await world.sync()
    asked = world.asked

    await world.change(world.skus[0], name="Another name")

    assert world.offers[world.skus[0]]["product"]["sku_name"] == "Another name"
    assert since(world.asked, asked)[SKU_ROUTE] >= 1


async def test_of_siblings_that_did_not_change_nothing_is_read(join: Join) -> None:
    """VTEX tells of all SKUs of a product."""
    world = await join()
    await world.sync()
    sibling = world.skus[1]
    asked = world.asked

    world.tell("notify", skus=[int(sibling)])
    await world.vtex.platform.idle()
    await world.work()

    assert since(world.asked, asked) == {}
    assert world.row(sibling)["state"] == "skipped"


async def test_an_sku_that_is_switched_off_is_blocked_with_no_stock(join: Join) -> None:
    """And comes back as it is then."""
    world = await join()
    await world.sync()
    sku = world.skus[0]

    await world.change(sku, active=False)
    off, said = world.offers[sku], await world.logs(sku)
    await world.change(sku, active=True)
    on = world.offers[sku]

    assert (off["active"], off["stock"]) == (False, 0)
    assert any("is inactive in VTEX. We recommend" in one["BusinessMessage"] for one in said[:2])
    assert on["active"]
    assert on["stock"] == world.vtex.platform.catalog.sku(int(sku)).offer.stock


async def test_where_nothing_can_be_blocked_it_is_deleted_and_forgotten(join: Join) -> None:
    """The id map is cleaned."""
    routes = {name: route for name, route in TREELESS.items() if name not in {"block", "unblock"}}
    world = await join({"routes": routes})
    await world.sync()
    sku = world.skus[0]

    await world.change(sku, active=False)

    assert sku not in world.offers
    assert await world.ids().get("listing", [sku]) == {}


async def test_an_sku_that_leaves_the_trade_policy_goes(join: Join) -> None:
    """VTEX says that it was removed from the affiliate."""
    world = await join()
    await world.sync()
    sku = world.skus[0]

    world.tell("remove", skus=[int(sku)])
    await world.vtex.platform.idle()
    await world.work()

    assert not world.offers[sku]["active"]


async def test_an_sku_whose_price_is_taken_away_has_no_stock(join: Join) -> None:
    """It is not among the simulation's items, which means no stock (A1)."""
    world = await join()
    await world.sync()
    sku = world.skus[0]

    await world.change(sku, no_price=True)

    assert world.offers[sku]["stock"] == 0
    assert any(
        "couldn't obtain the SKU price" in one["BusinessMessage"] for one in (await world.logs(sku))[:2]
    )


async def test_switched_off_everything_goes_and_comes_back(join: Join) -> None:
    """By one setting."""
    world = await join()
    await world.sync()

    await world.connect(replace=True, selling=False)
    await world.sync()
    off = {sku: offer["active"] for sku, offer in world.offers.items()}
    await world.connect(replace=True, selling=True)
    await world.sync()

    assert set(off.values()) == {False}
    assert all(offer["active"] for offer in world.offers.values())


async def test_switched_off_nothing_that_vtex_tells_of_is_put_on_sale(join: Join) -> None:
    """Neither what was sold before nor what is new."""
    world = await join()
    sold, *others = world.skus
    world.tell("change", skus=[int(sku) for sku in others], active=False, notify=False)
    await world.sync()

    await world.connect(replace=True, selling=False)
    await world.sync()
    await world.change(sold, price=12345)
    await world.change(others[0], active=True)

    assert {sku: offer["active"] for sku, offer in world.offers.items()} == {sold: False}
    assert world.row(others[0])["error"].startswith("the integration is switched off")


async def test_switched_on_again_at_once_everything_stays(join: Join) -> None:
    """What was to be taken off and has not been yet is looked at anew."""
    world = await join()
    await world.sync()

    await world.connect(replace=True, selling=False)
    await world.hub.poll(NAME)
    world.tell("change", skus=[int(world.skus[0])], price=12345, notify=False)
    await world.connect(replace=True, selling=True)
    await world.sync()

    assert all(offer["active"] for offer in world.offers.values())
    assert sold_for(world, world.skus[0])[0] == Decimal("123.45")


async def test_what_somebody_changed_at_the_marketplace_is_repaired(join: Join) -> None:
    """By the comparison that asks the marketplace itself."""
    world = await join()
    await world.sync()
    sku = world.skus[0]
    right = sold_for(world, sku)
    world.tell_market("put", sku=sku, price="1", stock=1)

    world.go_to(checked="2020-01-01T00:00:00+00:00")
    await world.sync()

    assert sold_for(world, sku) == right


async def test_a_notification_that_never_came_is_made_up_for(join: Join) -> None:
    """By the same comparison."""
    world = await join()
    await world.sync()
    sku = world.skus[0]
    world.tell("change", skus=[int(sku)], price=4711, notify=False)

    world.go_to(checked="2020-01-01T00:00:00+00:00")
    await world.sync()

    assert sold_for(world, sku)[0] == Decimal("47.11")


async def test_what_vtex_has_from_its_caches_is_read_once_more(join: Join) -> None:
    """A simulation right after a notification was seen to give the old stock."""
    world = await join({"recheck_seconds": 1}, stale_seconds=0.5)
    await world.sync()
    sku = world.skus[0]

    await world.change(sku, stock=3)
    behind = sold_for(world, sku)[1]
    await asyncio.sleep(1.1)
    await world.sync()

    assert behind != 3
    assert sold_for(world, sku)[1] == 3
    polled = await world.hub.poll("vtex")
    assert polled.news == 0


async def test_lots_are_followed_to_their_end_and_nothing_overtakes_them(join: Join) -> None:
    """No lot is larger than the marketplace takes, and a price waits for the product that it is of."""
    lots = {"path": "/lots/{call}", "status_path": "/lots/{lot}", "limit": 4, "poll_seconds": 1}
    world = await join({"routes": {**TREELESS, "lots": lots}}, market={"lot_seconds": 5}, skus=10)
    await world.sync()
    sku = world.skus[0]
    waits = world.row(sku)["state"]
    await world.change(sku, price=7700)
    meanwhile = world.told
    world.tell_market("clock", advance=6)
    await until_settled(world)
    summary = world.market.platform.summary()

    assert waits == "awaiting"
    assert "PUT /offers/{}/price" not in meanwhile
    assert set(world.offers) == set(world.skus)
    assert sold_for(world, sku)[0] == Decimal("77.00")
    assert summary["largest_lot"] <= 4
    assert summary["unknown"] == 0


async def test_the_catalog_is_a_marketplace_too(join: Join) -> None:
    """From which others sell on: prices, stock and what is off sale arrive there by themselves."""
    world = await join({"destination": {"name": "catalog-marketplace"}})
    await world.sync()
    first, second, *_ = world.skus
    loaded = await world.variants()
    await world.change(first, price=4711, stock=3)
    await world.change(second, active=False)
    now = await world.variants()

    assert set(loaded) == set(world.skus)
    assert (now[first]["prices"][0]["amount"], now[first]["stock"][0]["on_hand"]) == (Decimal("47.11"), 3)
    assert (now[second]["enabled"], now[second]["stock"][0]["on_hand"]) == (False, 0)
    assert now[world.skus[2]] == loaded[world.skus[2]]
