"""What an answer's headers teach about the pace: Retry-After, X-RateLimit-*, Ratelimit-*. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus

from hub.policy.retry import LONGEST_WAIT, parse_retry_after

#: Seconds that a refusal holds at least: requests that are under way are refused with it.
HOLD = 0.25
#: A reset above this is a point in time, in seconds since 1970; below it, a span.
TIMESTAMP = 1e9
#: A reset above this is such a point in milliseconds.
TIMESTAMP_MS = 1e12

_NUMBER = re.compile(r"[0-9]{1,15}(\.[0-9]{1,9})?", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """Too fast (429), and not a word on how fast is right. Times in seconds.

    The answer ``took`` so long. ``admitted`` requests had passed in ``seconds``, in the process that was refused and while
    nothing limited it; 0 where something did, or where that is told already. ``last`` of them came in the ``last_seconds``,
    quicker than those before.
    """

    took: float = 0.0
    admitted: int = 0
    seconds: float = 0.0
    last: int = 0
    last_seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """Nothing for the time of ``block``; no more than ``remaining`` tokens until ``reset`` is over.

    ``remaining`` and ``reset`` come together or not at all. A ``refusal`` comes with a block.
    """

    block: timedelta | None = None
    remaining: int | None = None
    reset: timedelta | None = None
    refusal: Refusal | None = None


def lesson_of(status: int, headers: Mapping[str, str], now: datetime) -> Lesson | None:
    """What an answer teaches; None for nothing. ``headers`` must not mind the case of names.

    ``Retry-After`` counts on errors alone: on a 202 it says when to look for the result, which is not about pace.
    The others count on every answer, and none remaining is a block until the reset. A 429 without them is a refusal.
    """
    block = parse_retry_after(headers.get("retry-after"), now) if status >= 400 else None
    remaining = _number(headers, "remaining")
    reset = _reset(_number(headers, "reset"), now)
    if remaining is None or reset is None:
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            return Lesson(block=max(block or timedelta(0), timedelta(seconds=HOLD)), refusal=Refusal())
        return Lesson(block=block) if block else None
    if remaining < 1:
        block = max(block or reset, reset)
    return Lesson(block=block or None, remaining=int(remaining), reset=reset)


def _number(headers: Mapping[str, str], name: str) -> float | None:
    text = headers.get(f"x-ratelimit-{name}") or headers.get(f"ratelimit-{name}") or ""
    first = text.partition(",")[0].partition(";")[0].strip()
    return float(first) if _NUMBER.fullmatch(first) else None


def _reset(number: float | None, now: datetime) -> timedelta | None:
    """A span as it is, a point in time as the span until then; None where it is over, or there is none."""
    if number is None:
        return None
    if number > TIMESTAMP:
        number = (number / 1000 if number > TIMESTAMP_MS else number) - now.timestamp()
    seconds = min(number, LONGEST_WAIT.total_seconds())
    return timedelta(seconds=seconds) if seconds > 0 else None
