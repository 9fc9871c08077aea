"""Simulations of the account's own SKUs."""

from __future__ import annotations

import time
from typing import Any

import pytest

from connectors.vtex.simulator.items import FIRST_SKU
from tests.connectors.vtex.simulator.conftest import Account, Serve

PRIVATE = "/api/fulfillment/pvt/orderForms/simulation?sc=1&affiliateId=HBB"
ADDRESS = {"postalCode": "01310-100", "country": "BRA"}
FIRST, SECOND, THIRD = FIRST_SKU, FIRST_SKU + 1, FIRST_SKU + 2


async def set_offer(vtex: Account, sku: int, **values: Any) -> None:
    """Change it, and tell nobody."""
    await vtex.tell("change", skus=[sku], notify=False, **values)


async def test_prices_are_whole_cents_and_stock_is_said_on_the_private_route_alone(account: Serve) -> None:
    """``price`` after promotions, ``listPrice`` before."""
    async with account() as vtex:
        await set_offer(vtex, FIRST, price=9990, list_price=12990, stock=7)
        private = await vtex.simulate(FIRST)
        public = await vtex.simulate(FIRST, private=False)

    item, info = private["items"][0], private["logisticsInfo"][0]
    assert (item["price"], item["listPrice"], item["availability"]) == (9990, 12990, "available")
    assert item["priceDefinition"]["total"] == 9990
    assert (info["stockBalance"], info["deliveryChannels"]) == (7, [{"id": "delivery", "stockBalance": 7}])
    assert public["items"] == private["items"]
    assert "stockBalance" not in str(public)


async def test_what_is_not_sold_is_left_out_and_has_a_message(account: Serve) -> None:
    """Unknown, inactive, removed, without price, of a franchise account, or of another seller."""
    async with account(skus=20) as vtex:
        await set_offer(vtex, SECOND, active=False)
        await set_offer(vtex, THIRD, no_price=True)
        await vtex.tell("remove", skus=[FIRST + 3], notify=False)
        await set_offer(vtex, FIRST + 5, product_active=False)
        answer = await vtex.simulate(7, SECOND, FIRST, THIRD, "x", FIRST + 3, FIRST + 4, FIRST + 6)
        other_channel = await vtex.ask(
            "POST",
            PRIVATE.replace("sc=1", "sc=2"),
            {"items": [{"id": str(FIRST), "quantity": 1, "seller": "1"}]},
        )
        other_seller = await vtex.ask(
            "POST", PRIVATE, {"items": [{"id": str(FIRST), "quantity": 1, "seller": "2"}]}
        )
    async with account(franchise=1) as vtex:
        franchise = await vtex.simulate(FIRST)

    assert [(one["id"], one["requestIndex"]) for one in answer["items"]] == [
        (str(FIRST), 2),
        (str(FIRST + 6), 7),
    ]
    assert {one["code"] for one in answer["messages"]} == {"ORD027"}
    assert [one["fields"]["itemIndex"] for one in answer["messages"]] == ["0", "1", "3", "4", "5", "6"]
    assert [one["itemIndex"] for one in answer["logisticsInfo"]] == [0, 1]
    assert other_channel.json()["items"] == other_seller.json()["items"] == franchise["items"] == []


async def test_logistics_may_number_the_items_of_the_request(account: Serve) -> None:
    """By option."""
    async with account(item_index="request") as vtex:
        answer = await vtex.simulate(7, FIRST, SECOND)

    assert [one["itemIndex"] for one in answer["logisticsInfo"]] == [1, 2]


@pytest.mark.parametrize(
    ("option", "address", "availability"),
    (
        ("said", {}, "withoutStock"),
        ("omitted", {}, None),
        ("lies", ADDRESS, "available"),
        ("lies", {}, "nullPrice"),
    ),
)
async def test_what_is_out_of_stock_is_said_omitted_or_lied_about(
    account: Serve, option: str, address: dict[str, str], availability: str | None
) -> None:
    """The stock that is said is none in any case."""
    async with account(out_of_stock=option) as vtex:
        await set_offer(vtex, FIRST, stock=0)
        answer = await vtex.simulate(FIRST, **address)

    assert [one["availability"] for one in answer["items"]] == ([availability] if availability else [])
    assert [one["stockBalance"] for one in answer["logisticsInfo"]] == ([0] if availability else [])
    assert all(one["slas"] == [] for one in answer["logisticsInfo"])


async def test_an_item_may_come_as_two_lines(account: Serve) -> None:
    """Both with its index; one piece is cheaper."""
    async with account(split=1) as vtex:
        answer = await vtex.simulate(FIRST, SECOND, quantity=3)
        single = await vtex.simulate(FIRST)

    assert [(one["requestIndex"], one["quantity"]) for one in answer["items"]] == [
        (0, 1),
        (0, 2),
        (1, 1),
        (1, 2),
    ]
    assert answer["items"][0]["price"] == answer["items"][1]["price"] - 1
    assert [one["itemIndex"] for one in answer["logisticsInfo"]] == [0, 1, 2, 3]
    assert len(single["items"]) == 1


async def test_there_are_deliveries_where_there_is_an_address(account: Serve) -> None:
    """And none without."""
    async with account() as vtex:
        there = (await vtex.simulate(FIRST, **ADDRESS))["logisticsInfo"][0]["slas"]
        nowhere = (await vtex.simulate(FIRST))["logisticsInfo"][0]["slas"]

    assert [(one["id"], one["shippingEstimate"]) for one in there] == [("Standard", "3bd")]
    assert nowhere == []


async def test_a_poisoned_sku_makes_the_whole_simulation_fail(account: Serve) -> None:
    """With 500, until it is none any more."""
    async with account(poison=[SECOND]) as vtex:
        items = [{"id": str(FIRST + place), "quantity": 1, "seller": "1"} for place in range(50)]
        failed = [
            (await vtex.ask("POST", PRIVATE, {"items": some})).status_code for some in (items, items[1:2])
        ]
        without = await vtex.ask("POST", PRIVATE, {"items": items[2:]})
        await vtex.tell("poison")
        healed = await vtex.ask("POST", PRIVATE, {"items": items})

    assert failed == [500, 500]
    assert (without.status_code, healed.status_code) == (200, 200)


async def test_a_poisoned_sku_may_take_its_time(account: Serve) -> None:
    """As long as it is told."""
    async with account() as vtex:
        await vtex.tell("poison", skus=[FIRST], **{"as": "timeout"}, seconds=0.2)
        begun = time.monotonic()
        answer = await vtex.ask(
            "POST", PRIVATE, {"items": [{"id": str(FIRST), "quantity": 1, "seller": "1"}]}
        )

    assert answer.status_code == 500
    assert time.monotonic() - begun >= 0.2


async def test_a_change_may_be_seen_late(account: Serve) -> None:
    """After the time of the option, by the simulator's clock."""
    async with account(stale_seconds=30) as vtex:
        await vtex.tell("clock", stopped=True)
        old = (await vtex.simulate(FIRST))["items"][0]["price"]
        await set_offer(vtex, FIRST, price=old + 5)
        await set_offer(vtex, FIRST, price=old + 9)
        stale = (await vtex.simulate(FIRST))["items"][0]["price"]
        await vtex.tell("clock", advance=30)
        fresh = (await vtex.simulate(FIRST))["items"][0]["price"]

    assert (stale, fresh) == (old, old + 9)


@pytest.mark.parametrize(
    "body",
    (
        None,
        [],
        {},
        {"items": []},
        {"items": [1]},
        {"items": [{"id": "1", "quantity": 0, "seller": "1"}]},
        {"items": [{"id": "1", "quantity": True, "seller": "1"}]},
        {"items": [{"id": "1", "quantity": 1}]},
        {"items": [{"id": str(FIRST), "quantity": 1, "seller": "1"}], "postalCode": "1"},
        {"items": [{"id": str(FIRST), "quantity": 1, "seller": "1"}], "country": "BRA"},
        {"items": [{"id": str(FIRST), "quantity": 1, "seller": "1"}] * 3},
    ),
)
async def test_a_simulation_that_cannot_be_is_refused(account: Serve, body: Any) -> None:
    """In the shape of Checkout; a postal code and a country go together."""
    async with account(simulation_cap=2) as vtex:
        answer = await vtex.ask("POST", PRIVATE, body)

    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "CHK003"
