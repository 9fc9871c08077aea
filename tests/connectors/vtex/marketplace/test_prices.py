"""Cents of a simulation as an offer."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.vtex.cents import from_cents, in_cents
from connectors.vtex.marketplace.prices import offer
from hub import money
from hub.errors import RejectedError
from hub.marketplace import Offer
from tests.connectors.vtex.marketplace.details import anything


@pytest.mark.parametrize(
    ("cents", "currency", "amount"),
    (
        (3990, "BRL", "39.90"),
        (1, "USD", "0.01"),
        (12300, "JPY", "123"),
        (12345, "BHD", "123.450"),
        (Decimal("3990.0"), "EUR", "39.90"),
        (3990.0, "EUR", "39.90"),
    ),
)
def test_cents_are_hundredths_whatever_the_currency(cents: Any, currency: str, amount: str) -> None:
    """With all digits that the currency has."""
    assert str(from_cents(cents, currency)) == amount


@pytest.mark.parametrize(
    ("cents", "currency", "reason"),
    (
        (12345, "JPY", "123.45 has more than the 0 digits of JPY"),
        (Decimal("39.5"), "BRL", "39.5 is no whole number of cents"),
        ("3990", "BRL", '"3990" is no whole number of cents'),
        (True, "BRL", "is no whole number of cents"),
        (float("nan"), "BRL", "is no whole number of cents"),
        (100, "XAU", "has no minor unit in ISO 4217"),
        (100, "REAL", "has no minor unit in ISO 4217"),
    ),
)
def test_what_a_currency_cannot_say_is_refused(cents: Any, currency: str, reason: str) -> None:
    """And never rounded."""
    with pytest.raises(ValueError, match=reason):
        from_cents(cents, currency)


@given(cents=st.integers(-(10**15), 10**15), currency=st.sampled_from(["BRL", "JPY", "BHD", "CLF"]))
def test_an_amount_goes_back_to_the_cents_that_it_came_from(cents: int, currency: str) -> None:
    """Or it is refused, where the currency has fewer digits."""
    try:
        amount = from_cents(cents, currency)
    except ValueError:
        assert money.digits(currency) < 2
        assert cents % 100 != 0
    else:
        assert in_cents(amount) == cents


def test_price_is_what_is_paid_and_list_price_what_is_crossed_out() -> None:
    """Cents."""
    assert offer(3990, 4990, currency="BRL") == Offer(
        currency="BRL", price=Decimal("39.90"), list_price=Decimal("49.90")
    )


@pytest.mark.parametrize("list_price", (3990, 3000, 0, None))
def test_a_list_price_that_is_not_greater_is_left_out(list_price: Any) -> None:
    """VTEX sends the price twice where nothing is off."""
    assert offer(3990, list_price, currency="BRL") == Offer(currency="BRL", price=Decimal("39.90"))


@pytest.mark.parametrize("price", (None, 0, 0.0, Decimal(0)))
def test_without_a_price_there_is_no_offer(price: Any) -> None:
    """Whatever it was crossed out from."""
    assert offer(price, 4990, currency="BRL") is None


def test_both_prices_are_refused_at_once() -> None:
    """With the place where they are corrected."""
    with pytest.raises(RejectedError) as raised:
        offer(-5, "x", currency="BRL")

    assert [error.partition(":")[0] for error in raised.value.errors] == ["price", "listPrice"]
    assert all(
        error.endswith("correct it in VTEX, under Prices > Price list") for error in raised.value.errors
    )


@given(price=anything, list_price=anything)
def test_whatever_stands_there_is_an_offer_none_or_refused(price: Any, list_price: Any) -> None:
    """An offer costs something, and what is crossed out is more."""
    with suppress(RejectedError):
        found = offer(price, list_price, currency="BRL")

        assert found is None or found.price > 0
        assert found is None or found.list_price is None or found.list_price > found.price
