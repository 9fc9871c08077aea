"""The catalog's changes as records of an export: where it stands, and which products and categories to write anew.

Pure but for the memory of what this process has offered already, which only saves work.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hub import codec
from hub.catalog import Change
from hub.records import JSON, Record

CATEGORY = "category"
PRODUCT = "product"
#: What is followed; the last three are parts of a product's record.
KINDS: Sequence[str] = (CATEGORY, PRODUCT, "variant", "price", "stock")

#: An import ends with the page that reaches so many records, so that it ends however much goes on changing.
MAX_IMPORT = 100_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """Where an export stands; its cursor. ``changes`` and ``turned`` are where it goes on to ask the catalog. ``running`` is the import that is being filled, ``last`` the one begun last.

    ``full`` says that this pass exports unchanged records, too. ``streams`` are those that ``last`` has records of.
    """

    changes: JSON = field(default_factory=dict)
    turned: JSON = field(default_factory=dict)
    full: bool = False
    running: str | None = None
    last: str | None = None
    begun: str | None = None
    streams: Sequence[str] = ()
    count: int = 0

    @classmethod
    def of(cls, cursor: JSON, *, full_pass: bool) -> Standing:
        """As it was stored; a full pass begins at the start, within the import that is running."""
        found = cls(**cursor)
        return replace(found, changes={}, full=True) if full_pass else found

    @property
    def cursor(self) -> JSON:
        """What to store."""
        return {
            "changes": self.changes,
            "turned": self.turned,
            "full": self.full,
            "running": self.running,
            "last": self.last,
            "begun": self.begun,
            "streams": list(self.streams),
            "count": self.count,
        }

    def with_import(self, now: datetime, connection: str) -> Standing:
        """With an import to fill; its id is later than those before, even where the clock was put back."""
        if self.running is not None:
            return self
        before = datetime.fromisoformat(self.begun) if self.begun else None
        at = now if before is None or now > before else before + timedelta(microseconds=1)
        name = import_id(at, connection)
        return replace(self, running=name, last=name, begun=at.isoformat(), streams=(), count=0)

    def moved(self, changes: JSON, turned: JSON, records: Sequence[Record], *, at_end: bool) -> Standing:
        """Behind a page; at the end of the feed, or of the import, nothing is running any more."""
        streams = sorted({*self.streams, *(record.stream for record in records)})
        count = self.count + len(records)
        ended = at_end or count >= MAX_IMPORT
        return replace(
            self,
            changes=changes,
            turned=turned,
            streams=streams,
            count=count,
            running=None if ended else self.running,
            full=self.full and not at_end,
        )


def import_id(at: datetime, connection: str) -> str:
    """The moment in UTC to the microsecond, and a hash of the connection's name: ids of one connection sort by time."""
    return f"{at.astimezone(UTC):%Y%m%d%H%M%S%f}{hashlib.sha256(connection.encode()).hexdigest()[:6]}"


class Offered:
    """What this process has offered within one import, by stream and key, with the stamp.

    A change that is not later than what was offered is in the document that is read for that. It holds for the cursor
    that was returned with it: where the hub comes with another one, the page may not have been admitted.
    """

    def __init__(self) -> None:
        self._cursor: JSON | None = None
        self._stamps: dict[tuple[str, str], str] = {}

    def resume(self, cursor: JSON) -> None:
        """Forget everything unless this is the cursor that was returned last."""
        if cursor != self._cursor:
            self._stamps = {}

    def keep(self, cursor: JSON, records: Iterable[Record]) -> None:
        """Remember a page and its cursor; with the end of an import all is forgotten."""
        self._cursor = cursor
        if cursor["running"] is None:
            self._stamps = {}
        else:
            self._stamps |= {(record.stream, record.key): str(record.version) for record in records}

    def news(self, changes: Sequence[Change]) -> Mapping[tuple[str, str], Change]:
        """By stream and key the latest change of those that say something new."""
        found: dict[tuple[str, str], Change] = {}
        for change in changes:
            target = _target(change)
            if target is None or change.stamp <= self._stamps.get(target, ""):
                continue
            if target not in found or found[target].stamp < change.stamp:
                found[target] = change
        return found


def records_of(
    news: Mapping[tuple[str, str], Change], turned: Sequence[Change], standing: Standing, now: datetime
) -> list[Record]:
    """A record for each thing to write, in the import that is running.

    Where a price has ``turned`` nothing else need have changed: the record says that it is written as of ``now``, also
    by a worker whose clock is behind.
    """
    prices = {target: change for change in turned if (target := _target(change)) is not None}
    return [
        _record(*target, change, standing, now.isoformat() if target in prices else None)
        for target, change in {**news, **prices}.items()
    ]


def _target(change: Change) -> tuple[str, str] | None:
    if change.kind in {CATEGORY, PRODUCT}:
        return change.kind, change.key
    return None if change.product is None else (PRODUCT, change.product)


def _record(stream: str, key: str, change: Change, standing: Standing, as_of: str | None) -> Record:
    payload: dict[str, Any] = {"key": key, "stamp": change.stamp}
    payload["gone"] = change.gone and change.kind == stream
    if standing.full:
        payload["full"] = True
    if as_of is not None:
        payload["as_of"] = as_of
    return Record(
        stream=stream,
        key=key,
        version=change.stamp,
        payload=payload,
        group=standing.running,
        # What was exported in one import is exported again in the next, if a full pass asks for it.
        content_hash=codec.fingerprint([payload, standing.running]),
    )
