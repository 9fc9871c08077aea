"""When to poll again: pure."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta

from hub.connector import Cadence
from hub.policy.retry import Backoff
from hub.records import Page

#: Failed polls back off up to this.
_FAILED = Backoff(base=timedelta(seconds=5), cap=timedelta(minutes=5))
#: Doubling beyond this is over every ``idle``.
_MOST_DOUBLINGS = 16


def after_page(
    cadence: Cadence,
    page: Page,
    *,
    news: int,
    idle_polls: int,
    stuck: bool = False,
    uniform: Callable[[float, float], float] = random.uniform,
) -> timedelta:
    """The wait after a page of which ``news`` records were new; ``idle_polls`` empty pages came before it in a row.

    A full page of old acquaintances may hide new ones behind them: it is asked for anew at once, deeper, unless it is
    ``stuck``, because the page before it was the same.
    """
    if page.poll_after is not None:
        return page.poll_after
    if page.full and (news or not stuck):
        return cadence.least
    if page.records or page.bad:
        return timedelta(
            seconds=uniform(cadence.interval.total_seconds(), cadence.interval_max.total_seconds())
        )
    doublings: int = 2 ** min(idle_polls, _MOST_DOUBLINGS)
    return min(cadence.interval * doublings, cadence.idle)


def after_failure(failed_polls: int, retry_after: timedelta | None = None) -> timedelta:
    """The wait after ``failed_polls`` failures in a row, the present one included."""
    return _FAILED.delay(failed_polls, retry_after)
