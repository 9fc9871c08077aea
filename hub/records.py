"""The values that travel through the loop: what a poll brings, what a push gets and answers, what is reported.

All are frozen and hold plain data, so a connector can be tested without a hub around it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

JSON = dict[str, Any]
Status = Literal["success", "failed", "skipped"]

#: A wake key for all that is parked in a connection.
EVERYTHING = "*"


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """One unit of work as the source offers it.

    ``key`` is what the source calls it and what is reported. ``order_key`` (default: ``key``) is the thing it
    changes: one push of it is in flight at a time. ``version`` (compared as text, so pad numbers) makes two records of one ``order_key`` comparable (a
    newer one replaces one that waits); None means that all are pushed in the order of arrival.
    ``content_hash`` defaults to a fingerprint of ``payload``. ``group`` names a file, lot or export it belongs to.
    """

    stream: str
    key: str
    payload: JSON
    order_key: str | None = None
    version: str | None = None
    content_hash: str | None = None
    group: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class BadRecord:
    """Something in a page that is no record: kept in quarantine with its raw text, redacted and truncated."""

    reason: str
    raw: str
    stream: str | None = None
    key: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Milestone:
    """Something that ended with a page, for the connection's history: an import, say. ``facts`` hold no secret."""

    what: Literal["imported", "import failed"]
    facts: JSON = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """What one poll brought.

    ``cursor`` is stored with the admission of the page, in one transaction. ``full`` says that the source probably
    has more right now. ``poll_after`` overrides the cadence. ``seals`` names groups that are complete with this page.
    What was parked under one of ``wakes`` goes on; ``EVERYTHING`` stands for all that is parked. ``milestones`` go into
    the connection's history with the page. ``unfinished``: the source works on what was asked of it, and ``poll_after``
    says when to look again; whoever waits for the end of a drain waits for that. ``read_on``: what comes next is decided
    by ``cursor`` alone, so that it may be asked for before this page is stored.
    """

    records: Sequence[Record] = ()
    bad: Sequence[BadRecord] = ()
    cursor: JSON | None = None
    full: bool = False
    poll_after: timedelta | None = None
    seals: Sequence[str] = ()
    wakes: Sequence[str] = ()
    milestones: Sequence[Milestone] = ()
    unfinished: bool = False
    read_on: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class PollRequest:
    """What a poll knows: where it stood, how much is open here, and what the previous poll brought.

    ``open_records`` counts admitted records whose report is not acknowledged (or, without reports, not settled).
    ``previous_new`` is how many records of the previous page were new; ``previous_full`` whether that page was full.
    """

    cursor: JSON = field(default_factory=dict)
    open_records: int = 0
    previous_new: int = 0
    previous_full: bool = False
    full_pass: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """One record on its way out. ``body`` is what ``transform`` made of ``payload``.

    ``idempotency_key`` is equal over retries and replays, different for another version. ``attempt`` starts at 1.
    When an awaiting record is followed, ``handle`` is what its push returned and ``newer`` the payload of its
    waiting successor, if one has come.
    """

    id: int
    stream: str
    key: str
    payload: JSON
    body: Any = None
    idempotency_key: str = ""
    attempt: int = 1
    group: str | None = None
    handle: JSON | None = None
    newer: JSON | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Success:
    """The destination has it. ``created``: it had nothing of this name before, as far as it tells."""

    external_id: str | None = None
    response_code: int | None = None
    duration_ms: int | None = None
    warning: str | None = None
    created: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Skipped:
    """Nothing had to be done; ``reason`` is reported."""

    reason: str
    external_id: str | None = None
    response_code: int | None = None
    duration_ms: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Rejected:
    """It will never be accepted as it is. ``errors`` lists all that is wrong, each with what to do."""

    errors: Sequence[str]
    response_code: int | None = None
    duration_ms: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Retry:
    """It may work later; spends an attempt. ``after`` is the least wait that the destination asked for."""

    error: str
    after: timedelta | None = None
    response_code: int | None = None
    duration_ms: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Released:
    """It was not tried (no slot, open circuit, stopped worker); spends no attempt and is due again after ``after``."""

    reason: str
    after: timedelta = timedelta(0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Awaiting:
    """The destination decides later; ``follow`` asks about ``handle`` from ``check_after`` on. Spends no attempt."""

    handle: JSON
    check_after: timedelta
    external_id: str | None = None
    note: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Parked:
    """It waits for something named, and goes on when ``wake_key`` is woken. Spends no attempt."""

    wake_key: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Yielded:
    """An awaiting record gives way to its waiting successor; only ``follow`` answers so."""

    reason: str = "replaced by newer content"


@dataclass(frozen=True, kw_only=True, slots=True)
class Refused:
    """The credential was refused: that side of the connection stops, the record waits, no attempt is spent.

    ``whole``: not the credential but the connection as a whole is set up wrongly, and it stops on both sides.
    """

    error: str
    response_code: int | None = None
    whole: bool = False


PushResult = Success | Skipped | Rejected | Retry | Released | Awaiting | Parked | Yielded | Refused


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What became of a record, as it is reported to the source."""

    record_id: int
    stream: str
    key: str
    payload: JSON
    status: Status
    attempts: int
    response_code: int | None = None
    duration_ms: int | None = None
    error: str | None = None
    external_id: str | None = None
    group: str | None = None
    settled_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Acknowledged:
    """The source took the outcome. ``facts`` are merged into the run that brought the record."""

    facts: Mapping[str, Any] = field(default_factory=dict)
    warning: str | None = None


#: ``Skipped`` says that the source wants no report of this one.
ReportResult = Acknowledged | Skipped | Rejected | Retry | Released | Refused


@dataclass(frozen=True, kw_only=True, slots=True)
class GroupTally:
    """How a sealed group ended, by state of its records.

    ``created`` of its successes made something new. ``remarks`` are those of its records that were rejected, died, or
    succeeded with a warning (in ``error``), at most 1,000, in the order of their admission.
    """

    name: str
    stream: str
    admitted: int
    success: int
    skipped: int
    rejected: int
    dead: int
    superseded: int
    discarded: int
    created: int = 0
    remarks: Sequence[Outcome] = ()
