"""Prices and stock of a simulation that are no plain numbers, and entries that fit nothing: nothing is oversold for them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given

from connectors.vtex.marketplace.simulation import SOME, Simulated, read
from hub.errors import RetryableError
from tests.connectors.vtex.marketplace.details import anything

SKUS = ["7", "8", "9"]


def line(sku: str = "7", **fields: Any) -> dict[str, Any]:
    """Of an item that VTEX calls available."""
    return {"id": sku, "quantity": 1, "price": 990, "availability": "available", **fields}


def entry(index: Any, stock: Any) -> dict[str, Any]:
    """Of ``logisticsInfo``."""
    return {"itemIndex": index, "stockBalance": stock}


def sold(answer: Any, sku: str = "7", skus: list[str] | None = None) -> Simulated:
    """What is read of one SKU, which has to be readable."""
    found = read(answer, skus or [sku])[sku]
    assert isinstance(found, Simulated), found
    return found


def fault(answer: Any, sku: str = "7") -> str:
    """Why one SKU cannot be read."""
    found = read(answer, [sku])[sku]
    assert isinstance(found, RetryableError), found
    return str(found)


@pytest.mark.parametrize(
    ("said", "stock"),
    (("0", 0), (" 12 ", 12), (-4, 0), ("-4", 0), (Decimal("3.0"), 3), (0, 0)),
)
def test_stock_is_read_from_texts_and_is_never_below_nothing(said: Any, stock: int) -> None:
    """Whatever ``availability`` says."""
    assert sold({"items": [line()], "logisticsInfo": [entry(0, said)]}).stock == stock


@pytest.mark.parametrize(
    "said", ("many", "", True, Decimal("2.5"), Decimal("1e300"), 10**15, "9" * 200, [], {})
)
def test_stock_that_cannot_be_read_is_an_error_of_its_sku_alone(said: Any) -> None:
    """And not one piece for sale."""
    answer = {"items": [line(), line("8")], "logisticsInfo": [entry(0, said), entry(1, 6)]}

    found = read(answer, ["7", "8"])

    assert isinstance(found["7"], RetryableError)
    assert "stockBalance: " in str(found["7"])
    assert found["8"] == Simulated(cents=990, list_cents=None, stock=6)


def test_stock_of_a_delivery_channel_that_cannot_be_read_is_an_error() -> None:
    """It may be the one that has none."""
    logistics = {"itemIndex": 0, "deliveryChannels": [{"stockBalance": "many"}, {"stockBalance": 3}]}

    assert "deliveryChannels.stockBalance: " in fault({"items": [line()], "logisticsInfo": [logistics]})


@pytest.mark.parametrize("stray", (99, -1, None, "x", True, Decimal("0.5"), {}))
def test_an_entry_that_fits_no_item_is_ignored_alone(stray: Any) -> None:
    """The others of the batch keep their stock."""
    entries = [*(entry(index, 0) for index in range(3)), entry(stray, 40), 5, None]

    found = read({"items": [line(sku) for sku in SKUS], "logisticsInfo": entries}, SKUS)

    assert [one.stock for one in found.values() if isinstance(one, Simulated)] == [0, 0, 0]


def test_an_entry_that_fits_no_item_does_not_blur_the_numbering_of_the_others() -> None:
    """They count the items of the request."""
    answer = {"items": [line("8"), line("9")], "logisticsInfo": [entry(1, 4), entry(2, 6), entry(99, 0)]}

    assert (sold(answer, "8", SKUS).stock, sold(answer, "9", SKUS).stock) == (4, 6)


def test_an_index_may_be_a_text() -> None:
    """As a stock may."""
    assert sold({"items": [line()], "logisticsInfo": [entry("0", 0)]}).stock == 0


def test_where_no_numbering_fits_all_entries_the_least_counts() -> None:
    """One entry stands for an item of the answer alone, another for one of the request alone."""
    answer = {"items": [line("7"), line("9")], "logisticsInfo": [entry(0, 4), entry(1, 0), entry(2, 6)]}

    assert sold(answer, "7", SKUS).stock == 4
    assert sold(answer, "9", SKUS).stock == 0


@pytest.mark.parametrize("logistics", (None, [], [{"itemIndex": 0}], [entry(0, None)], "none"))
def test_without_a_balance_there_is_some_of_what_is_available(logistics: Any) -> None:
    """As the public route answers."""
    some = {"items": [line()], "logisticsInfo": logistics}
    none = {"items": [line(availability="withoutStock")], "logisticsInfo": logistics}

    assert (sold(some).stock, sold(none).stock) == (SOME, 0)


@pytest.mark.parametrize("price", ("990", " 990 ", Decimal("990.0")))
def test_a_price_is_read_from_a_text_of_digits(price: Any) -> None:
    """In cents."""
    assert sold({"items": [line(price=price)]}).cents == 990


@pytest.mark.parametrize(
    "price", ("9.90", "10.00", "1e3", "", "x", -5, "-5", True, Decimal("9.9"), 10**15, [], {})
)
def test_a_price_that_cannot_be_read_is_an_error_and_not_none(price: Any) -> None:
    """What is sold stays so until it can be read."""
    assert "price: " in fault({"items": [line(price=price)]})


@pytest.mark.parametrize(
    ("fields", "name"),
    (
        ({"priceDefinition": {"calculatedSellingPrice": "x"}}, "priceDefinition.calculatedSellingPrice: "),
        ({"salesprice": -1}, "salesprice: "),
    ),
)
def test_of_a_price_of_another_name_the_error_has_that(fields: dict[str, Any], name: str) -> None:
    """Where the first one is none."""
    assert name in fault({"items": [line(price=0, **fields)]})


def test_a_stock_that_cannot_be_read_does_not_count_where_there_is_no_price() -> None:
    """It is not sold anyway."""
    assert read({"items": [line(price=0)], "logisticsInfo": [entry(0, "x")]}, ["7"]) == {}


@pytest.mark.parametrize("price", ("x", -1, Decimal("0.5"), 10**15))
def test_a_list_price_that_cannot_be_read_is_left_out_with_the_reason(price: Any) -> None:
    """The price is good."""
    found = sold({"items": [line(listPrice=price)]})

    assert (found.cents, found.list_cents) == (990, None)
    assert (found.list_fault or "").startswith("listPrice: ")


@given(price=anything, stock=anything, list_price=anything, index=anything)
def test_whatever_stands_there_is_sold_right_none_or_an_error(
    price: Any, stock: Any, list_price: Any, index: Any
) -> None:
    """Never below nothing."""
    answer = {
        "items": [line(price=price, listPrice=list_price)],
        "logisticsInfo": [entry(index, stock), entry(0, stock)],
    }

    for one in read(answer, ["7"]).values():
        assert isinstance(one, RetryableError) or (one.cents > 0 and one.stock >= 0)
