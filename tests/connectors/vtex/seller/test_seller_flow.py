"""The life of a SKU at a marketplace, over the simulator."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.vtex.seller import connector
from hub.records import JSON
from tests.connectors.vtex.seller.conftest import Sell
from tests.connectors.vtex.seller.seller_world import SellerWorld, goods

DAY = 24 * 3600.0


def requests(world: SellerWorld) -> dict[str, int]:
    """What the marketplace was asked, by route; without what was asked for nothing."""
    names = {"price": "price", "inventory": "inventory", "{sellerSkuId}": "change"}
    routes = world.market["by_route"]
    return {
        names[last]: count for route, count in routes.items() if (last := route.rpartition("/")[2]) in names
    }


def suggestion(world: SellerWorld, sku: str = "a-v") -> JSON:
    return next(one for one in world.market["suggestions"] if one["ItemCode"] == sku)


def offer(world: SellerWorld, sku: str = "a-v") -> JSON:
    """What the marketplace shows of a SKU."""
    found: JSON = world.market["offers"]["seller"][sku]
    return found


async def test_what_the_marketplace_does_not_have_is_suggested_and_waits(sell: Sell) -> None:
    """Without an attempt spent, however long it takes."""
    world = await sell(approve="manual")
    world.offer("a")

    await world.sync()
    await world.later(3 * DAY)

    row = world.row("a")
    assert suggestion(world)["Status"] == "Pending"
    assert (row["state"], row["attempts"]) == ("awaiting", 0)


async def test_what_is_approved_is_asked_for(sell: Sell) -> None:
    """The marketplace asks for price and stock itself; the suggestion has ceased to exist by then."""
    world = await sell(approve="manual")
    world.offer("a")
    await world.sync()

    world.tell("approve")
    await world.later(60)

    assert world.row("a")["state"] == "success"
    assert world.market["suggestions"] == []
    assert (offer(world)["status"], offer(world)["price"], offer(world)["stock"]) == ("available", 39990, 22)
    assert offer(world)["problems"] == []


async def test_newer_content_updates_a_suggestion_while_it_is_pending(sell: Sell) -> None:
    """Each update is a version."""
    world = await sell(approve="manual")
    world.offer("a")
    await world.sync()

    world.offer("a", brand="Puma")
    await world.sync()
    await world.later(2)

    assert suggestion(world)["Content"]["BrandName"] == "Puma"
    assert world.market["suggestions_versions"] == 2
    assert world.row("a")["state"] == "awaiting"


async def test_the_same_content_is_no_update(sell: Sell) -> None:
    """A change that the suggestion does not show makes no version."""
    world = await sell(approve="manual")
    world.offer("a")
    await world.sync()

    world.offer("a", tags=["new"])
    await world.sync()
    await world.later(2)

    assert world.market["suggestions_versions"] == 1


async def test_what_is_denied_is_shown_with_its_reason_and_never_sent_again(sell: Sell) -> None:
    """Neither unchanged nor changed: a person decides."""
    world = await sell(approve="manual")
    world.offer("a")
    await world.sync()

    world.tell("deny", reason="the image is blurred")
    await world.later(60)
    row = world.row("a")
    assert row["state"] == "rejected"
    assert "the image is blurred" in row["error"]

    world.offer("a", brand="Puma")
    await world.sync()
    assert "the image is blurred" in world.row("a")["error"]
    assert world.market["suggestions_versions"] == 1


async def test_what_was_denied_is_suggested_once_more_where_that_is_wanted(sell: Sell) -> None:
    """Once its content has changed, and not before."""
    world = await sell({"resend_denied": True}, approve="manual")
    world.offer("a")
    await world.sync()
    world.tell("deny", reason="the brand is wrong")
    await world.later(60)

    world.offer("a", tags=["new"])
    await world.sync()
    assert world.row("a")["state"] == "rejected"

    world.offer("a", brand="Puma")
    await world.sync()
    assert (world.row("a")["state"], suggestion(world)["Content"]["BrandName"]) == ("awaiting", "Puma")


async def test_a_suggestion_that_is_gone_is_not_new(sell: Sell) -> None:
    """Approved ones cease to exist, and the SKU may come later; nothing is suggested in between."""
    world = await sell(approve="manual")
    world.offer("a")
    await world.sync()

    world.tell("delete")
    await world.later(60)
    world.offer("a", brand="Puma")
    await world.sync()
    assert world.market["suggestions"] == []
    assert world.row("a")["state"] == "awaiting"

    world.tell("bind", skus=["a-v"])
    await world.later(2 * DAY)
    assert world.row("a")["state"] == "success"


async def test_what_stays_gone_is_told_after_a_fortnight(sell: Sell) -> None:
    """With what to do."""
    world = await sell(approve="manual")
    world.offer("a")
    await world.sync()
    world.tell("delete")

    await world.later(60)
    known = await world.standing("a-v")
    await world.put_standing("a-v", {**known, "since": "2026-01-01T00:00:00+00:00"})
    await world.later(DAY)

    assert world.row("a")["state"] == "rejected"
    assert "hub vtex suggestions forget" in world.row("a")["error"]


async def test_a_state_that_nobody_has_documented_is_left_alone(sell: Sell) -> None:
    """Hands off, until it is a known one."""
    world = await sell(approve="manual")
    world.offer("a")
    await world.sync()
    world.tell("status", status="Reviewed")

    world.offer("a", brand="Puma")
    await world.sync()
    await world.later(60)
    assert world.market["suggestions_versions"] == 1
    assert (world.row("a")["state"], (await world.standing("a-v"))["said"]) == ("awaiting", "Reviewed")

    world.tell("status", status=None)
    world.offer("a", brand="Fila")
    await world.sync()
    assert suggestion(world)["Content"]["BrandName"] == "Fila"


async def test_price_and_stock_are_told_apart(sell: Sell) -> None:
    """A price never for stock, and the other way round; neither is a change of the catalog."""
    world = await sell()
    world.tell("bind", skus=["a-v"])
    world.offer("a")
    await world.sync()
    before = requests(world)

    world.price("a", "299.90")
    await world.sync()
    assert offer(world)["price"] == 29990
    assert news(world, before) == {"price": 1}

    before = requests(world)
    world.stock("a", 3)
    await world.sync()
    assert offer(world)["stock"] == 3
    assert news(world, before) == {"inventory": 1}


async def test_a_thousand_changes_of_a_sku_that_waits_are_one_call(sell: Sell) -> None:
    """They coalesce while the limit holds."""
    world = await sell()
    world.tell("bind", skus=["a-v"])
    world.offer("a")
    await world.sync()
    before = requests(world)

    for number in range(1000):
        world.price("a", f"{100 + number}.50")
        if number % 100 == 0:
            await world.hub.poll("market")
    await world.sync()

    assert news(world, before) == {"price": 1}
    assert offer(world)["price"] == 109950


async def test_a_price_that_begins_by_itself_is_told(sell: Sell) -> None:
    """Nobody writes anything then."""
    world = await sell()
    world.tell("bind", skus=["a-v"])
    world.offer("a")
    await world.sync()
    before = requests(world)

    world.shelf.write(
        "shop",
        {
            "kind": "price",
            "variant": "a-v",
            "currency": "BRL",
            "amount": 199,
            "valid_from": "2026-01-01T00:00:00Z",
        },
    )
    await world.sync()

    assert news(world, before)["price"] == 1
    assert offer(world)["price"] == 19900


async def test_the_first_pass_asks_for_no_price_that_is_asked_for_anyway(sell: Sell) -> None:
    """Whoever is told of a SKU asks for its price and stock."""
    world = await sell()
    world.tell("bind", skus=["a-v", "b-v"])
    world.offer("a", "b")

    await world.sync()

    assert news(world, {}) == {"change": 2}
    assert {sku: one["status"] for sku, one in world.market["offers"]["seller"].items()} == {
        "a-v": "available",
        "b-v": "available",
    }


async def test_prices_of_what_is_not_decided_on_are_not_told(sell: Sell) -> None:
    """The marketplace hears of them once it has the SKU."""
    world = await sell(approve="manual")
    world.offer("a")
    await world.sync()
    before = requests(world)

    world.price("a", "299.90")
    await world.sync()
    assert news(world, before) == {}
    assert world.row("a", "price")["state"] == "skipped"

    world.tell("approve")
    await world.later(60)
    assert offer(world)["price"] == 29990


async def test_all_that_is_wrong_with_a_sku_is_said_before_anything_is_sent(sell: Sell) -> None:
    """One list, each with what to do."""
    world = await sell()
    bad = goods("a", brand=None, categories=[])
    bad["variants"][0] |= {"weight_grams": None, "gtin": "4006381333932"}
    world.shelf.write("shop", bad)

    await world.sync()

    errors = world.row("a")["error"]
    assert world.row("a")["state"] == "rejected"
    assert all(field in errors for field in ("BrandName", "CategoryFullPath", "Weight", "EAN"))
    assert requests(world) == {}


async def test_a_wrong_account_stops_the_connection_instead_of_flooding_the_marketplace(sell: Sell) -> None:
    """A 404 that is neither empty nor the documented text."""
    world = await sell(not_found="html")
    world.offer(*"abcdefgh")

    await world.hub.poll("market")
    await world.hub.work_off("market")

    assert world.market["suggestions"] == []
    connection = world.hub.connection("market")
    assert connection.status == "failed"
    assert "settings.account" in str(connection.status_reason)


@pytest.mark.parametrize("not_found", ("text", "json", "empty"))
async def test_every_documented_404_means_new(sell: Sell, not_found: str) -> None:
    """Also in the SKU bindings' own route."""
    world = await sell({"change_route": "sku-binding"}, not_found=not_found, approve="manual")
    world.offer("a")

    await world.sync()

    assert suggestion(world)["Status"] == "Pending"


async def test_what_is_not_offered_any_more_has_no_stock_there(sell: Sell) -> None:
    """Switched off or deleted: the marketplace is told of a change, and asks."""
    world = await sell()
    world.tell("bind", skus=["a-v", "b-v"])
    world.offer("a", "b")
    await world.sync()

    world.offer("a", enabled=False)
    world.shelf.write("shop", {"kind": "product", "key": "b", "operation": "delete"})
    await world.sync()

    assert offer(world, "a-v")["stock"] == 0
    assert offer(world, "b-v")["status"] == "unavailable"


async def test_what_is_withdrawn_before_it_was_decided_on_is_taken_back(sell: Sell) -> None:
    """And is new when it comes again."""
    world = await sell(approve="manual")
    world.offer("a")
    await world.sync()

    world.offer("a", enabled=False)
    await world.sync()
    assert (world.market["suggestions"], world.row("a")["state"]) == ([], "skipped")

    world.offer("a", enabled=True)
    await world.sync()
    assert suggestion(world)["Status"] == "Pending"


async def test_skus_may_be_named_by_their_sku(sell: Sell) -> None:
    """In everything that is sent and answered, also once they are gone."""
    world = await sell({"sku": "sku"})
    world.tell("bind", skus=["SKU-a"])
    world.offer("a")
    await world.sync()
    assert offer(world, "SKU-a")["status"] == "available"

    world.shelf.write("shop", {"kind": "product", "key": "a", "operation": "delete"})
    await world.sync()
    assert offer(world, "SKU-a")["status"] == "unavailable"


async def test_a_full_pass_tells_of_everything_anew(sell: Sell) -> None:
    """For what a marketplace has lost."""
    world = await sell()
    world.tell("bind", skus=["a-v"])
    world.offer("a")
    await world.sync()
    before = requests(world)

    world.rewind()
    await world.sync()

    assert news(world, before) == {"change": 1}


def news(world: SellerWorld, before: dict[str, Any]) -> dict[str, int]:
    """Requests since then."""
    now = requests(world)
    return {name: count - before.get(name, 0) for name, count in now.items() if count > before.get(name, 0)}


async def test_a_price_is_told_when_it_begins_and_when_it_ends(sell: Sell) -> None:
    """Though nobody writes anything, so that the catalog's clock stands still."""
    world = await sell()
    world.tell("bind", skus=["a-v"])
    world.offer("a")
    await world.sync()
    begins = datetime.now(UTC) + timedelta(seconds=1)
    ends = begins + timedelta(seconds=2)
    dates = {"valid_from": begins.isoformat(), "valid_to": ends.isoformat()}
    world.shelf.write("shop", {"kind": "price", "variant": "a-v", "currency": "BRL", "amount": 199, **dates})
    await world.sync()

    await until(begins)
    await world.sync()
    assert offer(world)["price"] == 19900

    await until(ends)
    await world.sync()
    assert offer(world)["price"] == 39990


async def test_a_full_pass_that_outlasts_a_poll_still_tells_of_everything(
    sell: Sell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However little each poll gets done."""
    world = await sell()
    world.tell("bind", skus=["a-v", "b-v"])
    world.offer("a", "b")
    await world.sync()
    before = requests(world)

    world.rewind()
    monkeypatch.setattr(connector, "LOOK_FOR", 0.0)
    assert (await world.hub.poll("market")).full
    monkeypatch.undo()
    await world.sync()

    assert news(world, before) == {"change": 2}


async def until(moment: datetime) -> None:
    """The clock itself is what is waited for."""
    await asyncio.sleep(max((moment - datetime.now(UTC)).total_seconds(), 0) + 0.01)


@pytest.mark.parametrize("key", ("a/b", "..", "x.", "%2e%2e"))
async def test_what_no_path_takes_is_never_asked_about(sell: Sell, key: str) -> None:
    """Neither its price nor its stock, nor when it is withdrawn: the refusal would stop the connection."""
    world = await sell()
    document = {**goods("a"), "variants": [{**one, "key": key} for one in goods("a")["variants"]]}
    world.shelf.write("shop", document)
    await world.sync()
    world.shelf.write("shop", {"kind": "stock", "variant": key, "on_hand": 3})
    world.shelf.write("shop", {"kind": "price", "variant": key, "currency": "BRL", "amount": 3})
    await world.sync()
    world.shelf.write("shop", {**document, "enabled": False})
    await world.sync()
    world.shelf.write("shop", {"kind": "product", "key": "a", "operation": "delete"})
    await world.sync()

    assert world.market["by_route"] == {}
    states = [(row["stream"], row["state"]) for row in world.hub.rows("market")]
    assert ("catalog", "rejected") in states
    assert {state for stream, state in states if stream != "catalog"} == {"skipped"}


async def test_a_sku_that_was_renamed_is_not_offered_under_its_old_name(sell: Sell) -> None:
    """Though its record was taken in before."""
    world = await sell({"sku": "sku"}, approve="manual")
    world.offer("a")
    await world.hub.poll("market")
    (variant,) = goods("a")["variants"]
    world.shelf.write("shop", {**goods("a"), "variants": [{**variant, "sku": "SKU-new"}]})
    await world.hub.work_off("market")
    before = world.market["suggestions"]
    await world.sync()

    assert before == []
    assert suggestion(world, "SKU-new")["Content"]["RefId"] == "SKU-new"
    world.shelf.write("shop", {"kind": "product", "key": "a", "operation": "delete"})
    await world.sync()
    assert world.market["suggestions"] == []
