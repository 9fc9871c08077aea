"""Changes of the catalog, affiliates and what they are told."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.vtex.simulator.items import FIRST_BRAND, FIRST_PRODUCT, FIRST_SKU
from connectors.vtex.simulator.notification import SPELLINGS
from tests.connectors.vtex.simulator.conftest import Account, Listener, Serve

AFFILIATE = "/api/fulfillment/pvt/affiliates/HBB"


async def told(vtex: Account, listener: Listener) -> list[Any]:
    """What the affiliate was sent."""
    await vtex.platform.idle()
    return [body for _, _, body in listener.requests]


async def flags(vtex: Account, listener: Listener, **change: Any) -> dict[str, Any]:
    """The first notification of a change of the first SKU."""
    listener.requests.clear()
    await vtex.tell("change", skus=[FIRST_SKU], **change)
    (first, *_) = await told(vtex, listener)
    return {name: first[name] for name in first if name.startswith(("Is", "Has", "Stock", "Price"))}


async def test_a_change_is_told_as_the_platform_does(account: Serve, listener: Listener) -> None:
    """Field by field, with seven digits of a second."""
    async with account(affiliate_endpoint=f"{listener.url}/api/notification/?x=1") as vtex:
        answer = await vtex.tell("change", skus=[FIRST_SKU], price=5000)
        (payload,) = await told(vtex, listener)
        price = (await vtex.simulate(FIRST_SKU))["items"][0]["price"]

    assert answer == {"skus": [FIRST_SKU], "notifications": 1}
    assert price == 5000
    assert listener.requests[0][0] == "/api/notification/?x=1"
    date = payload.pop("DateModified")
    assert (len(date), date[-1]) == (28, "Z")
    assert payload == {
        "IdSku": str(FIRST_SKU),
        "ProductId": FIRST_PRODUCT,
        "An": "simulated",
        "IdAffiliate": "HBB",
        "IsActive": True,
        "StockModified": False,
        "PriceModified": True,
        "HasStockKeepingUnitModified": False,
        "HasStockKeepingUnitRemovedFromAffiliate": False,
    }


async def test_the_flags_say_what_changed(account: Serve, listener: Listener) -> None:
    """Price, stock, content, activity and removal."""
    async with account(affiliate_endpoint=listener.url) as vtex:
        seen = [
            await flags(vtex, listener, **change)
            for change in (
                {"what": "price"},
                {"stock": 3},
                {"name": "Other"},
                {"active": False},
                {"assigned": False},
                {"price": 1, "stock": 1},
            )
        ]

    on = [{name for name, value in one.items() if value} for one in seen]
    assert on == [
        {"IsActive", "PriceModified"},
        {"IsActive", "StockModified"},
        {"IsActive", "HasStockKeepingUnitModified"},
        {"HasStockKeepingUnitModified"},
        {"HasStockKeepingUnitRemovedFromAffiliate"},
        {"PriceModified", "StockModified"},
    ]


async def test_all_skus_of_a_changed_product_are_told(account: Serve, listener: Listener) -> None:
    """Whether they changed or not."""
    async with account(skus=6, skus_per_product=3, affiliate_endpoint=listener.url) as vtex:
        await vtex.tell("change", skus=[FIRST_SKU + 1], description="New", brand=FIRST_BRAND + 1)
        payloads = await told(vtex, listener)
        detail = await vtex.get(f"/api/catalog_system/pvt/sku/stockkeepingunitbyid/{FIRST_SKU}")
        listener.requests.clear()
        await vtex.tell("change", products=[FIRST_PRODUCT + 1], product_active=False)
        inactive = await told(vtex, listener)

    assert sorted(one["IdSku"] for one in payloads) == [str(FIRST_SKU + place) for place in range(3)]
    assert all(one["HasStockKeepingUnitModified"] for one in payloads)
    assert (detail["ProductDescription"], detail["BrandId"]) == ("New", str(FIRST_BRAND + 1))
    assert [one["IsActive"] for one in inactive] == [False] * 3


async def test_a_count_takes_skus_that_were_never_changed(account: Serve) -> None:
    """Until there are no more."""
    async with account(skus=5) as vtex:
        first = await vtex.tell("change", count=3)
        second = await vtex.tell("change", count=2, what="stock")
        refused = await vtex.ask("POST", "/_simulator/change", {"count": 1})

    assert first["skus"] + second["skus"] == list(range(FIRST_SKU, FIRST_SKU + 5))
    assert refused.status_code == 422


@pytest.mark.parametrize(
    "change",
    (
        {"skus": [5]},
        {"products": [5]},
        {"skus": [FIRST_SKU], "brand": 5},
        {"skus": [FIRST_SKU], "colour": "red"},
        {"skus": [FIRST_SKU], "price": 0},
    ),
)
async def test_a_change_of_nothing_is_refused(account: Serve, change: dict[str, Any]) -> None:
    """What is not there, or has no such field."""
    async with account() as vtex:
        answer = await vtex.ask("POST", "/_simulator/change", change)

    assert answer.status_code == 422


async def test_removed_skus_are_gone_from_the_channel(account: Serve, listener: Listener) -> None:
    """The affiliate is told; they can come back."""
    async with account(skus=3, affiliate_endpoint=listener.url) as vtex:
        path = "/api/catalog_system/pvt/sku/stockkeepingunitidsbysaleschannel?sc=1"
        before = await vtex.get(path)
        await vtex.tell("remove", skus=[FIRST_SKU])
        (payload,) = await told(vtex, listener)
        gone = await vtex.get(path)
        await vtex.tell("change", skus=[FIRST_SKU], assigned=True)
        back = await vtex.get(path)

    assert payload["HasStockKeepingUnitRemovedFromAffiliate"] is True
    assert (len(before), FIRST_SKU in gone, back) == (3, False, before)


@pytest.mark.parametrize(
    ("spelling", "looks"),
    (
        ("version", {"Version": "1.0", "IdSku": str(FIRST_SKU)}),
        ("guide", {"idSKU": str(FIRST_SKU), "productId": FIRST_PRODUCT, "an": "simulated", "isActive": True}),
        ("strings", {"ProductId": str(FIRST_PRODUCT), "IsActive": "true", "StockModified": "false"}),
        ("lower", {"idsku": str(FIRST_SKU), "idaffiliate": "HBB", "pricemodified": True}),
        ("myvtex", {"An": "simulated.myvtex"}),
    ),
)
async def test_every_spelling_can_be_had(
    account: Serve, listener: Listener, spelling: str, looks: dict[str, Any]
) -> None:
    """By option, and by command for once."""
    async with account(affiliate_endpoint=listener.url, spelling=spelling) as vtex:
        await vtex.tell("notify", skus=[FIRST_SKU], price=True)
        await vtex.tell("notify", skus=[FIRST_SKU], price=True, spelling="real")
        payload, real = await told(vtex, listener)

    assert payload.items() >= looks.items()
    assert real["IdSku"] == str(FIRST_SKU)


@pytest.mark.parametrize(("spelling", "fields"), (("oldest", 5), ("no_product", 9)))
async def test_some_spellings_leave_fields_out(
    account: Serve, listener: Listener, spelling: str, fields: int
) -> None:
    """The product for one."""
    async with account(affiliate_endpoint=listener.url, spelling=spelling) as vtex:
        await vtex.tell("notify", skus=[FIRST_SKU])
        (payload,) = await told(vtex, listener)

    assert len(payload) == fields
    assert "ProductId" not in payload


async def test_mixed_goes_through_all_spellings(account: Serve, listener: Listener) -> None:
    """Each in its turn; a burst is sent as often as told."""
    async with account(skus=4, affiliate_endpoint=listener.url, spelling="mixed") as vtex:
        sent = await vtex.tell("notify", count=4, times=2)
        payloads = await told(vtex, listener)

    assert (sent["notifications"], len(payloads), len(SPELLINGS)) == (8, 8, 8)
    assert len({tuple(sorted(one)) for one in payloads}) >= 5


async def test_who_does_not_answer_is_not_told_again(account: Serve, listener: Listener) -> None:
    """Unless by option; each answer is counted."""
    listener.status = 503
    async with account(affiliate_endpoint=listener.url) as vtex:
        await vtex.tell("notify", skus=[FIRST_SKU])
        await vtex.platform.idle()
        once = await vtex.summary()
    async with account(
        affiliate_endpoint=listener.url, notification_retries=2, notification_retry_seconds=0
    ) as vtex:
        await vtex.tell("notify", skus=[FIRST_SKU])
        await vtex.platform.idle()
        thrice = await vtex.state()

    assert (once["notifications_attempts"], once["notifications_given_up"]) == (1, 1)
    assert once["notifications_answers"] == {"503": 1}
    assert thrice["notifications"][0]["answers"] == ["503"] * 3


async def test_affiliates_without_address_or_of_another_channel_are_not_told(
    account: Serve, listener: Listener
) -> None:
    """Once they have one, they are."""
    async with account() as vtex:
        await vtex.tell("affiliates", id="XYZ", endpoint=listener.url, sales_channel="2")
        nobody = await vtex.tell("change", skus=[FIRST_SKU])
        await vtex.ask("PUT", AFFILIATE, {"searchURIEndpoint": listener.url})
        one = await vtex.tell("change", skus=[FIRST_SKU])
        await vtex.ask("DELETE", AFFILIATE)
        none = await vtex.tell("change", skus=[FIRST_SKU])

    assert [answer["notifications"] for answer in (nobody, one, none)] == [0, 1, 0]


async def test_affiliates_are_validated(account: Serve) -> None:
    """Types, bodies and ids; there is no way to make one but a command."""
    async with account() as vtex:
        wrong = [
            (await vtex.ask("PUT", AFFILIATE, body)).status_code
            for body in ({"salesChannel": 1}, {"searchURIEndpoint": 5}, [], None)
        ]
        unknown = [
            (await vtex.ask(m, AFFILIATE.replace("HBB", "XXX"), {})).status_code
            for m in ("PUT", "GET", "DELETE")
        ]
        vowel = await vtex.ask("POST", "/_simulator/affiliates", {"id": "HUB"})
        shown = await vtex.get(AFFILIATE)

    assert wrong == [400] * 4
    assert unknown == [404] * 3
    assert vowel.status_code == 422
    assert shown["salesChannel"] == "1"
