"""What a marketplace is called for, one SKU after the other, over the simulator."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from connectors.marketplace.simulator import ROUTES
from connectors.marketplace.task import ABSENT, LACKS_PRODUCT
from hub.testing.faults import Faults
from tests.connectors.marketplace.conftest import Sell
from tests.connectors.marketplace.marketplace_world import TOKEN, listing, offer, product


async def test_what_is_new_is_made_with_one_call(sell: Sell) -> None:
    """With price and stock, where the upsert carries them."""
    world = await sell()

    await world.sync(listing("15", offer=offer("19.90", "25.00")))

    row, sold = world.row("15"), world.offers["15"]
    assert (row["state"], row["response_code"], row["external_id"]) == ("success", 201, "mp-1")
    assert (sold["price"], sold["list_price"], sold["stock"]) == (Decimal("19.90"), Decimal("25.00"), 5)
    assert sold["product"]["brand"] == "Plain"
    assert world.requests == {"PUT /products/{}": 1}


async def test_said_twice_it_is_done_once(sell: Sell) -> None:
    """The second is skipped, with the id that it has there."""
    world = await sell()
    await world.sync(listing("15"))

    await world.sync(listing("15", offer=offer("10.0")))

    row = world.row("15")
    assert (row["state"], row["error"], row["external_id"]) == ("skipped", "unchanged", "mp-1")
    assert world.requests == {"PUT /products/{}": 1}


async def test_a_price_alone_is_one_call_without_the_product(sell: Sell) -> None:
    """Nothing else is said."""
    world = await sell()
    await world.sync(listing("15"))
    world.forget_requests()

    await world.sync(listing("15", product=None, category=None, stock=None, offer=offer("12.50")))

    assert world.offers["15"]["price"] == Decimal("12.50")
    assert world.requests == {"PUT /offers/{}/price": 1}
    assert (world.row("15")["state"], world.row("15")["response_code"]) == ("success", 200)


async def test_stock_and_price_that_changed_are_two_calls_in_that_order(sell: Sell) -> None:
    """Price first."""
    world = await sell()
    await world.sync(listing("15"))
    world.forget_requests()

    await world.sync(listing("15", offer=offer("9"), stock=7))

    assert list(world.requests) == ["PUT /offers/{}/price", "PUT /offers/{}/stock"]
    assert (world.offers["15"]["price"], world.offers["15"]["stock"]) == (9, 7)


async def test_without_a_route_of_its_own_a_price_goes_with_the_product(sell: Sell) -> None:
    """Which the connector adds, since the marketplace says that it needs it."""
    world = await sell({"without": ["price", "stock"]})
    await world.sync(listing("15"))
    world.forget_requests()

    await world.sync(listing("15", product=None, category=None, stock=None, offer=offer("12.50")))

    assert (await world.open()).needs_product
    assert (world.offers["15"]["price"], world.offers["15"]["stock"]) == (Decimal("12.50"), 5)
    assert world.requests == {"PUT /products/{}": 1}


async def test_what_is_refused_is_rejected_with_all_that_is_wrong(sell: Sell) -> None:
    """And is not taken for something that the marketplace has."""
    world = await sell(name_length=5)

    await world.sync(listing("15", product=product("15", brand=None), stock=-0, category="c99"))

    row = world.row("15")
    assert row["state"] == "rejected"
    assert row["response_code"] == 422
    assert row["error"] == (
        "product.brand: is required; product.name: has 8 characters, at most 5 are allowed; "
        "category: c99 is no category of this marketplace"
    )
    assert await (await world.open()).standings(["15"]) == {}


async def test_what_is_off_sale_is_blocked_and_has_no_stock(sell: Sell) -> None:
    """In one call, where the block carries the stock; said twice it is skipped."""
    world = await sell()
    await world.sync(listing("15"))
    world.forget_requests()

    await world.sync(listing("15", active=False, product=None, offer=None, stock=None))
    await world.sync(listing("15", active=False, product=None, offer=None, stock=None))

    assert (world.offers["15"]["active"], world.offers["15"]["stock"]) == (False, 0)
    assert world.requests == {"POST /offers/{}/block": 1}
    assert world.row("15")["error"] == "unchanged"


async def test_a_block_that_does_not_take_the_stock_is_two_calls(sell: Sell) -> None:
    """The stock goes first, so that nothing is sold in between."""
    block = {"method": "POST", "path": "/offers/{external_id}/block"}
    world = await sell({"block": block})
    await world.sync(listing("15"))
    world.forget_requests()

    await world.sync(listing("15", active=False))

    assert list(world.requests) == ["PUT /offers/{}/stock", "POST /offers/{}/block"]
    assert (world.offers["15"]["active"], world.offers["15"]["stock"]) == (False, 0)


async def test_what_is_on_sale_again_gets_its_stock_and_is_unblocked(sell: Sell) -> None:
    """In that order."""
    world = await sell()
    await world.sync(listing("15"))
    await world.sync(listing("15", active=False))
    world.forget_requests()

    await world.sync(listing("15", stock=3))

    assert list(world.requests) == ["PUT /offers/{}/stock", "POST /offers/{}/unblock"]
    assert (world.offers["15"]["active"], world.offers["15"]["stock"]) == (True, 3)


async def test_without_an_unblock_the_upsert_puts_it_on_sale_again(sell: Sell) -> None:
    """It carries whether it is on sale."""
    upsert = {**ROUTES["upsert"], "carries": None}
    world = await sell({"without": ["unblock", "upsert"], "upsert": upsert})
    await world.sync(listing("15"))
    await world.sync(listing("15", active=False))
    world.forget_requests()

    await world.sync(listing("15", product=None, stock=3))

    assert (await world.open()).needs_product
    assert list(world.requests) == ["PUT /products/{}", "PUT /offers/{}/stock"]
    assert world.offers["15"]["active"] is True


async def test_where_nothing_can_be_blocked_it_is_deleted_and_forgotten(sell: Sell) -> None:
    """So that it is made anew when it comes back."""
    world = await sell({"without": ["block", "unblock"]})
    await world.sync(listing("15"))

    await world.sync(listing("15", active=False))

    assert world.offers == {}
    assert world.row("15")["external_id"] == "mp-1"
    assert await (await world.open()).standings(["15"]) == {}

    await world.sync(listing("15", product=None))

    assert (world.row("15")["external_id"], world.row("15")["response_code"]) == ("mp-2", 201)


async def test_where_it_can_neither_be_blocked_nor_deleted_it_has_no_stock(sell: Sell) -> None:
    """And its success says so."""
    world = await sell({"without": ["block", "unblock", "delete"]})
    await world.sync(listing("15"))

    await world.sync(listing("15", active=False))

    assert (world.offers["15"]["active"], world.offers["15"]["stock"]) == (True, 0)
    assert world.row("15")["error"].startswith("the marketplace can neither block nor delete")


async def test_a_marketplace_that_turns_out_not_to_block_gets_a_deletion(sell: Sell) -> None:
    """It answers 405."""
    world = await sell(blocks=False)
    await world.sync(listing("15"))

    await world.sync(listing("15", active=False))

    assert world.offers == {}
    assert world.row("15")["state"] == "success"


async def test_what_the_marketplace_never_had_is_skipped_when_it_is_off_sale(sell: Sell) -> None:
    """Without a call."""
    world = await sell()

    await world.sync(listing("15", active=False))

    assert (world.row("15")["state"], world.row("15")["error"]) == ("skipped", ABSENT)
    assert world.requests == {}


async def test_what_the_marketplace_has_lost_comes_back_with_its_product(sell: Sell) -> None:
    """A price that finds nothing is tried again, and the connector brings the product then."""
    world = await sell()
    await world.sync(listing("15"))
    world.simulator.platform.goods.remove("15")

    await world.sync(listing("15", product=None, offer=offer("11")))
    first = world.row("15")
    await world.settle()

    assert (first["state"], first["error"]) == ("waiting", LACKS_PRODUCT)
    assert (world.row("15")["state"], world.row("15")["response_code"]) == ("success", 201)
    assert world.offers["15"]["price"] == 11


async def test_what_is_lost_and_comes_with_its_product_is_made_at_once(sell: Sell) -> None:
    """Within the same push."""
    world = await sell()
    await world.sync(listing("15"))
    world.simulator.platform.goods.remove("15")

    await world.sync(listing("15", offer=offer("11")))

    assert (world.row("15")["state"], world.row("15")["response_code"]) == ("success", 201)
    assert world.offers["15"]["price"] == 11


async def test_a_product_that_never_comes_ends_as_a_dead_letter(sell: Sell) -> None:
    """It holds up nobody else."""
    world = await sell({"delivery": {"attempts": 3}})
    world.knows_products = False

    await world.sync(listing("15", product=None), listing("16"))
    await world.settle()

    assert (world.row("15")["state"], world.row("15")["error"]) == ("dead", LACKS_PRODUCT)
    assert world.row("16")["state"] == "success"
    assert world.simulator.platform.summary()["unknown"] == 0


async def test_what_came_half_of_the_way_goes_on_there(sell: Sell) -> None:
    """The product is not made twice, and its success still says that it was made."""
    world = await sell({"upsert": {**ROUTES["upsert"], "carries": []}})
    world.simulator.app.faults.set([_fault(match="/stock", error=1)])

    await world.sync(listing("15"))
    first = world.row("15")
    world.simulator.app.faults.set([])
    await world.settle()

    row = world.row("15")
    assert (first["state"], row["state"]) == ("waiting", "success")
    assert row["response_code"] == 201
    assert world.requests == {"PUT /products/{}": 1, "PUT /offers/{}/price": 1, "PUT /offers/{}/stock": 1}


async def test_a_price_whose_fate_is_unknown_is_not_believed(sell: Sell) -> None:
    """A price that was changed back meanwhile is said again, though the books have it."""
    world = await sell()
    await world.sync(listing("15", offer=offer("10")))
    world.simulator.app.faults.set([_fault(match="/price", lose=1)])
    await world.sync(listing("15", product=None, offer=offer("12")))
    world.simulator.app.faults.set([])

    await world.sync(listing("15", product=None, offer=offer("10")))
    await world.settle()

    assert world.offers["15"]["price"] == 10
    assert world.simulator.platform.summary()["doubled"] == 0


async def test_what_may_have_been_made_can_be_taken_off_sale(sell: Sell) -> None:
    """The answer to its upsert was lost, so that the hub does not know that it is there."""
    world = await sell({"without": ["block", "unblock"]})
    world.simulator.app.faults.set([_fault(match="/products", lose=1)])
    await world.sync(listing("15"))
    world.simulator.app.faults.set([])
    assert "15" in world.offers
    assert await (await world.open()).standings(["15"]) == {}

    await world.sync(listing("15", active=False))
    await world.settle()

    assert world.offers == {}


async def test_a_repetition_has_its_key_and_another_content_another_one(sell: Sell) -> None:
    """Many answers are lost; nothing is doubled."""
    world = await sell()
    world.simulator.app.faults.set([_fault(lose=0.3, requests=60)])

    await world.sync(*(listing(str(number)) for number in range(20)))
    world.tell(*(listing(str(number), offer=offer("11")) for number in range(20)))
    await world.sync()
    await world.settle(rounds=200)

    summary = world.simulator.platform.summary()
    assert {one["price"] for one in world.offers.values()} == {11}
    assert len(world.offers) == 20
    assert (summary["doubled"], summary["without_key"], summary["unknown"]) == (0, 0, 0)
    assert summary["repeated"] > 0


async def test_what_comes_back_to_an_earlier_price_is_no_repetition(sell: Sell) -> None:
    """The same record says 12, 13 and 12 again, and no answer arrives until then."""
    world = await sell()
    await world.sync(listing("15", offer=offer("10")))
    world.simulator.app.faults.set([_fault(match="/price", lose=1)])
    await world.sync(listing("15", product=None, offer=offer("12")))
    for price in ("13", "12"):
        world.wanted["15"] = listing("15", product=None, offer=offer(price))
        if price == "12":
            world.simulator.app.faults.set([])
        world.hub.pass_time(600)
        await world.hub.work_off("market")

    assert world.row("15")["state"] == "success"
    assert world.row("15")["total_attempts"] == 3
    assert world.offers["15"]["price"] == 12


async def test_a_refusal_that_repeats_the_credential_is_kept_without_it(sell: Sell) -> None:
    """Errors are shown to merchants."""
    world = await sell(refuse=[TOKEN])

    await world.sync(listing(TOKEN))

    (row,) = world.hub.rows("market")
    assert row["error"] == "sku: *** is not to be sold here"


async def test_a_mapping_may_say_what_is_sent(sell: Sell) -> None:
    """From the listing."""
    body = {
        "currency": "offer.currency",
        "price": {"path": "offer.price", "cast": "decimal"},
        "note": {"path": "external_id"},
    }
    world = await sell({"price": {**ROUTES["price"], "body": body}})
    await world.sync(listing("15", offer=offer("10", "20")))

    await world.sync(listing("15", offer=offer("12", "20")))

    assert (world.offers["15"]["price"], world.offers["15"]["list_price"]) == (12, None)


async def test_a_listing_that_a_mapping_has_spoilt_is_rejected(sell: Sell) -> None:
    """With the fields that are wrong."""
    world = await sell()

    await world.sync(replace(listing("15"), stock="5", category=7))  # type: ignore[arg-type]

    assert world.row("15")["state"] == "rejected"
    assert 'stock: "5" is no whole number' in world.row("15")["error"]
    assert "category: 7 is no text" in world.row("15")["error"]


async def test_a_note_stands_with_the_result(sell: Sell) -> None:
    """As a warning, or before the reason why there was nothing to take off sale; it changes nothing."""
    world = await sell()
    await world.sync(listing("15", note="A3: no brand"), listing("16", active=False, note="A1: inactive"))
    first = world.row("15")
    await world.sync(listing("15", note="A3: another one"))

    assert (first["state"], first["error"]) == ("success", "A3: no brand")
    assert world.row("16")["error"] == f"A1: inactive; {ABSENT}"
    assert (world.row("15")["state"], world.row("15")["error"]) == ("skipped", "unchanged")


def _fault(**told: object) -> Faults:
    return Faults.model_validate(told)
