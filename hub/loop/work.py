"""Work: claim a slice, push it, settle it, report it. Push and report settle apart, each durable before the next."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import ParamSpec, TypeVar

import structlog
from msgspec import structs

from hub.errors import HubError, ServiceUnavailableError
from hub.loop.ask import prepared, pushed, reported
from hub.loop.closing import close_groups
from hub.loop.verdict import decide, decide_report
from hub.loop.write import CatalogPush
from hub.pipeline import Pipeline
from hub.records import Item, Outcome, PushResult, Released, ReportResult
from hub.runtime import Runtime
from hub.store.ledger import ahead, claim
from hub.store.ledger.bells import Bell
from hub.store.ledger.report import settle_reports
from hub.store.ledger.settle import Settler
from hub.store.rows import Held, ReportVerdict, Settlement, Slice, Verdict
from hub.telemetry import Worked

#: While the store is away, a settle is tried again this often, in seconds.
STORE_AWAY_SECONDS = 0.5
#: Records of a connection that cannot be put together are due again after this.
ASSEMBLY_WAIT = timedelta(minutes=1)

P = ParamSpec("P")
R = TypeVar("R")

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class SliceOutcome:
    """What became of one slice. ``states`` counts records by the state they went to, reports as ``reported``."""

    records: int = 0
    states: Mapping[str, int] = field(default_factory=dict)
    lost: int = 0


async def work(runtime: Runtime, connection_id: int, *, bell: Bell | None = None) -> SliceOutcome:
    """Work one slice of due records to its end; an empty outcome when nothing was due."""
    return await _one_slice(runtime, connection_id, bell, claim.claim_work, _push_and_report)


async def work_ahead(runtime: Runtime, connection_id: int) -> SliceOutcome:
    """Work one slice that lies ready to its end; an empty outcome where none does."""
    pipeline = await runtime.pipeline(connection_id)
    held = await runtime.db.run(
        ahead.take, runtime.db, connection_id, worker=runtime.worker, lease=runtime.claim_lease
    )
    return await _worked(runtime, pipeline, held, None, _push_and_report)


async def report(runtime: Runtime, connection_id: int, *, bell: Bell | None = None) -> SliceOutcome:
    """Report one slice of outcomes whose report is due."""
    return await _one_slice(runtime, connection_id, bell, claim.claim_reports, _report_alone)


async def _one_slice(
    runtime: Runtime,
    connection_id: int,
    bell: Bell | None,
    take: Callable[..., Slice | None],
    step: Callable[[Runtime, Pipeline, Slice], Awaitable[SliceOutcome]],
) -> SliceOutcome:
    pipeline = await runtime.pipeline(connection_id)
    lease, limit = runtime.claim_lease, pipeline.delivery.slice_size
    held = await runtime.db.run(
        take, runtime.db, connection_id, worker=runtime.worker, lease=lease, limit=limit
    )
    return await _worked(runtime, pipeline, held, bell, step)


async def _worked(
    runtime: Runtime,
    pipeline: Pipeline,
    held: Slice | None,
    bell: Bell | None,
    step: Callable[[Runtime, Pipeline, Slice], Awaitable[SliceOutcome]],
) -> SliceOutcome:
    if held is None:
        return SliceOutcome()
    pipeline = await _as_claimed(runtime, pipeline, held)
    async with _heartbeat(runtime, held, bell):
        return await step(runtime, pipeline, held)


async def _report_alone(runtime: Runtime, pipeline: Pipeline, held: Slice) -> SliceOutcome:
    states, lost = await _report(runtime, pipeline, held)
    return SliceOutcome(records=len(held.records), states=states, lost=lost)


async def _as_claimed(runtime: Runtime, known: Pipeline, held: Slice) -> Pipeline:
    """The connection with the settings that it had when the claim was made.

    Where it cannot be put together any more, say because its plugin is gone, nobody's work is lost and no record is
    taken for poison: the claim is given back. Raises what putting it together does.
    """
    try:
        return await runtime.pipeline(held.connection_id, revision=held.revision)
    except HubError as error:
        released = Released(reason=str(error), after=ASSEMBLY_WAIT)
        if held.stage == "report":
            reports = [decide_report(record, released, backoff=known.backoff) for record in held.records]
            await runtime.db.run(settle_reports, runtime.db, held, reports)
        else:
            verdicts = [
                decide(record, released, stage=held.stage, backoff=known.backoff) for record in held.records
            ]
            await runtime.db.run(_settler(runtime, known, held).settle, verdicts)
        raise


async def _push_and_report(runtime: Runtime, pipeline: Pipeline, held: Slice) -> SliceOutcome:
    started = time.monotonic()
    settlement = await _push_and_settle(runtime, pipeline, held)
    _tell(runtime, pipeline, held, held.stage, started, settlement.verdicts, settlement.lost)
    states = Counter(verdict.state for verdict in settlement.verdicts)
    lost = settlement.lost
    if settlement.to_report:
        slice_to_report = _after_push(held, settlement)
        reported, lost_reports = await _report(runtime, pipeline, slice_to_report)
        states.update(reported)
        lost += lost_reports
    if settlement.groups:
        await close_groups(runtime, held.connection_id)
    return SliceOutcome(records=len(held.records), states=states, lost=lost)


def _clean(pipeline: Pipeline, verdict: Verdict) -> Verdict:
    """What a destination says in its own words may repeat a credential that it was sent."""
    if verdict.error is None and verdict.refused is None:
        return verdict
    error, refused = (
        None if text is None else pipeline.redact(text) for text in (verdict.error, verdict.refused)
    )
    return structs.replace(verdict, error=error, refused=refused)


async def _push_and_settle(runtime: Runtime, pipeline: Pipeline, held: Slice) -> Settlement:
    settler = _settler(runtime, pipeline, held)
    if held.stage == "push" and pipeline.catalog is not None:
        ready, known = await prepared(pipeline, [_item(pipeline, record) for record in held.records])
        push = CatalogPush(pipeline=pipeline, destination=pipeline.catalog, settler=settler, held=held)
        return await _until_stored(runtime, push.settle, ready, known)
    results = await _push(runtime, pipeline, held)
    verdicts = [
        _clean(pipeline, decide(record, results[record.id], stage=held.stage, backoff=pipeline.backoff))
        for record in held.records
    ]
    return await _until_stored(runtime, settler.settle, verdicts)


def _settler(runtime: Runtime, pipeline: Pipeline, held: Slice) -> Settler:
    return Settler(
        db=runtime.db,
        slice=held,
        stream=pipeline.streams[held.stream],
        merge=pipeline.connector.merge,
        reports=pipeline.connector.reports,
        lease=runtime.claim_lease,
    )


async def _push(runtime: Runtime, pipeline: Pipeline, held: Slice) -> Mapping[int, PushResult]:
    """One result for each record, whatever the plugin does; a stopping worker hands back what is not done in time."""
    items = [_item(pipeline, record) for record in held.records]
    handed_back: dict[int, PushResult] = {
        item.id: Released(reason="handed back by a worker that was stopping") for item in items
    }
    try:
        async with runtime.until_stopped():
            return await pushed(pipeline, held.stage, items)
    except TimeoutError:
        return handed_back


async def _report(runtime: Runtime, pipeline: Pipeline, held: Slice) -> tuple[Mapping[str, int], int]:
    started = time.monotonic()
    outcomes = [_outcome(record) for record in held.records]
    answers: Mapping[int, ReportResult]
    try:
        async with runtime.until_stopped():
            answers = await reported(pipeline, outcomes)
    except TimeoutError:
        answers = {
            outcome.record_id: Released(reason="handed back by a worker that was stopping")
            for outcome in outcomes
        }
    verdicts = [
        decide_report(record, answers[record.id], backoff=pipeline.backoff) for record in held.records
    ]
    for verdict in verdicts:
        if verdict.state == "acknowledged" and verdict.error:
            _log.warning(
                "report", connection=pipeline.connection.name, record=verdict.id, warning=verdict.error
            )
    lost = await _until_stored(runtime, settle_reports, runtime.db, held, verdicts)
    _tell(runtime, pipeline, held, "report", started, verdicts, lost)
    states = Counter("reported" for verdict in verdicts if verdict.state == "acknowledged")
    return states, lost


async def _until_stored(runtime: Runtime, call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Settle even if the store is away for a moment: what was pushed would be pushed again otherwise.

    No longer than a claim lives without its heartbeat. Raises ``ServiceUnavailableError`` then.
    """
    give_up = time.monotonic() + runtime.claim_lease / 1_000_000
    while True:
        try:
            return await runtime.db.run(call, *args, **kwargs)
        except ServiceUnavailableError:
            if time.monotonic() > give_up or runtime.stopping:
                raise
            await asyncio.sleep(STORE_AWAY_SECONDS)


@contextlib.asynccontextmanager
async def _heartbeat(runtime: Runtime, held: Slice, bell: Bell | None) -> AsyncIterator[None]:
    """Renew the claim while the slice is worked. The store may be away for a while: it is asked again."""

    async def beat() -> None:
        while True:
            await asyncio.sleep(runtime.claim_lease / 3 / 1_000_000)
            try:
                kept = await runtime.db.run(
                    claim.renew, runtime.db, held.claim_id, lease=runtime.claim_lease, bell=bell
                )
            except HubError as error:
                _log.warning("the heartbeat did not reach the store", claim=held.claim_id, error=str(error))
                continue
            if not kept:
                _log.warning("the claim was lost while its slice is worked", claim=held.claim_id)
                return

    task = asyncio.create_task(beat())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def _item(pipeline: Pipeline, record: Held) -> Item:
    return Item(
        id=record.id,
        stream=record.stream,
        key=record.key,
        payload=record.payload,
        idempotency_key=pipeline.idempotency_key(record.stream, record.key, record.number),
        attempt=record.total_attempts + 1,
        group=record.group,
        handle=record.handle,
        newer=record.newer,
    )


def _after_push(held: Slice, settlement: Settlement) -> Slice:
    """The slice as its report sees it, without reading it again."""
    to_report = set(settlement.to_report)
    records = {record.id: record for record in held.records}
    reported = [
        structs.replace(
            records[verdict.id],
            status=verdict.status,
            response_code=verdict.response_code,
            duration_ms=verdict.duration_ms,
            error=verdict.error,
            external_id=verdict.external_id or records[verdict.id].external_id,
            total_attempts=records[verdict.id].total_attempts + int(verdict.spent),
            report_attempts=0,
            settled_at=settlement.at,
        )
        for verdict in settlement.verdicts
        if verdict.id in to_report
    ]
    return replace(held, stage="report", records=reported)


def _outcome(record: Held) -> Outcome:
    status = record.status if record.status in ("success", "skipped") else "failed"
    return Outcome(
        record_id=record.id,
        stream=record.stream,
        key=record.key,
        payload=record.payload,
        status=status,  # type: ignore[arg-type]
        attempts=record.total_attempts,
        response_code=record.response_code,
        duration_ms=record.duration_ms,
        error=record.error if status != "success" else None,
        external_id=record.external_id,
        group=record.group,
        settled_at=_time(record.settled_at),
    )


def _time(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else datetime.fromtimestamp(microseconds / 1_000_000, UTC)


def _tell(
    runtime: Runtime,
    pipeline: Pipeline,
    held: Slice,
    stage: str,
    started: float,
    verdicts: Sequence[Verdict | ReportVerdict],
    lost: int,
) -> None:
    runtime.observe(
        Worked(
            connector=pipeline.connector.name,
            connection=pipeline.connection.name,
            stream=held.stream,
            stage=stage,
            seconds=time.monotonic() - started,
            states=Counter(verdict.state for verdict in verdicts),
            retries=sum(verdict.spent and verdict.state == "waiting" for verdict in verdicts),
            lost=lost,
        )
    )
