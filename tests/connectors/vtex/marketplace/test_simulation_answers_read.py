"""What a simulation says of each SKU, whatever it leaves out, splits, or numbers in its own way."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.vtex.marketplace.simulation import SOME, Simulated, read, request_of
from connectors.vtex.simulator.catalog import Catalog
from connectors.vtex.simulator.clock import Clock
from connectors.vtex.simulator.items import Offer
from connectors.vtex.simulator.options import Options
from connectors.vtex.simulator.simulation_lines import Line, answer_of

CATALOG = Catalog(Options(skus=60), Clock())
SKUS = sorted(CATALOG.listed(1, only_assigned=True))[:30]


@st.composite
def answers(draw: st.DrawFn) -> tuple[dict[str, Any], list[str], dict[str, tuple[int, int]]]:
    """An answer of the platform, what was asked, and of each SKU that is sold its price and its stock."""
    asked = draw(st.lists(st.sampled_from(SKUS), min_size=1, max_size=12, unique=True))
    sold = {
        sku: (draw(st.integers(1, 10**7)), draw(st.integers(0, 1000))) for sku in asked if draw(st.booleans())
    }
    lines = []
    for index, sku in enumerate(asked):
        if sku not in sold:
            continue
        price, stock = sold[sku]
        offer = Offer(price=price, list_price=price + 5, stock=stock)
        line = Line(index, CATALOG.sku(sku), offer, 1, 1, "available")
        lines += [line, replace(line, quantity=2)] if draw(st.booleans()) else [line]
    items = [(str(sku), 1, "1") for sku in asked]
    answer = answer_of(lines, items, {}, with_stock=draw(st.booleans()), by_request=draw(st.booleans()))
    if draw(st.booleans()):
        # The order of logistics says nothing.
        Random(len(lines)).shuffle(answer["logisticsInfo"])
    return answer, [str(sku) for sku in asked], {str(sku): found for sku, found in sold.items()}


@given(answers())
def test_every_sku_has_its_own_price_and_never_more_than_its_stock(
    case: tuple[dict[str, Any], list[str], dict[str, tuple[int, int]]],
) -> None:
    """Nothing is sold at the price of its neighbour, and nothing that is not there."""
    answer, asked, sold = case
    with_stock = any("stockBalance" in one for one in answer["logisticsInfo"])

    found = read(answer, asked)

    assert set(found) == set(sold)
    for sku, one in found.items():
        assert isinstance(one, Simulated)
        price, stock = sold[sku]
        assert one.cents == price
        assert one.list_cents == price + 5
        if with_stock:
            assert one.stock <= stock
            if len(sold) == len(asked):  # then both ways to number them are the same
                assert one.stock == stock


def item(**fields: Any) -> dict[str, Any]:
    """One line of SKU 7."""
    return {
        "id": "7",
        "requestIndex": 0,
        "quantity": 1,
        "price": 990,
        "listPrice": 1200,
        "availability": "available",
        **fields,
    }


def answer(*items: dict[str, Any], stock: Any = 3) -> dict[str, Any]:
    """With stock for each of them."""
    return {
        "items": list(items),
        "logisticsInfo": [{"itemIndex": at, "stockBalance": stock} for at in range(len(items))],
    }


def test_an_index_that_is_wrong_is_not_believed() -> None:
    """The id is."""
    found = read(answer(item(requestIndex=1)), ["7", "8"])

    assert set(found) == {"7"}


def test_availability_is_not_believed() -> None:
    """With a price and no stock it was seen to be ``available``, with stock and no address ``nullPrice``."""
    lying = read(answer(item(availability="available"), stock=0), ["7"])
    wronged = read(answer(item(availability="nullPrice"), stock=5), ["7"])

    assert (lying["7"].stock, wronged["7"].stock) == (0, 5)


def test_without_any_stock_it_says_only_whether_there_is_some() -> None:
    """As the public route."""
    some = read({"items": [item()]}, ["7"])
    none = read({"items": [item(availability="withoutStock")]}, ["7"])

    assert (some["7"].stock, none["7"].stock) == (SOME, 0)


def test_stock_may_stand_at_the_delivery_channels() -> None:
    """The greatest of them: they share it."""
    logistics = [
        {
            "itemIndex": 0,
            "deliveryChannels": [
                {"id": "delivery", "stockBalance": 4},
                {"id": "pickup-in-point", "stockBalance": 2},
            ],
        }
    ]

    assert read({"items": [item()], "logisticsInfo": logistics}, ["7"])["7"].stock == 4


@pytest.mark.parametrize(
    ("fields", "cents"),
    (
        ({"price": 0, "priceDefinition": {"calculatedSellingPrice": 880}}, 880),
        ({"price": None, "salesprice": 770}, 770),
        ({"price": Decimal("990.0")}, 990),
        ({"price": 990, "sellingPrice": 297000, "unitMultiplier": 300}, 990),
    ),
)
def test_the_price_of_one_piece_is_taken(fields: dict[str, Any], cents: int) -> None:
    """Whatever it is called, and not that of a package."""
    assert read(answer(item(**fields)), ["7"])["7"].cents == cents


@pytest.mark.parametrize("price", (0, None, "0", Decimal("0.0")))
def test_without_a_price_it_cannot_be_bought(price: Any) -> None:
    """As if it was not there."""
    assert read(answer(item(price=price)), ["7"]) == {}


def test_of_lines_that_a_promotion_split_the_price_of_most_pieces_counts() -> None:
    """One piece may be cheaper."""
    found = read(answer(item(price=1, quantity=1), item(price=990, quantity=9)), ["7"])

    assert found == {"7": Simulated(cents=990, list_cents=1200, stock=3)}


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=3),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "items",
                        "logisticsInfo",
                        "id",
                        "itemIndex",
                        "stockBalance",
                        "deliveryChannels",
                        "price",
                        "quantity",
                        "requestIndex",
                    ]
                ),
                inner,
            )
        ),
        max_leaves=30,
    )
)
def test_whatever_is_answered_nothing_but_a_value_error_is_raised(body: Any) -> None:
    """It is tried again then."""
    try:
        found = read(body, ["7"])
    except ValueError:
        return
    assert set(found) <= {"7"}


def test_fields_without_a_value_are_left_out_unless_they_are_wanted() -> None:
    """VTEX's guides disagree."""
    assert request_of(["7"]) == {"items": [{"id": "7", "quantity": 1, "seller": "1"}]}
    assert request_of(["7"], nulls=True)["postalCode"] is None


def test_a_numbering_that_leaves_a_line_without_its_stock_is_not_the_one() -> None:
    """The first SKU is split, so that its lines shift those of the others in one of the two."""
    lines = [{"id": sku, "price": 100, "quantity": 1} for sku in ("7", "7", "8", "9")]
    stocks = [{"itemIndex": number, "stockBalance": stock} for number, stock in enumerate((0, 1, 0))]

    found = read({"items": lines, "logisticsInfo": stocks}, ["7", "8", "9"])

    assert {sku: one.stock for sku, one in found.items()} == {"7": 0, "8": 1, "9": 0}
