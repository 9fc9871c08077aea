"""What an answer means for a record: pure, so that every combination can be tested as a table."""

from __future__ import annotations

from datetime import timedelta

from hub.policy.retry import Backoff
from hub.records import (
    Acknowledged,
    Awaiting,
    Parked,
    PushResult,
    Refused,
    Rejected,
    Released,
    ReportResult,
    Retry,
    Skipped,
    Success,
    Yielded,
)
from hub.store.rows import Held, ReportVerdict, Verdict

#: When a follow found no successor to yield to, it asks again after this.
_ASK_AGAIN = timedelta(minutes=1)


def decide(held: Held, result: PushResult, *, stage: str, backoff: Backoff) -> Verdict:
    """The next state of a record that was pushed or followed."""
    undecided = "awaiting" if stage == "follow" else "waiting"
    if isinstance(result, Success | Skipped | Rejected):
        return _settled(held, result)
    if isinstance(result, Retry):
        return _retry(held, result, undecided, backoff)
    return _unsettled(held, result, undecided)


def decide_report(held: Held, result: ReportResult, *, backoff: Backoff) -> ReportVerdict:
    """The next state of a report."""
    match result:
        case Acknowledged():
            facts, warning = dict(result.facts), result.warning
            return ReportVerdict(id=held.id, state="acknowledged", spent=True, error=warning, facts=facts)
        case Skipped():
            return ReportVerdict(id=held.id, state="acknowledged", error=result.reason)
        case Rejected():
            return ReportVerdict(id=held.id, state="dead", spent=True, error="; ".join(result.errors))
        case Retry():
            return _retry_report(held, result, backoff)
        case Released():
            return ReportVerdict(
                id=held.id, state="waiting", due_after=_micros(result.after), error=result.reason
            )
        case Refused():
            return ReportVerdict(
                id=held.id, state="waiting", error=result.error, refused=result.error, fails=result.whole
            )


def _settled(held: Held, result: Success | Skipped | Rejected) -> Verdict:
    match result:
        case Success():
            state, status, text = "success", "success", result.warning
        case Skipped():
            state, status, text = "skipped", "skipped", result.reason
        case Rejected():
            state, status, text = "rejected", "failed", "; ".join(result.errors)
    return Verdict(
        id=held.id,
        state=state,
        status=status,
        spent=True,
        response_code=result.response_code,
        duration_ms=result.duration_ms,
        error=text,
        external_id=None if isinstance(result, Rejected) else result.external_id,
        created=isinstance(result, Success) and result.created,
    )


def _unsettled(
    held: Held, result: Released | Awaiting | Parked | Yielded | Refused, undecided: str
) -> Verdict:
    """None of these spends an attempt."""
    match result:
        case Released():
            wait = _micros(result.after)
            return Verdict(id=held.id, state=undecided, due_after=wait, hold=wait, error=result.reason)
        case Awaiting():
            wait = _micros(result.check_after)
            external_id, note = result.external_id, result.note
            return Verdict(
                id=held.id,
                state="awaiting",
                due_after=wait,
                handle=result.handle,
                external_id=external_id,
                error=note,
            )
        case Parked():
            return Verdict(id=held.id, state="parked", wake_key=result.wake_key, error=result.reason)
        case Yielded():
            if held.newer is None:
                return Verdict(id=held.id, state=undecided, due_after=_micros(_ASK_AGAIN))
            return Verdict(id=held.id, state="superseded", status="skipped", error=result.reason)
        case Refused():
            return Verdict(
                id=held.id,
                state=undecided,
                response_code=result.response_code,
                error=result.error,
                refused=result.error,
                fails=result.whole,
            )


def _retry(held: Held, result: Retry, undecided: str, backoff: Backoff) -> Verdict:
    """A push that failed spends an attempt; a question about an awaiting record never does."""
    spent = undecided == "waiting"
    attempt = held.attempts + 1 if spent else 1
    dead = spent and backoff.exhausted(attempt)
    return Verdict(
        id=held.id,
        state="dead" if dead else undecided,
        status="failed" if dead else None,
        spent=spent,
        due_after=0 if dead else _micros(backoff.delay(attempt, result.after)),
        response_code=result.response_code,
        duration_ms=result.duration_ms,
        error=result.error,
    )


def _micros(wait: timedelta) -> int:
    return max(0, round(wait.total_seconds() * 1_000_000))


def _retry_report(held: Held, result: Retry, backoff: Backoff) -> ReportVerdict:
    attempt = held.report_attempts + 1
    if backoff.exhausted(attempt):
        return ReportVerdict(id=held.id, state="dead", spent=True, error=result.error)
    wait = _micros(backoff.delay(attempt, result.after))
    return ReportVerdict(id=held.id, state="waiting", spent=True, due_after=wait, error=result.error)
