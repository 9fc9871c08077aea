"""`hub vtex suggestions`: what a person sees and does about SKUs at a marketplace."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from hub.errors import ConfigurationError, NotFoundError
from hub.records import JSON
from hub.store import connections
from tests.connectors.vtex.commands import Run, commands
from tests.connectors.vtex.seller.conftest import Sell
from tests.connectors.vtex.seller.seller_world import SellerWorld, goods
from tests.connectors.vtex.seller.test_seller_flow import offer, suggestion


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[[SellerWorld], Run]:
    """Commands of a world's hub."""
    return lambda world: commands(world.hub, monkeypatch, "suggestions")


async def denied(world: SellerWorld, key: str = "a") -> None:
    """A SKU that the marketplace does not want."""
    world.offer(key)
    await world.sync()
    world.tell("deny", skus=[f"{key}-v"], reason="the image is blurred")
    await world.later(60)
    assert world.row(key)["state"] == "rejected"


async def test_skus_are_listed_with_what_became_of_them(
    sell: Sell, run: Callable[[SellerWorld], Run]
) -> None:
    """By SKU, page by page, or those in one state."""
    world = await sell(approve="manual")
    world.offer("b", "c")
    await denied(world)
    hub = run(world)

    rows = await hub("list", "market")
    assert [(row["sku"], row["state"], row["reason"]) for row in rows] == [
        ("a-v", "denied", "the image is blurred"),
        ("b-v", "pending", None),
        ("c-v", "pending", None),
    ]
    assert [row["sku"] for row in await hub("list", "market", "--limit", "1", "--after", "a-v")] == ["b-v"]
    assert await hub("list", "market", "--state", "denied") == rows[:1]
    assert await hub("list", "market", "--state", "gone") == []
    assert all(re.fullmatch(r"[\d-]{10}T[\d:]{8}\.\d{3}Z", row["since"]) for row in rows)
    assert "the image is blurred" in await hub("list", "market", as_json=False)


async def test_rows_of_a_state_are_found_beyond_the_first_page(
    sell: Sell, run: Callable[[SellerWorld], Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many others stand before them."""
    world = await sell(approve="manual")
    monkeypatch.setattr("connectors.vtex.seller.desk.PAGE", 2)
    world.offer("a", "b", "c", "d", "f")
    await denied(world, "e")

    found = await run(world)("list", "market", "--state", "denied")

    assert [row["sku"] for row in found] == ["e-v"]
    assert len(await run(world)("list", "market")) == 6


async def test_a_sku_is_shown_with_its_last_record(sell: Sell, run: Callable[[SellerWorld], Run]) -> None:
    """Why it is where it is."""
    world = await sell(approve="manual")
    await denied(world)

    found = await run(world)("show", "market", "a-v")

    assert (found["state"], found["said"], found["reason"]) == ("denied", "Denied", "the image is blurred")
    assert found["record"]["state"] == "rejected"
    assert "the image is blurred" in found["record"]["error"]
    assert "the last record" in await run(world)("show", "market", "a-v", as_json=False)


async def test_a_sku_that_was_never_sent_is_shown_with_what_is_wrong_with_it(
    sell: Sell, run: Callable[[SellerWorld], Run]
) -> None:
    """Nothing is known of it at the marketplace."""
    world = await sell()
    world.offer("a", brand=None)
    await world.sync()

    found = await run(world)("show", "market", "a-v")

    assert found["state"] is None
    assert "BrandName" in found["record"]["error"]


async def test_what_was_denied_is_suggested_anew_when_it_is_forgotten(
    sell: Sell, run: Callable[[SellerWorld], Run]
) -> None:
    """Unchanged, too: a person has decided."""
    world = await sell(approve="manual")
    await denied(world)

    done = await run(world)("forget", "market", "a-v")
    assert (done["taken_back"], done["found"], done["known"]["reason"]) == (
        True,
        "denied",
        "the image is blurred",
    )
    assert (done["status"], await run(world)("list", "market")) == ("live", [])
    assert world.market["suggestions"] == []

    await world.hub.work_off("market")
    assert (world.row("a")["state"], suggestion(world)["Status"]) == ("awaiting", "Pending")
    assert [row["state"] for row in await run(world)("list", "market")] == ["pending"]
    world.tell("approve")
    await world.later(60)
    assert (world.row("a")["state"], offer(world)["status"]) == ("success", "available")


async def test_a_pending_suggestion_is_taken_back_and_sent_anew(
    sell: Sell, run: Callable[[SellerWorld], Run]
) -> None:
    """It is a new one; the record that waited for the old one gives way."""
    world = await sell(approve="manual")
    world.offer("a")
    await world.sync()
    before = world.row("a")["id"]

    text = await run(world)("forget", "market", "a-v", as_json=False)
    await world.later(1)

    assert "pending there, was taken back" in text
    assert "it is offered anew as soon as" in text
    assert suggestion(world)["Status"] == "Pending"
    rows = {row["id"]: row["state"] for row in world.hub.rows("market")}
    assert rows.pop(before) == "superseded"
    assert list(rows.values()) == ["awaiting"]


async def test_what_has_been_gone_for_long_is_suggested_anew(
    sell: Sell, run: Callable[[SellerWorld], Run]
) -> None:
    """As its error says."""
    world = await sell(approve="manual")
    world.offer("a")
    await world.sync()
    world.tell("delete")
    await world.later(60)

    done = await run(world)("forget", "market", "a-v")
    await world.later(1)

    assert (done["taken_back"], done["found"], done["known"]["state"]) == (False, None, "gone")
    assert suggestion(world)["Status"] == "Pending"


async def test_a_slice_that_was_under_way_brings_nothing_back(
    sell: Sell, run: Callable[[SellerWorld], Run]
) -> None:
    """What it writes down after the command is not believed."""
    world = await sell(approve="manual")
    await denied(world)
    known = await world.standing("a-v")

    await run(world)("forget", "market", "a-v")
    await world.put_standing("a-v", known)
    await world.hub.work_off("market")

    assert (world.row("a")["state"], suggestion(world)["Status"]) == ("awaiting", "Pending")


async def test_forgetting_what_the_marketplace_has_tells_it_of_a_change(
    sell: Sell, run: Callable[[SellerWorld], Run]
) -> None:
    """Nothing is suggested that is there."""
    world = await sell()
    world.tell("bind", skus=["a-v"])
    world.offer("a")
    await world.sync()

    done = await run(world)("forget", "market", "a-v")
    await world.sync()

    assert (done["taken_back"], done["known"]["state"]) == (False, "accepted")
    assert world.row("a")["state"] == "success"
    assert world.market["suggestions_versions"] == 0
    assert (await world.standing("a-v"))["state"] == "accepted"


async def test_a_connection_that_is_paused_offers_it_when_it_runs(
    sell: Sell, run: Callable[[SellerWorld], Run]
) -> None:
    """And that is said."""
    world = await sell(approve="manual")
    await denied(world)
    connections.set_paused(world.hub.db, "market", True)

    text = await run(world)("forget", "market", "a-v", as_json=False)

    assert "once the connection runs: it is paused" in text


async def test_a_suggestion_in_an_unknown_state_is_left_alone(
    sell: Sell, run: Callable[[SellerWorld], Run]
) -> None:
    """Nothing is forgotten then."""
    world = await sell(approve="manual")
    world.offer("a")
    await world.sync()
    world.tell("status", status="Reviewed")

    with pytest.raises(ConfigurationError, match="Reviewed"):
        await run(world)("forget", "market", "a-v")

    assert (await world.standing("a-v"))["state"] == "pending"
    assert len(world.market["suggestions"]) == 1


@pytest.mark.parametrize("pruned", (False, True))
async def test_a_sku_that_is_no_key_finds_its_variant(
    sell: Sell, run: Callable[[SellerWorld], Run], pruned: bool
) -> None:
    """From its last record, or where that was pruned from what is kept of names."""
    world = await sell({"sku": "sku"}, approve="manual")
    world.offer("a")
    await world.sync()
    if pruned:
        with world.hub.db.transaction() as tx:
            world.hub.db.execute(tx, "DELETE FROM record")

    await run(world)("forget", "market", "SKU-a")
    await world.later(1)

    assert suggestion(world, "SKU-a")["Status"] == "Pending"
    assert json.loads(world.hub.rows("market")[-1]["payload"])["variant"] == "a-v"


async def test_what_cannot_be_meant_is_refused(sell: Sell, run: Callable[[SellerWorld], Run]) -> None:
    """An unknown SKU, state or connection; nothing is done."""
    world = await sell(approve="manual")
    hub = run(world)

    for command in ("show", "forget"):
        with pytest.raises(NotFoundError, match="nope"):
            await hub(command, "market", "nope")
    with pytest.raises(ConfigurationError, match="is no state"):
        await hub("list", "market", "--state", "lost")
    with pytest.raises(NotFoundError):
        await hub("list", "elsewhere")
    assert world.hub.rows("market") == []


async def test_a_connection_of_another_connector_is_refused(
    sell: Sell, run: Callable[[SellerWorld], Run], tmp_path: Any
) -> None:
    """With its name."""
    world = await sell()
    written: JSON = {
        "connector": "merchantops",
        "settings": {"base_url": world.vtex.url, "target_key": "custom"},
        "credentials": {"api_key": "k"},
        "destination": {"name": "jsonl", "settings": {"path": str(tmp_path / "prices.jsonl")}},
    }
    await world.hub.connect(written, name="prices")

    with pytest.raises(ConfigurationError, match="merchantops"):
        await run(world)("list", "prices")


async def test_check_shows_where_the_marketplace_has_to_ask(sell: Sell) -> None:
    """The whole address, without the secret."""
    world = await sell({"credentials": {"endpoint_secret": "s" * 16}})
    pipeline = await world.hub.runtime.pipeline(world.hub.connection("market").id)

    found = await pipeline.connector.check()

    address = f"{world.hub.settings.web_url}/c/market/SECRET/api"
    assert found.facts["fulfillment endpoint"] == address


async def test_what_no_path_takes_cannot_be_offered_anew(
    sell: Sell, run: Callable[[SellerWorld], Run]
) -> None:
    """The marketplace is not asked: the path would be another one."""
    world = await sell()
    (variant,) = goods("a")["variants"]
    world.shelf.write("shop", {**goods("a"), "variants": [{**variant, "key": ".."}]})
    await world.sync()

    with pytest.raises(ConfigurationError, match=r"ends with a dot.*never offered"):
        await run(world)("forget", "market", "..")

    assert world.market["by_route"] == {}
