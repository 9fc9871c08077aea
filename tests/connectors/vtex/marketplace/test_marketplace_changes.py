"""Changes that meet: what is to go, what comes back, and what is not certain at the marketplace."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.vtex.marketplace.feed import merged
from connectors.vtex.marketplace.finding import Found
from connectors.vtex.marketplace.listing import Terms, listing_of
from connectors.vtex.marketplace.place import Load, Place
from connectors.vtex.marketplace.rules import Rules
from hub.records import JSON
from tests.connectors.vtex.marketplace.conftest import Join
from tests.connectors.vtex.marketplace.details import details
from tests.connectors.vtex.marketplace.market_world import NAME, TREELESS
from tests.connectors.vtex.marketplace.storms import harm, until_settled

EARLY, LATE = "2026-01-01T10:00:00", "2026-01-01T10:00:01+00:00"

payloads = st.fixed_dictionaries(
    {
        "sku": st.just("15"),
        "changed": st.lists(
            st.sampled_from(["check", "content", "load", "off", "price", "stock"]), unique=True
        ).map(sorted),
        "date": st.sampled_from([EARLY, LATE]),
    },
    optional={"inactive": st.just(True), "removed": st.just(True), "product": st.just("7")},
)


def told(*changed: str, date: str = LATE, **flags: bool) -> JSON:
    return {"sku": "15", "changed": list(changed), "date": date, **flags}


@pytest.mark.parametrize("flag", ("inactive", "removed"))
@pytest.mark.parametrize("newer", (told(), told("price"), told("load")))
def test_what_was_to_go_and_is_told_of_again_is_looked_at_as_a_whole(flag: str, newer: JSON) -> None:
    """The newer one may not say whether it is active."""
    both = merged(told(date=EARLY, **{flag: True}), newer)

    assert flag not in both
    assert set(both["changed"]) == {"content", *newer["changed"]}


@pytest.mark.parametrize("flag", ("inactive", "removed"))
def test_a_comparison_does_not_bring_back_what_was_to_go(flag: str) -> None:
    """It says nothing of that."""
    assert merged(told(date=EARLY, **{flag: True}), told("check"))[flag] is True


def test_a_deactivation_that_comes_after_a_later_change_is_looked_at() -> None:
    """Notifications may overtake each other."""
    both = merged(told("price", date=LATE), told(date=EARLY, inactive=True))

    assert both == told("content", "price", date=LATE)


@given(waiting=payloads, newer=payloads)
def test_nothing_that_changed_is_lost(waiting: JSON, newer: JSON) -> None:
    """Whatever meets."""
    both = merged(waiting, newer)
    goes = {name for name in ("inactive", "removed") if both.get(name)}

    assert set(both["changed"]) >= {*waiting["changed"], *newer["changed"]}
    assert goes or "content" in both["changed"] or not ({"inactive", "removed"} & {*waiting, *newer})
    assert both["date"] in (waiting["date"], newer["date"])
    assert merged(both, both) == both


async def test_a_removal_is_heard_though_a_comparison_comes_before_it_is_worked(join: Join) -> None:
    """Both wait for the same SKU."""
    world = await join()
    await world.sync()
    sku = world.skus[0]

    world.tell("remove", skus=[int(sku)])
    await world.vtex.platform.idle()
    world.go_to(checked="2020-01-01T00:00:00+00:00")
    await world.sync()

    assert not world.offers[sku]["active"]


async def test_switched_on_again_before_it_was_off_everything_is_sold(join: Join) -> None:
    """What was to be switched off waits still."""
    world = await join()
    await world.sync()
    await world.connect(replace=True, selling=False)
    assert (await world.hub.poll(NAME)).result == "ok"

    await world.connect(replace=True, selling=True)
    await world.sync()

    assert {row["state"] for row in world.hub.rows(NAME)} <= {"success", "skipped", "superseded"}
    assert all(offer["active"] and offer["stock"] for offer in world.offers.values())


async def test_while_it_is_switched_off_no_notification_brings_anything_back(join: Join) -> None:
    """VTEX goes on telling."""
    world = await join()
    await world.sync()
    await world.connect(replace=True, selling=False)
    await world.sync()

    await world.change(world.skus[0], price=4711, name="Another name")

    assert not any(offer["active"] for offer in world.offers.values())
    assert "the integration is switched off" in world.row(world.skus[0])["error"]


@pytest.mark.parametrize("gone", ({"active": False}, {"no_price": True}))
async def test_an_sku_whose_making_was_not_answered_goes_too(join: Join, gone: dict[str, Any]) -> None:
    """The marketplace has it, and the hub does not know."""
    world = await join(skus=1)
    [sku] = world.skus
    await harm(world.market, lose=1.0)
    await world.sync()
    await harm(world.market)
    assert world.offers[sku]["active"]

    await world.change(sku, **gone)
    await until_settled(world)

    assert (world.offers[sku]["active"], world.offers[sku]["stock"]) == (False, 0)


async def test_a_block_comes_after_an_activation_that_was_not_answered(join: Join) -> None:
    """What the hub has of it is that it is blocked."""
    world = await join(skus=1)
    [sku] = world.skus
    await world.sync()
    await world.change(sku, active=False)
    await harm(world.market, lose=1.0, match="unblock")
    await world.change(sku, active=True)
    await harm(world.market)
    assert world.offers[sku]["active"]

    await world.change(sku, active=False)
    await until_settled(world)

    assert (world.offers[sku]["active"], world.offers[sku]["stock"]) == (False, 0)


async def test_where_stock_goes_with_the_product_what_has_no_price_any_more_has_no_stock(join: Join) -> None:
    """A marketplace that is told of whole products alone."""
    names = ("block", "unblock", "delete", "offers")
    routes = {"upsert": TREELESS["upsert"], **{name: TREELESS[name] for name in names}}
    world = await join({"routes": routes}, skus=1)
    await world.sync()
    [sku] = world.skus

    await world.change(sku, no_price=True)

    assert world.offers[sku]["stock"] == 0
    assert world.row(sku)["state"] == "success"
    assert "A1: " in world.row(sku)["error"]


async def test_where_prices_go_with_the_product_a_broken_rule_is_said(join: Join) -> None:
    """And not that the product is missing."""
    names = ("block", "unblock", "delete", "offers")
    routes = {"upsert": TREELESS["upsert"], **{name: TREELESS[name] for name in names}}
    world = await join({"routes": routes, "rules": {"images": {"minimum": 1}}}, skus=1)
    await world.sync()
    [sku] = world.skus

    await world.change(sku, images=0, price=4242)

    assert world.row(sku)["state"] == "rejected"
    assert world.row(sku)["error"].startswith("E1: images")


async def test_while_the_list_of_skus_is_empty_prices_are_compared(join: Join) -> None:
    """The load waits, and whatever else is to be done goes on."""
    world = await join()
    await world.sync()
    sku = world.skus[0]
    world.vtex.platform.options.empty_first_page = True
    world.rewind()
    await world.sync()
    world.tell("change", skus=[int(sku)], price=4711, notify=False)

    world.go_to(checked="2020-01-01T00:00:00+00:00")
    await world.sync()

    assert float(world.offers[sku]["price"]) == 47.11


async def test_two_changes_within_one_date_are_both_heard(join: Join) -> None:
    """VTEX writes the same twice."""
    world = await join()
    await world.sync()
    sku = world.skus[0]
    for price in (1111, 2222):
        world.tell("change", skus=[int(sku)], price=price, notify=False)
        assert (await world.notify(IdSku=sku, PriceModified=True)).status_code == 200
        await world.work()

    assert float(world.offers[sku]["price"]) == 22.22


@pytest.mark.parametrize("status", (500, 404))
async def test_a_price_needs_no_category_tree(join: Join, status: int) -> None:
    """What has to be described waits for the tree, and is not rejected for its absence."""
    world = await join({"mapped": True})
    tree = {"categories": {"path": "/nothing" if status == 404 else "/categories", "items": "categories"}}
    await world.ids().put("category", {})
    routes = {**TREELESS}
    await world.connect(replace=True, routes=routes)
    await world.sync()
    await world.connect(replace=True, routes=routes | tree)
    if status == 500:
        await harm(world.market, error=1.0, match="/categories")
    [first, second, *_] = world.skus

    world.tell("change", skus=[int(first)], price=4711)
    world.tell("change", skus=[int(second)], name="Another name")
    await world.vtex.platform.idle()
    await world.work()

    assert float(world.offers[first]["price"]) == 47.11
    assert world.row(second)["state"] == "waiting"


def test_a_place_of_another_version_is_read() -> None:
    """With what is known of it."""
    stored = {"load": {"began": EARLY, "page": 3, "later": 1}, "later": 2}

    place = Place.of(stored, full_pass=False, selling=True, now=LATE)

    assert place == Place(load=Load(began=EARLY, page=3))


@pytest.mark.parametrize("gone", ({"IsActive": False}, {"HasStockKeepingUnitRemovedFromAffiliate": True}))
async def test_what_was_to_go_and_comes_too_late_stays_on_sale(join: Join, gone: JSON) -> None:
    """A later change has overtaken it and is long done: VTEX's details say so. No message says that it was blocked."""
    world = await join({"recheck_seconds": None})
    await world.sync()
    sku = world.skus[0]
    world.tell("change", skus=[int(sku)], price=4711, notify=False)

    assert (await world.notify(IdSku=sku, DateModified="2020-01-01T10:00:00Z", **gone)).status_code == 200
    await world.work()

    assert world.offers[sku]["active"]
    assert world.offers[sku]["stock"] == world.vtex.platform.catalog.sku(int(sku)).offer.stock
    assert float(world.offers[sku]["price"]) == 47.11
    assert "was updated in" in (await world.logs(sku))[0]["BusinessMessage"]


@pytest.mark.parametrize(
    ("command", "change", "remark"),
    (("change", {"active": False}, "inactive"), ("remove", {}, "not in the sales channel")),
)
async def test_what_goes_costs_a_look_at_its_details_alone(
    join: Join, command: str, change: JSON, remark: str
) -> None:
    """No simulation; nothing at all where it is off sale already."""
    world = await join()
    await world.sync()
    sku, before = world.skus[0], world.asked

    world.tell(command, skus=[int(sku)], **change)
    await world.vtex.platform.idle()
    await world.work()
    asked = {route: count - before.get(route, 0) for route, count in world.asked.items()}
    messages = [one["BusinessMessage"] for one in (await world.logs(sku))[:2]]
    await world.notify(IdSku=sku, IsActive=False)
    await world.work()
    again = {route: count - before.get(route, 0) for route, count in world.asked.items()}

    assert not world.offers[sku]["active"]
    assert sum(asked.values()) == 1
    assert again == asked
    assert "was blocked in" in messages[0]
    assert remark in messages[1]


async def test_what_goes_while_vtex_is_away_goes_when_it_is_back(join: Join) -> None:
    """It cannot be asked before."""
    world = await join(skus=1)
    await world.sync()
    [sku] = world.skus
    await harm(world.vtex, error=1.0)
    await world.change(sku, active=False)
    still = world.offers[sku]["active"]

    await harm(world.vtex)
    await until_settled(world)

    assert still
    assert (world.offers[sku]["active"], world.offers[sku]["stock"]) == (False, 0)


async def test_what_goes_though_vtex_has_no_such_sku_any_more_is_blocked(join: Join) -> None:
    """A deleted SKU has no details."""
    world = await join()
    await world.sync()
    *_, sku = world.skus
    catalog = world.vtex.platform.catalog
    catalog.options.skus = 5
    del catalog._skus[int(sku)]

    await world.notify(IdSku=sku, HasStockKeepingUnitRemovedFromAffiliate=True)
    await world.work()

    assert not world.offers[sku]["active"]
    assert "was blocked in" in (await world.logs(sku))[0]["BusinessMessage"]


@pytest.mark.parametrize("flag", ("inactive", "removed"))
def test_what_was_to_go_goes_where_its_details_do_not_deny_it(flag: str) -> None:
    """VTEX may leave out whether it is active."""
    found = Found(details=details(IsActive=None))
    terms = Terms(currency="BRL", sales_channel=1, rules=Rules())

    assert listing_of("15", told(**{flag: True}), found, terms).active is False


async def test_details_that_were_behind_do_not_keep_stock_on_sale(join: Join) -> None:
    """The SKU that they called active is compared once more, by what it is sold for."""
    world = await join({"recheck_seconds": 1})
    await world.sync()
    sku = world.skus[0]
    await world.notify(IdSku=sku, IsActive=False)
    await world.work()
    first = world.offers[sku]["stock"]
    world.tell("change", skus=[int(sku)], active=False, notify=False)
    await asyncio.sleep(1.1)

    await world.sync()

    assert (bool(first), world.offers[sku]["stock"]) == (True, 0)
