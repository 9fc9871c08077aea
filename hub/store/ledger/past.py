"""What became of a connection's records, page by page: those that are settled by their time, those that are open by arrival.

One index has both: open records have no ``settled_at``, and stand together in the order of their ids.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row

from hub import codec
from hub.errors import ConfigurationError
from hub.ports import HistoryPage, PastRecord
from hub.store.database import Database
from hub.store.rows import STATES

_FIELDS = (
    "id, stream, key, payload, state, attempts, error, external_id, response_code, created, wake_key, admitted_at, "
    "changed_at, settled_at"
)
_CURSOR = re.compile(r"(open|settled):(-?\d{1,18}):(-?\d{1,18})", re.ASCII)
#: Of a store's bigint, in microseconds: what a time without a limit is.
_BEGIN, _END = 0, 2**62


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """Which records, from ``since`` on and before ``until`` (microseconds), in which order."""

    since: int
    until: int
    states: Sequence[str]
    newest_first: bool

    @classmethod
    def of(
        cls,
        since: datetime | None,
        until: datetime | None,
        states: Collection[str] | None,
        *,
        newest_first: bool,
    ) -> Question:
        """Raises ``ConfigurationError`` for a state that is none."""
        wanted = STATES if states is None else [state for state in STATES if state in states]
        if states is not None and (unknown := sorted(set(states) - set(STATES))):
            raise ConfigurationError(f"{unknown[0]!r} is no state; it is one of {', '.join(STATES)}")
        return cls(
            since=_BEGIN if since is None else _micros(since),
            until=_END if until is None else _micros(until),
            states=wanted,
            newest_first=newest_first,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Place:
    """Behind which record it goes on: in the ``part`` that is "open" or "settled", at a time, of an id."""

    part: str
    at: int
    id: int

    @property
    def text(self) -> str:
        return f"{self.part}:{self.at}:{self.id}"


def history(
    db: Database, connection_id: int, question: Question, *, after: str | None, limit: int
) -> HistoryPage:
    """At most ``limit`` records behind the cursor ``after``. Raises ``ConfigurationError`` for a cursor that is none."""
    order = ("open", "settled") if question.newest_first else ("settled", "open")
    place = _start(order[0], question) if after is None else _place(after)
    rows: list[Row[Any]] = []
    with db.transaction() as tx:
        if db.postgres:
            # It takes the times for few, and would sort all open records for every page of them.
            db.execute(tx, "SET LOCAL enable_sort = off")
        for part in order[order.index(place.part) :]:
            if part != place.part:
                place = _start(part, question)
            found = _read(db, tx, connection_id, question, place, limit - len(rows))
            rows += found
            if len(rows) == limit:
                last = rows[-1]
                place = replace(place, at=last.settled_at or 0, id=last.id)
                return HistoryPage(records=[_record(row) for row in rows], cursor=place.text)
    return HistoryPage(records=[_record(row) for row in rows], cursor=None)


def _read(
    db: Database, tx: Connection, connection_id: int, question: Question, place: _Place, limit: int
) -> Sequence[Row[Any]]:
    behind, order = ("<", "DESC") if question.newest_first else (">", "ASC")
    # Out of a closed set, and as a text, so that the databases see which of their partial indexes fit.
    named = ", ".join(f"'{state}'" for state in question.states) or "''"
    states = "" if len(question.states) == len(STATES) else f" AND state IN ({named})"
    if place.part == "open":
        changed = "coalesce(changed_at, admitted_at)"
        where = f"settled_at IS NULL AND id {behind} :id AND {changed} >= :since AND {changed} < :until"
        given = {}
    else:
        # The first condition alone is what an index can be entered by.
        where = (
            f"settled_at {behind}= :at AND (settled_at {behind} :at OR id {behind} :id) "
            "AND settled_at >= :since AND settled_at < :until"
        )
        given = {"at": place.at}
    return db.execute(
        tx,
        f"SELECT {_FIELDS} FROM record WHERE connection_id = :connection AND id > 0 AND {where}{states} "
        f"ORDER BY connection_id {order}, settled_at {order}, id {order} LIMIT :limit",
        connection=connection_id,
        since=question.since,
        until=question.until,
        id=place.id,
        limit=limit,
        **given,
    ).all()


def _start(part: str, question: Question) -> _Place:
    """Before the first record."""
    if question.newest_first:
        return _Place(part=part, at=question.until, id=_END)
    return _Place(part=part, at=question.since, id=-1)


def _place(cursor: str) -> _Place:
    found = _CURSOR.fullmatch(cursor)
    if found is None:
        raise ConfigurationError("is no cursor of the history; begin without one", field="after")
    return _Place(part=found[1], at=int(found[2]), id=int(found[3]))


def _record(row: Row[Any]) -> PastRecord:
    return PastRecord(
        id=row.id,
        stream=row.stream,
        key=row.key,
        payload=codec.loads(row.payload),
        state=row.state,
        attempts=row.attempts,
        error=row.error,
        external_id=row.external_id,
        response_code=row.response_code,
        created=bool(row.created),
        wake_key=row.wake_key,
        admitted_at=_time(row.admitted_at),
        changed_at=_time(row.settled_at or row.changed_at or row.admitted_at),
        settled_at=None if row.settled_at is None else _time(row.settled_at),
    )


def _time(micros: int) -> datetime:
    return datetime.fromtimestamp(micros / 1_000_000, UTC)


def _micros(moment: datetime) -> int:
    return round(moment.timestamp() * 1_000_000)
