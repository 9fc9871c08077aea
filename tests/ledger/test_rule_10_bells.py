"""Rule 10: a connection has so many bells out and no more; the sweeper rings where none is out."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from hub.store import ringing
from hub.store.database import Database
from hub.store.ledger import bells, claim
from hub.store.ledger.bells import HEARD_WITHIN, Bell
from hub.store.ledger.lock import lock
from tests.ledger.driver import MINUTE, Ledger, after, price

LIMIT = 4


def test_a_connection_never_has_more_bells_out_than_allowed(ledger: Ledger) -> None:
    """So that fifty slices of one tenant do not queue up before another's."""
    assert [len(_note_and_hear(ledger, wanted)) for wanted in (1, 0, 2, 50, 50)] == [1, 0, 2, 1, 0]


def test_no_bell_is_noted_while_as_many_are_out_that_nobody_has_heard(ledger: Ledger) -> None:
    """Who hears one of them takes what has come since as well; they would meet at the connection's lock."""
    first = _note(ledger, 1)
    noted = [len(_note(ledger, wanted)) for wanted in (1, 2, 2)]
    bells.answer(ledger.db, *first, limit=LIMIT)
    noted.append(len(_note(ledger, 2)))

    assert noted == [0, 1, 0, 1]


def test_nobody_relies_on_a_bell_that_is_not_heard_for_long(ledger: Ledger) -> None:
    """Its message may be lost, or waits behind much else."""
    _note(ledger, 1)
    ledger.pass_time(HEARD_WITHIN)

    assert len(_note(ledger, 1)) == 1


def test_who_hears_a_bell_that_was_relied_on_sees_what_was_written(postgres_db: Database) -> None:
    """The bell stays unheard until that is committed. (SQLite has one writer at a time.)"""
    ledger = Ledger(db=postgres_db)
    (bell,) = _note(ledger, 1)
    with ThreadPoolExecutor() as pool:
        with ledger.db.transaction() as tx:
            ledger.admit_in(tx, price("a"))
            connection = lock(ledger.db, tx, ledger.id)
            more = bells.note(ledger.db, tx, connection, "work", wanted=1, limit=LIMIT)
            answered = pool.submit(bells.answer, ledger.db, bell, limit=LIMIT)
            with suppress(TimeoutError):
                answered.result(0.2)
            was_heard_before = answered.done()
        heard = answered.result(10)

    assert (more, was_heard_before, heard) == ([], False, True)
    assert len(ledger.claim().records) == 1


def test_work_and_reports_have_bells_of_their_own(ledger: Ledger) -> None:
    """A backlog of pushes does not hold back the reports."""
    assert [len(_note(ledger, 50, stage)) for stage in ("work", "report")] == [LIMIT, LIMIT]


def test_a_bell_that_is_put_away_makes_room(ledger: Ledger) -> None:
    """For the next one."""
    first, *_ = _note(ledger, LIMIT)
    bells.put_away(ledger.db, first)

    assert len(_note(ledger, 50)) == 1


def test_a_bell_is_answered_by_whoever_hears_it(ledger: Ledger) -> None:
    """A message may be doubled; the ledger gives each record away once anyway."""
    (bell,) = _note(ledger, 1)

    assert bells.answer(ledger.db, bell, limit=LIMIT)
    assert bells.answer(ledger.db, bell, limit=LIMIT)
    assert len(_note(ledger, 50)) == LIMIT - 1


def test_a_forgotten_bell_is_adopted_again(ledger: Ledger) -> None:
    """Its message was only late, and there is room."""
    (bell,) = _note(ledger, 1)
    ledger.pass_time(MINUTE)
    ringing.ring_due(ledger.db, older_than=MINUTE)

    assert bells.answer(ledger.db, bell, limit=LIMIT)
    assert len(_note(ledger, 50)) == LIMIT - 1


def test_a_forgotten_bell_is_dropped_where_enough_others_are_out(ledger: Ledger) -> None:
    """They do its work."""
    (bell,) = _note(ledger, 1)
    ledger.pass_time(MINUTE)
    ringing.ring_due(ledger.db, older_than=MINUTE)
    _note(ledger, LIMIT)

    assert not bells.answer(ledger.db, bell, limit=LIMIT)


def test_the_bell_of_a_removed_connection_is_dropped(ledger: Ledger) -> None:
    """There is nothing to do."""
    assert not bells.answer(ledger.db, Bell(1, ledger.id + 1000, "work"), limit=LIMIT)


def test_a_heartbeat_keeps_a_bell_too(ledger: Ledger) -> None:
    """A slice may take longer than bells are kept."""
    (bell,) = _note(ledger, 1)
    ledger.admit(price("a"))
    held = ledger.claim()
    for _ in range(3):
        ledger.pass_time(MINUTE // 2)
        claim.renew(ledger.db, held.claim_id, lease=10 * MINUTE, bell=bell)
        ringing.ring_due(ledger.db, older_than=MINUTE)

    assert len(_note(ledger, 50)) == LIMIT - 1


def test_the_sweeper_rings_where_work_is_due_and_no_bell_is_out(ledger: Ledger) -> None:
    """Once, however often it comes by."""
    assert _rung(ledger) == []
    ledger.admit(price("a"))

    assert _rung(ledger) == ["work"]
    assert _rung(ledger) == []


def test_the_sweeper_rings_again_when_a_bell_has_grown_too_old(ledger: Ledger) -> None:
    """Its message was lost."""
    ledger.admit(price("a"))
    _rung(ledger)
    ledger.pass_time(MINUTE)

    assert _rung(ledger) == ["work"]


def test_the_sweeper_rings_for_what_has_become_due_in_the_meantime(ledger: Ledger) -> None:
    """Retries, follows and reports alike."""
    ledger.admit(price("retry"), price("await"), price("report"))
    to_report = ledger.settle(
        ledger.claim(), retry=after("retry", MINUTE), **{"await": after("awaiting", 2 * MINUTE)}
    ).to_report
    ledger.report(to_report, {"state": "waiting", "due_after": 3 * MINUTE})
    rung = []
    for _ in range(4):
        rung.append(_rung(ledger))
        ledger.push(after("awaiting", 60 * MINUTE))
        ledger.pass_time(MINUTE)

    assert rung == [[], ["work"], ["work"], ["report"]]


@pytest.mark.parametrize("answer", ("nothing", "parked", "dead"))
def test_the_sweeper_does_not_ring_for_what_nobody_can_work(ledger: Ledger, answer: str) -> None:
    """Held by a worker, parked, dead, or held back for a slot."""
    ledger.admit(price("a1", thing="a"))
    held = ledger.claim()
    ledger.report(ledger.settle(held, answer).to_report)
    if answer != "dead":
        ledger.admit(price("a2", thing="a"))

    assert _rung(ledger) == []


def test_a_finished_bell_stays_out_while_more_is_due(ledger: Ledger) -> None:
    """It goes to the back of the queue; otherwise it is put away."""
    ledger.admit(price("a"), price("b"))
    (bell,) = _note(ledger, 1)
    more = []
    for _ in range(2):
        ledger.settle(ledger.claim(limit=1))
        more.append(_finish(ledger, bell, limit=1))

    assert more == [[bell], ()]
    assert len(_note(ledger, 50)) == LIMIT


def test_a_slice_that_leaves_more_than_another_one_rings_one_more(ledger: Ledger) -> None:
    """Up to the limit, however many of them nobody has heard yet; what fits into one slice is left to one bell."""
    ledger.admit(*(price(f"k{at}") for at in range(7)))
    (bell,) = _note_and_hear(ledger, 1)
    rung = []
    for _ in range(3):
        ledger.settle(ledger.claim(limit=2))
        rung.append(len(_finish(ledger, bell, limit=2, slice_size=2)))
        bells.answer(ledger.db, bell, limit=LIMIT)

    assert rung == [2, 1, 0]


def test_a_finished_bell_leaves_what_one_slice_takes_to_another_that_nobody_has_heard(ledger: Ledger) -> None:
    """Not to one that is at work, nor to one that may be lost."""
    ledger.admit(price("a"))
    first, second = _note(ledger, 2)
    bells.answer(ledger.db, first, limit=LIMIT)
    left = _finish(ledger, first, limit=LIMIT)
    bells.answer(ledger.db, second, limit=LIMIT)
    (third,) = _note(ledger, 1)
    ledger.pass_time(HEARD_WITHIN)
    kept = _finish(ledger, second, limit=LIMIT)
    bells.answer(ledger.db, second, limit=LIMIT)
    bells.answer(ledger.db, third, limit=LIMIT)

    assert (left, kept, _finish(ledger, third, limit=LIMIT)) == ((), [second], [third])


def test_a_bell_that_is_out_again_is_one_that_nobody_has_heard(ledger: Ledger) -> None:
    """So is one that was forgotten and adopted heard."""
    ledger.admit(price("a"))
    (bell,) = _note_and_hear(ledger, 1)
    _finish(ledger, bell, limit=LIMIT)
    noted = [len(_note(ledger, 1))]
    bells.answer(ledger.db, bell, limit=LIMIT)
    bells.put_away(ledger.db, bell)
    bells.answer(ledger.db, bell, limit=LIMIT)
    noted.append(len(_note(ledger, 1)))

    assert noted == [0, 1]


def test_a_bell_that_found_nothing_leaves_where_another_one_stays(ledger: Ledger) -> None:
    """The last one out has to look under the lock, and a bell for reports looks for no work."""
    first, second = _note(ledger, 2)
    _note(ledger, 1, "report")

    left = [bells.leave(ledger.db, first), bells.leave(ledger.db, second)]

    assert left == [True, False]
    assert len(_note(ledger, 50)) == LIMIT - 1


def test_two_bells_do_not_leave_to_each_other(postgres_db: Database) -> None:
    """One that is leaving stays out for nobody. (SQLite has one writer at a time.)"""
    ledger = Ledger(db=postgres_db)
    first, second = _note(ledger, 2)
    with ledger.db.transaction() as tx:
        ledger.db.execute(tx, f"SELECT id FROM bell WHERE id = :id{ledger.db.row_lock}", id=first.id)
        left = bells.leave(ledger.db, second)

    assert not left


def test_whether_reports_are_due_is_seen_alike(ledger: Ledger) -> None:
    """Those that wait and may be claimed now."""
    ledger.admit(price("a"))
    seen = [_report_is_due(ledger)]
    to_report = ledger.settle(ledger.claim()).to_report
    seen.append(_report_is_due(ledger))
    ledger.report(to_report, "retry")
    seen.append(_report_is_due(ledger))

    assert seen == [False, False, True]


def _report_is_due(ledger: Ledger) -> bool:
    return bool(ledger.due(claim.REPORTS_DUE))


def _finish(ledger: Ledger, bell: Bell, *, limit: int, slice_size: int = 1) -> Sequence[Bell]:
    return bells.finish(ledger.db, bell, due=claim.WORK_DUE, slice_size=slice_size, limit=limit)


def _note_and_hear(ledger: Ledger, wanted: int) -> Sequence[Bell]:
    noted = _note(ledger, wanted)
    assert all(bells.answer(ledger.db, bell, limit=LIMIT) for bell in noted)
    return noted


def _note(ledger: Ledger, wanted: int, stage: str = "work") -> Sequence[Bell]:
    with ledger.db.transaction() as tx:
        return bells.note(ledger.db, tx, lock(ledger.db, tx, ledger.id), stage, wanted=wanted, limit=LIMIT)


def _rung(ledger: Ledger) -> list[str]:
    return [bell.stage for bell in ringing.ring_due(ledger.db, older_than=MINUTE)]
