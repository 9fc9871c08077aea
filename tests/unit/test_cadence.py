"""When a connection is polled next."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hub.connector import Cadence
from hub.loop.cadence import after_failure, after_page
from hub.records import Page, Record

CADENCE = Cadence(
    least=timedelta(seconds=0.5),
    interval=timedelta(seconds=30),
    interval_max=timedelta(seconds=60),
    idle=timedelta(minutes=5),
)
SOME = [Record(stream="price", key="a", payload={})]


def middle(low: float, high: float) -> float:
    return (low + high) / 2


def wait_after(page: Page, *, news: int = 0, idle_polls: int = 0, stuck: bool = False) -> float:
    """Seconds."""
    wait = after_page(CADENCE, page, news=news, idle_polls=idle_polls, stuck=stuck, uniform=middle)
    return wait.total_seconds()


def test_a_full_page_with_news_is_followed_at_once() -> None:
    """The source probably has more."""
    assert wait_after(Page(records=SOME, full=True), news=1) == 0.5


def test_a_full_page_of_old_acquaintances_is_asked_for_anew_once() -> None:
    """Records that are in work fill the page and hide the new ones; the next poll asks for more of them."""
    page = Page(records=SOME, full=True)

    assert wait_after(page) == 0.5
    assert wait_after(page, stuck=True) == 45


def test_a_page_that_is_not_full_waits_for_the_interval() -> None:
    """With jitter, so that connections do not poll in step."""
    assert wait_after(Page(records=SOME), news=1) == 45


@pytest.mark.parametrize(("idle_polls", "seconds"), ((0, 30), (1, 60), (2, 120), (4, 300), (400, 300)))
def test_empty_pages_back_off_to_five_minutes(idle_polls: int, seconds: float) -> None:
    """Doubling, and no overflow after weeks of silence."""
    assert wait_after(Page(), idle_polls=idle_polls) == seconds


def test_a_connector_may_say_when_to_come_back() -> None:
    """Whatever its page brought."""
    assert wait_after(Page(records=SOME, full=True, poll_after=timedelta(seconds=7)), news=1) == 7


def test_a_failed_poll_waits_at_least_as_long_as_the_source_asks() -> None:
    """And longer with each failure in a row."""
    assert after_failure(1, timedelta(seconds=77)) == timedelta(seconds=77)
    assert after_failure(1) <= timedelta(seconds=5)
    assert timedelta(seconds=150) <= after_failure(30) <= timedelta(minutes=5)
