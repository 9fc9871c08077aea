"""Rule 5: claims are kept by a heartbeat, and what a lost one settles is not taken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from hub.connector import Stream
from hub.store.ledger import claim, sweep
from hub.store.ledger.claim import ALONE_AFTER
from hub.store.ledger.sweep import DEAD_AFTER, WORKER_DIED
from hub.store.rows import Slice
from tests.ledger.driver import LEASE, MINUTE, Ledger, after, price

STAGES = ("push", "follow", "report")


def test_a_record_is_claimed_by_one_worker(ledger: Ledger) -> None:
    """The next worker gets the next records."""
    ledger.admit(*(price(f"k{at}") for at in range(5)))

    slices = [ledger.claim(f"w{at}", limit=2) for at in range(4)]

    assert [[held.key for held in one.records] for one in slices] == [["k0", "k1"], ["k2", "k3"], ["k4"], []]
    assert len({one.claim_id for one in slices[:3]}) == 3


async def test_there_may_be_work_while_something_waits_in_nobodys_hands(ledger: Ledger) -> None:
    """Whether it is due or not; what somebody works on is their business."""
    seen = [await claim.may_have_work(ledger.db, ledger.id)]
    ledger.admit(price("a"))
    seen.append(await claim.may_have_work(ledger.db, ledger.id))
    held = ledger.claim()
    seen.append(await claim.may_have_work(ledger.db, ledger.id))
    ledger.settle(held, after("retry", MINUTE))
    seen.append(await claim.may_have_work(ledger.db, ledger.id))
    ledger.pass_time(2 * MINUTE)
    ledger.settle(ledger.claim(), "awaiting")
    seen.append(await claim.may_have_work(ledger.db, ledger.id))

    assert seen == [False, True, False, True, True]


@pytest.mark.parametrize("stage", STAGES)
def test_what_a_dead_worker_held_is_claimed_again(ledger: Ledger, stage: str) -> None:
    """Once its claim has expired and the sweeper came by, not before."""
    lost = _claimed(ledger, stage)
    assert sweep.expire_claims(ledger.db) == 0
    assert _claim(ledger, stage).records == ()

    assert ledger.lose_claims() == 1
    again = _claim(ledger, stage)

    assert [held.key for held in again.records] == [held.key for held in lost.records]
    assert again.claim_id > lost.claim_id
    assert ledger.lose_claims() == 1


@pytest.mark.parametrize("stage", STAGES)
def test_a_heartbeat_keeps_a_claim(ledger: Ledger, stage: str) -> None:
    """However long the work takes."""
    held = _claimed(ledger, stage)
    for _ in range(3):
        ledger.pass_time(LEASE // 2)
        assert claim.renew(ledger.db, held.claim_id, lease=LEASE)
        assert sweep.expire_claims(ledger.db) == 0

    assert _settle(ledger, held) == 0


def test_a_heartbeat_at_the_last_moment_keeps_the_claim(ledger: Ledger) -> None:
    """The sweeper had seen it expired, and looks again before it takes it."""
    held = _claimed(ledger, "push")
    ledger.pass_time(2 * LEASE)
    claim.renew(ledger.db, held.claim_id, lease=LEASE)

    assert not sweep._expire(ledger.db, held.claim_id, ledger.id)
    assert _settle(ledger, held) == 0


def test_a_heartbeat_says_when_the_claim_is_lost(ledger: Ledger) -> None:
    """Its worker may stop."""
    held = _claimed(ledger, "push")
    ledger.lose_claims()

    assert not claim.renew(ledger.db, held.claim_id, lease=LEASE)


@pytest.mark.parametrize("claimed_again", (False, True))
@pytest.mark.parametrize("stage", STAGES)
def test_what_a_lost_claim_settles_is_not_taken(ledger: Ledger, stage: str, claimed_again: bool) -> None:
    """Neither before nor after somebody else has claimed the record: the claim is the fence."""
    late = _claimed(ledger, stage)
    ledger.lose_claims()
    present = _claim(ledger, stage) if claimed_again else None
    before = ledger.rows()

    assert _settle(ledger, late, late=True) == 1
    assert ledger.rows() == before
    ledger.check()
    assert _settle(ledger, present or _claim(ledger, stage)) == 0
    ledger.report_due()
    ledger.check_at_rest()


def test_a_late_settle_touches_no_successor_and_stops_no_connection(ledger: Ledger) -> None:
    """Nothing of it is taken, whatever it says."""
    ledger.admit(price("a", "1"))
    late = ledger.claim()
    ledger.lose_claims()
    ledger.claim()
    ledger.admit(price("a", "2"))
    before = ledger.rows()

    settled = ledger.settle(late, after("retry", MINUTE, hold=MINUTE, refused="bad key"))

    assert settled.lost == 1
    assert ledger.rows() == before
    ledger.admit(price("b"))
    assert ledger.push() == ["b"]


def test_a_settle_that_is_repeated_is_not_taken_twice(ledger: Ledger) -> None:
    """The store's answer was lost with the connection to it, so the worker tried again."""
    ledger.admit(price("a"), price("b"))
    held = ledger.claim()
    first = ledger.settle(held, "success", b="retry")
    before = ledger.rows()

    again = ledger.settle(held, "success", b="retry")

    assert (first.lost, again.lost) == (0, 2)
    assert ledger.rows() == before
    ledger.check()
    assert ledger.report(first.to_report) == 0
    assert ledger.report(first.to_report) == 1
    ledger.check()


@pytest.mark.parametrize("stage", STAGES)
def test_what_a_settle_leaves_out_comes_back_when_the_claim_expires(ledger: Ledger, stage: str) -> None:
    """Nothing is held by a claim that is no more."""
    held = _claimed(ledger, stage, "a", "b")
    if stage == "report":
        _hand_back_all_but(ledger, held, "b")
    else:
        ledger.settle(held, "success", b="nothing")

    ledger.check()
    ledger.lose_claims()
    ledger.check()
    assert "b" in [one.key for one in _claim(ledger, stage).records]


def test_three_lost_claims_make_a_record_suspicious_and_five_kill_it() -> None:
    """Enough to tell bad luck from poison, and few enough for the fleet to live on."""
    assert (ALONE_AFTER, DEAD_AFTER) == (3, 5)


@pytest.mark.parametrize("stage", STAGES)
def test_a_record_that_lost_three_workers_is_worked_alone(ledger: Ledger, stage: str) -> None:
    """So that it can take nobody down with it; the others are claimed together, as ever."""
    _make_due(ledger, stage, "poison", "good1", "good2")
    for _ in range(ALONE_AFTER):
        held = _claim(ledger, stage)
        assert len(held.records) == 3
        _hand_back_all_but(ledger, held, "poison")
        ledger.lose_claims()

    slices = [[held.key for held in _claim(ledger, stage).records] for _ in range(3)]

    assert sorted(slices) == [[], ["good1", "good2"], ["poison"]]


@pytest.mark.parametrize("stage", ("push", "follow"))
def test_a_record_that_lost_five_workers_is_dead(ledger: Ledger, stage: str) -> None:
    """It is reported as failed, and the fleet lives on."""
    _claimed(ledger, stage, "poison")
    for lost in range(1, DEAD_AFTER):
        ledger.lose_claims()
        assert ledger.row("poison")["lost_claims"] == lost
        assert _claim(ledger, stage).records
    ledger.lose_claims()

    assert _claim(ledger, stage).records == ()
    row = ledger.row("poison")
    assert (row["state"], row["status"], row["error"]) == ("dead", "failed", WORKER_DIED)
    assert ledger.report_due() == ["poison"]
    ledger.check_at_rest()


def test_a_report_that_lost_five_workers_is_a_dead_letter(ledger: Ledger) -> None:
    """Its push stays what it was."""
    _claimed(ledger, "report", "poison")
    for _ in range(DEAD_AFTER):
        ledger.lose_claims()
        ledger.claim_reports()

    row = ledger.row("poison")
    assert (row["state"], row["report_state"], row["report_error"]) == ("success", "dead", WORKER_DIED)
    assert ledger.replay("poison") == "report"
    assert ledger.report_due() == ["poison"]
    assert len(ledger.pushes) == 1
    ledger.check_at_rest()


def test_a_repeated_report_that_lost_five_workers_was_reported_all_the_same(ledger: Ledger) -> None:
    """The source knew the outcome; the books say so."""
    _claimed_repeat(ledger, "poison")
    for _ in range(DEAD_AFTER):
        ledger.lose_claims()
        ledger.claim_reports()

    ledger.check()
    assert ledger.row("poison")["report_state"] == "dead"
    ledger.check_at_rest()


def test_a_dead_worker_does_not_count_against_records_that_went_through(ledger: Ledger) -> None:
    """A settle forgives what was lost before, a report starts its own count."""
    ledger.admit(price("a"))
    for _ in range(DEAD_AFTER - 1):
        ledger.claim()
        ledger.lose_claims()
    to_report = ledger.settle(ledger.claim()).to_report
    assert to_report.records
    ledger.lose_claims()

    assert ledger.row("a")["lost_claims"] == 1
    assert ledger.report_due() == ["a"]
    ledger.check_at_rest()


def test_what_waits_behind_a_poisoned_record_is_worked(ledger: Ledger) -> None:
    """Its death lets the next one go."""
    ledger.admit(price("poison", thing="a"), price("next", thing="a"))
    for _ in range(DEAD_AFTER):
        ledger.claim()
        ledger.lose_claims()

    assert ledger.push() == ["next"]


def test_a_lost_claim_spends_no_attempt(ledger: Ledger) -> None:
    """What became of the push is not known; it is repeated as what it was."""
    ledger.admit(price("a", "1"))
    first = ledger.claim().records[0]
    ledger.lose_claims()
    second = ledger.claim().records[0]

    assert (first.number, first.total_attempts) == (second.number, second.total_attempts) == (1, 0)


@pytest.mark.parametrize("answer", ("released", "parked", "awaiting"))
def test_waiting_spends_no_attempt(ledger: Ledger, answer: str) -> None:
    """For a slot, for an open circuit, for a category, for the destination's decision."""
    ledger.admit(price("a"))
    ledger.push(answer)

    row = ledger.row("a")
    assert (row["attempts"], row["total_attempts"]) == (0, 0)


def test_a_released_claim_is_due_at_its_time(ledger: Ledger) -> None:
    """Long waits are not waited for in a worker."""
    ledger.admit(price("a"))
    ledger.push(after("released", MINUTE))

    assert ledger.push() == []
    ledger.pass_time(MINUTE)
    assert ledger.push() == ["a"]


def test_what_is_due_longest_is_claimed_first(ledger: Ledger) -> None:
    """By due time, then by arrival."""
    ledger.admit(price("a"), price("b"), price("c"))
    ledger.push(after("retry", MINUTE), a=after("retry", 2 * MINUTE))
    ledger.pass_time(2 * MINUTE)

    assert [held.key for _ in range(3) for held in ledger.claim(limit=1).records] == ["b", "c", "a"]


def test_each_attempt_that_failed_is_kept(ledger: Ledger) -> None:
    """With its answer, for whoever asks later."""
    ledger.admit(price("a"))
    ledger.push(after("retry", 0, response_code=503, error="unavailable"))
    ledger.push(after("retry", 0, response_code=429, error="slow down\x00"))
    ledger.push()

    with ledger.db.transaction() as tx:
        rows = ledger.db.execute(
            tx, "SELECT stage, number, result, response_code, error FROM attempt ORDER BY id"
        )
        attempts = [tuple(row) for row in rows]
    assert attempts == [
        ("push", 1, "waiting", 503, "unavailable"),
        ("push", 2, "waiting", 429, "slow down"),
    ]
    assert ledger.told[-1].attempts == 3


def test_a_claim_follows_or_pushes_and_never_mixes(make_ledger: Callable[..., Ledger]) -> None:
    """The plugin is asked one thing at a time."""
    ledger = make_ledger(streams=(Stream(name="price"),))
    ledger.admit(price("a"), price("b"))
    ledger.push("awaiting", b="retry")

    slices = [ledger.claim(), ledger.claim()]

    assert sorted((one.stage, [held.key for held in one.records]) for one in slices) == [
        ("follow", ["a"]),
        ("push", ["b"]),
    ]


def _make_due(ledger: Ledger, stage: str, *keys: str) -> None:
    """Bring records to where ``stage`` is what they are due for."""
    ledger.admit(*(price(key) for key in keys))
    if stage == "follow":
        ledger.push("awaiting")
    if stage == "report":
        ledger.report(ledger.settle(ledger.claim()).to_report, "retry")


def _hand_back_all_but(ledger: Ledger, held: Slice, key: str) -> None:
    if held.stage == "report":
        others = [record for record in held.records if record.key != key]
        ledger.report(replace(held, records=others), "retry")
    else:
        ledger.settle(held, "awaiting" if held.stage == "follow" else "released", **{key: "nothing"})


def _claim(ledger: Ledger, stage: str) -> Slice:
    return ledger.claim_reports() if stage == "report" else ledger.claim()


def _claimed(ledger: Ledger, stage: str, *keys: str) -> Slice:
    _make_due(ledger, stage, *(keys or ("a",)))
    held = _claim(ledger, stage)
    assert held.stage == stage
    return held


def _claimed_repeat(ledger: Ledger, key: str) -> Slice:
    ledger.admit(price(key))
    ledger.push()
    ledger.pass_time(10 * MINUTE)
    ledger.admit(price(key))
    return ledger.claim_reports()


def _settle(ledger: Ledger, held: Slice, *, late: bool = False) -> int:
    """How many verdicts were not taken; a late worker says something else than the one after it."""
    if held.stage == "report":
        return ledger.report(held, "dead" if late else "acknowledged")
    settled = ledger.settle(held, "rejected" if late else "success")
    if not late:
        ledger.report(settled.to_report)
    return settled.lost
