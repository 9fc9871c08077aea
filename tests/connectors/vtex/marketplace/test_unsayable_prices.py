"""A price that the currency cannot say, or that cannot be read: nothing is sold at the price before."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import httpx
import pytest

from connectors.vtex.marketplace.prices import left_out
from hub import codec
from hub.records import JSON
from hub.testing.simulator import running
from tests.connectors.vtex.marketplace.conftest import Join
from tests.connectors.vtex.marketplace.market_world import TREELESS, MarketWorld

#: A marketplace that hears of prices and stock with the product alone.
WHOLE = {name: TREELESS[name] for name in ("upsert", "block", "unblock", "delete", "offers")}


async def selling(join: Join, **settings: Any) -> tuple[MarketWorld, str]:
    """A world in pesos, in which one SKU is sold for 100."""
    world = await join({"currency": "CLP", "recheck_seconds": None, **settings}, skus=1)
    [sku] = world.skus
    world.tell("change", skus=[int(sku)], price=10000, list_price=10000, stock=7)
    await world.vtex.platform.idle()
    await world.sync()
    assert (Decimal(world.offers[sku]["price"]), world.offers[sku]["stock"]) == (100, 7)
    return world, sku


async def test_what_costs_what_the_currency_cannot_say_has_no_stock(join: Join) -> None:
    """With the error beside the success, which logs of errors tell."""
    world, sku = await selling(join)

    await world.change(sku, price=20050, stock=3)

    assert world.offers[sku]["stock"] == 0
    row = world.row(sku)
    assert row["state"] == "success"
    assert row["error"].startswith("E1: price: 200.50 has more than the 0 digits of CLP")
    errors = await world.client.get("/c/vtex/simulated/logs/", params={"status": "error"})
    [message] = errors.json()["Messages"]
    assert (message["Status"], "until then the SKU has no stock" in message["BusinessMessage"]) == (
        "Error",
        True,
    )


async def test_stock_follows_once_the_price_is_corrected(join: Join) -> None:
    """By the notification of the price alone."""
    world, sku = await selling(join)
    await world.change(sku, price=20050)

    await world.change(sku, price=20000)

    assert (Decimal(world.offers[sku]["price"]), world.offers[sku]["stock"]) == (200, 7)


async def test_what_was_sold_out_meanwhile_is_not_sold(join: Join) -> None:
    """Though its price still cannot be said."""
    world, sku = await selling(join)
    await world.change(sku, price=20050, stock=3)

    await world.change(sku, stock=0)

    assert world.offers[sku]["stock"] == 0
    assert world.row(sku)["state"] != "rejected"


@pytest.mark.parametrize("content", ({}, {"images": 0}))
async def test_with_a_change_of_content_there_is_no_stock_either(join: Join, content: JSON) -> None:
    """Also where that breaks a rule: all that is wrong is said."""
    world, sku = await selling(join, rules={"images": {"minimum": 1}})

    await world.change(sku, price=20050, description="Another", **content)

    assert world.offers[sku]["stock"] == 0
    assert "E1: price: " in world.row(sku)["error"]
    assert ("E1: images" in world.row(sku)["error"]) is bool(content)


async def test_where_stock_goes_with_the_product_that_is_sent_without_stock(join: Join) -> None:
    """As it keeps all rules."""
    world, sku = await selling(join, routes=WHOLE)

    await world.change(sku, price=20050, stock=3)

    assert (world.offers[sku]["stock"], world.offers[sku]["active"]) == (0, True)
    assert "E1: price: " in world.row(sku)["error"]


async def test_where_the_product_cannot_be_sent_it_goes_off_sale(join: Join) -> None:
    """It cannot be told of its stock otherwise; corrected, it comes back."""
    world, sku = await selling(join, routes=WHOLE, rules={"images": {"minimum": 1}})

    await world.change(sku, price=20050, images=0)
    blocked, why = world.offers[sku]["active"], world.row(sku)["error"]
    await world.change(sku, price=20000, images=1)

    assert blocked is False
    assert "E1: images" in why
    assert "E1: price: " in why
    assert (Decimal(world.offers[sku]["price"]), world.offers[sku]["active"]) == (200, True)


async def test_what_is_not_sold_yet_waits_for_its_price(join: Join) -> None:
    """Nothing is sold at an older price, so it is an error like others."""
    world = await join({"currency": "CLP"}, skus=1)
    [sku] = world.skus
    world.tell("change", skus=[int(sku)], price=20050)
    await world.vtex.platform.idle()
    await world.sync()

    assert (world.row(sku)["state"], world.told) == ("rejected", {})
    assert "A1: " not in world.row(sku)["error"]


async def test_a_list_price_alone_does_not_hold_up_the_price(join: Join) -> None:
    """Nothing is crossed out, and the logs say so."""
    world, sku = await selling(join)

    await world.change(sku, price=5000, list_price=10050, stock=3)

    offer = world.offers[sku]
    assert (Decimal(offer["price"]), offer.get("list_price"), offer["stock"]) == (50, None, 3)
    assert world.row(sku)["state"] == "success"
    (message,) = [one for one in await world.logs(sku) if one["id"].endswith("H14")]
    assert "without:\n- listPrice: 100.50 has more than the 0 digits of CLP" in message["BusinessMessage"]


@pytest.mark.parametrize("list_price", (None, 0, 4950, 5000, 10000))
def test_nothing_is_left_out_that_would_not_be_crossed_out(list_price: Any) -> None:
    """Or that can be said."""
    assert left_out(5000, list_price, currency="CLP") is None


@asynccontextmanager
async def altered(url: str, alter: Callable[[JSON], None]) -> AsyncIterator[str]:
    """VTEX, whose simulations say something else."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        drop = {b"host", b"content-length", b"accept-encoding"}
        headers = [(name, value) for name, value in scope["headers"] if name not in drop]
        where = f"{url}{scope['path']}?{scope['query_string'].decode()}"
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.request(scope["method"], where, content=body, headers=headers)
        content = answer.content
        if "simulation" in scope["path"]:
            found = codec.loads(content)
            alter(found)
            content = codec.dumps(found)
        kind = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": answer.status_code, "headers": kind})
        await send({"type": "http.response.body", "body": content})

    async with running(app) as where:
        yield where


def say(part: str, name: str, value: Any) -> Callable[[JSON], None]:
    """Of every item, or of every line of logistics."""

    def alter(answer: JSON) -> None:
        for one in answer[part]:
            one[name] = value

    return alter


@pytest.mark.parametrize(
    ("part", "name", "value"),
    (
        ("items", "price", "9.90"),
        ("items", "price", -990),
        ("logisticsInfo", "stockBalance", "many"),
        ("logisticsInfo", "stockBalance", 10**18),
    ),
)
async def test_what_cannot_be_read_is_asked_for_again_and_heard_then(
    join: Join, part: str, name: str, value: Any
) -> None:
    """It names the field, and is neither no price nor one piece."""
    world, sku = await selling(join)
    async with altered(world.vtex.url, say(part, name, value)) as url:
        await world.connect(replace=True, endpoint=url, currency="CLP", recheck_seconds=None)
        await world.notify(IdSku=sku, StockModified=True)
        await world.work()
        waiting = world.row(sku)
    await world.connect(replace=True, currency="CLP", recheck_seconds=None)
    world.tell("change", skus=[int(sku)], stock=2, notify=False)
    world.hub.pass_time(4000)
    await world.sync()

    assert waiting["state"] == "waiting"
    assert f"{name}: " in waiting["error"]
    assert (world.offers[sku]["stock"], world.row(sku)["state"]) == (2, "success")


async def test_what_is_not_active_is_blocked_though_its_price_cannot_be_read(join: Join) -> None:
    """Nothing has to be known of it then."""
    world, sku = await selling(join)

    def alter(answer: JSON) -> None:
        answer["items"] = [{"id": sku, "requestIndex": 0, "quantity": 1, "price": "x"}]

    async with altered(world.vtex.url, alter) as url:
        await world.connect(replace=True, endpoint=url, currency="CLP", recheck_seconds=None)
        world.tell("change", skus=[int(sku)], product_active=False, notify=False)
        await world.notify(IdSku=sku, HasStockKeepingUnitModified=True)
        await world.work()

    assert world.offers[sku]["active"] is False
    assert world.row(sku)["error"].startswith("A2: ")
