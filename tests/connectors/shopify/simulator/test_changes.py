"""What a test does to the shop is exactly what an import finds changed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from connectors.shopify.simulator import SIMULATOR
from connectors.shopify.simulator.changes import Add, Addressed, Change, add, change, delete
from connectors.shopify.simulator.clock import Clock
from connectors.shopify.simulator.options import Options
from connectors.shopify.simulator.shop import Shop
from hub.errors import ConfigurationError
from hub.testing.simulator_process import simulator


def whole(shop: Shop) -> dict[int, Any]:
    """Every product with its variants and their stock."""
    return {
        number: (
            shop.product(number),
            [
                (shop.variant(number, one), shop.item(number, one), shop.stock.available(number, one))
                for one in shop.positions(number)
            ],
        )
        for number in shop.products.numbers()
    }


def test_two_hundred_changes_twenty_deletions_and_five_new_ones_are_just_that() -> None:
    """No more and no fewer products differ."""
    shop = Shop(Options(products=500, largest=100), Clock())
    before = whole(shop)

    changed = change(shop, Change(count=200))
    deleted = delete(shop, Addressed(count=20))
    added = add(shop, Add(count=5))

    after = whole(shop)
    differing = {one for one in before.keys() & after.keys() if before[one] != after[one]}
    assert (len(changed), len(deleted), len(added)) == (200, 20, 5)
    assert len(differing) == 200
    assert len(before.keys() - after.keys()) == 20
    assert after.keys() - before.keys() == {501, 502, 503, 504, 505}
    assert 1 in after


def test_the_same_objects_are_chosen_each_time() -> None:
    """So that a run can be repeated."""
    one, again = (change(Shop(Options(), Clock()), Change(count=5)) for _ in range(2))

    assert one == again
    assert len(set(one)) == 5


@pytest.mark.parametrize("resource", ("products", "collections", "locations", "customers"))
def test_every_resource_is_changed_deleted_and_added_to(resource: Any) -> None:
    """One at a time, each with a new time."""
    shop = Shop(Options(locations=3), Clock())
    table = shop.tables[resource]
    before = len(table)

    [changed] = change(shop, Change(resource=resource, count=1))
    [deleted] = delete(shop, Addressed(resource=resource, count=1))
    [added] = add(shop, Add(resource=resource, count=1))

    assert len({changed, deleted, added}) == 3
    assert len(table) == before
    assert len(table.changes) == 2


def test_a_touch_moves_the_time_and_nothing_else() -> None:
    """As a sale of tracked stock does (shopify facts, "Data model")."""
    shop = Shop(Options(), Clock())
    before = shop.product(5)

    change(shop, Change(ids=[before["id"]], touch=True))

    after = shop.product(5)
    assert after["updatedAt"] > before["updatedAt"]
    assert after | {"updatedAt": ""} == before | {"updatedAt": ""}


def test_stock_that_changes_moves_the_time_of_its_product() -> None:
    """And what is available of the variant."""
    shop = Shop(Options(), Clock())
    before, stock = shop.product(5), shop.stock.available(5, 1)
    level = shop.stock.level(5 * 4096 + 1, 2)["id"]

    change(shop, Change(resource="inventory_levels", ids=[level], fields={"available": 1000}))

    assert shop.stock.quantities(5 * 4096 + 1, 2)["available"] == 1000
    assert shop.stock.available(5, 1) > stock
    assert shop.product(5)["updatedAt"] > before["updatedAt"]
    assert shop.stock.level(5 * 4096 + 1, 2)["updatedAt"] > before["updatedAt"]


def test_a_deleted_variant_is_gone_with_its_item() -> None:
    """The others keep their positions."""
    shop = Shop(Options(variants=3), Clock())

    delete(shop, Addressed(resource="variants", ids=[shop.variant(2, 2)["id"]]))

    assert list(shop.positions(2)) == [1, 3]


@pytest.mark.parametrize(
    ("command", "told", "problem"),
    (
        ("change", {"count": 1000}, "count: there are"),
        ("change", {"ids": ["gid://shopify/Order/1"]}, "is no Product"),
        ("change", {"resource": "inventory_levels", "ids": ["x"]}, "is no InventoryLevel"),
        ("change", {"count": 1, "fields": {"titel": "x"}}, "titel of a Product cannot be changed"),
        ("change", {"count": 1, "fields": {"totalInventory": 1}}, "totalInventory of a Product"),
        ("change", {"resource": "inventory_levels", "count": 1, "fields": {"on_hand": 1}}, "on_hand of a"),
        ("delete", {"resource": "orders"}, "resource"),
        ("scopes", {}, "granted"),
    ),
)
async def test_a_wrong_command_is_named(app: Any, command: str, told: Any, problem: str) -> None:
    """422, and nothing has changed."""
    answer = await app.client.post(f"{app.url}/_simulator/{command}", json=told)

    assert answer.status_code == 422
    assert problem in answer.text
    assert (await app.client.get(f"{app.url}/_simulator/state")).json()["changed"]["products"] == 0


async def test_a_reset_brings_back_the_start(app: Any) -> None:
    """Objects, tokens, points, counters and time."""
    await app.tell("change", count=3)
    await app.tell("uninstall")
    await app.tell("bucket", points=0)
    await app.tell("reset")

    summary = await app.summary()
    assert (summary["queries"], summary["products"]) == (0, 30)
    assert (await app.ask("{ shop { id } }"))["extensions"]["cost"]["throttleStatus"][
        "currentlyAvailable"
    ] == 1999


async def test_what_was_asked_is_counted(app: Any) -> None:
    """Requests, costs, operations: what a test compares with the least possible."""
    await app.data("{ productsCount { count } }")
    await app.data("{ shop { id } }")

    summary = await app.summary()
    assert (summary["queries"], summary["cost"], summary["throttled"]) == (2, 11, 0)
    assert (summary["bulk_operations"], summary["bulk_objects"]) == (0, 0)


def test_a_wrong_option_is_named() -> None:
    """Before anything is served."""
    with pytest.raises(ConfigurationError, match="largest"):
        SIMULATOR.app(largest=2049)


def test_it_is_served_by_its_name(tmp_path: Path) -> None:
    """As a process of its own, with a shop that takes no time to make."""
    with simulator(
        "shopify", {"products": 1_000_000, "shop": "big.myshopify.com"}, folder=tmp_path
    ) as process:
        answer = httpx.post(
            f"{process.url}/admin/api/2026-10/graphql.json",
            content=json.dumps(
                {"query": "{ shop { myshopifyDomain } products(last: 1) { nodes { legacyResourceId } } }"}
            ),
            headers={"X-Shopify-Access-Token": "shpat_simulator"},
            trust_env=False,
        )
        changed = process.command("change", count=2)

    assert answer.json()["data"] == {
        "shop": {"myshopifyDomain": "big.myshopify.com"},
        "products": {"nodes": [{"legacyResourceId": "8000001000000"}]},
    }
    assert len(changed["ids"]) == 2
