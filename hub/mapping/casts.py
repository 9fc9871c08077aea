"""What a mapped value is turned into: exact numbers, money in minor units, dates as ISO 8601. Never a guess."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal, DecimalException
from typing import Any

from hub import money
from hub.exact import EXACT, MAX_DIGITS, Number, exact, parse, plain
from hub.excerpt import excerpt

#: Any day, to try a format with.
_SAMPLE = datetime(2026, 4, 27, 13, 5, 9)  # noqa: DTZ001 a format may know nothing of time zones

Cast = Callable[[Any], Any]


class CastError(ValueError):
    """A value that a cast refuses. The text says why, and what to do."""


def decimal(value: Any) -> Decimal:
    """A number, or a text that holds one, with all its digits. Raises ``CastError``."""
    return Decimal(_number(value))


def integer(value: Any) -> int:
    """A whole number; ``32.0`` is one, ``32.5`` is not. Raises ``CastError``."""
    number = _number(value)
    if number != int(number):
        raise CastError("is no whole number; cast it to decimal, or round it at the source")
    return int(number)


def string(value: Any) -> str:
    """A text; numbers are written with all their digits and without an exponent. Raises ``CastError``."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    number = exact(value)
    if number is None:
        raise CastError("is no text, number or boolean; pick a field of it, or use to_string(…)")
    return plain(number)


def boolean(value: Any) -> bool:
    """True or false, also from ``"true"``/``"false"`` in any case, and from 1/0. Raises ``CastError``."""
    if isinstance(value, bool):
        return value
    text = value.strip().lower() if isinstance(value, str) else exact(value)
    if text in ("true", "1", 1):
        return True
    if text in ("false", "0", 0):
        return False
    raise CastError("is neither true nor false; compare it in the expression, as in \"status == 'active'\"")


def minor_units(value: Any, currency: Any) -> int:
    """An amount in the smallest unit of its currency: 32.85 USD is 3285, 32 JPY is 32. Raises ``CastError``."""
    number, digits = _number(value), _digits(currency)
    units = _shifted(number, digits)
    if units != int(units):
        raise CastError(
            f"has more than the {digits} digits after the point that {currency} has; round it at the source"
        )
    return int(units)


def major_units(value: Any, currency: Any) -> Decimal:
    """The amount that so many of the smallest units are: 3285 USD is 32.85. Raises ``CastError``."""
    return _shifted(integer(value), -_digits(currency))


def date_cast(*, pattern: str | None, output: str | None) -> Cast:
    """A cast of texts to a date: ISO 8601, or ``pattern`` for ``strptime``; written in ISO, or by ``output``."""

    def cast(value: Any) -> str:
        day = _moment(value, pattern).date()
        return day.strftime(output) if output else day.isoformat()

    return cast


def datetime_cast(*, pattern: str | None, output: str | None) -> Cast:
    """The same with the time of day. A time without a zone stays without one."""

    def cast(value: Any) -> str:
        moment = _moment(value, pattern)
        return moment.strftime(output) if output else moment.isoformat()

    return cast


def check_pattern(pattern: str) -> None:
    """Raises ``ValueError`` for a directive that ``strptime`` does not know, or that only some systems do."""
    datetime.strptime(_SAMPLE.strftime(pattern), pattern)  # noqa: DTZ007 likewise


#: By the name that a mapping uses. These take the value alone …
VALUE_CASTS: Mapping[str, Cast] = {
    "decimal": decimal,
    "string": string,
    "integer": integer,
    "boolean": boolean,
}

#: … these the value and its currency …
MONEY_CASTS: Mapping[str, Callable[[Any, Any], Any]] = {
    "minor_units": minor_units,
    "major_units": major_units,
}

#: … and these are made for a ``pattern`` to read and an ``output`` to write.
DATE_CASTS: Mapping[str, Callable[..., Cast]] = {"date": date_cast, "datetime": datetime_cast}


def _number(value: Any) -> Number:
    number = parse(value) if isinstance(value, str) else exact(value)
    if number is None:
        raise CastError(
            f"is no number of at most {MAX_DIGITS} digits; send one such as 32.85, or map another field"
        )
    return number


def _digits(currency: Any) -> int:
    try:
        return money.digits(currency)
    except ValueError:
        raise CastError(
            f"has the currency {excerpt(currency)}, which has no minor unit in ISO 4217; map a code such as USD"
        ) from None


def _shifted(number: Number, places: int) -> Decimal:
    try:
        return EXACT.scaleb(Decimal(number), places)
    except DecimalException as error:
        raise CastError(f"has more than {MAX_DIGITS} digits") from error


def _moment(value: Any, pattern: str | None) -> datetime:
    if not isinstance(value, str):
        raise CastError("is no text; dates are read from texts such as 2026-04-27")
    try:
        if pattern is not None:
            return datetime.strptime(value, pattern)  # noqa: DTZ007 what has no zone stays so
        return datetime.fromisoformat(value.strip())
    except ValueError as error:
        raise CastError(_unread(pattern)) from error


def _unread(pattern: str | None) -> str:
    if pattern is None:
        return "is no date in ISO 8601; say how it is written, as in format = '%d.%m.%Y'"
    return f"is not written as the format {pattern!r} says; mend the format or the source"
