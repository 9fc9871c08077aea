"""What headers teach about the pace."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.policy.lessons import HOLD, Lesson, Refusal, lesson_of
from hub.policy.retry import LONGEST_WAIT

NOW = datetime(2026, 11, 6, 8, 49, 37, tzinfo=UTC)


def lesson(status: int, **headers: str) -> Lesson | None:
    """With names as keyword arguments."""
    return lesson_of(status, httpx.Headers({name.replace("_", "-"): headers[name] for name in headers}), NOW)


@pytest.mark.parametrize("status", (400, 500, 503))
def test_retry_after_of_an_error_blocks(status: int) -> None:
    """Whatever the error."""
    assert lesson(status, Retry_After="30") == Lesson(block=timedelta(seconds=30))


@pytest.mark.parametrize(
    ("headers", "block"), (({"Retry_After": "30"}, 30.0), ({"Retry_After": "0"}, HOLD), ({}, HOLD))
)
def test_a_429_is_a_refusal_and_blocks(headers: dict[str, str], block: float) -> None:
    """For a moment at least: what is under way is refused as well."""
    assert lesson(429, **headers) == Lesson(block=timedelta(seconds=block), refusal=Refusal())


def test_a_429_that_says_what_remains_is_no_refusal() -> None:
    """There is nothing to find out."""
    told = lesson(429, X_RateLimit_Remaining="0", X_RateLimit_Reset="60", Retry_After="3")

    assert told == Lesson(block=timedelta(seconds=60), remaining=0, reset=timedelta(seconds=60))


@pytest.mark.parametrize("status", (200, 202, 301))
def test_retry_after_of_anything_else_is_not_about_pace(status: int) -> None:
    """A 202 says when to look for the result."""
    assert lesson(status, Retry_After="30") is None


@pytest.mark.parametrize("prefix", ("X_RateLimit", "Ratelimit", "x_ratelimit", "RATELIMIT"))
@pytest.mark.parametrize(
    "reset", ("60", f"{NOW.timestamp() + 60:.0f}", f"{NOW.timestamp() * 1000 + 60_000:.0f}")
)
def test_what_remains_until_the_reset_is_learned(prefix: str, reset: str) -> None:
    """Both names; a reset is a span, or a point in time in seconds or milliseconds."""
    learned = lesson(200, **{f"{prefix}_Remaining": "7", f"{prefix}_Reset": reset})

    assert learned == Lesson(remaining=7, reset=timedelta(seconds=60))


def test_nothing_remaining_blocks_until_the_reset() -> None:
    """Unless Retry-After asks for longer."""
    headers = {"Ratelimit_Remaining": "0", "Ratelimit_Reset": "5"}

    assert lesson(200, **headers) == Lesson(
        block=timedelta(seconds=5), remaining=0, reset=timedelta(seconds=5)
    )
    assert lesson(429, **headers, Retry_After="9") == Lesson(
        block=timedelta(seconds=9), remaining=0, reset=timedelta(seconds=5)
    )


@pytest.mark.parametrize(
    "headers",
    (
        {},
        {"Ratelimit_Remaining": "0"},
        {"Ratelimit_Reset": "5"},
        {"Ratelimit_Remaining": "0", "Ratelimit_Reset": "0"},
        {"Ratelimit_Remaining": "-1", "Ratelimit_Reset": "5"},
        {"Ratelimit_Remaining": "many", "Ratelimit_Reset": "5"},
        {"X_Ratelimit_Remaining": "3", "X_Ratelimit_Reset": "1600000000"},
    ),
)
def test_half_a_lesson_is_none(headers: dict[str, str]) -> None:
    """What lacks its reset, is past or makes no sense would block on a guess."""
    assert lesson(200, **headers) is None


def test_the_first_of_several_quotas_counts() -> None:
    """As in ``Remaining: 3, 3;w=60``."""
    learned = lesson(200, Ratelimit_Remaining="3, 3;w=60", Ratelimit_Reset="5;x")

    assert learned == Lesson(remaining=3, reset=timedelta(seconds=5))


ANYTHING = (
    st.text(st.characters(min_codepoint=32, max_codepoint=126))
    | st.integers().map(str)
    | st.floats().map(str)
)


@given(st.integers(100, 599), ANYTHING, ANYTHING, ANYTHING)
def test_lessons_survive_anything(status: int, after: str, remaining: str, reset: str) -> None:
    """Whatever headers say, a lesson is sane, whole, and no longer than a day."""
    headers = {"Retry_After": after, "X_RateLimit_Remaining": remaining, "Ratelimit_Reset": reset}
    learned = lesson(status, **headers)

    if learned is not None:
        assert learned.block is None or timedelta(0) < learned.block <= LONGEST_WAIT
        assert learned.reset is None or timedelta(0) < learned.reset <= LONGEST_WAIT
        assert (learned.remaining is None) == (learned.reset is None)
        assert learned.block or learned.reset
