"""Money by ISO 4217, without losing a digit."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub import money

CURRENCIES = sorted(code for code, digits in money.CURRENCY_DIGITS.items() if digits is not None)


@pytest.mark.parametrize(
    ("amount", "currency", "decimal"), ((3999, "USD", "39.99"), (3999, "JPY", "3999"), (3999, "BHD", "3.999"))
)
def test_an_amount_without_a_point_is_in_the_minor_unit(amount: int, currency: str, decimal: str) -> None:
    """Two digits, none, or three."""
    assert str(money.from_minor(amount, currency)) == decimal


@given(st.integers(-(10**20), 10**20), st.sampled_from(CURRENCIES))
def test_every_amount_comes_back_in_every_currency(amount: int, currency: str) -> None:
    """There and back again."""
    decimal = money.from_minor(amount, currency)

    assert money.to_minor(decimal, currency) == amount
    assert money.places(decimal) <= money.digits(currency)


def test_an_amount_with_more_digits_than_its_currency_is_refused() -> None:
    """Nothing is rounded."""
    with pytest.raises(ValueError, match=r"39\.995 has more than the 2 digits of USD"):
        money.to_minor(Decimal("39.995"), "USD")


@pytest.mark.parametrize(
    ("written", "code"), (("USD", "USD"), ("usd", "USD"), (840, "USD"), ("840", "USD"), ("036", "AUD"))
)
def test_a_currency_is_known_by_code_and_by_number(written: Any, code: str) -> None:
    """However a source writes it."""
    assert money.code(written) == code


@pytest.mark.parametrize("written", ("", "XYZ", 1, "1", True, None, 8.4, "٨٤٠", [840]))
def test_what_is_no_currency_is_refused_with_an_example(written: Any) -> None:
    """Whatever it is."""
    with pytest.raises(ValueError, match="use a code such as USD"):
        money.code(written)


@pytest.mark.parametrize(
    ("amount", "places"), (("1", 0), ("1.50", 1), ("1.005", 3), ("1E+3", 0), ("15E-4", 4), ("0.000", 0))
)
def test_places_are_those_that_an_amount_needs(amount: str, places: int) -> None:
    """However it is written."""
    assert money.places(Decimal(amount)) == places


@pytest.mark.parametrize("currency", ("XAU", "XXX", "nothing", None, 840))
def test_a_currency_without_a_minor_unit_has_no_digits(currency: Any) -> None:
    """Gold is weighed."""
    with pytest.raises(ValueError, match="no minor unit"):
        money.digits(currency)


@pytest.mark.parametrize(
    ("amount", "currency", "written"),
    (
        ("40", "USD", "40.00"),
        ("1E+3", "JPY", "1000"),
        ("0.5", "BHD", "0.500"),
        ("9" * 100, "USD", "9" * 100 + ".00"),
    ),
)
def test_an_amount_is_written_with_all_digits_of_its_currency(
    amount: str, currency: str, written: str
) -> None:
    """So that equal amounts are equal texts."""
    assert str(money.written_out(Decimal(amount), currency)) == written
