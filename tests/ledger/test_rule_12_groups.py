"""Rule 12: a sealed group is closed once all of its records have settled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from hub.records import GroupTally
from hub.store import ringing
from hub.store.ledger import groups
from tests.ledger.driver import Ledger, price


def test_a_sealed_group_is_closed_with_its_tally(ledger: Ledger) -> None:
    """Once, when the last of its records has settled."""
    keys = ("won", "skipped", "rejected", "dead", "old", "new")
    ledger.admit(*(price(key, group="file") for key in keys[:4]), price("other"))
    ledger.admit(price("old", "1", thing="x", group="file"))
    ledger.admit(price("new", "2", thing="x", group="file"), seals=["file"])
    assert ledger.closable() == []
    ledger.push("success", skipped="skipped", rejected="rejected", dead="dead")

    (tally,) = ledger.closable()
    assert replace(tally, remarks=()) == GroupTally(
        name="file",
        stream="price",
        admitted=6,
        success=2,
        skipped=1,
        rejected=1,
        dead=1,
        superseded=1,
        discarded=0,
    )
    assert [(one.key, one.error) for one in tally.remarks] == [
        ("rejected", "sku is unknown"),
        ("dead", "it timed out"),
    ]
    groups.mark_closed(ledger.db, ledger.id, tally)
    assert ledger.closable() == []


@pytest.mark.parametrize("answer", ("nothing", "retry", "awaiting", "parked"))
def test_a_group_with_an_open_record_is_not_closed(ledger: Ledger, answer: str) -> None:
    """Whatever that waits for."""
    ledger.admit(price("a", group="file"), price("b", group="file"), seals=["file"])
    ledger.settle(ledger.claim(), b=answer)

    assert ledger.closable() == []


def test_a_group_that_is_not_sealed_is_not_closed(ledger: Ledger) -> None:
    """More of it may come."""
    ledger.admit(price("a", group="file"))
    ledger.push()
    assert ledger.closable() == []
    ledger.admit(seals=["file"])

    assert [group.admitted for group in ledger.closable()] == [1]


def test_a_group_is_closed_though_its_reports_are_outstanding(ledger: Ledger) -> None:
    """It has settled; who is told what is another matter."""
    ledger.admit(price("a", group="file"), seals=["file"])
    ledger.settle(ledger.claim())

    assert [group.success for group in ledger.closable()] == [1]


def test_an_empty_group_is_closed_too(ledger: Ledger) -> None:
    """A file without a line is a file."""
    ledger.admit(seals=["empty"])
    (tally,) = ledger.closable()
    groups.mark_closed(ledger.db, ledger.id, tally)

    assert tally.admitted == 0
    assert ledger.closable() == []


def test_sealing_a_closed_group_again_does_not_open_it(ledger: Ledger) -> None:
    """A page that is polled twice says the same twice."""
    ledger.admit(seals=["file"])
    groups.mark_closed(ledger.db, ledger.id, ledger.closable()[0])
    ledger.admit(seals=["file"])

    assert ledger.closable() == []


def test_a_record_that_comes_after_the_closing_opens_the_group_again(ledger: Ledger) -> None:
    """It is closed with the new tally when that has settled as well."""
    ledger.admit(price("a", group="file"), seals=["file"])
    ledger.push()
    groups.mark_closed(ledger.db, ledger.id, ledger.closable()[0])
    ledger.admit(price("b", group="file"))
    assert ledger.closable() == []
    ledger.push()

    assert [group.admitted for group in ledger.closable()] == [2]


@pytest.mark.parametrize("settled", (False, True))
def test_a_record_that_comes_while_a_group_is_closed_keeps_it_open(ledger: Ledger, settled: bool) -> None:
    """The call that was under way did not know of it."""
    ledger.admit(price("a", group="file"), seals=["file"])
    ledger.push()
    (under_way,) = ledger.closable()
    ledger.admit(price("b", group="file"))
    if settled:
        ledger.push()
    groups.mark_closed(ledger.db, ledger.id, under_way)
    ledger.push()

    assert [group.admitted for group in ledger.closable()] == [2]


def test_what_is_known_already_does_not_hold_a_group_open(ledger: Ledger) -> None:
    """A file that repeats a line of another one has nothing of its own to wait for."""
    ledger.admit(price("a", group="file-1"))
    ledger.admit(price("a", group="file-2"), seals=["file-2"])

    assert [(group.name, group.admitted) for group in ledger.closable()] == [("file-2", 0)]


def test_a_replay_holds_its_group_open_while_it_lasts(ledger: Ledger) -> None:
    """Its tally is right again afterwards."""
    ledger.admit(price("a", group="file"), seals=["file"])
    ledger.push("dead")
    ledger.replay("a")
    assert ledger.closable() == []
    ledger.push()

    assert [(group.dead, group.success) for group in ledger.closable()] == [(0, 1)]


def test_a_settle_says_when_a_group_may_be_complete(ledger: Ledger) -> None:
    """So that nobody has to look after every slice."""
    ledger.admit(price("a"), price("b", group="file"))

    assert not ledger.settle(ledger.claim(limit=1)).groups
    held = ledger.claim(limit=1)
    assert ledger.settle(held).groups


def test_the_sweeper_finds_groups_that_were_left_open(make_ledger: Callable[..., Ledger]) -> None:
    """A process died between the last settle and the closing."""
    ledger, other = make_ledger(name="one"), make_ledger(name="other")
    ledger.admit(price("a", group="file"), seals=["file"])
    other.admit(price("a", group="file"))
    assert ringing.with_open_groups(ledger.db) == [ledger.id]
    ledger.push()
    groups.mark_closed(ledger.db, ledger.id, ledger.closable()[0])

    assert ringing.with_open_groups(ledger.db) == []
