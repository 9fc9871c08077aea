"""A page into the ledger: records, quarantine, groups, cursor, next poll and bells, all in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any

from sqlalchemy import Connection

from hub import codec
from hub.pipeline import Pipeline
from hub.records import BadRecord, Page, Record
from hub.store import history, leases, quarantine, runs, schedule
from hub.store.database import Database
from hub.store.ledger import bells
from hub.store.ledger.admit import Admitter
from hub.store.ledger.ahead import Ahead
from hub.store.ledger.groups import seal, streams_of
from hub.store.ledger.known import Known
from hub.store.ledger.lock import lock, locked, locking
from hub.store.ledger.sweep import wake_within
from hub.store.rows import Admission, Locked, Storable, storable
from hub.store.together import Statement

#: Longer keys are no keys, in characters.
KEY_LIMIT = 512


@dataclass(frozen=True, kw_only=True)
class PollStep:
    """What a poll adds to the admission of its page: its fence, the schedule's new state and when to come back.

    ``full_pass``: it made the full pass that was asked for.
    """

    lease: leases.HeldLease
    next_in: Callable[[Admission], timedelta]
    idle_polls: int
    full_pass: bool


def admit_page(
    db: Database,
    pipeline: Pipeline,
    page: Page,
    *,
    kind: str,
    step: PollStep | None = None,
    ahead: Ahead | None = None,
) -> Admission:
    """Admit a page for a connection; a poll's lease is free from then on. With ``ahead`` some of it may lie claimed.

    Raises ``LostLeaseError`` when another poller has taken over.
    """
    entry = PageAdmission(db, pipeline, page, kind=kind, ahead=ahead)
    with db.transaction() as tx:
        entry.open(tx)
        if step is not None:
            leases.verify(db, tx, step.lease)
        admission = entry.write(tx, last=step is None)
        if step is not None:
            _move_on(db, tx, entry.connection, page, admission, step)
    return admission


class PageAdmission:
    """One page on its way into the ledger, within a transaction of the caller's: first ``open``, then ``write``.

    What can be done without the connection's lock is done before, and what is asked with it is asked at once.
    """

    connection: Locked

    def __init__(
        self, db: Database, pipeline: Pipeline, page: Page, *, kind: str, ahead: Ahead | None = None
    ) -> None:
        self._db, self._pipeline, self._kind, self._ahead = db, pipeline, kind, ahead
        self._known = Known(db=db, connection_id=pipeline.connection.id)
        self._run_id: int | None = None
        self._tallies: Sequence[Any] = ()
        self._take(page)

    def _take(self, page: Page) -> None:
        self._page = page
        self._good, bad = sort_out(page.records, self._pipeline)
        self._bad = [_redacted(one, self._pipeline) for one in (*page.bad, *bad)]

    def open(self, tx: Connection, *beside: Statement) -> Sequence[Sequence[Any]]:
        """Lock the connection, and read what is known of the page's records; gives the rows of the statements ``beside``.

        Raises ``NotFoundError`` when the connection was removed.
        """
        connection_id = self._pipeline.connection.id
        run = [runs.starting(self._db, connection_id, self._kind)] if self._good or self._bad else []
        tallies = [self._ahead.asking(connection_id)] if self._ahead is not None else []
        first = (locking(self._db, connection_id), *beside, *run, *tallies)
        found = self._db.together(tx, *first, *self._known.asking([one.record for one in self._good]))
        self.connection = locked(connection_id, found[0])
        if run:
            self._run_id = found[1 + len(beside)][0].id
        if tallies:
            self._tallies = found[len(first) - 1]
        self._known.keep(found[len(first) :])
        return found[1 : 1 + len(beside)]

    def narrow(self, page: Page) -> None:
        """Less is to be written than was opened."""
        self._take(page)

    def write(self, tx: Connection, *, last: bool) -> Admission:
        """Admit the page; its bells are rung after the commit. With ``last`` nothing else is done in the transaction."""
        db, page, connection = self._db, self._page, self.connection
        new_bad = quarantine.keep(db, tx, connection, self._bad)
        admitter = Admitter(
            db=db,
            tx=tx,
            connection=connection,
            known=self._known,
            streams=self._pipeline.streams,
            merge=self._pipeline.connector.merge,
            reports=self._pipeline.connector.reports,
            run_id=self._run_id,
            hold=None
            if self._ahead is None
            else partial(self._ahead.hold, db, tx, connection, self._tallies),
        )
        closing = _Closing(
            db, connection, self._pipeline, admitter, len(page.records) + len(page.bad), new_bad
        )
        more = bool(page.seals or page.wakes or page.milestones)
        rows = admitter.admit(self._good, closing.statements, last=last and not more)
        if more:
            self._write_more(tx)
        return closing.admission(rows)

    def _write_more(self, tx: Connection) -> None:
        db, page, connection = self._db, self._page, self.connection
        for name in page.seals:
            # A group without a record is closed as well, once.
            for stream in streams_of(db, tx, connection, name) or list(self._pipeline.streams)[:1]:
                seal(db, tx, connection, stream, [name])
        wake_within(db, tx, connection, page.wakes)
        for reached in page.milestones:
            history.note(db, tx, connection.id, reached.what, who=history.HUB, facts=reached.facts)


def wake_and_note(db: Database, pipeline: Pipeline, wake_key: str) -> tuple[int, Sequence[bells.Bell]]:
    """What was parked for a key goes on: how many records, and the bells to ring after the commit."""
    with db.transaction() as tx:
        connection = lock(db, tx, pipeline.connection.id)
        woken = wake_within(db, tx, connection, [wake_key])
        noting = _noting_work(db, connection, pipeline, woken)
        return woken, bells.noted(connection, db.together(tx, *noting))


def _noting_work(db: Database, connection: Locked, pipeline: Pipeline, due: int) -> Sequence[Statement]:
    """Notes bells for so many records that are due."""
    if not due or not connection.may_push:
        return ()
    delivery = pipeline.delivery
    wanted = -(-due // delivery.slice_size)
    return (bells.noting(db, connection, "work", wanted=wanted, limit=delivery.parallel_slices),)


def _redacted(bad: BadRecord, pipeline: Pipeline) -> BadRecord:
    """What a source sends may hold the very credential that it was asked with."""
    raw = pipeline.redact(bad.raw)
    reason = pipeline.redact(bad.reason)
    if raw != bad.raw:
        # A reason quotes values cut short, and half a credential is not recognised.
        reason = f"{reason.partition(':')[0]}: (hidden: the record holds a credential of this connection)"
    key = None if bad.key is None else pipeline.redact(bad.key)
    return replace(bad, raw=raw, reason=reason, key=key)


def sort_out(records: Sequence[Record], pipeline: Pipeline) -> tuple[list[Storable], list[BadRecord]]:
    """Records that the ledger can hold, and the others with the reason; a connector's slip costs no good record."""
    good: list[Storable] = []
    bad: list[BadRecord] = []
    for record in records:
        try:
            good.append(_storable(record, pipeline))
        except ValueError as fault:
            raw = pipeline.redact(_raw(record))
            bad.append(
                BadRecord(
                    reason=str(fault), raw=raw, stream=str(record.stream), key=str(record.key)[:KEY_LIMIT]
                )
            )
    return good, bad


def _storable(record: Record, pipeline: Pipeline) -> Storable:
    """With what is stored of its content, made before anything is locked. Raises ``ValueError``."""
    if (fault := _fault(record, pipeline)) is not None:
        raise ValueError(fault)
    try:
        return storable(record)
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"payload is no JSON: {error}") from None


def _raw(record: Record) -> str:
    try:
        return codec.dumps(record.payload).decode(errors="replace")
    except (TypeError, ValueError, RecursionError):
        return ascii(record.payload)


def _fault(record: Record, pipeline: Pipeline) -> str | None:
    if record.stream not in pipeline.streams:
        return f"stream {record.stream!r} is not one that {pipeline.connector.name} declares"
    for name in ("key", "order_key", "version", "content_hash", "group"):
        value = getattr(record, name)
        if value is None and name != "key":
            continue
        if not isinstance(value, str) or not value or len(value) > KEY_LIMIT or "\x00" in value:
            return f"{name} must be a text of 1 to {KEY_LIMIT} characters without NUL"
    payload: object = record.payload
    return None if isinstance(payload, dict) else "payload must be a JSON object"


@dataclass(frozen=True)
class _Closing:
    """The end of an admission: its run's counts and its bells, written together with its records."""

    db: Database
    connection: Locked
    pipeline: Pipeline
    admitter: Admitter
    polled: int
    new_bad: int

    def statements(self) -> Sequence[Statement]:
        return [*self._run(), *self._bells()]

    def admission(self, rows: Sequence[Sequence[Any]]) -> Admission:
        """``rows`` are those of the statements."""
        return Admission(
            run_id=self.admitter.run_id if self._news else None,
            new=self.admitter.new,
            stale=self.admitter.stale,
            repeated=self.admitter.repeated,
            bells=bells.noted(self.connection, rows[len(self._run()) :]),
            **self._counts,
        )

    @property
    def _counts(self) -> dict[str, int]:
        return {
            "duplicates": self.admitter.duplicates,
            "coalesced": self.admitter.coalesced,
            "quarantined": self.new_bad,
        }

    @property
    def _news(self) -> int:
        """A page of old acquaintances is no run: a source that shows its open records at every poll would bury the others."""
        made = self.admitter
        return made.new + made.coalesced + made.stale + made.repeated + self.new_bad

    def _run(self) -> Sequence[Statement]:
        run_id = self.admitter.run_id
        if run_id is None:
            return ()
        if not self._news:
            return (runs.dropping(run_id),)
        admitted = self.admitter.new + self.admitter.stale
        return (
            runs.finishing(self.connection, run_id, polled=self.polled, admitted=admitted, **self._counts),
        )

    def _bells(self) -> Sequence[Statement]:
        work = _noting_work(self.db, self.connection, self.pipeline, self.admitter.due)
        if not (self.admitter.repeated and self.connection.may_report):
            return work
        limit = self.pipeline.delivery.parallel_slices
        return [*work, bells.noting(self.db, self.connection, "report", wanted=1, limit=limit)]


def _move_on(
    db: Database, tx: Connection, connection: Locked, page: Page, admission: Admission, step: PollStep
) -> None:
    moves: dict[str, Any] = {} if page.cursor is None else {"cursor": codec.dumps(page.cursor).decode()}
    if step.full_pass:  # one that was asked for meanwhile is still to be made
        moves["full_pass"] = False
    schedule.write(
        db,
        tx,
        connection,
        next_in=round(step.next_in(admission).total_seconds() * 1_000_000),
        previous_new=admission.new + admission.coalesced,
        previous_full=page.full,
        idle_polls=step.idle_polls,
        failed_polls=0,
        polled_at=connection.now,
        last_error=None,
        **moves,
    )
    # From the commit on the next poll may be fired: one that found this lease held would come to nothing, and no other
    # would be fired until it is given up.
    leases.release_within(db, tx, step.lease)
