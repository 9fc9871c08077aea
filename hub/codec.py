"""JSON without losing a digit: numbers with a fraction are read as Decimal and written as the same number."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec


def _exact(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:  # an exponent beyond what a Decimal can hold
        raise ValueError("number out of range") from None  # which msgspec turns into its DecodeError


_decoder = msgspec.json.Decoder(float_hook=_exact)
_encoder = msgspec.json.Encoder(decimal_format="number")
_canonical = msgspec.json.Encoder(decimal_format="number", order="sorted")
#: Copied where one is needed: that takes less time than making one.
_hasher = hashlib.blake2b(digest_size=16)

DecodeError = msgspec.DecodeError


def loads(text: bytes | str) -> Any:
    """Parse JSON; fractions become Decimal. Raises ``DecodeError`` naming the byte where it went wrong."""
    try:
        return _decoder.decode(text)
    except UnicodeDecodeError as error:  # of a text, whose bytes are looked at last
        raise DecodeError(f"JSON is malformed: a text is no UTF-8 ({error.reason})") from None


def dumps(value: Any) -> bytes:
    """Serialise to UTF-8 JSON; Decimal is written as a number with all its digits, dates as ISO 8601."""
    return _encoder.encode(value)


def lines(values: Sequence[Any]) -> list[str]:
    """Each of them as ``dumps`` writes it, which has no line breaks: together they take less time than one by one."""
    return _encoder.encode_lines(values).decode().split("\n")[:-1]


def fingerprint(value: Any) -> str:
    """A hash of the content, equal for equal content whatever the order of its fields (32 hex digits)."""
    hasher = _hasher.copy()
    hasher.update(_canonical.encode(value))
    return hasher.hexdigest()
