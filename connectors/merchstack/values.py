"""What single fields of a record may hold, as types for pydantic; each refusal names what would do."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BeforeValidator,
    PlainValidator,
    StrictBool,
    StrictStr,
    StringConstraints,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
)

from hub import exact, money
from hub.excerpt import excerpt

#: Pixels and quantities beyond these are a mistake.
MAX_PIXELS, MAX_QUANTITY = 2**31 - 1, 2**53 - 1

#: In minor units; the catalog's numbers have room for four digits more.
_TOO_DEAR = 10 ** (exact.MAX_DIGITS - 4)

_IN_BRACKETS = re.compile(r"\s*<([^<>]*)>\s*")
_DIGITS = re.compile(r"[0-9]{1,10}")


class UnfitError(ValueError):
    """A value cannot be taken; the text says why and what would do."""


def unwrapped(url: str) -> str:
    """``<https://a.example>`` without its brackets, as the seed shows URLs; any other text as it is."""
    match = _IN_BRACKETS.fullmatch(url)
    return match[1] if match else url


def _pixels(value: Any) -> int:
    """A number or a text of digits: the seed's example and its property table disagree."""
    if isinstance(value, str) and _DIGITS.fullmatch(value.strip()):
        value = int(value)
    if isinstance(value, Decimal) and value == value.to_integral_value():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MAX_PIXELS:
        raise UnfitError(f"{excerpt(value)} is no number of pixels; write a whole number such as 159")
    return value


def _whole(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise UnfitError(
            f"{excerpt(value)} is no whole number; write one such as 22, without quotes or point"
        )
    if abs(value) > MAX_QUANTITY:
        raise UnfitError(f"{excerpt(value)} is beyond {MAX_QUANTITY}; write the real quantity")
    return value


def not_negative(value: int) -> int:
    """The value, unless it is below zero."""
    if value < 0:
        raise UnfitError(f"{value} is negative; write 0 or more")
    return value


def _coordinate(value: Any) -> int | Decimal:
    number = exact.parse(value) if isinstance(value, str) else exact.exact(value)
    if number is None:
        raise UnfitError(f"{excerpt(value)} is no number; write one such as 23")
    return number


def _minor(value: Any, info: ValidationInfo) -> int:
    """Seed 003: "specified in a decimal-less format"."""
    if type(value) is int and 0 <= value < _TOO_DEAR:
        return value
    raise UnfitError(_no_price(value, info.data.get("currency_code")))


def _no_price(value: Any, currency: object) -> str:
    if isinstance(value, str):
        return f"{excerpt(value)} is a text; write minor units as a number, such as 3999 for 39.99 USD"
    if isinstance(value, Decimal | float):
        remedy = _in_minor(exact.exact(value), currency)
        return f"{excerpt(value)} has a decimal point; write minor units, {remedy}"
    if not isinstance(value, int) or isinstance(value, bool):
        return f"{excerpt(value)} is no number; write minor units, such as 3999 for 39.99 USD"
    if value < 0:
        return f"{excerpt(value)} is negative; write 0 or more"
    return f"it has more than {exact.MAX_DIGITS - 4} digits; write the real price"


def _in_minor(value: int | Decimal | None, currency: object) -> str:
    try:
        if value is not None and isinstance(currency, str):
            return str(money.to_minor(Decimal(value), currency))
    except (ValueError, ArithmeticError):
        pass
    return "such as 3999 for 39.99 USD"


def text_as_it_is(value: Any, validate: ValidatorFunctionWrapHandler) -> Any:
    """A text is left alone; anything else is validated."""
    return value if isinstance(value, str) else validate(value)


def _one_or_many(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _merged(objects: Sequence[dict[str, Any]]) -> dict[str, list[str]]:
    """All objects as one; an attribute that is null is none."""
    if len(objects) == 1 and None not in objects[0].values():
        return objects[0]
    attributes: dict[str, list[str]] = {}
    for each in objects:
        for name, values in each.items():
            if values is not None:
                attributes.setdefault(name, []).extend(values)
    return attributes


Text = StrictStr | None
Flag = StrictBool | None
#: What the catalog takes as a key.
Id = Annotated[StrictStr, StringConstraints(min_length=1, max_length=512)]
Language = Annotated[StrictStr, StringConstraints(min_length=1, max_length=64)]
Url = Annotated[StrictStr, AfterValidator(unwrapped)]
Pixels = Annotated[int, PlainValidator(_pixels)]
Whole = Annotated[int, PlainValidator(_whole)]
Coordinate = Annotated[int | Decimal, PlainValidator(_coordinate)]
Minor = Annotated[int, PlainValidator(_minor)]
CurrencyCode = Annotated[str, PlainValidator(money.code)]
_Values = Annotated[list[StrictStr], BeforeValidator(_one_or_many)]
#: An array of objects or one object; values are a text or an array of texts.
Attributes = Annotated[
    list[dict[str, _Values | None]],
    BeforeValidator(lambda value: [value] if isinstance(value, dict) else value),
    AfterValidator(_merged),
]
