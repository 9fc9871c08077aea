"""What a connector may ask a marketplace: what it has, what it really sells for, its categories."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest

from connectors.marketplace.simulator import ROUTES
from hub.errors import HubError, RetryableError
from hub.marketplace import Attribute, Listing, Marketplace, Offer
from hub.records import Item, Success
from hub.store import connections
from hub.testing.faults import Faults
from tests.connectors.marketplace.conftest import Sell
from tests.connectors.marketplace.marketplace_world import listing, offer


async def test_it_is_a_marketplace(sell: Sell) -> None:
    """As connectors know one."""
    destination = await (await sell()).open()

    assert isinstance(destination, Marketplace)
    assert destination.title_for_people == "Simulated Market"
    assert not destination.needs_product


async def test_what_it_has_is_known_with_its_id_and_address(sell: Sell) -> None:
    """And what it was told last."""
    world = await sell()
    await world.sync(listing("15", offer=offer("10", "12")), listing("16", active=False))

    standing = (await (await world.open()).standings(["15", "16", "17"]))["15"]

    assert (standing.external_id, standing.group, standing.active, standing.stock) == (
        "mp-1",
        "p-15",
        True,
        5,
    )
    assert standing.offer == Offer(currency="BRL", price=Decimal(10), list_price=Decimal(12))
    assert standing.url == "https://marketplace.example/p/mp-1"
    assert set(await (await world.open()).standings(["15", "16", "17"])) == {"15"}


async def test_all_that_it_has_comes_page_by_page(sell: Sell) -> None:
    """In order, from behind a SKU on."""
    world = await sell()
    await world.sync(*(listing(sku) for sku in "edcba"))
    destination = await world.open()

    assert list(await destination.listed(limit=2)) == ["a", "b"]
    assert list(await destination.listed(after="b", limit=2)) == ["c", "d"]
    assert list(await destination.listed(after="d", limit=2)) == ["e"]


async def test_a_price_that_was_changed_behind_the_hubs_back_is_found_and_said_again(sell: Sell) -> None:
    """Though the listing is what it was."""
    world = await sell()
    await world.sync(listing("15"), listing("16"))
    world.simulator.platform.commands()["put"]({"sku": "15", "price": "8.88"})
    destination = await world.open()
    held = await destination.standings(["15", "16"])

    really = await destination.offers(held)
    world.forget_requests()
    await world.sync(listing("15"), listing("16"))

    assert really["15"].offer == Offer(currency="BRL", price=Decimal("8.88"))
    assert really["16"] == held["16"]
    assert world.offers["15"]["price"] == Decimal("10.00")
    assert world.requests == {"PUT /offers/{}/price": 1}


@pytest.mark.parametrize(
    ("changed", "calls"),
    (
        ({"stock": 99}, {"PUT /offers/{}/stock": 1}),
        ({"active": False}, {"POST /offers/{}/unblock": 1}),
        ({"price": "1", "stock": 0}, {"PUT /offers/{}/price": 1, "PUT /offers/{}/stock": 1}),
    ),
)
async def test_whatever_was_changed_is_mended(sell: Sell, changed: dict[str, object], calls: object) -> None:
    """With the calls that it takes."""
    world = await sell()
    await world.sync(listing("15"))
    world.simulator.platform.commands()["put"]({"sku": "15", **changed})
    destination = await world.open()

    await destination.offers(await destination.standings(["15"]))
    world.forget_requests()
    await world.sync(listing("15"))

    assert world.requests == calls
    assert (world.offers["15"]["stock"], world.offers["15"]["active"]) == (5, True)


@pytest.mark.parametrize("path", ("/offers?skus={skus}", "/offers/{sku}", "/offers/{external_id}"))
async def test_what_was_taken_away_is_forgotten_and_made_anew(sell: Sell, path: str) -> None:
    """However offers are read."""
    world = await sell({"offers": {"path": path, "limit": 2}})
    await world.sync(*(listing(str(number)) for number in range(5)))
    world.simulator.platform.goods.remove("3")
    destination = await world.open()
    held = await destination.standings([str(number) for number in range(5)])

    really = await destination.offers(held)
    await world.sync(listing("3", product=None))

    assert set(really) == {"0", "1", "2", "4"}
    assert world.row("3")["response_code"] == 201
    assert "3" in world.offers


async def test_without_a_route_the_hubs_own_books_stand_for_the_offers(sell: Sell) -> None:
    """Nothing is asked."""
    world = await sell({"without": ["offers", "categories"]})
    await world.sync(listing("15"))
    destination = await world.open()
    held = await destination.standings(["15"])

    assert await destination.offers(held) == held
    assert await destination.categories() is None


async def test_the_category_tree_is_read_with_attributes(sell: Sell) -> None:
    """All levels of it."""
    world = await sell(categories=4)

    roots = await (await world.open()).categories()

    assert [(root.id, root.name, [one.id for one in root.children]) for root in roots] == [
        ("b1", "Department 1", ["c1", "c2", "c3"]),
        ("b2", "Department 2", ["c4"]),
    ]
    colours = ("black", "blue", "green", "red", "white")
    assert roots[0].children[1].attributes == (
        Attribute(name="colour", required=True, values=colours),
        Attribute(name="material"),
    )


@pytest.mark.parametrize("route", ("categories", "offers"))
async def test_an_answer_that_cannot_be_read_is_an_error_that_the_hub_knows(sell: Sell, route: str) -> None:
    """Whatever it holds."""
    items = {"categories": "@", "offers": "nothing"}[route]
    settings = {"without": [route], route: {**ROUTES[route], "items": items}}
    world = await sell(settings)
    await world.sync(listing("15"))
    destination = await world.open()

    with pytest.raises(RetryableError, match="cannot be read"):
        await (
            destination.categories()
            if route == "categories"
            else destination.offers(await destination.standings(["15"]))
        )


async def test_a_check_reads_and_writes_nothing(sell: Sell) -> None:
    """The categories, where they can be read; otherwise whether anybody answers."""
    with_tree, without = await sell(), {"without": ["categories"]}
    facts = (await (await with_tree.open()).check()).facts

    assert facts["status"] == 200
    assert with_tree.requests == {"GET /categories": 1}

    connections.remove_connection(with_tree.hub.db, "market")
    await with_tree.connect(**without)
    assert (await (await with_tree.open()).check()).facts["marketplace"] == "Simulated Market"


async def test_a_check_says_that_a_token_is_refused(sell: Sell) -> None:
    """Before anything is sold."""
    world = await sell()
    world.simulator.platform.commands()["expire"]({})

    with pytest.raises(HubError, match="credential was refused"):
        await (await world.open()).check()


async def test_a_push_may_be_repeated_with_the_same_key(sell: Sell) -> None:
    """As after a crash before its outcome was kept: the same answer, and no call."""
    world = await sell()
    destination = await world.open()
    told = item(listing("15"), "k")

    (first,), (second,) = await destination.push([told]), await destination.push([told])

    assert isinstance(first, Success)
    assert (first.created, first.response_code, first.external_id) == (True, 201, "mp-1")
    assert first.duration_ms is not None
    assert isinstance(second, Success)
    assert (second.created, second.response_code, second.external_id) == (True, 201, "mp-1")
    assert world.requests == {"PUT /products/{}": 1}


async def test_garbage_is_no_success(sell: Sell) -> None:
    """A marketplace that says JSON and writes something else has not decided anything."""
    world = await sell()
    world.simulator.app.faults.set([Faults(garbage=1, requests=1)])

    await world.sync(listing("15"))
    first = world.row("15")["state"]
    await world.settle()

    assert first == "waiting"
    assert world.row("15")["state"] == "success"


async def test_a_worker_that_dies_in_the_middle_of_a_call_leaves_it_in_doubt(sell: Sell) -> None:
    """What it was about to say is said again, though the books had another price."""
    world = await sell()
    await world.sync(listing("15"))
    destination = await world.open()
    world.simulator.app.faults.set([Faults(match="/price", stall=1, stall_seconds=60)])

    dying = asyncio.create_task(destination.push([item(listing("15", offer=offer("12")), "k1")]))
    while not world.simulator.app.faults.injected["stall"]:  # noqa: ASYNC110 - a counter rings no bell
        await asyncio.sleep(0.01)
    dying.cancel()
    await asyncio.wait([dying])
    world.simulator.app.faults.set([])
    world.simulator.platform.commands()["put"]({"sku": "15", "price": "12"})
    (result,) = await destination.push([item(listing("15"), "k2")])

    assert isinstance(result, Success)
    assert world.offers["15"]["price"] == Decimal("10.00")


def item(said: Listing, key: str) -> Item:
    """As the core hands it over."""
    return Item(id=1, stream="offers", key=said.sku, payload={}, body=said.body(), idempotency_key=key)
