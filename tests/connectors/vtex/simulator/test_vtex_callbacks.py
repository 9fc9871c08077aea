"""The account asks sellers for price and stock."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.vtex.simulator.offers import offer_of, problems
from connectors.vtex.simulator.outbox import Reply
from hub import codec
from tests.connectors.vtex.simulator.conftest import CHANGED, Account, Listener, Serve, offered

PRICE = "/api/notificator/seller/changenotification/{}/price"
STOCK = "/api/notificator/seller/changenotification/{}/inventory"


async def offer(vtex: Account, sku: str = "A-1") -> Any:
    """What the account shows of it, after everybody was asked."""
    await vtex.platform.idle()
    return (await vtex.state())["offers"].get("seller", {}).get(sku)


async def test_a_notification_is_followed_by_a_simulation_without_address(
    account: Serve, listener: Listener
) -> None:
    """As at indexation; the answer is kept."""
    listener.answer = offered
    async with account(
        seller_endpoint=f"{listener.url}/tenant/api/", callback_header=["X-Secret: s3"]
    ) as vtex:
        await vtex.tell("bind", skus=["A-1"])
        answer = await vtex.ask("POST", PRICE.format("A-1"))
        shown = await offer(vtex)

    target, headers, body = listener.requests[0]
    assert (answer.status_code, answer.content) == (202, b"")
    assert target == "/tenant/api/pvt/orderForms/simulation?sc=1&an=simulated"
    assert body == {"items": [{"id": "A-1", "quantity": 1, "seller": "seller"}]}
    assert headers["x-secret"] == "s3"
    assert (shown["status"], shown["price"], shown["stock"]) == ("available", 9990, 7)
    assert (shown["reasons"], shown["problems"]) == (["price"], [])


async def test_an_approval_and_a_changed_sku_are_followed_by_one_too(
    account: Serve, listener: Listener
) -> None:
    """Each with its reason."""
    listener.answer = offered
    async with account(seller_endpoint=f"{listener.url}/api") as vtex:
        await vtex.suggest()
        await vtex.get("/simulated/suggestions")
        approved = await offer(vtex)
        await vtex.ask("POST", f"{CHANGED}/A-1")
        changed = await offer(vtex)

    assert (approved["reasons"], changed["reasons"]) == (["approval"], ["catalog"])
    assert changed["calls"] == 2


async def test_notifications_of_one_sku_become_one_call_while_it_waits(
    account: Serve, listener: Listener
) -> None:
    """However many they are; of two SKUs there are two."""
    listener.answer = offered
    async with account(seller_endpoint=f"{listener.url}/api", callback_delay=1) as vtex:
        await vtex.tell("bind", skus=["A-1", "A-2"])
        for _ in range(5):
            await vtex.ask("POST", PRICE.format("A-1"))
            await vtex.ask("POST", STOCK.format("A-1"))
        await vtex.ask("POST", STOCK.format("A-2"))
        shown, summary = await offer(vtex), await vtex.summary()

    assert sorted(body["items"][0]["id"] for _, _, body in listener.requests) == ["A-1", "A-2"]
    assert shown["reasons"] == ["inventory", "price"]
    assert (summary["callbacks_calls"], summary["callbacks_coalesced"]) == (2, 9)


async def test_so_many_are_asked_at_once_and_no_more(account: Serve, listener: Listener) -> None:
    """The rest waits."""
    listener.answer, listener.wait = offered, 0.05
    async with account(seller_endpoint=f"{listener.url}/api", callback_concurrency=3) as vtex:
        skus = [f"A-{place}" for place in range(12)]
        await vtex.tell("bind", skus=skus)
        for sku in skus:
            await vtex.ask("POST", PRICE.format(sku))
        await vtex.platform.idle()
        summary = await vtex.summary()

    assert listener.most_at_once == 3
    assert (summary["callbacks_at_once"], summary["offers"]) == (3, {"available": 12})


async def test_one_slow_seller_does_not_take_the_place_of_all(account: Serve, listener: Listener) -> None:
    """Who comes while one call hangs is asked beside it."""
    listener.answer = offered
    async with account(seller_endpoint=f"{listener.url}/api", callback_concurrency=4) as vtex:
        await vtex.tell("bind", skus=["slow", "A-1", "A-2", "A-3"])
        listener.wait = 1.0
        await vtex.ask("POST", PRICE.format("slow"))
        await listener.asked.wait()
        listener.wait = 0.1
        for sku in ("A-1", "A-2", "A-3"):
            await vtex.ask("POST", PRICE.format(sku))
        await vtex.platform.idle()

    assert listener.most_at_once == 4


async def test_who_is_too_late_is_unavailable(account: Serve, listener: Listener) -> None:
    """After the time that the platform waits."""
    listener.answer, listener.wait = offered, 0.5
    async with account(seller_endpoint=f"{listener.url}/api", callback_timeout=0.1) as vtex:
        await vtex.tell("bind", skus=["A-1"])
        await vtex.ask("POST", PRICE.format("A-1"))
        shown = await offer(vtex)
        summary = await vtex.summary()

    assert (shown["status"], shown["why"]) == ("unavailable", "timeout")
    assert shown["duration_ms"] >= 100
    assert summary["callbacks_timeouts"] == 1


async def test_who_cannot_be_reached_is_unavailable(account: Serve, listener: Listener) -> None:
    """And who answers an error, or no JSON."""
    async with account(seller_endpoint="http://127.0.0.1:1/api") as vtex:
        await vtex.tell("bind", skus=["A-1"])
        await vtex.ask("POST", PRICE.format("A-1"))
        unreachable = await offer(vtex)
        await vtex.tell("sellers", seller_id="seller", endpoint=f"{listener.url}/api")
        listener.status = 503
        await vtex.ask("POST", PRICE.format("A-1"))
        failed = await offer(vtex)

    assert unreachable["why"].startswith("unreachable: ")
    assert failed["why"] == "HTTP 503"


async def test_an_unknown_sku_is_taken_and_nobody_is_asked(account: Serve, listener: Listener) -> None:
    """202 says nothing; an unknown seller is an error; without an endpoint nobody can be asked."""
    async with account(seller_endpoint=f"{listener.url}/api") as vtex:
        unknown = await vtex.ask("POST", STOCK.format("A-9"))
        stranger = await vtex.ask("POST", "/api/notificator/stranger/changenotification/A-1/price")
        await vtex.tell("sellers", seller_id="other")
        await vtex.tell("bind", seller_id="other", skus=["B"])
        await vtex.ask("POST", "/api/notificator/other/changenotification/B/price")
        await vtex.platform.idle()
        summary = await vtex.summary()

    assert (unknown.status_code, stranger.status_code) == (202, 404)
    assert listener.requests == []
    assert (summary["notified_not_bound"], summary["callbacks_without_endpoint"]) == (1, 1)


async def test_a_checkout_asks_for_several_items_with_an_address(account: Serve, listener: Listener) -> None:
    """And gives what the seller answered."""
    listener.answer = offered
    async with account(seller_endpoint=f"{listener.url}/api") as vtex:
        told = await vtex.tell("checkout", items=[{"id": "A-1", "quantity": 9}, {"id": "A-2"}], sc=2)

    target, _, body = listener.requests[0]
    assert target.endswith("?sc=2&an=simulated")
    assert (body["postalCode"], body["country"]) == ("01310-100", "BRA")
    assert [one["quantity"] for one in body["items"]] == [9, 1]
    assert (told["status"], told["answer"]["items"][0]["quantity"], told["problems"]) == (200, 7, [])


@pytest.mark.parametrize("endpoint", ("http://seller.example/", "seller.example/api", "ftp://seller/api"))
async def test_a_fulfillment_endpoint_contains_api(account: Serve, endpoint: str) -> None:
    """And is an address of HTTP."""
    async with account() as vtex:
        answer = await vtex.ask("POST", "/_simulator/sellers", {"seller_id": "s", "endpoint": endpoint})

    assert answer.status_code == 422


def reply(answer: Any, status: int = 200) -> Reply:
    """An answer that came at once."""
    return Reply(status=status, body=codec.dumps(answer), seconds=0.01)


@pytest.mark.parametrize(
    ("answer", "why"),
    (
        ([], "no JSON object"),
        ({"items": []}, "not in items"),
        ({"items": "none", "logisticsInfo": [1]}, "not in items"),
        (offered({"items": [{"id": "A", "quantity": 1, "seller": "s"}]}, price=0), "no price"),
        (offered({"items": [{"id": "A", "quantity": 1, "seller": "s"}]}, stock=0), "no stock"),
    ),
)
def test_an_answer_without_price_or_stock_is_unavailable(answer: Any, why: str) -> None:
    """With the reason."""
    assert offer_of(reply(answer), "A")["why"] == why


def test_what_an_answer_lacks_is_named() -> None:
    """And a quantity of none beside stock, with which checkout sells any amount."""
    answer = offered({"items": [{"id": "A", "quantity": 0, "seller": "s"}]})
    del answer["items"][0]["priceTags"]
    del answer["country"]

    assert problems(answer) == [
        "missing country",
        "missing items.priceTags",
        "quantity 0 of A with stock 7: checkout sells any amount",
    ]
