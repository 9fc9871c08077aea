"""What a request for logs asks for: a day and statuses, in every spelling that VTEX's guide has."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Final
from urllib.parse import parse_qsl

from connectors.vtex.marketplace.messages import Status
from hub.excerpt import excerpt

#: By what they are called in a query; "sucess" is the guide's own, and its table says Alert for what it calls warning.
SPELLINGS: Final = {
    "success": Status.SUCCESS,
    "sucess": Status.SUCCESS,
    "error": Status.ERROR,
    "warning": Status.WARNING,
    "alert": Status.WARNING,
    "pending": Status.PENDING,
}
ALL: Final = "all"
#: Records that one answer goes over where a limit is asked for.
MOST_LIMIT: Final = 1000
#: Parameters of a query that are looked at, and characters of it.
_MOST_FIELDS, _LONGEST = 50, 4000

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


class BadQueryError(ValueError):
    """The query is wrong; the text names the parameter and what it may be."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """Records of [``since``, ``until``) with one of ``statuses``; of ``limit`` records, from behind the cursor ``after`` on."""

    since: datetime
    until: datetime
    statuses: frozenset[Status]
    limit: int | None = None
    after: str | None = None


def asked(query: str, *, zone: tzinfo, now: datetime) -> Asked:
    """What a query string asks for: ``DateAt`` (default today), ``status`` (default all), ``limit`` and ``after`` (ours).

    Names of parameters and statuses in any case, statuses in lists or repeated. Raises ``BadQueryError``.
    """
    if len(query) > _LONGEST:
        raise BadQueryError("the query is too long")
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise BadQueryError("the query has too many parameters") from None
    days = [value for name, value in pairs if name.lower() in ("dateat", "date")]
    named = [value for name, value in pairs if name.lower() == "status"]
    limits = [value for name, value in pairs if name.lower() == "limit"]
    cursors = [value for name, value in pairs if name.lower() == "after"]
    since, until = day(_only("DateAt", days), zone=zone, now=now)
    return Asked(
        since=since,
        until=until,
        statuses=statuses(named),
        limit=_limit(_only("limit", limits)),
        after=_only("after", cursors) or None,
    )


def day(text: str, *, zone: tzinfo, now: datetime) -> tuple[datetime, datetime]:
    """The first moment of a day in ``zone`` and of the next one; today for an empty text. Raises ``BadQueryError``."""
    try:
        found = _date(text) if text else now.astimezone(zone).date()
        first, next_one = (
            datetime.combine(one, time.min, zone) for one in (found, found + timedelta(days=1))
        )
    except (ValueError, OverflowError):
        raise BadQueryError(
            f"DateAt: {excerpt(text)} is no day; write it as yyyy-mm-dd, such as 2026-03-31"
        ) from None
    return first, next_one


def _date(text: str) -> date:
    """More spellings than this one are ISO 8601."""
    if not _DAY.fullmatch(text):
        raise ValueError(text)
    return date.fromisoformat(text)


def statuses(named: Sequence[str]) -> frozenset[Status]:
    """The statuses in lists like ``sucess,error``; all of them where none is named. Raises ``BadQueryError``."""
    words = [word for text in named for part in text.split(",") if (word := part.strip().lower())]
    for word in words:
        if word != ALL and word not in SPELLINGS:
            raise BadQueryError(
                f"status: {excerpt(word)} is unknown; it is one of {ALL}, {', '.join(SPELLINGS)}, or several divided by commas"
            )
    if not words or ALL in words:
        return frozenset(Status)
    return frozenset(SPELLINGS[word] for word in words)


def _only(name: str, values: Sequence[str]) -> str:
    found = {value.strip() for value in values}
    if len(found) > 1:
        raise BadQueryError(f"{name}: is given several times, with different values; give one")
    return next(iter(found), "")


def _limit(text: str) -> int | None:
    if not text:
        return None
    number = int(text) if re.fullmatch(r"\d{1,9}", text, re.ASCII) else 0
    if not 1 <= number <= MOST_LIMIT:
        raise BadQueryError(f"limit: {excerpt(text)} is no number from 1 to {MOST_LIMIT}")
    return number
