"""JSON keeps every digit, or says where it is wrong."""

from __future__ import annotations

import contextlib
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub import codec

finite = st.decimals(allow_nan=False, allow_infinity=False, places=4)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | finite | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=15,
)


@given(values)
def test_what_is_written_is_read_back_with_every_digit(value: object) -> None:
    """No float stands between a price and its text."""
    assert codec.loads(codec.dumps(value)) == value


@given(st.lists(values, max_size=4))
def test_many_at_once_are_written_as_one_by_one(many: list[object]) -> None:
    """A line break within a text is no end of it."""
    assert codec.lines(many) == [codec.dumps(one).decode() for one in many]


@pytest.mark.parametrize("text", ("32.85", "0.10", "1e3", "12345678901234567890.123456789"))
def test_a_fraction_is_a_decimal_as_it_was_written(text: str) -> None:
    """Trailing zeros and exponents included."""
    assert str(codec.loads(text)) == str(Decimal(text))


@pytest.mark.parametrize(
    "text",
    ("1e9999999999999999999999", "NaN", "{", "[1,]", '"\x00"', "", b'"\x80"', b'{"a\xff": 1}', b"\x80"),
)
def test_what_is_no_json_is_a_decode_error(text: str | bytes) -> None:
    """Whatever is wrong with it, callers have one error to catch."""
    with pytest.raises(codec.DecodeError):
        codec.loads(text)


@given(st.binary(max_size=20) | st.binary(max_size=10).map(lambda text: b'"' + text + b'"'))
def test_any_bytes_are_json_or_a_decode_error(text: bytes) -> None:
    """Also within a text."""
    with contextlib.suppress(codec.DecodeError):
        codec.dumps(codec.loads(text))


@given(st.dictionaries(st.text(max_size=5), values, min_size=2, max_size=5))
def test_a_fingerprint_does_not_depend_on_the_order_of_fields(value: dict[str, object]) -> None:
    """Sources do not promise an order."""
    assert codec.fingerprint(value) == codec.fingerprint(dict(reversed(value.items())))


def test_a_fingerprint_changes_with_the_content() -> None:
    """A cent is news."""
    assert codec.fingerprint({"amount": Decimal("1.00")}) != codec.fingerprint({"amount": Decimal("1.01")})
