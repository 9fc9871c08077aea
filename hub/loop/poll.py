"""Poll: one holder of the lease in the whole fleet asks the source for pages and admits each with its cursor."""

from __future__ import annotations

import asyncio
import time
import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import structlog

from hub.errors import (
    BadPageError,
    ConfigurationError,
    ConnectionFailedError,
    HubError,
    NotNowError,
    ReauthorizationError,
    RetryableError,
    ServiceUnavailableError,
)
from hub.loop import cadence
from hub.loop.admission import PollStep, admit_page
from hub.loop.in_advance import InAdvance
from hub.pipeline import Pipeline
from hub.records import BadRecord, Page, PollRequest
from hub.runtime import Runtime
from hub.store import connections, leases, quarantine, schedule
from hub.store.ledger.lock import glimpse, lock
from hub.store.rows import Admission, Locked
from hub.store.schedule import PollState
from hub.telemetry import Polled

#: No poll runs over a minute: anything longer is a handle in the cursor.
POLL_TIMEOUT = timedelta(seconds=60)
#: While the backlog is full, polling looks again after this.
BACKLOG_PAUSE = timedelta(seconds=1)

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class PollOutcome:
    """What one poll came to. ``result`` is ok, failed, refused, paused, early or lost; ``next_in`` when it is due again.

    ``polled`` is all that the page held, ``taken_in`` what of it was not known already. ``moved``: it has another cursor.
    """

    result: str
    next_in: timedelta = timedelta(0)
    polled: int = 0
    taken_in: int = 0
    full: bool = False
    moved: bool = False
    unfinished: bool = False
    admission: Admission = field(default_factory=Admission)
    error: str | None = None

    @property
    def news(self) -> int:
        """Records that were not known before, or came with new content."""
        return self.admission.new + self.admission.coalesced


def lease_name(connection_id: int) -> str:
    """What its poller holds."""
    return f"poll:{connection_id}"


async def poll(
    runtime: Runtime, connection_id: int, *, early: bool = False, advance: InAdvance | None = None
) -> PollOutcome:
    """Ask for one page, unless another process does so now, or (without ``early``) it is not yet time.

    Who comes again and again passes what he does in ``advance``.
    A message that was doubled or late finds that its poll has been made, and makes no other. A process that stops
    leaves the poll to another one, at once.
    """
    if runtime.stopping:
        await runtime.db.run(schedule.poll_soon, runtime.db, connection_id)
        return PollOutcome(result="paused")
    lease = await runtime.db.run(
        leases.acquire,
        runtime.db,
        lease_name(connection_id),
        holder=f"{runtime.worker}:{uuid.uuid4().hex[:8]}",
        duration=round(runtime.settings.poll_lease.total_seconds() * 1_000_000),
    )
    if lease is None:
        return PollOutcome(result="lost")
    admitted = False
    try:
        outcome = await _poll(runtime, connection_id, lease, early=early, advance=advance)
        admitted = outcome.result == "ok"
        return outcome
    finally:
        if not admitted:  # the transaction that takes a page in gives the lease up
            await runtime.db.run(leases.release, runtime.db, lease)


async def _poll(
    runtime: Runtime, connection_id: int, lease: leases.HeldLease, *, early: bool, advance: InAdvance | None
) -> PollOutcome:
    started = time.monotonic()
    connection, state = await runtime.db.run(_read, runtime, connection_id)
    if state.due_at > connection.now and not early:
        return PollOutcome(result="early")
    pipeline = await runtime.pipeline(connection_id, revision=connection.revision)
    outcome = await _step(runtime, pipeline, lease, connection, state, advance)
    admission = outcome.admission
    if admission.bells:
        await asyncio.to_thread(runtime.ring, admission.bells)
    if outcome.news or admission.quarantined:
        _log.info(
            "polled",
            connection=pipeline.connection.name,
            new=admission.new,
            coalesced=admission.coalesced,
            quarantined=admission.quarantined,
        )
    runtime.observe(
        Polled(
            connector=pipeline.connector.name,
            connection=pipeline.connection.name,
            result=outcome.result,
            seconds=time.monotonic() - started,
            lag_seconds=max(0.0, (connection.now - state.due_at) / 1_000_000),
            counts={
                "polled": outcome.polled,
                "new": admission.new,
                "duplicates": admission.duplicates,
                "coalesced": admission.coalesced,
                "repeated": admission.repeated,
                "quarantined": admission.quarantined,
            },
        )
    )
    return outcome


async def _step(
    runtime: Runtime,
    pipeline: Pipeline,
    lease: leases.HeldLease,
    connection: Locked,
    state: PollState,
    advance: InAdvance | None,
) -> PollOutcome:
    if not connection.may_poll:
        return PollOutcome(result="paused")
    if state.unsettled >= pipeline.delivery.max_backlog:
        await runtime.db.run(_reschedule, runtime, connection.id, lease, BACKLOG_PAUSE)
        return PollOutcome(result="paused", next_in=BACKLOG_PAUSE)
    try:
        async with runtime.until_stopped():
            page = await _next_page(pipeline, _request(state), advance)
        return await _admit(runtime, pipeline, lease, state, page, advance)
    except leases.LostLeaseError:
        _log.warning("another poller took over; this page is left to it", connection=pipeline.connection.name)
        return PollOutcome(result="lost")
    except ServiceUnavailableError:
        raise
    except Exception as error:
        if runtime.stopping and isinstance(error, TimeoutError):
            await runtime.db.run(_reschedule, runtime, connection.id, lease, timedelta(0))
            return PollOutcome(result="paused")
        return await _failed(runtime, pipeline, lease, state, error)


async def _next_page(pipeline: Pipeline, request: PollRequest, advance: InAdvance | None) -> Page:
    if advance is None:
        return await _page(pipeline, request)
    return await advance.page(_page, pipeline, request)


async def _page(pipeline: Pipeline, request: PollRequest) -> Page:
    try:
        async with asyncio.timeout(POLL_TIMEOUT.total_seconds()) as limit:
            return await pipeline.poll(request)
    except TimeoutError as error:
        if not limit.expired():
            raise
        seconds = POLL_TIMEOUT.total_seconds()
        raise RetryableError(f"the poll took longer than {seconds:g} seconds and was given up") from error


def _read(runtime: Runtime, connection_id: int) -> tuple[Locked, PollState]:
    with runtime.db.transaction() as tx:
        return glimpse(runtime.db, tx, connection_id), schedule.read(runtime.db, tx, connection_id)


def _request(state: PollState) -> PollRequest:
    return PollRequest(
        cursor=state.cursor,
        open_records=state.open_records,
        previous_new=state.previous_new,
        previous_full=state.previous_full,
        full_pass=state.full_pass,
    )


async def _admit(
    runtime: Runtime,
    pipeline: Pipeline,
    lease: leases.HeldLease,
    state: PollState,
    page: Page,
    advance: InAdvance | None,
) -> PollOutcome:
    wait = timedelta(0)

    def next_in(admission: Admission) -> timedelta:
        nonlocal wait
        wait = cadence.after_page(
            pipeline.cadence,
            page,
            news=admission.new + admission.coalesced,
            idle_polls=state.idle_polls,
            stuck=state.previous_full and not state.previous_new,
        )
        return wait

    idle_polls = 0 if page.records or page.bad else state.idle_polls + 1
    step = PollStep(lease=lease, next_in=next_in, idle_polls=idle_polls, full_pass=state.full_pass)
    claims = None if advance is None else advance.claims
    admission = await runtime.db.run(
        admit_page, runtime.db, pipeline, page, kind="poll", step=step, ahead=claims
    )
    return PollOutcome(
        result="ok",
        next_in=wait,
        polled=len(page.records) + len(page.bad),
        taken_in=len(page.records) - admission.duplicates + admission.quarantined,
        full=page.full,
        unfinished=page.unfinished,
        moved=page.cursor is not None and page.cursor != state.cursor,
        admission=admission,
    )


async def _failed(
    runtime: Runtime, pipeline: Pipeline, lease: leases.HeldLease, state: PollState, error: Exception
) -> PollOutcome:
    """A poll that failed costs nothing but time; what it showed stays in quarantine, and who is to blame is named."""
    text = pipeline.redact(str(error) or type(error).__name__)
    connection_id = pipeline.connection.id
    bad: list[BadRecord] = []
    wait = cadence.after_failure(state.failed_polls + 1, getattr(error, "retry_after", None))
    match error:
        case ReauthorizationError():
            await runtime.db.run(
                connections.refuse_source, runtime.db, connection_id, text, revision=pipeline.revision
            )
        case ConnectionFailedError() | ConfigurationError():
            await runtime.db.run(connections.fail, runtime.db, connection_id, text)
        case NotNowError():
            wait = error.wait
        case BadPageError():
            raw = pipeline.redact(error.raw.decode(errors="replace"))
            bad = [BadRecord(reason=text, raw=raw)]
        case HubError() | TimeoutError():
            pass
        case _:
            _log.exception("the connector failed while polling", connection=pipeline.connection.name)
    not_now = isinstance(error, NotNowError)
    await runtime.db.run(_note_failure, runtime, connection_id, lease, wait, text, bad, state, not_now)
    refused = isinstance(error, ReauthorizationError | ConnectionFailedError | ConfigurationError)
    if refused:
        _log.warning("polling stops", connection=pipeline.connection.name, error=text)
    else:
        level = _log.info if not_now else _log.warning
        again = round(wait.total_seconds(), 1)
        level("poll failed", connection=pipeline.connection.name, error=text, again_in_seconds=again)
    result = "refused" if refused else "paused" if not_now else "failed"
    return PollOutcome(result=result, next_in=wait, error=text)


def _note_failure(
    runtime: Runtime,
    connection_id: int,
    lease: leases.HeldLease,
    wait: timedelta,
    text: str,
    bad: list[BadRecord],
    state: PollState,
    not_now: bool,
) -> None:
    db = runtime.db
    with db.transaction() as tx:
        connection = lock(db, tx, connection_id)
        quarantine.keep(db, tx, connection, bad)
        failed: dict[str, Any] = (
            {} if not_now else {"failed_polls": state.failed_polls + 1, "last_error": text[:2000]}
        )
        schedule.write(db, tx, connection, next_in=_micros(wait), **failed)
        leases.release_within(db, tx, lease)


def _reschedule(runtime: Runtime, connection_id: int, lease: leases.HeldLease, wait: timedelta) -> None:
    with runtime.db.transaction() as tx:
        schedule.write(runtime.db, tx, lock(runtime.db, tx, connection_id), next_in=_micros(wait))
        leases.release_within(runtime.db, tx, lease)


def _micros(wait: timedelta) -> int:
    return round(wait.total_seconds() * 1_000_000)
