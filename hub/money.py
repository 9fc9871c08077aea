"""Money by ISO 4217: how many digits a currency has, and amounts in its minor unit. The data is a library's."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Context, Decimal, Inexact, InvalidOperation

from iso4217 import Currency

from hub.exact import EXACT, MAX_DIGITS
from hub.excerpt import excerpt

#: Of each code the digits after the point; None where there is no minor unit (gold, testing).
CURRENCY_DIGITS: Mapping[str, int | None] = {currency.code: currency.exponent for currency in Currency}

#: One of each number of digits, and room for the longest amount with all of them.
_UNITS = [Decimal(1).scaleb(-digits) for digits in range(5)]
_WIDE = Context(prec=MAX_DIGITS + 4, traps=[Inexact, InvalidOperation])

_CODES: Mapping[int, str] = {int(currency.number): currency.code for currency in Currency}


def digits(currency: object) -> int:
    """The digits after the point. Raises ``ValueError`` for what is no currency or has no minor unit."""
    known = CURRENCY_DIGITS.get(currency) if isinstance(currency, str) else None
    if known is None:
        raise ValueError(f"{excerpt(currency)} has no minor unit in ISO 4217; use a code such as USD")
    return known


def code(currency: object) -> str:
    """The code of a currency that is given by its code, in any case, or by its ISO number (840, "840").

    Raises ``ValueError``.
    """
    if isinstance(currency, str) and currency.strip().upper() in CURRENCY_DIGITS:
        return currency.strip().upper()
    number = (
        str(currency).strip() if isinstance(currency, str | int) and not isinstance(currency, bool) else ""
    )
    if number.isascii() and number.isdigit() and int(number) in _CODES:
        return _CODES[int(number)]
    raise ValueError(
        f"{excerpt(currency)} is no ISO 4217 currency; use a code such as USD or a number such as 840"
    )


def from_minor(amount: int, currency: str) -> Decimal:
    """3999 USD is 39.99, 3999 JPY is 3999, 3999 BHD is 3.999. Raises ``ValueError``."""
    return EXACT.scaleb(Decimal(amount), -digits(currency))


def to_minor(amount: Decimal, currency: str) -> int:
    """The other way round. Raises ``ValueError`` where the amount has more digits than the currency."""
    shifted = EXACT.scaleb(amount, digits(currency))
    if shifted != shifted.to_integral_value():
        raise ValueError(f"{amount} has more than the {digits(currency)} digits of {currency}")
    return int(shifted)


def written_out(amount: Decimal, currency: str) -> Decimal:
    """With all digits of its currency: 40 USD is 40.00. Raises ``decimal.Inexact`` where it has more of them."""
    return amount.quantize(_UNITS[digits(currency)], None, _WIDE)


def places(amount: Decimal) -> int:
    """How many digits after the point an amount needs."""
    written = str(amount)
    if "E" not in written:
        return len(written.partition(".")[2].rstrip("0"))
    exponent = amount.normalize(EXACT).as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0
