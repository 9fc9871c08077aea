"""Rule 3: what comes while its thing is in flight waits as the successor; what is overtaken stays so."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hub.connector import Stream
from hub.errors import ConfigurationError
from hub.records import JSON
from tests.ledger.driver import MINUTE, SECOND, Ledger, after, price


@pytest.mark.parametrize("stage", ("working", "awaiting"))
def test_a_newer_record_waits_behind_one_in_flight(ledger: Ledger, stage: str) -> None:
    """And follows it."""
    ledger.admit(price("a", "1"))
    held = ledger.claim()
    if stage == "awaiting":
        ledger.settle(held, "awaiting")
        held = ledger.claim()
    ledger.admit(price("a", "2"))

    assert ledger.claim("w2").records == ()
    ledger.report(ledger.settle(held).to_report)
    assert ledger.push() == ["a"]
    assert [payload for _, payload in ledger.pushed()] == [{"amount": "1"}, {"amount": "2"}]
    ledger.check_at_rest()


def test_successors_are_merged_with_each_other(ledger: Ledger) -> None:
    """However long the push takes, one more is enough."""
    ledger.admit(price("a", "1"))
    held = ledger.claim()
    ledger.admit(price("a", "2"))
    ledger.admit(price("a", "3"))
    ledger.admit(price("b", "4", thing="a"))
    ledger.settle(held)

    assert ledger.push() == ["b"]
    assert ledger.push() == []
    assert [row["state"] for row in ledger.rows("a")] == ["success", "superseded"]


def test_an_unreported_outcome_does_not_hold_a_newer_record_back(ledger: Ledger) -> None:
    """The push is what has to be in order; both outcomes are reported."""
    ledger.admit(price("a", "1"))
    to_report = ledger.settle(ledger.claim()).to_report
    ledger.admit(price("a", "2"))

    assert [held.version for held in ledger.claim().records] == ["2"]
    ledger.report(to_report)
    assert [row["report_state"] for row in ledger.rows("a")] == ["acknowledged", "none"]


@pytest.mark.parametrize("answer", ("retry", "parked", "dead"))
@pytest.mark.parametrize("while_worked", (False, True))
def test_a_newer_record_makes_an_older_one_superseded(
    ledger: Ledger, answer: str, while_worked: bool
) -> None:
    """Whether it comes before the older one fails or after."""
    ledger.admit(price("old", "1", thing="a"))
    held = ledger.claim()
    if while_worked:
        ledger.admit(price("new", "2", thing="a"))
    ledger.report(ledger.settle(held, answer).to_report)
    if not while_worked:
        ledger.admit(price("new", "2", thing="a"))

    assert ledger.states() == {"old": "superseded", "new": "waiting"}
    assert ledger.row("old")["superseded_by"] == ledger.row("new")["id"]
    assert ledger.push() == ["new"]
    ledger.report_due()
    ledger.check_at_rest()


@pytest.mark.parametrize("answer", ("retry", "parked", "dead"))
def test_an_older_version_of_the_key_itself_needs_no_report_of_its_own(ledger: Ledger, answer: str) -> None:
    """Its successor speaks for the key, and the books count it as reported."""
    ledger.admit(price("a", "1"))
    held = ledger.claim()
    ledger.admit(price("a", "2"))
    settled = ledger.settle(held, answer)

    assert settled.states == {"a": "superseded"}
    assert settled.to_report.records == []
    ledger.push()
    assert [(told.key, told.status, told.attempts) for told in ledger.told] == [("a", "success", 1)]
    ledger.check_at_rest()


def test_a_dead_record_that_was_reported_is_not_reported_again_when_it_is_superseded(ledger: Ledger) -> None:
    """The source knows that it failed."""
    ledger.admit(price("old", "1", thing="a"))
    ledger.push("dead")
    ledger.admit(price("new", "2", thing="a"))
    ledger.push()

    assert [(told.key, told.status) for told in ledger.told] == [("old", "failed"), ("new", "success")]
    assert ledger.report_due() == []
    ledger.check_at_rest()


def test_what_gives_way_to_a_waiting_successor_is_merged_into_it(make_ledger: Callable[..., Ledger]) -> None:
    """A change that was not made is not forgotten."""
    ledger = make_ledger(merge=_patched)
    ledger.admit(price("a", "1", width=1, name="old"))
    held = ledger.claim()
    ledger.admit(price("a", "2", name="new"))
    ledger.settle(held, "retry")

    ledger.push()

    assert ledger.pushed()[-1] == ("a", {"width": 1, "name": "new"})


@pytest.mark.parametrize("answer", ("parked", "dead", "retry"))
def test_what_is_superseded_later_is_merged_into_its_successor(
    make_ledger: Callable[..., Ledger], answer: str
) -> None:
    """The same for what had retried, parked or died before."""
    ledger = make_ledger(merge=_patched)
    ledger.admit(price("a", "1", width=1, name="old"))
    ledger.push(answer)
    ledger.admit(price("a", "2", name="new"))

    ledger.push()

    assert ledger.pushed()[-1] == ("a", {"width": 1, "name": "new"})


def test_giving_way_keeps_the_due_time(ledger: Ledger) -> None:
    """The destination asked for a minute, and gets it from the successor too."""
    ledger.admit(price("a", "1"))
    held = ledger.claim()
    ledger.admit(price("a", "2"))
    ledger.settle(held, after("retry", MINUTE))

    assert ledger.push() == []
    ledger.pass_time(MINUTE)
    assert ledger.push() == ["a"]


def test_a_successor_of_equal_version_does_not_replace_what_retries(ledger: Ledger) -> None:
    """Both are pushed, in the order of arrival."""
    ledger.admit(price("a1", "1", thing="a"))
    held = ledger.claim()
    ledger.admit(price("a2", "1", thing="a", amount=2))
    ledger.settle(held, "retry")

    assert [ledger.push(), ledger.push()] == [["a1"], ["a2"]]


@pytest.mark.parametrize("version", (None, "1"))
def test_a_dead_letter_outlives_what_cannot_be_compared_with_it(ledger: Ledger, version: str | None) -> None:
    """Its content is in no other record: it stays to be shown, though a replay would undo the later one."""
    ledger.admit(price("a1", version, thing="a", amount=1))
    ledger.push("dead")
    ledger.admit(price("a2", version, thing="a", amount=2))

    assert ledger.states() == {"a1": "dead", "a2": "waiting"}
    with pytest.raises(ConfigurationError, match="overtaken"):
        ledger.replay("a1")
    ledger.push()
    with pytest.raises(ConfigurationError, match="overtaken"):
        ledger.replay("a1")


def test_a_dead_letter_of_the_same_key_gives_way_to_new_content(ledger: Ledger) -> None:
    """Another hash is a new version of it, comparable or not."""
    ledger.admit(price("a", amount=1))
    ledger.push("dead")
    ledger.admit(price("a", amount=2))

    assert [row["state"] for row in ledger.rows("a")] == ["superseded", "waiting"]


def test_a_newer_dead_record_is_not_superseded_by_an_older_one(ledger: Ledger) -> None:
    """It holds the newest price, and can be replayed."""
    ledger.admit(price("new", "2", thing="a"))
    ledger.push("dead")
    ledger.admit(price("late", "1", thing="a"))

    assert ledger.states() == {"new": "dead", "late": "superseded"}
    assert ledger.replay("new") == "push"
    assert ledger.push() == ["new"]


def test_replaying_a_superseded_record_is_refused(ledger: Ledger) -> None:
    """The text names the one to replay."""
    ledger.admit(price("old", "1", thing="a"), price("new", "2", thing="a"))

    with pytest.raises(ConfigurationError, match=f"superseded by record {ledger.row('new')['id']}"):
        ledger.replay("old")


@pytest.mark.parametrize("answer", ("rejected", "skipped"))
@pytest.mark.parametrize("newer", ("waiting", "working", "awaiting", "parked", "success"))
def test_replaying_an_overtaken_record_is_refused(ledger: Ledger, answer: str, newer: str) -> None:
    """It would undo the later one."""
    ledger.admit(price("old", "1", thing="a"))
    ledger.push(answer)
    ledger.admit(price("new", "2", thing="a"))
    if newer != "waiting":
        held = ledger.claim()
        if newer != "working":
            ledger.settle(held, newer)

    with pytest.raises(ConfigurationError, match="overtaken"):
        ledger.replay("old")
    assert ledger.row("old")["state"] == answer


def test_replaying_what_was_overtaken_by_a_pruned_record_is_refused(ledger: Ledger) -> None:
    """Dead letters stay for as long as it takes; what overtook them may be gone."""
    ledger.admit(price("old", thing="a"))
    ledger.push("dead")
    ledger.admit(price("new", thing="a", amount=2))
    ledger.push()
    assert ledger.prune() == 1

    with pytest.raises(ConfigurationError, match="overtaken"):
        ledger.replay("old")


def test_a_record_that_comes_back_for_its_report_overtakes_nothing(ledger: Ledger) -> None:
    """It keeps its place in the order of arrival."""
    ledger.admit(price("first", thing="a"))
    ledger.push()
    ledger.admit(price("second", thing="a", amount=2))
    ledger.push("rejected")
    ledger.pass_time(10 * MINUTE)
    ledger.prune(keep=MINUTE)
    ledger.admit(price("second", thing="a", amount=2))
    ledger.pass_time(10 * MINUTE)
    ledger.admit(price("first", thing="a"))

    assert ledger.replay("second") == "push"


def test_replaying_what_nothing_newer_overtook_is_allowed(ledger: Ledger) -> None:
    """A late record of a lower version overtakes nothing."""
    ledger.admit(price("new", "2", thing="a"))
    ledger.push("rejected")
    ledger.admit(price("late", "1", thing="a"))
    ledger.push()

    assert ledger.replay("new") == "push"
    assert ledger.push() == ["new"]


def test_an_older_rejected_record_is_not_replayed_over_a_newer_one_that_came_first(ledger: Ledger) -> None:
    """Versions decide, not the order of arrival."""
    ledger.admit(price("new", "2", thing="a"))
    ledger.push("rejected")
    ledger.admit(price("late", "1", thing="a"))
    ledger.push("rejected")
    ledger.replay("new")
    ledger.push()

    with pytest.raises(ConfigurationError, match="overtaken"):
        ledger.replay("late")


def test_replays_of_one_thing_are_worked_one_after_the_other(ledger: Ledger) -> None:
    """In the order in which they came."""
    ledger.admit(price("a1", thing="a"), price("a2", thing="a"))
    ledger.push("dead")
    ledger.push("dead")
    ledger.replay("a1")
    ledger.replay("a2")
    ledger.check()

    assert [ledger.push(), ledger.push()] == [["a1"], ["a2"]]


def test_a_replay_waits_behind_what_is_open(ledger: Ledger) -> None:
    """A newer record may be replayed while a late one is worked, and follows it."""
    ledger.admit(price("new", "2", thing="a"))
    ledger.push("rejected")
    ledger.admit(price("late", "1", thing="a"))
    held = ledger.claim()
    ledger.replay("new")
    ledger.admit(price("late2", "1", thing="a", amount=7))

    ledger.check()
    assert ledger.claim("w2").records == ()
    ledger.settle(held)
    assert ledger.push() == ["new"]


def test_dead_records_of_one_thing_revive_one_after_the_other(ledger: Ledger) -> None:
    """Also when the sweeper revives them together."""
    ledger.admit(price("a1", thing="a"), price("a2", thing="a"))
    ledger.push("dead")
    ledger.push("dead")

    assert ledger.revive() == 2
    ledger.check()
    assert [ledger.push(), ledger.push()] == [["a1"], ["a2"]]


def test_an_awaiting_record_is_followed_when_its_time_has_come(ledger: Ledger) -> None:
    """By its handle, as the same attempt, and without a second push."""
    ledger.admit(price("a"))
    ledger.push(after("awaiting", MINUTE, handle={"lot": 7}, external_id="ext-7"))
    assert ledger.claim().records == ()
    ledger.pass_time(MINUTE)
    held = ledger.claim()

    assert held.stage == "follow"
    assert [(one.handle, one.newer, one.total_attempts) for one in held.records] == [({"lot": 7}, None, 0)]
    ledger.report(ledger.settle(held).to_report)
    assert len(ledger.pushes) == 1
    assert ledger.told[-1].external_id == "ext-7"
    ledger.check_at_rest()


def test_an_undecided_record_is_asked_about_again(ledger: Ledger) -> None:
    """It keeps its handle."""
    ledger.admit(price("a"))
    ledger.push(after("awaiting", MINUTE))
    for _ in range(3):
        ledger.pass_time(MINUTE)
        held = ledger.claim()
        ledger.settle(held, {"state": "awaiting", "due_after": MINUTE})

    assert [one.handle for one in held.records] == [{"lot": 1}]
    assert ledger.row("a")["attempts"] == 0
    assert ledger.claim().records == ()


def test_a_follow_sees_the_newest_content_that_waits(ledger: Ledger) -> None:
    """So that a destination can be told to forget the old."""
    ledger.admit(price("a", "1"))
    ledger.push("awaiting")
    ledger.admit(price("a", "2"))
    ledger.admit(price("a", "3"))

    assert [one.newer for one in ledger.claim().records] == [{"amount": "3"}]


def test_an_awaiting_record_yields_to_its_successor(make_ledger: Callable[..., Ledger]) -> None:
    """It settles as superseded, and what it would have changed goes on with the successor."""
    ledger = make_ledger(merge=_patched)
    ledger.admit(price("old", thing="a", width=1, name="old"))
    ledger.push("awaiting")
    ledger.admit(price("new", thing="a", name="new"))
    ledger.report(ledger.settle(ledger.claim(), "yielded").to_report)

    assert ledger.states() == {"old": "superseded", "new": "waiting"}
    assert ledger.row("old")["superseded_by"] == ledger.row("new")["id"]
    assert [(told.key, told.status, told.error) for told in ledger.told] == [
        ("old", "skipped", "superseded by new: replaced by newer content")
    ]
    assert ledger.push() == ["new"]
    assert ledger.pushed()[-1] == ("new", {"width": 1, "name": "new"})
    ledger.check_at_rest()


def test_a_stream_may_ask_to_be_followed_as_soon_as_something_newer_comes(
    make_ledger: Callable[..., Ledger],
) -> None:
    """Others are asked when they are due."""
    patient, eager = Stream(name="price"), Stream(name="stock", follow_on_newer=True)
    ledger = make_ledger(streams=(patient, eager))
    ledger.admit(price("p", "1"), price("s", "1", stream="stock"))
    for _ in ledger.streams:
        ledger.push(after("awaiting", MINUTE))
    ledger.admit(price("p", "2"), price("s", "2", stream="stock"))

    assert [held.key for held in ledger.claim().records] == ["s"]
    assert ledger.claim().records == ()
    ledger.pass_time(MINUTE)
    assert [held.key for held in ledger.claim().records] == ["p"]


def test_what_is_parked_goes_on_when_it_is_woken(ledger: Ledger) -> None:
    """By its own key alone, with its attempts as they were, however long it slept."""
    ledger.admit(price("a"), price("b"))
    ledger.push("parked", b={"state": "parked", "wake_key": "category:2"})
    ledger.pass_time(1000 * MINUTE)
    assert ledger.push() == []

    assert ledger.wake("category:1") == 1
    assert ledger.wake("category:1") == 0
    assert ledger.push() == ["a"]
    assert ledger.told[-1].attempts == 1
    assert ledger.states() == {"a": "success", "b": "parked"}


def test_a_parked_record_is_replaced_by_a_newer_one_that_is_worked_at_once(ledger: Ledger) -> None:
    """The newer one may have what it waited for; waking it later wakes nothing."""
    ledger.admit(price("a", "1"))
    ledger.push("parked")
    ledger.admit(price("a", "2"))

    assert ledger.push() == ["a"]
    assert ledger.wake() == 0
    ledger.check_at_rest()


def test_a_stream_is_held_back_as_a_whole(make_ledger: Callable[..., Ledger]) -> None:
    """A wait for a slot is everybody's, and only of that stream."""
    ledger = make_ledger(streams=(Stream(name="price"), Stream(name="stock")))
    ledger.admit(price("p1"), price("p2"), price("s", stream="stock"))
    ledger.settle(ledger.claim(limit=1), after("released", 5 * SECOND, hold=5 * SECOND))

    assert ledger.push() == ["s"]
    assert ledger.push() == []
    ledger.pass_time(5 * SECOND)
    assert ledger.push() == ["p1", "p2"]
    assert [row["attempts"] for row in ledger.rows("p1")] == [1]


def _patched(waiting: JSON, newer: JSON) -> JSON:
    return {**waiting, **newer}
