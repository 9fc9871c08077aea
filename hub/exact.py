"""Numbers without losing a digit: one grammar for numbers in texts, one way to write them, one limit to their size."""

from __future__ import annotations

import re
from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow
from typing import Any

#: A number longer than this, written out in full, is a mistake or an attack: 1e999999999 would fill the memory.
MAX_DIGITS = 100

#: So many digits of a number come back from a float as they went in.
FLOAT_DIGITS = 15

#: Refuses to round: a result that does not fit into ``MAX_DIGITS`` raises ``decimal.Inexact``.
EXACT = Context(prec=MAX_DIGITS, traps=[Inexact, InvalidOperation, Overflow])

Number = int | Decimal

_TOO_LARGE = 10**MAX_DIGITS

_NUMBER = re.compile(r"[+-]?\d{1,100}(?:\.\d{1,100})?(?:[eE][+-]?\d{1,3})?", re.ASCII)
_WHOLE = re.compile(r"[+-]?\d{1,100}", re.ASCII)


def parse(text: str) -> Number | None:
    """The number that a text holds, such as ``32.85``, ``-7`` or ``1e3``; None if it holds anything else.

    Blanks around it are ignored. Thousands separators, NaN and Infinity are something else.
    """
    text = text.strip()
    if _WHOLE.fullmatch(text):
        return int(text)
    return bounded(Decimal(text)) if _NUMBER.fullmatch(text) else None


def exact(value: object) -> Number | None:
    """A JSON number as int or Decimal, a float by its shortest digits; None for anything else (booleans too)."""
    if isinstance(value, bool):
        return None
    if isinstance(value, float):
        value = Decimal(repr(value))
    return bounded(value) if isinstance(value, int | Decimal) else None


def bounded(number: Number) -> Number | None:
    """The number, or None if it is infinite, no number, or longer than ``MAX_DIGITS`` written out."""
    if isinstance(number, int):
        return number if abs(number) < _TOO_LARGE else None
    if not number.is_finite():
        return None
    whole = max(number.adjusted(), 0) + 1
    fraction = max(-int(number.as_tuple().exponent), 0)
    return number if whole + fraction <= MAX_DIGITS else None


def plain(number: Number) -> str:
    """Its digits without an exponent: ``1E+3`` is ``1000``, ``32.80`` stays ``32.80``. Takes bounded numbers."""
    return str(number) if isinstance(number, int) else format(number, "f")


def literal(value: Any) -> Any:
    """A JSON constant as a person wrote it, its floats as the decimals they stand for. Raises ``ValueError``.

    Fifteen digits survive the way through a float; a longer number may not be what was written, and is refused.
    """
    match value:
        case float():
            return _literal_float(value)
        case list():
            return [literal(each) for each in value]
        case dict():
            return {name: literal(each) for name, each in value.items()}
        case _:
            return value


def _literal_float(value: float) -> Number:
    number = exact(value)
    if number is None or len(Decimal(number).normalize().as_tuple().digits) > FLOAT_DIGITS:
        raise ValueError(
            f"the number {value} is not finite or has more than {FLOAT_DIGITS} digits: write it as a text and cast it"
        )
    return number
