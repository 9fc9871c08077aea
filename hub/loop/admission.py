"""A page into the ledger: records, quarantine, groups, cursor, next poll and bells, all in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

from hub import codec
from hub.pipeline import Pipeline
from hub.records import BadRecord, Page, Record
from hub.store import history, leases, quarantine, runs, schedule
from hub.store.database import Database
from hub.store.ledger import bells
from hub.store.ledger.admit import Admitter
from hub.store.ledger.groups import seal, streams_of
from hub.store.ledger.lock import lock
from hub.store.ledger.sweep import wake_within
from hub.store.rows import Admission, Locked

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
    db: Database, pipeline: Pipeline, page: Page, *, kind: str, step: PollStep | None = None
) -> Admission:
    """Admit a page for a connection; a poll's lease is free from then on.

    Raises ``LostLeaseError`` when another poller has taken over.
    """
    with db.transaction() as tx:
        connection = lock(db, tx, pipeline.connection.id)
        if step is not None:
            leases.verify(db, tx, step.lease)
        admission = admit_locked(db, tx, connection, pipeline, page, kind=kind)
        if step is not None:
            _move_on(db, tx, connection, page, admission, step)
    return admission


def admit_locked(
    db: Database, tx: Connection, connection: Locked, pipeline: Pipeline, page: Page, *, kind: str
) -> Admission:
    """Admit a page inside a transaction that holds the connection's lock; its bells are rung after the commit."""
    good, bad = sort_out(page.records, pipeline)
    new_bad = quarantine.keep(db, tx, connection, [_redacted(one, pipeline) for one in (*page.bad, *bad)])
    run_id = runs.start(db, tx, connection, kind) if good or new_bad else None
    admitter = Admitter(
        db=db,
        tx=tx,
        connection=connection,
        streams=pipeline.streams,
        merge=pipeline.connector.merge,
        reports=pipeline.connector.reports,
        run_id=run_id,
    )
    admitter.admit(good)
    for name in page.seals:
        # A group without a record is closed as well, once.
        for stream in streams_of(db, tx, connection, name) or list(pipeline.streams)[:1]:
            seal(db, tx, connection, stream, [name])
    wake_within(db, tx, connection, page.wakes)
    for reached in page.milestones:
        history.note(db, tx, connection.id, reached.what, who=history.HUB, facts=reached.facts)
    return _close(db, tx, connection, pipeline, admitter, len(page.records) + len(page.bad), new_bad)


def wake_and_note(db: Database, pipeline: Pipeline, wake_key: str) -> tuple[int, Sequence[bells.Bell]]:
    """What was parked for a key goes on: how many records, and the bells to ring after the commit."""
    with db.transaction() as tx:
        connection = lock(db, tx, pipeline.connection.id)
        woken = wake_within(db, tx, connection, [wake_key])
        return woken, _note_work(db, tx, connection, pipeline, woken)


def _note_work(
    db: Database, tx: Connection, connection: Locked, pipeline: Pipeline, due: int
) -> Sequence[bells.Bell]:
    """Bells for so many records that are due."""
    if not due or not connection.may_push:
        return ()
    delivery = pipeline.delivery
    wanted = -(-due // delivery.slice_size)
    return bells.note(db, tx, connection, "work", wanted=wanted, limit=delivery.parallel_slices)


def _redacted(bad: BadRecord, pipeline: Pipeline) -> BadRecord:
    """What a source sends may hold the very credential that it was asked with."""
    raw = pipeline.redact(bad.raw)
    reason = pipeline.redact(bad.reason)
    if raw != bad.raw:
        # A reason quotes values cut short, and half a credential is not recognised.
        reason = f"{reason.partition(':')[0]}: (hidden: the record holds a credential of this connection)"
    key = None if bad.key is None else pipeline.redact(bad.key)
    return replace(bad, raw=raw, reason=reason, key=key)


def sort_out(records: Sequence[Record], pipeline: Pipeline) -> tuple[list[Record], list[BadRecord]]:
    """Records that the ledger can hold, and the others with the reason; a connector's slip costs no good record."""
    good: list[Record] = []
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


def _storable(record: Record, pipeline: Pipeline) -> Record:
    """With the hash of its content, which shows that the content can be written at all. Raises ``ValueError``."""
    if (fault := _fault(record, pipeline)) is not None:
        raise ValueError(fault)
    try:
        if record.content_hash is None:
            return replace(record, content_hash=codec.fingerprint(record.payload))
        codec.dumps(record.payload)
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"payload is no JSON: {error}") from None
    return record


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


def _close(
    db: Database,
    tx: Connection,
    connection: Locked,
    pipeline: Pipeline,
    admitter: Admitter,
    polled: int,
    new_bad: int,
) -> Admission:
    delivery = pipeline.delivery
    counts = {
        "duplicates": admitter.duplicates,
        "coalesced": admitter.coalesced,
        "quarantined": new_bad,
    }
    news = admitter.new + admitter.coalesced + admitter.stale + admitter.repeated + new_bad
    run_id = admitter.run_id
    if run_id is not None and not news:
        # A page of old acquaintances is no run: a source that shows its open records at every poll would bury the others.
        db.execute(tx, "DELETE FROM run WHERE id = :id", id=run_id)
        run_id = None
    if run_id is not None:
        runs.finish(
            db, tx, connection, run_id, polled=polled, admitted=admitter.new + admitter.stale, **counts
        )
    rung = [*_note_work(db, tx, connection, pipeline, admitter.due)]
    if admitter.repeated and connection.may_report:
        rung += bells.note(db, tx, connection, "report", wanted=1, limit=delivery.parallel_slices)
    return Admission(
        run_id=run_id,
        new=admitter.new,
        stale=admitter.stale,
        repeated=admitter.repeated,
        bells=rung,
        **counts,
    )


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
