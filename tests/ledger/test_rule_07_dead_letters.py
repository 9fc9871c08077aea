"""Rule 7: what died is kept, shown, and replayed or discarded by a person; pushes and reports apart."""

from __future__ import annotations

import pytest

from hub.errors import ConfigurationError, NotFoundError
from hub.store.ledger import letters
from hub.store.ledger.sweep import DEAD_AFTER
from tests.ledger.driver import MINUTE, Ledger, Told, after, price


def test_a_report_that_is_refused_for_good_is_a_dead_letter(ledger: Ledger) -> None:
    """It stands there as a report, beside the pushes."""
    ledger.admit(price("push"), price("report"), price("fine"))
    ledger.report(ledger.settle(ledger.claim(), push="dead").to_report, report="dead")

    dead = letters.list_dead(ledger.db, ledger.id)
    assert {letter["key"]: letter["letter"] for letter in dead} == {"push": "push", "report": "report"}
    assert ledger.row("report")["report_error"] == "the source refused it"
    ledger.check_at_rest()


def test_a_dead_report_is_replayed_without_a_push(ledger: Ledger) -> None:
    """With a new budget of attempts."""
    ledger.admit(price("a"))
    ledger.report(ledger.settle(ledger.claim()).to_report, "retry")
    ledger.report_due("dead")
    assert ledger.report_due() == []

    assert ledger.replay("a") == "report"
    assert ledger.row("a")["report_attempts"] == 0
    assert ledger.push() == []
    assert ledger.report_due() == ["a"]
    assert len(ledger.pushes) == 1
    ledger.check_at_rest()


def test_reports_have_their_own_attempts_and_due_times(ledger: Ledger) -> None:
    """They back off without touching those of the push."""
    ledger.admit(price("a"))
    ledger.push("retry")
    ledger.report(ledger.settle(ledger.claim()).to_report, after("retry", 0) | {"due_after": MINUTE})

    row = ledger.row("a")
    assert (row["attempts"], row["report_attempts"]) == (2, 1)
    assert ledger.report_due() == []
    ledger.pass_time(MINUTE)
    assert ledger.report_due() == ["a"]
    assert len(ledger.pushes) == 2


def test_a_dead_record_is_reported_once(ledger: Ledger) -> None:
    """As failed, with what it died of."""
    ledger.admit(price("a"))
    ledger.push("retry")
    ledger.push("dead")
    ledger.pass_time(60 * MINUTE)

    assert ledger.report_due() == []
    assert ledger.told == [Told(key="a", status="failed", attempts=2, error="it timed out", external_id=None)]


def test_a_replay_that_succeeds_is_reported_with_all_its_attempts(ledger: Ledger) -> None:
    """Though its budget was a new one."""
    ledger.admit(price("a"), run=True)
    ledger.push("retry")
    ledger.push("dead")

    assert ledger.replay("a") == "push"
    ledger.check()
    row = ledger.row("a")
    assert (row["state"], row["attempts"], row["total_attempts"]) == ("waiting", 0, 2)
    ledger.push("retry")
    ledger.push()
    assert [(told.status, told.attempts) for told in ledger.told] == [("failed", 2), ("success", 4)]
    ledger.check_at_rest()


def test_what_a_replayed_record_died_of_is_kept(ledger: Ledger) -> None:
    """As one of its earlier attempts."""
    ledger.admit(price("a"))
    ledger.push(after("dead", 0, response_code=503))
    ledger.replay("a")
    ledger.push()

    shown = letters.show_record(ledger.db, ledger.row("a")["id"])
    assert [(one["result"], one["response_code"]) for one in shown["earlier_attempts"]] == [("dead", 503)]
    assert shown["payload"] == '{"amount":null}'


@pytest.mark.parametrize("answer", ("dead", "rejected", "skipped"))
@pytest.mark.parametrize("reported", ("acknowledged", "retry", "under way"))
def test_a_replay_balances_the_books_wherever_the_report_stands(
    ledger: Ledger, answer: str, reported: str
) -> None:
    """Acknowledged, still to do, or under way: what it says comes too late then."""
    ledger.admit(price("a", group="file"), run=True)
    to_report = ledger.settle(ledger.claim(), answer).to_report
    if reported != "under way":
        ledger.report(to_report, reported)

    assert ledger.replay("a") == "push"
    ledger.check()
    assert ledger.push() == ["a"]
    assert ledger.report(to_report, "dead") == 1
    ledger.check_at_rest()


@pytest.mark.parametrize("answer", ("rejected", "skipped"))
@pytest.mark.parametrize("letter", ("replayed", "discarded"))
def test_a_replay_balances_the_books_after_its_report_had_died(
    ledger: Ledger, answer: str, letter: str
) -> None:
    """Whatever a person made of the letter first."""
    ledger.admit(price("a", group="file"), run=True)
    ledger.report(ledger.settle(ledger.claim(), answer).to_report, "dead")
    if letter == "replayed":
        assert ledger.replay("a") == "report"
        ledger.report_due()
    else:
        assert ledger.discard("a") == "report"

    assert ledger.replay("a") == "push"
    ledger.check()
    assert ledger.push() == ["a"]
    ledger.check_at_rest()


def test_a_dead_record_whose_report_died_too_is_replayed_as_a_push(ledger: Ledger) -> None:
    """Its new outcome needs a new report anyway."""
    ledger.admit(price("a"))
    ledger.report(ledger.settle(ledger.claim(), "dead").to_report, "dead")

    assert ledger.replay("a") == "push"
    ledger.check()
    assert ledger.push() == ["a"]
    ledger.check_at_rest()


def test_a_discarded_dead_record_is_not_replayed(ledger: Ledger) -> None:
    """A person has decided."""
    ledger.admit(price("a"))
    ledger.push("dead")
    ledger.discard("a")

    with pytest.raises(ConfigurationError, match="is discarded"):
        ledger.replay("a")


def test_a_report_under_way_says_nothing_of_a_record_that_was_replayed(ledger: Ledger) -> None:
    """Its answer is about the outcome before."""
    ledger.admit(price("a"))
    to_report = ledger.settle(ledger.claim(), "dead").to_report
    ledger.replay("a")

    assert ledger.report(to_report) == 1
    assert ledger.row("a")["report_state"] == "none"
    ledger.push()
    ledger.check_at_rest()


@pytest.mark.parametrize("answer", ("success", "awaiting", "parked", "retry"))
def test_what_did_not_fail_is_not_replayed(ledger: Ledger, answer: str) -> None:
    """The text says what can be."""
    ledger.admit(price("a"))
    ledger.push(answer)

    with pytest.raises(ConfigurationError, match="only dead, rejected, skipped ones can be replayed"):
        ledger.replay("a")


def test_what_does_not_exist_is_not_replayed(ledger: Ledger) -> None:
    """The text says why that may be."""
    for call in (letters.replay, letters.discard, letters.show_record):
        with pytest.raises(NotFoundError, match="there is no record 99999"):
            call(ledger.db, 99999)


@pytest.mark.parametrize("reported", ("acknowledged", "retry", "dead", "nothing"))
def test_a_discarded_push_is_no_dead_letter_any_more(ledger: Ledger, reported: str) -> None:
    """Its failure is still reported, and then it is pruned like any other."""
    ledger.admit(price("a", group="file"), run=True)
    to_report = ledger.settle(ledger.claim(), "dead").to_report
    if reported != "nothing":
        ledger.report(to_report, reported)

    assert ledger.discard("a") == "push"
    ledger.check()
    assert letters.list_dead(ledger.db, ledger.id) == []
    ledger.report(to_report)
    ledger.report_due()
    ledger.check_at_rest()
    assert ledger.prune() == 1
    assert ledger.tally()["discarded"] == 1


def test_a_discarded_report_is_no_dead_letter_any_more(ledger: Ledger) -> None:
    """Its push stays what it was, and the books count it as done with."""
    ledger.admit(price("a"))
    ledger.report(ledger.settle(ledger.claim()).to_report, "dead")

    assert ledger.discard("a") == "report"
    assert letters.list_dead(ledger.db, ledger.id) == []
    assert ledger.row("a")["state"] == "success"
    ledger.check_at_rest()
    assert ledger.prune() == 1


@pytest.mark.parametrize("answer", ("success", "rejected", "retry"))
def test_only_dead_letters_are_discarded(ledger: Ledger, answer: str) -> None:
    """Everything else has somebody who sees to it."""
    ledger.admit(price("a"))
    ledger.push(answer)

    with pytest.raises(ConfigurationError, match="only dead letters can be discarded"):
        ledger.discard("a")


def test_a_discarded_record_that_comes_again_is_known(ledger: Ledger) -> None:
    """Its source hears once more that it failed; other content is a new version."""
    ledger.admit(price("a", amount=1))
    ledger.push("dead")
    ledger.discard("a")
    ledger.pass_time(5 * MINUTE)

    assert ledger.admit(price("a", amount=1)).repeated == 1
    assert ledger.report_due() == ["a"]
    ledger.admit(price("a", amount=2))
    assert ledger.push() == ["a"]


def test_dead_records_may_retry_slowly_by_themselves(ledger: Ledger) -> None:
    """Once their time has come, with a new budget."""
    ledger.admit(price("a"))
    ledger.push("dead")
    assert ledger.revive(after=MINUTE) == 0
    ledger.pass_time(MINUTE)

    assert ledger.revive(after=MINUTE) == 1
    assert ledger.row("a")["attempts"] == 0
    assert ledger.push() == ["a"]
    assert [told.status for told in ledger.told] == ["failed", "success"]
    ledger.check_at_rest()


def test_what_was_overtaken_does_not_retry_by_itself(ledger: Ledger) -> None:
    """It would undo the later one."""
    ledger.admit(price("a1", thing="a"), price("a2", thing="a"), price("b"))
    ledger.push("dead")
    ledger.push()

    assert ledger.revive() == 1
    assert ledger.push() == ["b"]
    assert ledger.states() == {"a1": "dead", "a2": "success", "b": "success"}


def test_what_took_five_workers_does_not_come_back_by_itself(ledger: Ledger) -> None:
    """A person may think that the reason is gone; the sweeper may not."""
    ledger.admit(price("poison"))
    for _ in range(DEAD_AFTER):
        ledger.claim()
        ledger.lose_claims()
    ledger.report_due()

    assert ledger.revive() == 0
    assert ledger.replay("poison") == "push"
    assert ledger.push() == ["poison"]
    ledger.check_at_rest()


def test_records_are_listed_newest_first(ledger: Ledger) -> None:
    """By state, stream or key, and without their payloads."""
    ledger.admit(price("a", thing="x"), price("b"), price("c", thing="x"))
    ledger.push()

    listed = letters.list_records(ledger.db, ledger.id)
    assert [row["key"] for row in listed] == ["c", "b", "a"]
    assert all("payload" not in row for row in listed)
    assert [row["key"] for row in letters.list_records(ledger.db, ledger.id, state="waiting")] == ["c"]
    assert [row["key"] for row in letters.list_records(ledger.db, ledger.id, key="b", stream="price")] == [
        "b"
    ]
    assert len(letters.list_records(ledger.db, ledger.id, limit=1)) == 1
    with pytest.raises(ConfigurationError, match="'gone' is no state; it is one of waiting, working"):
        letters.list_records(ledger.db, ledger.id, state="gone")
