"""Bulk operations that fail, are lost, are found again; results that break or belong elsewhere."""

from __future__ import annotations

import pytest

from hub.loop import imports
from hub.store import connections
from hub.testing.faults import Faults
from tests.connectors.shopify.conftest import NAME, Import, Serve, counts

PRODUCTS = {"pages_up_to": 0, "resources": ["products"]}


async def _until_started(shop: Import) -> None:
    """Up to the poll that starts the operations."""
    connections.rewind(shop.hub.db, NAME, full_pass=True)
    while not shop.counters["bulk_operations"]:
        await shop.hub.poll(NAME)


async def test_an_operation_that_failed_is_started_again(importing: Serve) -> None:
    """And what it brings then is complete."""
    async with importing(PRODUCTS, products=20) as shop:
        shop.tell("bulk", fail_next={"after": 30, "error_code": "TIMEOUT", "partial": True})
        report = await shop.run()

    assert shop.counters["bulk_by_status"] == {"FAILED": 1, "COMPLETED": 1}
    assert counts(report)["products"] == [20, 20, 0, 0, 0, 0]
    assert report["resources"]["products"]["complete"]


async def test_partial_data_is_taken_in_and_deletes_nothing(importing: Serve) -> None:
    """After three failures what there is of the result is better than nothing."""
    async with importing(PRODUCTS, products=20) as shop:
        await shop.run()
        shop.tell("delete", resource="products", count=5, webhooks=False)
        for _ in range(3):
            shop.tell("bulk", fail_next={"after": 4, "error_code": "INTERNAL_SERVER_ERROR", "partial": True})
        report = await shop.run()
        there = await shop.catalog("product")
        healed = await shop.run()

    assert len(there) == 20
    products = report["resources"]["products"]
    assert not products["complete"]
    assert products["gone"] == 0
    assert "incomplete" in products["warnings"]
    assert counts(healed)["products"][4] == 5


async def test_an_operation_without_any_data_ends_its_resource(importing: Serve) -> None:
    """The others are read nonetheless."""
    async with importing({"pages_up_to": 0, "resources": ["products", "locations"]}, products=5) as shop:
        for _ in range(3):
            shop.tell("bulk", fail_next={"after": 0, "error_code": "TIMEOUT", "partial": False})
        report = await shop.run()

    assert counts(report)["products"] == [0, 0, 0, 0, 0, 0]
    assert not report["resources"]["products"]["complete"]
    assert counts(report)["locations"][1] == 3


async def test_an_operation_of_a_poller_that_died_is_found_again(importing: Serve) -> None:
    """It died between the start of the operations and the store of their ids."""
    async with importing({"pages_up_to": 0}, products=5) as shop:
        connections.rewind(shop.hub.db, NAME, full_pass=True)
        before: dict[str, object] = {}
        while not shop.counters["bulk_operations"]:
            before = shop.cursor()
            await shop.hub.poll(NAME)
        started = shop.counters["bulk_operations"]
        connections.rewind(shop.hub.db, NAME, cursor=before)
        await shop.hub.poll(NAME)
        ops = shop.cursor()["pass"]["ops"]
        await shop.polls()

    assert started == shop.counters["bulk_operations"] == 4
    assert sorted(ops) == ["collections", "customers", "products", "stock"]
    assert all(one["id"] for one in ops.values())


async def test_two_processes_take_turns_with_one_result(importing: Serve) -> None:
    """Each fetches it for itself, and nothing is missed or doubled."""
    async with importing({"pages_up_to": 0}, products=700, variants=1, media=0, customers=600) as shop:
        connections.rewind(shop.hub.db, NAME, full_pass=True)
        runtimes = [shop.hub.runtime, shop.hub.make_runtime()]
        for turn in range(200):
            await shop.hub.poll(NAME, runtime=runtimes[turn % 2])
            await shop.hub.work_off(NAME)
            if turn > 3 and "pass" not in shop.cursor():
                break
        there = [len(await shop.catalog(kind)) for kind in ("product", "customer")]
        again = counts(await shop.run())

    assert there == [700, 600]
    assert all(one[0] == one[3] for one in again.values()), again
    assert shop.counters["leaked_tokens"] == 0


async def test_an_operation_that_somebody_cancelled_is_started_again(importing: Serve) -> None:
    """The platform itself may, when it stalls."""
    async with importing(PRODUCTS, products=5) as shop:
        shop.tell("bulk", hold="running")
        await _until_started(shop)
        gid = shop.cursor()["pass"]["ops"]["products"]["id"]
        shop.tell("bulk", id=gid, status="CANCELED")
        shop.tell("bulk", hold="none")
        await shop.polls()

    assert shop.counters["bulk_by_status"] == {"CANCELED": 1, "COMPLETED": 1}


async def test_operations_of_a_cancelled_import_are_cancelled(importing: Serve) -> None:
    """The shop need not go on with them; one that has ended is left, and the next import has its own."""
    async with importing({"pages_up_to": 0, "full_every_hours": 1000}, products=5, customers=5) as shop:
        shop.tell("bulk", hold="running")
        await _until_started(shop)
        ids = {name: one["id"] for name, one in shop.cursor()["pass"]["ops"].items()}
        shop.tell("bulk", id=ids["customers"], status="COMPLETED")
        await imports.cancel(shop.hub.runtime, NAME)
        await shop.hub.poll(NAME)
        shop.tell("bulk", hold="none")
        cancelled = shop.counters["bulk_by_status"]
        await shop.run()
        there = await shop.catalog("product")

    assert cancelled == {"CANCELING": len(ids) - 1, "COMPLETED": 1}
    assert len(there) == 5


async def test_an_import_is_cancelled_though_the_shop_is_away(importing: Serve) -> None:
    """Its operations end by themselves, some day."""
    async with importing(PRODUCTS, products=5) as shop:
        shop.tell("bulk", hold="running")
        await _until_started(shop)
        shop.shop.app.faults.set([Faults(error=1.0, error_status=503)])
        await imports.cancel(shop.hub.runtime, NAME)
        outcome = await shop.hub.poll(NAME)

    assert outcome.result == "ok"
    assert "pass" not in shop.cursor()


async def test_a_result_that_expired_is_made_again(importing: Serve) -> None:
    """Its address is good for seven days."""
    async with importing(PRODUCTS, products=5) as shop:
        await _until_started(shop)
        await shop.hub.runtime.pipeline(shop.hub.connection(NAME).id)
        shop.tell("clock", advance=8 * 86_400)
        await shop.polls()
        there = await shop.catalog("product")

    assert len(there) == 5


async def test_a_result_on_an_unknown_host_is_not_fetched(importing: Serve) -> None:
    """Somebody who forges an answer cannot make the hub call anywhere."""
    async with importing(PRODUCTS, products=5, result_host="localhost") as shop:
        connections.rewind(shop.hub.db, NAME, full_pass=True)
        for _ in range(10):
            outcome = await shop.hub.poll(NAME)
            if outcome.result != "ok":
                break

    assert outcome.result == "refused"
    assert "settings.result_hosts" in str(outcome.error)
    assert shop.counters["bulk_downloads"] == 0


async def test_others_operations_are_waited_for(importing: Serve) -> None:
    """An app may have five under way at once."""
    async with importing({"pages_up_to": 0}, products=5, bulk_limit=2) as shop:
        report = await shop.run()

    assert all(one["complete"] for one in report["resources"].values()), report


@pytest.mark.parametrize("scopes", (["read_products", "read_locations", "read_inventory"],))
async def test_what_is_not_granted_is_left_out_and_named(importing: Serve, scopes: list[str]) -> None:
    """The rest is imported, and nothing of it is taken for gone."""
    async with importing({"pages_up_to": 0}, products=5, customers=7) as shop:
        await shop.run()
        shop.tell("scopes", granted=scopes)
        report = await shop.run()
        there = await shop.catalog("customer")

    customers = report["resources"]["customers"]
    assert "read_customers" in customers["warnings"]["refused"]["first"]
    assert len(there) == 7
    assert counts(report)["products"] == [5, 0, 0, 5, 0, 0]
