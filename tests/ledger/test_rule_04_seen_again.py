"""Rule 4: the same key with the same content is known again, for as long as it takes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hub.connector import Stream
from tests.ledger.driver import MINUTE, SECOND, Ledger, after, price


@pytest.mark.parametrize("answer", ("nothing", "retry", "awaiting", "parked"))
def test_what_is_open_is_not_taken_in_twice(ledger: Ledger, answer: str) -> None:
    """A source shows its open records at every poll."""
    ledger.admit(price("a"))
    ledger.settle(ledger.claim(), answer)
    ledger.pass_time(5 * MINUTE)
    before = ledger.rows()

    again = ledger.admit(price("a"))

    assert (again.new, again.repeated, again.duplicates) == (0, 0, 1)
    assert ledger.rows() == before


def test_a_key_counts_once_in_a_page(ledger: Ledger) -> None:
    """However often the page says it."""
    admitted = ledger.admit(price("a"), price("a"), price("b"))

    assert (admitted.new, admitted.duplicates) == (2, 1)
    assert ledger.push() == ["a", "b"]


@pytest.mark.parametrize("answer", ("retry", "dead"))
def test_what_is_not_reported_yet_is_neither_pushed_nor_reported_again(ledger: Ledger, answer: str) -> None:
    """The report that is under way, or stands under dead letters, is the answer."""
    ledger.admit(price("a"))
    ledger.report(ledger.settle(ledger.claim()).to_report, answer)
    ledger.pass_time(60 * MINUTE)
    again = ledger.admit(price("a"))

    assert (again.new, again.repeated, again.duplicates) == (0, 0, 1)
    assert ledger.push() == []
    assert len(ledger.pushes) == 1


@pytest.mark.parametrize("answer", ("success", "skipped", "rejected", "dead"))
@pytest.mark.parametrize("pruned", (False, True))
def test_what_was_acknowledged_is_reported_again_and_not_pushed(
    ledger: Ledger, answer: str, pruned: bool
) -> None:
    """The source lost the outcome: it gets the one that is stored, also from what pruning keeps."""
    told = {"response_code": 201, "duration_ms": 12, "external_id": "ext-1"}
    ledger.admit(price("a"))
    ledger.push(after("retry", 0))
    ledger.push(after(answer, 0, **told))
    ledger.pass_time(5 * MINUTE)
    if pruned:
        assert ledger.prune() == (answer != "dead")
    again = ledger.admit(price("a"))

    assert (again.new, again.repeated) == (0, 1)
    assert ledger.push() == []
    held = ledger.claim_reports()
    ledger.report(held)
    assert ledger.told[0] == ledger.told[1]
    assert held.records[0].payload == {"amount": None}
    assert (held.records[0].response_code, held.records[0].duration_ms) == (201, 12)
    assert ledger.told[1].attempts == 2
    assert len(ledger.pushes) == 2
    ledger.check_at_rest()


@pytest.mark.parametrize("pruned", (False, True))
def test_an_outcome_is_repeated_every_five_minutes_at_most(ledger: Ledger, pruned: bool) -> None:
    """A source that never takes note is not called at every poll."""
    ledger.admit(price("a"))
    ledger.push()
    if pruned:
        ledger.prune()
    for _ in range(2):
        ledger.pass_time(5 * MINUTE - SECOND)
        assert ledger.admit(price("a")).repeated == 0
        ledger.pass_time(SECOND)
        assert ledger.admit(price("a"), price("a")).repeated == 1
        assert ledger.admit(price("a")).repeated == 0
        assert ledger.report_due() == ["a"]

    assert len(ledger.told) == 3
    ledger.check_at_rest()


def test_a_repeated_report_that_fails_is_tried_again(ledger: Ledger) -> None:
    """Like any other, and is not counted twice."""
    _repeat(ledger)
    ledger.report_due("retry")
    ledger.check()
    assert ledger.report_due() == ["a"]

    ledger.check_at_rest()


@pytest.mark.parametrize("letter", ("replayed", "discarded", "left"))
def test_a_repeated_report_that_is_refused_was_acknowledged_all_the_same(ledger: Ledger, letter: str) -> None:
    """It stands under dead letters, and the books count it as reported, whatever becomes of the letter."""
    _repeat(ledger)
    ledger.report_due("dead")
    ledger.check_at_rest()
    if letter == "replayed":
        assert ledger.replay("a") == "report"
        ledger.check()
        ledger.report_due()
    elif letter == "discarded":
        assert ledger.discard("a") == "report"
        assert ledger.prune() == 1

    ledger.check_at_rest()


def test_where_nothing_is_reported_the_same_again_is_ignored_for_good(
    make_ledger: Callable[..., Ledger],
) -> None:
    """Pruned or not."""
    ledger = make_ledger(reports=False)
    ledger.admit(price("a"))
    ledger.push()
    ledger.pass_time(60 * MINUTE)
    assert ledger.admit(price("a")).duplicates == 1
    ledger.prune()
    assert ledger.admit(price("a")).duplicates == 1

    assert ledger.rows() == []
    ledger.check_at_rest()


@pytest.mark.parametrize("pruned", (False, True))
def test_other_content_is_a_new_version(ledger: Ledger, pruned: bool) -> None:
    """With the next number; going back to what was before is a change as well."""
    numbers = []
    for amount in (1, 2, 1):
        ledger.admit(price("a", amount=amount))
        ledger.push()
        numbers.append(ledger.pushes[-1].number)
        if pruned:
            ledger.prune()

    assert numbers == [1, 2, 3]
    assert [payload["amount"] for _, payload in ledger.pushed()] == [1, 2, 1]
    ledger.check_at_rest()


def test_a_version_whose_report_is_stuck_does_not_hide_a_later_one_that_was_pruned(ledger: Ledger) -> None:
    """What is known of a key is what is known of its latest version, wherever it is kept."""
    ledger.admit(price("a", amount=1))
    ledger.report(ledger.settle(ledger.claim()).to_report, "dead")
    ledger.admit(price("a", amount=2))
    ledger.push()
    assert ledger.prune() == 1

    assert ledger.admit(price("a", amount=2)).duplicates == 1
    ledger.admit(price("a", amount=3))
    ledger.push()
    assert [held.number for held in ledger.pushes] == [1, 2, 3]


def test_a_record_that_came_back_for_its_report_is_pruned_again(ledger: Ledger) -> None:
    """And remembered as before."""
    for _ in range(3):
        ledger.admit(price("a", "1"))
        ledger.push()
        ledger.report_due()
        ledger.pass_time(10 * MINUTE)
        assert ledger.prune(keep=MINUTE) == 1

    assert len(ledger.pushes) == 1
    assert len(ledger.told) == 3
    ledger.check_at_rest()


def test_what_came_back_after_pruning_still_belongs_to_its_run_and_group(ledger: Ledger) -> None:
    """Its report names the group, and a replay moves the counts of both."""
    ledger.admit(price("a", group="file"), run=True, seals=["file"])
    ledger.push("rejected")
    ledger.pass_time(5 * MINUTE)
    ledger.prune()
    ledger.admit(price("a", group="other"), run=True)
    held = ledger.claim_reports()
    assert [record.group for record in held.records] == ["file"]
    ledger.report(held)
    ledger.replay("a")
    ledger.push()

    assert [(group.name, group.success) for group in ledger.closable()] == [("file", 1)]
    ledger.check_at_rest()


def test_a_superseded_record_is_known_again_too(ledger: Ledger) -> None:
    """Its source hears once more that it was skipped."""
    ledger.admit(price("old", "1", thing="a"), price("new", "2", thing="a"))
    ledger.push()
    ledger.report_due()
    ledger.pass_time(5 * MINUTE)
    ledger.prune()
    ledger.admit(price("old", "1", thing="a"))

    assert ledger.report_due() == ["old"]
    assert ledger.told[-1] == ledger.told[-2]


def test_a_connector_may_say_what_content_is_the_same(ledger: Ledger) -> None:
    """A hash of its own, over the fields that matter."""
    from dataclasses import replace

    ledger.admit(replace(price("a", amount=1, seen="today"), content_hash="1"))
    again = ledger.admit(replace(price("a", amount=1, seen="tomorrow"), content_hash="1"))

    assert again.duplicates == 1


def test_the_order_of_fields_is_no_content(ledger: Ledger) -> None:
    """A source that writes its JSON in another order has changed nothing."""
    ledger.admit(price("a", amount=1, currency="EUR"))

    assert ledger.admit(price("a", currency="EUR", amount=1)).duplicates == 1


def test_pruning_removes_what_has_finished_long_ago(ledger: Ledger) -> None:
    """And nothing else: not what is open, unreported, or a dead letter."""
    answers = {"done": "success", "skip": "skipped", "no": "rejected", "poor": "dead", "later": "awaiting"}
    ledger.admit(*(price(key) for key in (*answers, "waits")))
    held = ledger.claim(limit=5)
    ledger.report(ledger.settle(held, "success", **answers).to_report, skip="retry", no="dead")
    ledger.pass_time(MINUTE)
    ledger.admit(price("fresh"))
    ledger.push()

    assert ledger.prune(keep=MINUTE // 2) == 1
    assert set(ledger.states()) == {"skip", "no", "poor", "later", "waits", "fresh"}


def test_pruning_takes_the_earlier_attempts_along(ledger: Ledger) -> None:
    """Nothing is left that nobody finds."""
    ledger.admit(price("a"))
    ledger.push("retry")
    ledger.push()
    ledger.prune()

    with ledger.db.transaction() as tx:
        assert ledger.db.execute(tx, "SELECT count(*) FROM attempt").scalar_one() == 0


def test_pruning_goes_on_until_nothing_is_left(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """In batches, so that no transaction is long."""
    monkeypatch.setattr("hub.store.ledger.sweep.PRUNE_BATCH", 2)
    ledger.admit(*(price(f"k{at}") for at in range(5)))
    ledger.push()

    assert ledger.prune() == 5
    assert ledger.admit(*(price(f"k{at}") for at in range(5))).duplicates == 5


def test_what_is_read_anew_is_known_again_like_the_rest(make_ledger: Callable[..., Ledger]) -> None:
    """The same notification twice is one; another one is news."""
    ledger = make_ledger(streams=(Stream(name="price", read_anew=True),))
    ledger.admit(price("a", at=1))
    ledger.push()

    assert ledger.admit(price("a", at=1)).duplicates == 1
    assert ledger.admit(price("a", at=2)).new == 1


def _repeat(ledger: Ledger) -> None:
    ledger.admit(price("a"))
    ledger.push()
    ledger.pass_time(5 * MINUTE)
    assert ledger.admit(price("a")).repeated == 1
