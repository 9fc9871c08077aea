"""What becomes of an SKU at the marketplace when something happens to it in VTEX (seed 001, scenarios)."""

from __future__ import annotations

from decimal import Decimal

from tests.connectors.vtex.marketplace.conftest import Join
from tests.connectors.vtex.marketplace.market_world import ROUTES, MarketWorld

SKU_ROUTE = "GET /api/catalog_system/pvt/sku/stockkeepingunitbyid/{skuId}"
SIMULATION_ROUTE = "POST /api/fulfillment/pvt/orderForms/simulation"


def since(now: dict[str, int], before: dict[str, int]) -> dict[str, int]:
    """What was asked meanwhile."""
    return {name: count - before.get(name, 0) for name, count in now.items() if count > before.get(name, 0)}


def sold_for(world: MarketWorld, sku: str) -> tuple[Decimal, int]:
    """Price and stock there."""
    offer = world.offers[sku]
    return Decimal(str(offer["price"])), offer["stock"]


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


async def test_a_stock_level_is_told_alone(join: Join) -> None:
    """And nothing of the price."""
    world = await join()
    await world.sync()
    told = world.told

    await world.change(world.skus[0], stock=77)

    assert sold_for(world, world.skus[0])[1] == 77
    assert list(since(world.told, told)) == ["stock"]


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
    off = world.offers[sku]
    await world.change(sku, active=True)
    on = world.offers[sku]

    assert (off["active"], off["stock"]) == (False, 0)
    assert on["active"]
    assert on["stock"] == world.vtex.platform.catalog.sku(int(sku)).offer.stock


async def test_where_nothing_can_be_blocked_it_is_deleted_and_forgotten(join: Join) -> None:
    """The id map is cleaned."""
    routes = {name: route for name, route in ROUTES.items() if name not in {"block", "unblock"}}
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
