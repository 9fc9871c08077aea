"""The steps of VTEX's guide for every SKU (seed 001, a to h), and what is said of those that do not pass."""

from __future__ import annotations

import asyncio
import random

import pytest

from hub import codec
from tests.connectors.vtex.marketplace.conftest import Join
from tests.connectors.vtex.marketplace.market_world import KEYS
from tests.connectors.vtex.marketplace.storms import harm, rounds, until_settled

#: What the marketplace of these tests wants.
RULES = {"fields": {"name": {"max_length": 10}, "description": {"required": True}}, "images": {"minimum": 1}}


@pytest.mark.parametrize(
    ("payload", "named"),
    (
        ({"An": "another"}, "An"),
        ({"IdAffiliate": "XYZ"}, "IdAffiliate"),
        ({"IdSku": "one"}, "IdSku"),
        ({"IsActive": "maybe"}, "isactive"),
    ),
)
async def test_a_notification_for_somebody_else_is_refused(
    join: Join, payload: dict[str, object], named: str
) -> None:
    """Step a: whose it is. Nothing is stored."""
    world = await join()

    answer = await world.notify(**{"IdSku": "2000001", **payload})

    assert answer.status_code == 400
    assert named in answer.text
    assert world.hub.rows("vtex") == []


async def test_without_the_secret_nobody_notifies(join: Join) -> None:
    """Which stands in the address."""
    world = await join({"credentials": {"endpoint_secret": "s" * 16}})
    right = await world.notify(IdSku="2000001")
    wrong = await world.client.post(
        "/hooks/vtex/api/notification/", json={"IdSku": "2000001", "An": "simulated"}
    )

    assert (right.status_code, wrong.status_code) == (200, 401)
    assert "s" * 16 not in wrong.text


async def test_a_burst_is_a_piece_of_work_for_each_sku(join: Join) -> None:
    """Two thousand notifications of five hundred SKUs, each a request of its own, in no order."""
    world = await join()
    told = [sku for sku in range(1, 501) for _ in range(4)]
    random.Random(1).shuffle(told)
    line = iter(told)

    async def caller() -> set[int]:
        return {(await world.notify(IdSku=sku, PriceModified=True)).status_code for sku in line}

    statuses = set[int]().union(*await asyncio.gather(*(caller() for _ in range(64))))

    rows = world.hub.rows("vtex")
    assert statuses == {200}
    assert {row["state"] for row in rows} == {"waiting"}
    assert sorted(int(row["key"]) for row in rows) == list(range(1, 501))


async def test_many_notifications_of_one_sku_are_one_piece_of_work(join: Join) -> None:
    """What changed is put together, whatever they say of."""
    world = await join()
    await world.sync()
    sku = int(world.skus[0])
    asked = world.asked

    for flags in ({"price": True}, {"stock": True}, {"content": True}):
        world.tell("notify", skus=[sku], times=5, **flags)
    await world.vtex.platform.idle()
    waiting = [row for row in world.hub.rows("vtex") if row["state"] == "waiting"]
    await world.work()

    assert len(waiting) == 1
    more = {name: count - asked[name] for name, count in world.asked.items() if count > asked.get(name, 0)}
    assert sum(more.values()) == 2


@pytest.mark.parametrize(
    ("options", "said", "logged"),
    (
        ({"inactive": 1}, "A2: the SKU is not active", "is inactive in VTEX. We recommend"),
        (
            {"inactive_products": 1},
            "A2: the SKU's product is not active",
            "is inactive in VTEX. We recommend",
        ),
        ({"franchise": 1}, "franchise1", "franchise1"),
        ({"no_price": 1}, "A1: ", "Oops, we couldn't obtain the SKU price of"),
    ),
)
async def test_an_sku_that_cannot_be_sold_is_skipped_with_the_reason(
    join: Join, options: dict[str, int], said: str, logged: str
) -> None:
    """Steps d, e and h; it is never made at the marketplace."""
    world = await join(skus=2, **options)
    await world.sync()

    assert world.offers == {}
    for sku in world.skus:
        assert world.row(sku)["state"] == "skipped"
        assert said in world.row(sku)["error"]
        [message] = await world.logs(sku)
        assert logged in message["BusinessMessage"]


async def test_all_that_is_wrong_is_said_at_once(join: Join) -> None:
    """Step f, with step h; each error with what to do, before anything is sent."""
    world = await join({"rules": RULES}, skus=1, no_images=1, no_description=1, invalid_ean=1, no_price=1)
    await world.sync()
    row = world.row(world.skus[0])

    assert row["state"] == "rejected"
    for part in ("E1: name:", "E1: description:", "E1: images", "E1: gtin:", "A1: "):
        assert part in row["error"]
    assert world.told == {}
    transforming, simulating = await world.logs(world.skus[0])
    assert transforming["Status"] == "Error"
    for part in (
        "couldn't prepare the SKU registration",
        "\n- name:",
        "\n- description:",
        "\n- images",
        "\n- gtin:",
    ):
        assert part in transforming["BusinessMessage"]
    assert "couldn't obtain the SKU price" in simulating["BusinessMessage"]


async def test_what_is_wrong_no_more_is_sold(join: Join) -> None:
    """The notification of the change is enough."""
    world = await join({"rules": {"images": {"minimum": 1}}}, skus=1, no_images=1)
    await world.sync()
    before = world.row(world.skus[0])["state"]

    await world.change(world.skus[0], images=2)

    assert before == "rejected"
    assert set(world.offers) == set(world.skus)


async def test_a_price_is_kept_right_though_the_description_breaks_a_rule_now(join: Join) -> None:
    """What is sold keeps its description there; the result says what is wrong."""
    world = await join({"rules": {"images": {"minimum": 1}}}, skus=1)
    await world.sync()
    [sku] = world.skus

    await world.change(sku, images=0, price=4242)

    assert float(world.offers[sku]["price"]) == 42.42
    assert world.row(sku)["state"] == "success"
    assert "E1: images" in world.row(sku)["error"]


async def test_defaults_stand_in_and_are_told_of(join: Join) -> None:
    """TotalReader, with A3."""
    world = await join(
        {"rules": {"fields": {"description": {"required": True, "default": "As shown."}}}},
        skus=1,
        no_description=1,
    )
    await world.sync()
    [sku] = world.skus

    assert world.offers[sku]["product"]["description"] == "As shown."
    assert "A3: " in world.row(sku)["error"]
    created, warned = await world.logs(sku)
    assert created["BusinessMessage"].startswith("The SKU")
    assert warned["Status"] == "Warning"
    assert 'description = "As shown."' in warned["BusinessMessage"]


async def test_one_bad_sku_does_not_spoil_the_simulation_of_the_others(join: Join) -> None:
    """A batch that fails is halved until it stands alone."""
    world = await join(skus=20)
    bad = world.skus[7]
    world.tell("poison", skus=[int(bad)])
    await world.sync()

    assert set(world.offers) == set(world.skus) - {bad}
    assert world.row(bad)["state"] == "waiting"


async def test_a_list_that_is_the_same_on_every_page_comes_to_its_end(join: Join) -> None:
    """``page`` was seen to be ignored."""
    world = await join(skus=6, ignored_page=True)
    await world.sync()

    assert set(world.offers) == set(world.skus)


async def test_an_empty_list_takes_nothing_away(join: Join) -> None:
    """Large accounts sometimes answer so; it is asked for again."""
    world = await join(skus=4)
    await world.sync()
    world.vtex.platform.options.empty_first_page = True
    world.rewind()
    await world.sync()
    during = {sku: offer["active"] for sku, offer in world.offers.items()}
    asked = sum(count for route, count in world.asked.items() if "idsbysaleschannel" in route)
    await world.sync()
    assert sum(count for route, count in world.asked.items() if "idsbysaleschannel" in route) == asked
    world.vtex.platform.options.empty_first_page = False
    load = codec.loads(world.hub.schedule("vtex")["cursor"])["load"]
    world.go_to(load={**load, "again": "2020-01-01T00:00:00+00:00"})
    await world.sync()

    assert codec.loads(world.hub.schedule("vtex")["cursor"])["load"] is None
    assert all(during.values())
    assert all(offer["active"] for offer in world.offers.values())


async def test_what_the_marketplace_refuses_is_logged_with_all_that_it_said(join: Join) -> None:
    """E3."""
    world = await join(market={"name_length": 5, "price_max": 1}, skus=1)
    await world.sync()
    [sku] = world.skus
    [message] = await world.logs(sku)

    assert world.row(sku)["state"] == "rejected"
    assert message["Status"] == "Error"
    assert "couldn't prepare the SKU registration" in message["BusinessMessage"]
    assert "name" in message["BusinessMessage"]
    assert "price" in message["BusinessMessage"]


async def test_a_marketplace_that_is_away_is_logged_and_tried_again(join: Join) -> None:
    """E2, at least ten times, then dead and revived."""
    world = await join(skus=1)
    await harm(world.market, error=1.0)
    await rounds(world, 1)
    [sku] = world.skus
    [message] = await world.logs(sku)
    tried = world.row(sku)["total_attempts"]
    for _ in range(60):
        if world.row(sku)["state"] == "dead":
            break
        await rounds(world, 1)
    attempts = world.row(sku)["total_attempts"]
    await harm(world.market)
    world.hub.pass_time(3600)
    await until_settled(world)

    assert tried == 1
    assert message["Status"] == "Error"
    assert "product registration in Simulated Market is unavailable right now" in message["BusinessMessage"]
    assert attempts >= 10
    assert world.row(sku)["state"] == "success"


async def test_a_category_that_is_not_mapped_waits_and_goes_on_by_itself(join: Join) -> None:
    """Step g, E4: with the mapping that VTEX Mapper sends."""
    world = await join({"mapped": True, "mapper": True, "mapper_url": "https://mapper.example/acme"}, skus=2)
    await world.sync()
    [sku, _] = world.skus
    parked = world.row(sku)
    [message] = await world.logs(sku)
    category = parked["wake_key"].removeprefix("category:")
    await world.map(category, "c2")
    await world.sync()

    assert parked["state"] == "parked"
    assert "couldn't find the category" in message["BusinessMessage"]
    assert "https://mapper.example/acme" in message["BusinessMessage"]
    assert world.offers[sku]["category"] == "c2"
    assert world.row(sku)["attempts"] <= 1


async def test_a_mapper_that_is_away_is_logged(join: Join) -> None:
    """E5; the SKUs go on once it is back and their category is mapped."""
    world = await join({"mapped": True, "mapper": True}, skus=1)
    await harm(world.vtex, error=1.0, match="mapper")
    await rounds(world, 1)
    [sku] = world.skus
    messages = await world.logs(sku)
    await harm(world.vtex)
    world.go_to(tree_at=None)
    await rounds(world, 2)
    waits = world.row(sku)
    await world.map(waits["wake_key"].removeprefix("category:"), "c1")
    await rounds(world, 1)

    assert "the VTEX category mapping is unavailable right now" in messages[0]["BusinessMessage"]
    assert waits["state"] == "parked"
    assert set(world.offers) == {sku}


async def test_a_category_that_the_marketplace_has_not_is_not_sent(join: Join) -> None:
    """It was mapped to one that is no more."""
    world = await join({"mapped": True}, skus=1)
    await world.sync()
    [sku] = world.skus
    category = world.row(sku)["wake_key"].removeprefix("category:")
    await world.ids().put("category", {category: "gone"})
    world.rewind()
    await world.sync()

    assert world.row(sku)["state"] == "parked"
    assert '"gone", which the marketplace does not have' in world.row(sku)["error"]
    assert world.offers == {}


@pytest.mark.parametrize("fields", ({"price": 777}, {"name": "Another name"}, {"active": False}))
async def test_a_key_that_vtex_refuses_is_not_said_of_the_marketplace(
    join: Join, fields: dict[str, object]
) -> None:
    """Whatever was to be read with it."""
    world = await join()
    await world.sync()
    sku = world.skus[0]
    world.tell("keys", app_key=KEYS["app_key"], revoked=True)

    await world.change(sku, **fields)

    [message, *_] = await world.logs(sku)
    assert (world.row(sku)["state"], message["Status"]) == ("waiting", "Error")
    assert "VTEX refuses the application key" in message["BusinessMessage"]
    assert "set credentials.app_key and credentials.app_token" in message["BusinessMessage"]
    assert "has expired" not in message["BusinessMessage"]


async def test_access_that_the_marketplace_refuses_is_said_of_it(join: Join) -> None:
    """And not of VTEX's key."""
    world = await join()
    await world.sync()
    sku = world.skus[0]
    world.tell_market("expire", revoke=True)

    await world.change(sku, price=777)

    [message, *_] = await world.logs(sku)
    assert "the access to Simulated Market has expired" in message["BusinessMessage"]
    assert "VTEX refuses" not in message["BusinessMessage"]
