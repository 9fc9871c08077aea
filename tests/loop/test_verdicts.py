"""What an answer means for a record: every result at every stage, and where attempts end."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any, get_args

import pytest
from msgspec.structs import replace

from hub.connector import result_of
from hub.errors import ThrottledError
from hub.loop.verdict import decide, decide_report
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
from hub.store.rows import Held

SECOND = 1_000_000
BACKOFF = Backoff()
HELD = Held(
    id=7,
    stream="price",
    key="a",
    order_key="a",
    version=None,
    number=1,
    payload={},
    attempts=0,
    total_attempts=0,
    run_id=None,
    group=None,
)

#: What each result makes of a push, and what is different where an awaiting record is followed.
PUSHES: tuple[tuple[PushResult, dict[str, Any], dict[str, Any]], ...] = (
    (
        Success(external_id="erp-1", response_code=201, duration_ms=5),
        {"state": "success", "status": "success", "spent": True, "external_id": "erp-1", "response_code": 201, "duration_ms": 5},
        {},
    ),
    (Success(warning="rounded"), {"state": "success", "status": "success", "spent": True, "error": "rounded"}, {}),
    (
        Skipped(reason="no change", external_id="erp-1"),
        {"state": "skipped", "status": "skipped", "spent": True, "error": "no change", "external_id": "erp-1"},
        {},
    ),
    (
        Rejected(errors=["no price", "no sku"], response_code=422),
        {"state": "rejected", "status": "failed", "spent": True, "error": "no price; no sku", "response_code": 422},
        {},
    ),
    (
        Retry(error="timeout", response_code=503, after=timedelta(minutes=3)),
        {"state": "waiting", "spent": True, "error": "timeout", "response_code": 503, "due_after": 180 * SECOND},
        {"state": "awaiting", "spent": False},
    ),
    (
        Released(reason="no slot", after=timedelta(seconds=4)),
        {"state": "waiting", "due_after": 4 * SECOND, "hold": 4 * SECOND, "error": "no slot"},
        {"state": "awaiting"},
    ),
    (Released(reason="handed back"), {"state": "waiting", "error": "handed back"}, {"state": "awaiting"}),
    (
        Awaiting(handle={"lot": 3}, check_after=timedelta(seconds=9), external_id="erp-1", note="in review"),
        {"state": "awaiting", "due_after": 9 * SECOND, "handle": {"lot": 3}, "external_id": "erp-1", "error": "in review"},
        {},
    ),
    (
        Parked(wake_key="category:5", reason="no mapping"),
        {"state": "parked", "wake_key": "category:5", "error": "no mapping"},
        {},
    ),
    (Yielded(), {"state": "waiting", "due_after": 60 * SECOND}, {"state": "awaiting"}),
    (
        Refused(error="key revoked", response_code=401),
        {"state": "waiting", "error": "key revoked", "refused": "key revoked", "response_code": 401},
        {"state": "awaiting"},
    ),
    (
        Refused(error="wrong account", whole=True),
        {"state": "waiting", "error": "wrong account", "refused": "wrong account", "fails": True},
        {"state": "awaiting"},
    ),
)  # fmt: skip

REPORTS: tuple[tuple[ReportResult, dict[str, Any]], ...] = (
    (
        Acknowledged(facts={"batch": "published"}, warning="it was withdrawn"),
        {"state": "acknowledged", "spent": True, "facts": {"batch": "published"}, "error": "it was withdrawn"},
    ),
    (Skipped(reason="not wanted"), {"state": "acknowledged", "error": "not wanted"}),
    (Rejected(errors=["a", "b"]), {"state": "dead", "spent": True, "error": "a; b"}),
    (
        Retry(error="timeout", after=timedelta(minutes=3)),
        {"state": "waiting", "spent": True, "due_after": 180 * SECOND, "error": "timeout"},
    ),
    (Released(reason="no slot", after=timedelta(seconds=4)), {"state": "waiting", "due_after": 4 * SECOND, "error": "no slot"}),
    (Refused(error="no scope"), {"state": "waiting", "error": "no scope", "refused": "no scope"}),
    (
        Refused(error="wrong account", whole=True),
        {"state": "waiting", "error": "wrong account", "refused": "wrong account", "fails": True},
    ),
)  # fmt: skip


def said(verdict: Any) -> dict[str, Any]:
    """What a verdict says besides the defaults."""
    blank = type(verdict)(id=verdict.id, state="")
    return {
        name: getattr(verdict, name)
        for name in verdict.__struct_fields__
        if name != "id" and getattr(verdict, name) != getattr(blank, name)
    }


def true(expected: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in expected.items() if value is not False}


@pytest.mark.parametrize(("result", "expected", "_"), PUSHES)
def test_what_a_push_comes_to(result: PushResult, expected: dict[str, Any], _: dict[str, Any]) -> None:
    """State, what is kept of the answer, whether an attempt is spent, and when it is due again."""
    verdict = decide(HELD, result, stage="push", backoff=BACKOFF)

    assert verdict.id == 7
    assert said(verdict) == expected


@pytest.mark.parametrize(("result", "expected", "changes"), PUSHES)
def test_what_following_comes_to(
    result: PushResult, expected: dict[str, Any], changes: dict[str, Any]
) -> None:
    """As with a push, but what is undecided goes on awaiting, and no question costs an attempt."""
    verdict = decide(HELD, result, stage="follow", backoff=BACKOFF)

    assert said(verdict) == true(expected | changes)


def test_every_result_there_is_has_a_line() -> None:
    """So that a new one cannot be forgotten here."""
    assert {type(result) for result, *_ in PUSHES} == set(get_args(PushResult))
    assert {type(result) for result, _ in REPORTS} == set(get_args(ReportResult))


def test_an_awaiting_record_yields_to_the_newer_one_that_waits() -> None:
    """And only then."""
    held = replace(HELD, newer={"amount": 2})

    assert said(decide(held, Yielded(), stage="follow", backoff=BACKOFF)) == {
        "state": "superseded",
        "status": "skipped",
        "error": "replaced by newer content",
    }


@pytest.mark.parametrize(("result", "expected"), REPORTS)
def test_what_a_report_comes_to(result: ReportResult, expected: dict[str, Any]) -> None:
    """It is acknowledged, waits for another try, or is dead."""
    verdict = decide_report(HELD, result, backoff=BACKOFF)

    assert verdict.id == 7
    assert said(verdict) == expected


@pytest.mark.parametrize(
    ("attempts_before", "state", "status"),
    (
        (0, "waiting", None),
        (7, "waiting", None),
        (8, "waiting", None),
        (9, "dead", "failed"),
        (10, "dead", "failed"),
    ),
)
def test_the_tenth_failed_attempt_is_the_last(attempts_before: int, state: str, status: str | None) -> None:
    """Nine may fail; and where a setting was lowered meanwhile, the next one is the last."""
    held = replace(HELD, attempts=attempts_before, total_attempts=attempts_before)
    verdict = decide(held, Retry(error="timeout"), stage="push", backoff=BACKOFF)

    assert (verdict.state, verdict.status, verdict.spent) == (state, status, True)
    assert (verdict.due_after > 0) == (state == "waiting")


@pytest.mark.parametrize(("attempts_before", "state"), ((8, "waiting"), (9, "dead"), (10, "dead")))
def test_reports_have_attempts_of_their_own(attempts_before: int, state: str) -> None:
    """A push that took nine leaves its report ten."""
    held = replace(HELD, attempts=99, total_attempts=99, report_attempts=attempts_before)
    verdict = decide_report(held, Retry(error="timeout"), backoff=BACKOFF)

    assert (verdict.state, verdict.spent) == (state, True)


@pytest.mark.parametrize("attempts_before", (0, 3, 8))
def test_waits_grow_with_the_attempts_and_are_never_shorter_than_asked_for(attempts_before: int) -> None:
    """Retry-After is the least, the backoff may be more."""
    held = replace(HELD, attempts=attempts_before, report_attempts=attempts_before)
    least = BACKOFF.delay(attempts_before + 1, uniform=min).total_seconds() * SECOND
    most = BACKOFF.delay(attempts_before + 1, uniform=max).total_seconds() * SECOND
    asked = timedelta(minutes=10)
    for decide_one in (
        lambda result: decide(held, result, stage="push", backoff=BACKOFF),
        lambda result: decide_report(held, result, backoff=BACKOFF),
    ):
        assert least <= decide_one(Retry(error="x")).due_after <= most
        assert decide_one(Retry(error="x", after=asked)).due_after == 600 * SECOND
        assert least <= decide_one(Retry(error="x", after=timedelta(0))).due_after <= most


def test_a_wait_into_the_past_is_none() -> None:
    """A plugin's arithmetic may slip."""
    verdict = decide(HELD, Released(reason="x", after=timedelta(seconds=-5)), stage="push", backoff=BACKOFF)

    assert (verdict.due_after, verdict.hold) == (0, 0)


def test_what_is_left_of_a_wait_counts_from_when_it_was_heard_of() -> None:
    """A slice ends long after its first request was turned away, and its connection must not wait as long once more."""
    over, long = ThrottledError("no slot", wait=timedelta(microseconds=1)), timedelta(hours=1)
    time.sleep(0.001)

    assert result_of(over) == Released(reason="no slot", after=timedelta(0))
    left = result_of(ThrottledError("no slot", wait=long))
    assert isinstance(left, Released)
    assert long - timedelta(minutes=1) < left.after <= long
