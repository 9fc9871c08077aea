"""A look at bulk operations comes along with a page: what is read by pages goes first then, and comes in as ever."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.shopify import tally
from connectors.shopify.bulk import SHORTEST_WAIT, BulkOperations, first_wait, wait_for
from connectors.shopify.client import Answer
from connectors.shopify.passes import Passes
from connectors.shopify.planning import Scratch
from connectors.shopify.settings import SCOPES, ShopifySettings
from connectors.shopify.simulator import endpoint
from connectors.shopify.steps import by_pages_next
from hub.runtime import Runtime
from hub.store import connections
from hub.testing.faults import Faults
from tests.connectors.shopify.conftest import NAME, Import, Serve, counts

#: Collections, products and stock are read by bulk operations, locations and customers by pages.
MIXED = {"pages_up_to": 25}
SHOP = {"products": 30, "variants": 1, "media": 0, "customers": 20}
#: A document, and whether operations were looked at along with it.
Asked = list[tuple[str, bool]]


async def connector_of(shop: Import, name: str = NAME, *, runtime: Runtime | None = None) -> Any:
    """The one that polls."""
    return (await (runtime or shop.hub.runtime).pipeline(shop.hub.connection(name).id)).connector


async def asked_of(shop: Import, runtime: Runtime | None = None) -> Asked:
    """What the shop is asked from now on."""
    connector = await connector_of(shop, runtime=runtime)
    ask, asked = connector._client.ask, Asked()

    async def noted(name: str, **variables: Any) -> Answer:
        asked.append((name, variables.get("looking", False)))
        answer: Answer = await ask(name, **variables)
        return answer

    connector._client.ask = noted
    return asked


async def until_all_is_written(shop: Import) -> Asked:
    """A full pass, up to where its operations have written all and nobody has looked; what is asked from its begin on."""
    asked, before = await asked_of(shop), shop.counters["bulk_operations"]
    connections.rewind(shop.hub.db, NAME, full_pass=True)
    await until(shop, lambda: shop.counters["bulk_operations"] > before)
    await shop.shop.platform.bulk.idle()
    return asked


async def until(shop: Import, reached: Callable[[], Any]) -> None:
    """Poll up to there."""
    for _ in range(2000):
        if reached():
            return
        await shop.hub.poll(NAME)
    raise AssertionError(f"it never comes to this: {shop.cursor()}")


def pages_of(asked: Asked, name: str) -> Asked:
    """The requests for one document."""
    return [one for one in asked if one[0] == name]


async def test_the_first_look_takes_no_request_of_its_own(importing: Serve) -> None:
    """It comes along with the page of customers, and nothing is asked twice in the whole pass."""
    async with importing(MIXED, **SHOP) as shop:
        asked = await until_all_is_written(shop)
        await shop.polls()

    assert pages_of(asked, "customers_page") == [("customers_page", True)]
    assert pages_of(asked, "bulk_states") == []
    assert len({name for name, _ in asked}) == len(asked), asked


async def test_a_pass_is_stored_before_its_operations_are_started_and_they_are_before_anything_is_read(
    importing: Serve,
) -> None:
    """The first poll comes back at once."""
    async with importing(MIXED, **SHOP) as shop:
        asked = await asked_of(shop)
        connections.rewind(shop.hub.db, NAME, full_pass=True)
        outcome = await shop.hub.poll(NAME)
        asked_first = [*asked]
        await shop.polls()

    assert asked_first == [("shop", False), ("counts", False)]
    assert (outcome.next_in, outcome.unfinished) == (timedelta(0), True)
    assert [name for name, _ in asked][2:4] == ["bulk_run", "customers_page"]


async def test_each_that_is_read_by_pages_takes_a_look_along(importing: Serve) -> None:
    """And each look says how long to wait for the next one; only the last one takes a request of its own."""
    async with importing(MIXED, **SHOP) as shop:
        shop.tell("bulk", hold="running")
        asked = await until_all_is_written(shop)
        waits = [(await shop.hub.poll(NAME)).next_in for _ in range(2)]
        asked_so_far = [*asked]
        shop.tell("bulk", hold="none")
        await shop.polls()
        resources = (await shop.report())["resources"]

    assert asked_so_far[3:] == [("customers_page", True), ("locations_page", True)]
    assert all(timedelta(0) < wait <= SHORTEST_WAIT for wait in waits), waits
    assert asked[5:] == [("bulk_states", True)]
    assert all(one["complete"] for one in resources.values()), resources
    assert [resources[name]["read"] for name in ("locations", "products", "stock")] == [3, 30, 90]


async def test_what_has_ended_is_taken_in_while_locations_are_kept_for_a_look_at_the_others(
    importing: Serve,
) -> None:
    """Nothing of it leads to them."""
    async with importing(MIXED, **SHOP) as shop:
        shop.tell("bulk", hold="running")
        asked = await until_all_is_written(shop)
        operations = shop.cursor()["pass"]["ops"]
        shop.tell("bulk", id=operations["collections"]["id"], status="COMPLETED")
        await until(shop, lambda: "collections" not in shop.cursor()["pass"]["left"])
        left = shop.cursor()["pass"]["left"]
        shop.tell("bulk", hold="none")
        await shop.polls()

    assert left == ["locations", "products", "stock"]
    assert asked[3:] == [("customers_page", True), ("locations_page", True)]


async def test_locations_are_kept_for_no_look_when_all_have_ended(importing: Serve) -> None:
    """They come before what leads to them then, as ever."""
    async with importing(MIXED, **SHOP) as shop:
        asked = await until_all_is_written(shop)
        bulk = (await connector_of(shop))._bulk
        spool = bulk.spool

        async def noted(*of: Any, **how: Any) -> Any:
            asked.append(("a result", False))
            return await spool(*of, **how)

        bulk.spool = noted
        await shop.polls()

    assert asked[3:6] == [("customers_page", True), ("locations_page", False), ("a result", False)]


async def test_stock_follows_what_stands_before_it_though_no_look_comes_along(importing: Serve) -> None:
    """Collections and products by pages, when the operation for stock has ended and the one for customers has not."""
    async with importing({"pages_up_to": 50}, **SHOP | {"variants": 2, "customers": 60}) as shop:
        shop.tell("bulk", hold="running")
        asked = await until_all_is_written(shop)
        operations = shop.cursor()["pass"]["ops"]
        shop.tell("bulk", id=operations["stock"]["id"], status="COMPLETED")
        await until(shop, lambda: "stock" not in shop.cursor()["pass"]["left"])
        left = shop.cursor()["pass"]["left"]
        shop.tell("bulk", hold="none")
        await shop.polls()

    assert sorted(operations) == ["customers", "stock"]
    assert left == ["customers"]
    pages = [("locations_page", True), ("collections_page", False), ("products_page", False)]
    assert asked[3:] == [*pages, ("bulk_states", True)]


async def test_stock_follows_locations_though_what_had_ended_is_made_again(importing: Serve) -> None:
    """Collections were to go first, and are awaited again: their result is not there any more."""
    async with importing({}, products=510, variants=1, media=0, locations=1, customers=5) as shop:
        shop.tell("bulk", hold="running")
        asked = await until_all_is_written(shop)
        gid = shop.cursor()["pass"]["ops"]["collections"]["id"]
        shop.tell("bulk", id=gid, status="COMPLETED")
        file = shop.shop.platform.bulk._operations[gid].file_name
        shop.shop.app.faults.set([Faults(error=1.0, error_status=404, match=file)])
        await until(shop, lambda: len(pages_of(asked, "bulk_run")) == 2)
        await until(shop, lambda: len(pages_of(asked, "stock_page")))
        shop.tell("bulk", hold="none")
        await shop.polls()

    pages = [(name, looked) for name, looked in asked if name in ("locations_page", "stock_page")]
    assert pages[:2] == [("locations_page", True), ("stock_page", True)]


async def test_what_went_first_is_all_there_and_what_is_gone_of_it_is_marked(importing: Serve) -> None:
    """As what comes by bulk operations behind it."""
    async with importing(MIXED, **SHOP) as shop:
        first = counts(await shop.run())
        shop.tell("delete", resource="customers", count=4, webhooks=False)
        shop.tell("delete", resource="products", count=3, webhooks=False)
        asked = await asked_of(shop)
        second = counts(await shop.run())
        there = [len(await shop.catalog(kind)) for kind in ("customer", "product")]

    assert pages_of(asked, "customers_page") == [("customers_page", True)]
    assert [first["customers"], first["products"]] == [[20, 20, 0, 0, 0, 0], [30, 30, 0, 0, 0, 0]]
    assert [second["customers"], second["products"]] == [[16, 0, 0, 16, 4, 0], [27, 0, 0, 27, 3, 0]]
    assert there == [16, 27]


async def test_customers_that_are_refused_take_nothing_along(importing: Serve) -> None:
    """The look comes along with locations then, and what operations bring is complete."""
    async with importing(MIXED, **SHOP) as shop:
        await shop.run()
        asked = await until_all_is_written(shop)
        shop.tell("scopes", granted=sorted({*SCOPES.values()} - {"read_customers"}))
        await shop.polls()
        resources = (await shop.report())["resources"]
        there = await shop.catalog("customer")

    assert pages_of(asked, "customers_page") == [("customers_page", True)]
    assert pages_of(asked, "locations_page") == [("locations_page", True)]
    assert pages_of(asked, "bulk_states") == []
    assert "read_customers" in resources["customers"]["warnings"]["refused"]["first"]
    assert {name for name, one in resources.items() if not one["complete"]} == {"customers"}
    assert (len(there), resources["customers"]["gone"]) == (20, 0)
    assert [resources[name]["read"] for name in ("products", "stock")] == [30, 90]


async def test_a_page_that_was_too_expensive_is_halved_and_looks_no_more(
    importing: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The look comes along with the next that is read by pages."""
    monkeypatch.setattr(endpoint, "MAX_COST", 110)  # of 250 customers a page costs more, of 125 less
    async with importing(MIXED, **SHOP) as shop:
        asked = await until_all_is_written(shop)
        await shop.polls()
        resources = (await shop.report())["resources"]

    assert pages_of(asked, "customers_page") == [("customers_page", True), ("customers_page", False)]
    assert pages_of(asked, "locations_page") == [("locations_page", True)]
    assert pages_of(asked, "bulk_states") == []
    assert all(one["complete"] for one in resources.values()), resources
    assert [resources[name]["read"] for name in ("customers", "products")] == [20, 30]


async def test_an_operation_that_is_not_there_any_more_is_started_anew(importing: Serve) -> None:
    """It is null among those that are looked at, and the others are known by their places."""
    async with importing(MIXED, **SHOP) as shop:
        await until_all_is_written(shop)
        operations = shop.cursor()["pass"]["ops"]
        del shop.shop.platform.bulk._operations[operations["products"]["id"]]
        await shop.hub.poll(NAME)
        after = shop.cursor()["pass"]["ops"]
        await shop.polls()
        resources = (await shop.report())["resources"]

    assert {name: one["tries"] for name, one in after.items()} == {
        "collections": 0,
        "products": 1,
        "stock": 0,
    }
    assert all(one["complete"] for one in resources.values()), resources
    assert resources["products"]["read"] == 30


async def test_a_pass_goes_on_in_a_process_that_has_not_looked(importing: Serve) -> None:
    """The one that looked has died: what it saw is asked again, and nothing is read or started twice."""
    async with importing(MIXED, **SHOP, bulk_seconds=3600) as shop:
        asked = await until_all_is_written(shop)
        await until(shop, lambda: "customers" not in shop.cursor()["pass"]["left"])
        looks_again = shop.cursor()["pass"].get("look_at")
        heir = shop.hub.make_runtime()
        asked_then = await asked_of(shop, heir)
        shop.tell("clock", advance=3600)
        await shop.polls(runtime=heir)
        resources = (await shop.report())["resources"]

    assert pages_of(asked, "customers_page") == [("customers_page", True)]
    assert looks_again
    assert asked_then == [("locations_page", True)]
    assert all(one["complete"] for one in resources.values()), resources
    assert [resources[name]["read"] for name in ("customers", "products", "stock")] == [20, 30, 90]


async def test_what_is_being_taken_in_is_not_left_for_a_page(importing: Serve) -> None:
    """Though its heir has to look again, and stock is still to be read by pages."""
    async with importing({}, products=510, variants=1, media=0, locations=1, customers=5) as shop:
        asked = await until_all_is_written(shop)
        await until(shop, lambda: shop.cursor()["pass"]["left"] == ["products", "stock"])
        await until(shop, lambda: shop.cursor()["pass"]["after"])
        heir = shop.hub.make_runtime()
        asked_then = await asked_of(shop, heir)
        await shop.polls(runtime=heir)
        resources = (await shop.report())["resources"]

    assert pages_of(asked, "customers_page") == [("customers_page", True)]
    assert asked_then == [("bulk_states", True), *[("stock_page", False)] * 3]
    assert all(one["complete"] for one in resources.values()), resources
    assert [resources[name]["read"] for name in ("products", "stock")] == [510, 510]


class StillClock:
    """Noon."""

    def now(self) -> datetime:
        return datetime(2026, 6, 1, 12, tzinfo=UTC)


async def test_what_is_gone_of_products_is_looked_for_before_stock_is_read() -> None:
    """Else all of stock would be gone, which has not been read. An heir knows of no operation that it has ended."""
    nothing: Any = None
    settings = ShopifySettings(shop="north.myshopify.com")
    operations = BulkOperations(nothing, nothing, shop=settings.shop, hosts=())
    passes = Passes(nothing, operations, settings, documents=Scratch(), catalog=None, clock=StillClock())
    under_way: Any = {
        "left": ["products", "stock"],
        "stage": "gone",
        "after": None,
        "begun": "2026-06-01T11:00:00Z",
    }
    under_way |= {"modes": {"products": "bulk", "stock": "pages"}, "ops": {"products": {"id": "gid"}}}
    under_way |= {"tallies": {"products": tally.new(), "stock": tally.new()}}
    await passes.step({"pass": under_way})

    assert (under_way["left"], under_way["stage"]) == (["stock"], "read")


async def test_an_incremental_pass_looks_at_nothing(importing: Serve) -> None:
    """It has no operations, and reads in the usual order."""
    async with importing(MIXED | {"overlap_seconds": 0}, **SHOP) as shop:
        await shop.run()
        shop.tell("clock", advance=3600)
        shop.tell("change", resource="products", count=5, webhooks=False)
        asked = await asked_of(shop)
        changed = counts(await shop.run(full=False))

    pages = ["locations", "collections", "products", "stock_changed", "customers"]
    assert asked == [(f"{name}_page", False) for name in pages]
    assert changed["products"] == [5, 0, 5, 0, 0, 0]


async def test_a_preview_says_the_same_whatever_goes_first(importing: Serve) -> None:
    """Its hash holds for a shop that is read by pages alone, where nothing goes first."""
    async with importing(MIXED, **SHOP) as shop:
        await shop.connect(name="calm", tenant="calm", pages_up_to=1_000_000)
        asked = await asked_of(shop)
        plans = [await (await connector_of(shop, name)).plan() for name in (NAME, "calm")]
        did = counts(await shop.run())

    assert ("customers_page", True) in asked
    assert plans[0].hash == plans[1].hash
    assert plans[0].counts == plans[1].counts
    assert plans[0].counts["customers.created"] == did["customers"][1] == 20


def test_customers_go_before_products_and_stock() -> None:
    """Nothing leads to them: products follow their collections, and stock its products, as long as it may be."""
    left = ["collections", "products", "stock", "customers"]
    modes = dict.fromkeys(left, "pages") | {"collections": "bulk"}
    under_way = {"left": left, "modes": modes}

    assert by_pages_next(under_way) == "customers"
    assert by_pages_next(under_way | {"left": left[:-1]}) == "stock"
    assert by_pages_next(under_way | {"left": left[:1]}) is None


def test_locations_go_before_stock() -> None:
    """Once customers have gone."""
    left = ["locations", "collections", "products", "stock", "customers"]
    modes = dict.fromkeys(left, "pages") | {"collections": "bulk"}
    under_way = {"left": left, "modes": modes}

    assert by_pages_next(under_way) == "customers"
    assert by_pages_next(under_way | {"left": left[:-1]}) == "locations"


def test_a_second_look_along_comes_when_most_of_the_rest_is_written() -> None:
    """What it says of the pace is good then; but never at once."""
    elapsed = timedelta(seconds=10)
    waits = [wait_for(elapsed, roots, 10_000, along=True) for roots in (5000, 9999)]

    assert waits == [timedelta(seconds=7.5), SHORTEST_WAIT]
    assert wait_for(elapsed, 5000, 10_000) == timedelta(seconds=11)


def test_a_look_along_comes_sooner() -> None:
    """It is free, and what it says of the pace makes the next one the last; but never at once."""
    waits = [(first_wait(roots), first_wait(roots, along=True)) for roots in (0, 20_000, 10**6)]

    assert [(late.total_seconds(), soon.total_seconds()) for late, soon in waits] == [
        (1, 1),
        (10, 2),
        (15, 3),
    ]
    assert first_wait(0, along=True) == SHORTEST_WAIT
