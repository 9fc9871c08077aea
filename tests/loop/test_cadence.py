"""When a connection is polled again."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.connector import Cadence
from hub.loop.cadence import after_failure, after_page
from hub.records import BadRecord, Page, Record

#: Half a second, 30 to 60 seconds, five minutes.
CADENCE = Cadence()
RECORD = Record(stream="price", key="a", payload={})
EMPTY, SOME = Page(), Page(records=[RECORD])
FULL = Page(records=[RECORD], full=True)

seconds = st.integers(1, 10_000).map(lambda number: timedelta(seconds=number))
pages = st.builds(
    Page,
    records=st.lists(st.just(RECORD), max_size=2),
    bad=st.lists(st.just(BadRecord(reason="x", raw="y")), max_size=1),
    full=st.booleans(),
    poll_after=st.none() | seconds,
)


@st.composite
def cadences(draw: st.DrawFn) -> Cadence:
    least, interval, interval_max, idle = sorted(draw(st.lists(seconds, min_size=4, max_size=4)))
    return Cadence(least=least, interval=interval, interval_max=interval_max, idle=idle)


def minutes_after_empty_pages(number: int) -> float:
    return after_page(CADENCE, EMPTY, news=0, idle_polls=number).total_seconds() / 60


def test_it_backs_off_to_five_minutes_while_nothing_comes() -> None:
    """By doubling."""
    assert [minutes_after_empty_pages(number) for number in range(6)] == [0.5, 1, 2, 4, 5, 5]


def test_a_full_page_with_news_is_followed_at_once() -> None:
    """There is probably more."""
    assert after_page(CADENCE, FULL, news=1, idle_polls=0) == CADENCE.least


def test_a_full_page_without_news_is_asked_for_deeper_at_once_but_not_for_ever() -> None:
    """What is new may be behind it; the same page again says that it is not."""
    assert after_page(CADENCE, FULL, news=0, idle_polls=0) == CADENCE.least
    assert after_page(CADENCE, FULL, news=0, idle_polls=0, stuck=True) >= CADENCE.interval
    assert after_page(CADENCE, FULL, news=1, idle_polls=0, stuck=True) == CADENCE.least


@pytest.mark.parametrize("page", (SOME, Page(bad=[BadRecord(reason="x", raw="y")])))
def test_the_interval_is_jittered(page: Page) -> None:
    """So that a fleet of connections does not poll in step."""
    assert after_page(CADENCE, page, news=1, idle_polls=9, uniform=min) == CADENCE.interval
    assert after_page(CADENCE, page, news=0, idle_polls=9, uniform=max) == CADENCE.interval_max


@given(
    cadence=cadences(),
    page=pages,
    news=st.integers(0, 3),
    idle_polls=st.integers(0, 10**9),
    stuck=st.booleans(),
)
def test_no_wait_is_shorter_than_the_least_or_longer_than_idle(
    cadence: Cadence, page: Page, news: int, idle_polls: int, stuck: bool
) -> None:
    """Unless the page says itself when to come back."""
    wait = after_page(cadence, page, news=news, idle_polls=idle_polls, stuck=stuck)

    assert wait == page.poll_after if page.poll_after else cadence.least <= wait <= cadence.idle


@given(cadence=cadences(), idle_polls=st.lists(st.integers(0, 100), min_size=2).map(sorted))
def test_waits_never_shrink_while_nothing_comes(cadence: Cadence, idle_polls: list[int]) -> None:
    """However long that lasts."""
    waits = [after_page(cadence, EMPTY, news=0, idle_polls=number) for number in idle_polls]

    assert all(earlier <= later for earlier, later in pairwise(waits))


@given(failed=st.integers(1, 10**6), asked=st.none() | seconds)
def test_failed_polls_back_off_to_five_minutes_and_longer_only_when_asked_to(
    failed: int, asked: timedelta | None
) -> None:
    """From five seconds, jittered."""
    wait = after_failure(failed, asked)

    assert wait >= max(timedelta(seconds=2.5), asked or timedelta(0))
    assert wait <= max(timedelta(minutes=5), asked or timedelta(0))
    if failed == 1 and asked is None:
        assert wait <= timedelta(seconds=5)
