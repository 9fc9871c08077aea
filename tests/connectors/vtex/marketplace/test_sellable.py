"""Which SKUs of VTEX may be sold, and why the others may not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from connectors.vtex.marketplace.sellable import inactive, needs_product, not_ours, off_channel, unsaid
from connectors.vtex.simulator.documents import FRANCHISE
from tests.connectors.vtex.marketplace.details import anything, details, shapes


def test_a_whole_sku_may_be_sold() -> None:
    """And its product's document is not needed."""
    sku = details()

    assert (inactive(sku), off_channel(sku, 1), not_ours(sku), unsaid(sku)) == (None, None, None, [])
    assert not needs_product(sku)


@pytest.mark.parametrize(
    ("sku", "product", "reason"),
    (
        (
            {"IsActive": False},
            None,
            "the SKU is not active in VTEX; switch on Catalog > Products and SKUs > SKUs > Active",
        ),
        ({"IsActive": "False"}, None, "the SKU is not active"),
        (
            {"IsProductActive": False},
            None,
            "the SKU's product is not active in VTEX; switch on Catalog > Products and SKUs > Active",
        ),
        ({"IsProductActive": None}, {"IsActive": False}, "the SKU's product is not active"),
        ({"IsProductActive": False}, {"IsActive": True}, "the SKU's product is not active"),
        ({"IsActive": False, "IsProductActive": False}, None, "the SKU and its product are not active"),
    ),
)
def test_an_inactive_sku_is_not_sold(sku: Any, product: Any, reason: str) -> None:
    """Nor one of an inactive product (step d)."""
    found = inactive(details(**sku), product)

    assert found is not None
    assert found.startswith(reason)
    assert found.endswith("to sell it")


@pytest.mark.parametrize("said", (None, "", 0, 1, "no", []))
def test_what_vtex_does_not_say_takes_nothing_off_sale(said: Any) -> None:
    """It is an error instead."""
    sku = details(IsActive=said, IsProductActive=said)

    assert inactive(sku) is None
    assert needs_product(sku)
    assert [error.partition(":")[0] for error in unsaid(sku)] == ["IsActive", "IsProductActive"]
    assert [error.partition(":")[0] for error in unsaid(sku, {"IsActive": True})] == ["IsActive"]


@pytest.mark.parametrize("channel", (2, "2", " 2 "))
def test_a_sku_of_other_sales_channels_is_not_sold(channel: Any) -> None:
    """Step e, with the channels that it is in."""
    assert off_channel(details(), channel) == (
        "the SKU is not in the sales channel 2, only in 1, 3; "
        "add the trade policy 2 under Catalog > Products and SKUs > Trade policies to sell it"
    )


@pytest.mark.parametrize("channels", ([3], ["3"], [None, 3], [" 3 "]))
def test_a_sales_channel_is_found_however_it_is_written(channels: Any) -> None:
    """As a number or as a text."""
    assert off_channel(details(SalesChannels=channels), "3") is None
    assert off_channel(details(SalesChannels=channels), 3) is None


def test_no_sales_channel_is_not_the_same_as_none_that_is_said() -> None:
    """The product's document stands in, which calls them stores."""
    reason = off_channel(details(SalesChannels=[]), 1)
    unknown = details(SalesChannels=None)

    assert reason is not None
    assert "and in no other" in reason
    assert needs_product(unknown)
    assert off_channel(unknown, 1) is None
    assert [error.partition(":")[0] for error in unsaid(unknown)] == ["SalesChannels"]
    assert off_channel(unknown, 1, {"ListStoreId": [1]}) is None
    assert off_channel(unknown, 1, {"ListStoreId": [2]}) is not None
    assert unsaid(unknown, {"ListStoreId": [2]}) == []


@pytest.mark.parametrize(
    ("sellers", "sold"),
    (
        ([{"SellerId": FRANCHISE, "IsActive": True}], f'sold by "{FRANCHISE}"'),
        ([{"SellerId": "acme"}, {"SellerId": "acme"}, {"SellerId": "zeta"}], 'sold by "acme", "zeta"'),
        ([], "sold by nobody"),
        ([{"SellerId": f"s{number}"} for number in range(12)], '"s9" and 2 more'),
    ),
)
def test_skus_of_other_sellers_are_theirs_to_offer(sellers: Any, sold: str) -> None:
    """Franchise accounts are sellers too."""
    reason = not_ours(details(SkuSellers=sellers))

    assert reason is not None
    assert sold in reason
    assert "not by the main account (seller 1)" in reason
    assert "nothing has to be done" in reason


def test_the_main_account_may_be_one_of_several_sellers() -> None:
    """Its own id may be a number; what it has stopped selling is not sold."""
    assert not_ours(details(SkuSellers=[{"SellerId": "acme"}, {"SellerId": 1}])) is None
    assert "does not sell the SKU any more" in str(
        not_ours(details(SkuSellers=[{"SellerId": "1", "IsActive": False}]))
    )
    assert not_ours(details(SkuSellers=None)) is None
    assert [error.partition(":")[0] for error in unsaid(details(SkuSellers=None))] == ["SkuSellers"]


def test_every_field_that_is_not_said_is_named_at_once() -> None:
    """With what to do."""
    found = unsaid({})

    assert [error.partition(":")[0] for error in found] == [
        "Id",
        "IsActive",
        "IsProductActive",
        "SalesChannels",
        "SkuSellers",
    ]
    assert all("save the SKU once more" in error for error in found)


@given(sku=shapes | anything, product=anything)
def test_no_shape_is_too_odd_for_an_answer(sku: Any, product: Any) -> None:
    """One that is taken off sale was said to be off sale."""
    reasons = [inactive(sku, product), off_channel(sku, 1, product), not_ours(sku)]

    assert all(reason is None or len(reason) < 1000 for reason in reasons)
    assert not any(reasons) or isinstance(sku, dict) or isinstance(product, dict)
    assert len(unsaid(sku, product)) <= 5
