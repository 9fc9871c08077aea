"""Amounts to the last digit, and outcomes in the documented shape."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from merchantops_sdk.models import PublishOutcomeBody

from connectors.merchantops.mapping import (
    MAX_ERROR_LENGTH,
    UnfitError,
    final_status,
    outcome_body,
    parse_page,
    read_amount,
)
from hub import codec
from hub.records import Outcome


def amount_of(written: str) -> Any:
    """What a page with this amount ends up with, or None for a record in quarantine."""
    parsed = parse_page(b'{"items": [{"record_key": "a", "amount": %b}]}' % written.encode())
    return parsed.records[0].payload["amount"] if parsed.records else None


@pytest.mark.parametrize(
    ("written", "stored"),
    (
        ("32.85", "32.85"),
        ("32.850", "32.850"),
        ("0", "0"),
        ("0.00", "0.00"),
        ("-0.0", "0.0"),
        ("1e3", "1000"),
        ("1.5E2", "150"),
        ("25e-3", "0.025"),
        ("7", "7"),
        ('"32.85"', "32.85"),
        ('" 32.85 "', "32.85"),
        ('"1e3"', "1000"),
        ("9007199254740993", "9007199254740993"),
        ("123456789012345678901234567890", "123456789012345678901234567890"),
        ("0.1000000000000000055511151231257827021181583404541015625",) * 2,
        ("79228162514264337593543950335.99", "79228162514264337593543950335.99"),
    ),
)
def test_an_amount_is_stored_with_every_digit(written: str, stored: str) -> None:
    """It never goes through a float, a text that holds a number is one, and 1e3 is written out."""
    assert codec.dumps(amount_of(written)).decode() == stored


@pytest.mark.parametrize(
    "written",
    (
        "null",
        "true",
        "NaN",
        "Infinity",
        '"NaN"',
        '""',
        '"32,85"',
        '"1_000"',
        '"$32.85"',
        '"0x10"',
        '"٣"',
        "-1",
        "-0.01",
        '"-32.85"',
        "[32.85]",
        '{"value": 32.85}',
        "1e999",
        "1e-999",
        "1" * 101,
        "1" * 5000,
    ),
)
def test_an_amount_that_is_no_price_puts_its_record_into_quarantine(written: str) -> None:
    """With a reason that names the field."""
    body = b'{"items": [{"record_key": "a", "amount": %b}]}' % written.encode()
    (bad,) = parse_page(body).bad

    assert bad.reason.startswith("amount: ") or "out of range" in bad.reason


def test_a_record_without_an_amount_goes_into_quarantine() -> None:
    """There is nothing to publish."""
    (bad,) = parse_page(b'{"items": [{"record_key": "a"}]}').bad

    assert bad.reason.startswith("amount: absent or null")


@given(
    st.decimals(min_value=0, max_value=10**40, allow_nan=False, allow_infinity=False).filter(
        lambda d: len(str(d)) < 90
    )
)
def test_any_price_comes_out_as_the_number_that_was_written(price: Decimal) -> None:
    """As a number, as a text, and with an exponent, digit by digit (the last zeros are digits as well)."""
    plain = format(price, "f")

    for written in (plain, f'"{plain}"'):
        stored = codec.loads(codec.dumps(amount_of(written)))
        assert Decimal(stored).as_tuple() == Decimal(plain).as_tuple()
    assert amount_of(f"{price:e}") == price


@given(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.decimals(), st.lists(st.none())
    )
)
def test_an_amount_is_a_finite_number_from_zero_up_or_refused(value: object) -> None:
    """Nothing in between, and nothing else is raised."""
    try:
        amount = read_amount(value)
    except UnfitError as error:
        assert str(error).startswith("amount: ")  # noqa: PT017 either way is right
    else:
        assert amount >= 0
        assert "E+" not in codec.dumps(amount).decode()
        assert codec.loads(codec.dumps(amount)) == amount


def outcome(**fields: Any) -> Outcome:
    told = {
        "record_id": 1,
        "stream": "price",
        "key": "pr-1",
        "payload": {},
        "status": "success",
        "attempts": 1,
    }
    return Outcome(**(told | fields))


def test_an_outcome_has_every_documented_field() -> None:
    """As the guide lists them."""
    body = outcome_body(
        outcome(
            status="failed",
            attempts=3,
            response_code=503,
            duration_ms=145,
            error="down",
            external_id="ERP-42",
        ),
        "custom",
    )

    assert body == {
        "target_key": "custom",
        "status": "failed",
        "response_code": 503,
        "duration_ms": 145,
        "attempts": 3,
        "error": "down",
        "external_id": "ERP-42",
    }


def test_what_is_not_known_is_left_out() -> None:
    """A null could overwrite what is there."""
    assert outcome_body(outcome(), "custom") == {"target_key": "custom", "status": "success", "attempts": 1}


def test_a_long_error_is_cut_to_a_summary() -> None:
    """MerchantOps shows it in its publish status."""
    error = outcome_body(outcome(status="failed", error="x" * 10_000), "custom")["error"]

    assert len(error) == MAX_ERROR_LENGTH
    assert error.endswith("…")


texts = st.none() | st.text(max_size=600)
numbers = st.none() | st.integers(0, 10**6)


@given(
    st.fixed_dictionaries(
        {"status": st.sampled_from(["success", "failed", "skipped"]), "attempts": st.integers(0, 50)},
        optional={"response_code": numbers, "duration_ms": numbers, "error": texts, "external_id": texts},
    )
)
def test_every_outcome_parses_with_the_model_of_the_official_client(fields: dict[str, Any]) -> None:
    """Nothing in it is unknown to that model, and it would send the same."""
    body = outcome_body(outcome(**fields), "custom")

    model = PublishOutcomeBody.from_dict(body)
    assert model.additional_properties == {}
    assert model.to_dict() == body


@pytest.mark.parametrize(
    ("answer", "status"),
    (
        (b'{"batch_final_status": null}', None),
        (b'{"batch_final_status": "partial"}', "partial"),
        (b"{}", None),
    ),
)
def test_the_answer_to_an_outcome_says_how_its_batch_ended(answer: bytes, status: str | None) -> None:
    """Null while other records of the batch are in flight."""
    assert final_status(answer) == status


@pytest.mark.parametrize("answer", (b"", b"<html>", b"[]", b"\xff"))
def test_an_answer_that_is_no_json_object_is_told_apart(answer: bytes) -> None:
    """The caller decides what that means."""
    with pytest.raises(UnfitError):
        final_status(answer)
