"""Whole numbers of a simulation: cents and pieces. Pure."""

from __future__ import annotations

import re
from typing import Any, Final

from connectors.vtex.values import number
from hub.excerpt import excerpt

#: No stock and no price in cents is as much.
_TOO_MUCH: Final = 10**15
#: Of a text only that: "10.00" may be ten units of a currency, or ten cents.
_DIGITS: Final = re.compile(r"-?\d{1,30}", re.ASCII)


def whole(value: Any) -> int | None:
    """A whole number, or a text of its digits; None for anything else, and for what nothing can cost or be."""
    if isinstance(value, str) and not _DIGITS.fullmatch(value.strip()):
        return None
    found = number(value)
    if found is None or not -_TOO_MUCH < found < _TOO_MUCH:
        return None
    return int(found) if found == int(found) else None


def cents(field: str, value: Any) -> int | None:
    """Of a price; None where there is none (null, 0). Raises ``ValueError`` that names the field, for whatever else it is."""
    if value is None:
        return None
    found = whole(value)
    if found is None or found < 0:
        raise ValueError(f"{field}: {excerpt(value)} is no whole number of cents")
    return found or None


def pieces(field: str, value: Any) -> int | None:
    """Of a stock, which is none below nothing; None where it is not said. Raises ``ValueError`` that names the field."""
    if value is None:
        return None
    found = whole(value)
    if found is None:
        raise ValueError(f"{field}: {excerpt(value)} is no whole number of pieces")
    return max(found, 0)
