"""Plain values that the store hands out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec

from hub import codec
from hub.records import JSON, Record

#: States a record can be in; the settled ones have an outcome.
OPEN_STATES = ("waiting", "working", "awaiting", "parked")
SETTLED_STATES = ("success", "skipped", "rejected", "dead", "superseded", "discarded")
STATES = OPEN_STATES + SETTLED_STATES
#: Records of a group that whoever closes it is told about.
REMARKABLE = "group_name IS NOT NULL AND error IS NOT NULL AND state IN ('success', 'rejected', 'dead')"


class Storable(NamedTuple):
    """A record with a hash of its content, and its payload as it is stored."""

    record: Record
    content_hash: str
    payload: str


def storable(record: Record) -> Storable:
    """Raises ``TypeError``, ``ValueError`` or ``RecursionError`` where the payload cannot be written."""
    return Storable(
        record,
        record.content_hash or codec.fingerprint(record.payload),
        codec.dumps(record.payload).decode(),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Locked:
    """A connection inside a transaction that holds its lock; ``now`` is the store's clock."""

    id: int
    tenant_id: int
    name: str
    now: int
    revision: int
    paused: bool
    status: str
    source_refused: str | None
    destination_refused: str | None

    @property
    def may_push(self) -> bool:
        """False while records must not leave: paused, failed, or the destination refused its credential."""
        return (
            not self.paused and self.status not in ("failed", "inactive") and self.destination_refused is None
        )

    @property
    def may_report(self) -> bool:
        """False while the source refuses its credential; a paused connection still reports what it did."""
        return self.status != "inactive" and self.source_refused is None

    @property
    def may_poll(self) -> bool:
        """False while nothing new is taken in."""
        return not self.paused and self.status not in ("failed", "inactive") and self.source_refused is None


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """A record as a claim holds it."""

    id: int
    stream: str
    key: str
    order_key: str
    version: str | None
    number: int
    payload: JSON
    attempts: int
    total_attempts: int
    run_id: int | None
    group: str | None
    handle: JSON | None = None
    newer: JSON | None = None
    status: str | None = None
    response_code: int | None = None
    duration_ms: int | None = None
    error: str | None = None
    external_id: str | None = None
    report_attempts: int = 0
    reported_before: bool = False
    settled_at: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Slice:
    """What one claim holds: records of one connection and stream, at one stage (push, follow or report)."""

    claim_id: int
    connection_id: int
    tenant_id: int
    stream: str
    stage: str
    revision: int
    records: Sequence[Held]


@dataclass(frozen=True, kw_only=True, slots=True)
class Admission:
    """What became of a page: how many of its records were new, already known, merged, or reported again."""

    run_id: int | None = None
    new: int = 0
    duplicates: int = 0
    coalesced: int = 0
    stale: int = 0
    repeated: int = 0
    quarantined: int = 0
    bells: Sequence[Any] = field(default_factory=tuple)


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of a held record: its next state and what is kept of the answer. Times are microseconds.

    ``spent`` says that an attempt was used up; ``hold`` keeps the whole stream back for that long; ``refused`` is
    why the credential was turned away, which stops that side of the connection; ``fails`` stops it as a whole.
    ``created``: the destination had nothing of this name before.
    """

    id: int
    state: str
    status: str | None = None
    spent: bool = False
    due_after: int = 0
    hold: int = 0
    response_code: int | None = None
    duration_ms: int | None = None
    error: str | None = None
    external_id: str | None = None
    handle: JSON | None = None
    wake_key: str | None = None
    refused: str | None = None
    fails: bool = False
    created: bool = False


class ReportVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of a report: ``state`` is acknowledged, waiting (again after ``due_after``) or dead."""

    id: int
    state: str
    spent: bool = False
    due_after: int = 0
    error: str | None = None
    facts: JSON = {}
    refused: str | None = None
    fails: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Settlement:
    """How a settle went: the verdicts as they were written (a newer record may have changed them).

    ``at`` is its time in microseconds; ``to_report`` are the ids that the same claim now holds for their report;
    ``lost`` counts verdicts that were not taken; ``groups`` says that a group may be complete by now.
    """

    at: int = 0
    verdicts: Sequence[Verdict] = ()
    to_report: Sequence[int] = ()
    lost: int = 0
    groups: bool = False
