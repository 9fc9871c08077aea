"""VTEX counts money in cents.

That is documented for currencies with two digits after the point alone (VTEX facts, 2: "Money: int cents"). How it counts one
without a minor unit (JPY, CLP) or with three digits (BHD, KWD) is said nowhere: here cents are hundredths whatever the currency.
Nothing is rounded, on either way; what cannot be said is refused.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from connectors.vtex.values import number
from hub import money
from hub.exact import EXACT
from hub.excerpt import excerpt


def in_cents(amount: Any) -> int:
    """Hundredths, as VTEX counts money whatever the currency. Raises ``ValueError`` where it is no whole number of them."""
    value = number(amount)
    if value is None:
        raise ValueError("is no amount")
    cents = EXACT.scaleb(Decimal(value), 2)
    if cents != cents.to_integral_value():
        raise ValueError(f"{value} is no whole number of cents, in which VTEX counts")
    return int(cents)


def from_cents(cents: Any, currency: str) -> Decimal:
    """In major units, with all digits of the currency: 3990 is 39.90 USD, 12300 is 123 JPY and 123.000 BHD.

    Raises ``ValueError`` for what is no whole number of cents (a text, a fraction) or has no amount in the currency (1 is
    0.01 JPY, of which the smallest is 1).
    """
    value = None if isinstance(cents, str) else number(cents)
    if value is None or value != int(value):
        raise ValueError(f"{excerpt(cents)} is no whole number of cents, in which VTEX counts")
    amount = EXACT.scaleb(Decimal(int(value)), -2)
    return money.from_minor(money.to_minor(amount, currency), currency)
