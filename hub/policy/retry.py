"""When to try again: exponential backoff with jitter, and at least as late as the other side asked."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

#: Whoever asks for a longer wait is taken at this: a typing error over there must not park a record for years.
LONGEST_WAIT = timedelta(days=1)

#: Doubling beyond this is over every cap, and a float has an end.
_MOST_DOUBLINGS = 64
_SECONDS = re.compile(r"[0-9]{1,15}(\.[0-9]{1,9})?", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Backoff:
    """How long to wait after each failed attempt, and how many attempts there are.

    The n-th failure waits ``base * factor ** (n - 1)``, never more than ``cap``, times a random factor between
    ``least_jitter`` and 1, so that what failed together does not come back together. With the defaults ten attempts
    span three to four minutes: 1, 2, 4, 8, 16, 32, 60, 60, 60 seconds, less the jitter.
    """

    base: timedelta = timedelta(seconds=1)
    factor: float = 2.0
    cap: timedelta = timedelta(seconds=60)
    least_jitter: float = 0.5
    attempts: int = 10

    def delay(
        self,
        attempt: int,
        retry_after: timedelta | None = None,
        *,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> timedelta:
        """The wait after failed attempt number ``attempt`` (from 1), at least ``retry_after``."""
        doublings = min(max(attempt - 1, 0), _MOST_DOUBLINGS)
        seconds = min(self.base.total_seconds() * self.factor**doublings, self.cap.total_seconds())
        wait = timedelta(seconds=seconds * uniform(self.least_jitter, 1.0))
        return max(wait, retry_after or timedelta(0))

    def exhausted(self, attempt: int) -> bool:
        """Whether failed attempt number ``attempt`` was the last one."""
        return attempt >= self.attempts


def parse_retry_after(value: str | None, now: datetime) -> timedelta | None:
    """The wait that a Retry-After header asks for, in seconds or as an HTTP date; at most ``LONGEST_WAIT``.

    None where there is none, where it makes no sense, or where its date is past.
    """
    text = (value or "").strip()
    wait = _from_seconds(text) if _SECONDS.fullmatch(text) else _from_date(text, now)
    return min(wait, LONGEST_WAIT) if wait is not None else None


def _from_seconds(text: str) -> timedelta:
    return timedelta(seconds=min(float(text), LONGEST_WAIT.total_seconds()))


def _from_date(text: str, now: datetime) -> timedelta | None:
    try:
        date = parsedate_to_datetime(text)
        wait = date.replace(tzinfo=date.tzinfo or UTC) - now
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return wait if wait > timedelta(0) else None
