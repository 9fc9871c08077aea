"""When to try again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.policy.retry import LONGEST_WAIT, Backoff, parse_retry_after

NOW = datetime(2026, 11, 6, 8, 49, 37, tzinfo=UTC)


def test_the_wait_doubles_up_to_the_cap() -> None:
    """1, 2, 4 … 60, 60 seconds where the dice say 1."""
    waits = [Backoff().delay(attempt, uniform=lambda _least, most: most) for attempt in range(1, 10)]

    assert [wait.total_seconds() for wait in waits] == [1, 2, 4, 8, 16, 32, 60, 60, 60]


@given(st.integers(-5, 10**9), st.timedeltas(timedelta(0), LONGEST_WAIT) | st.none())
def test_a_wait_is_jittered_and_never_shorter_than_asked(attempt: int, asked: timedelta | None) -> None:
    """Between half and all of the backoff, or what was asked for, however often it failed."""
    backoff = Backoff()
    least = backoff.delay(attempt, uniform=lambda low, _: low)
    most = backoff.delay(attempt, uniform=lambda _, high: high)
    wait = backoff.delay(attempt, asked)

    assert least * 2 == most <= backoff.cap
    assert max(least, asked or least) <= wait <= max(most, asked or most)


def test_ten_attempts_are_all() -> None:
    """The tenth failure is the last."""
    assert [attempt for attempt in range(1, 12) if Backoff().exhausted(attempt)] == [10, 11]


@pytest.mark.parametrize(
    ("value", "seconds"),
    (
        ("7", 7),
        (" 7 ", 7),
        ("0.5", 0.5),
        ("0", 0),
        ("99999999999", 86400),
        ("Fri, 06 Nov 2026 08:50:37 GMT", 60),
        ("Friday, 06-Nov-26 08:50:37 GMT", 60),
        ("Fri Nov  6 08:50:37 2026", 60),
        ("Fri, 06 Nov 2026 09:50:37 +0100", 60),
        ("Mon, 06 Nov 2034 08:49:37 GMT", 86400),
    ),
)
def test_retry_after_is_read(value: str, seconds: float) -> None:
    """Seconds and the three forms of an HTTP date, never longer than a day."""
    assert parse_retry_after(value, NOW) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "value",
    (None, "", "soon", "-1", "1e3", "inf", "nan", "0x10", "\u0667", "Fri, 06 Nov 2020 08:50:37 GMT", "1;2"),
)
def test_a_retry_after_that_makes_no_sense_is_none(value: str | None) -> None:
    """Absent, negative, garbage, past."""
    assert parse_retry_after(value, NOW) is None


@given(st.text() | st.text("0123456789.:, +-GMTFriNov"))
def test_retry_after_survives_anything(value: str) -> None:
    """Whatever a header says, the wait is none or sane."""
    wait = parse_retry_after(value, NOW)

    assert wait is None or timedelta(0) <= wait <= LONGEST_WAIT


@given(st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - bounds
def test_a_date_means_the_time_until_then(date: datetime) -> None:
    """HTTP dates have whole seconds."""
    wait = parse_retry_after(format_datetime(date, usegmt=True), NOW)

    ahead = date.replace(microsecond=0) - NOW
    assert wait == (min(ahead, LONGEST_WAIT) if ahead > timedelta(0) else None)
