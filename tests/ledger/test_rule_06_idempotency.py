"""Rule 6: the idempotency key is made of connection, stream, key and version; here is what it is made of."""

from __future__ import annotations

from collections.abc import Callable

from hub.connector import Stream
from hub.store.rows import Held
from tests.ledger.driver import MINUTE, Ledger, price


def test_retries_and_lost_claims_repeat_the_same_version(ledger: Ledger) -> None:
    """A push whose answer is not known is repeated as what it was."""
    ledger.admit(price("a", "1"))
    ledger.push("retry")
    ledger.claim()
    ledger.lose_claims()
    ledger.push("released")
    ledger.push("parked")
    ledger.wake()
    ledger.push()

    assert _inputs(ledger.pushes) == {("price", "a", 1)}
    assert len(ledger.pushes) == 5


def test_a_replay_repeats_the_same_version(ledger: Ledger) -> None:
    """Also one after another, and when it comes by itself."""
    ledger.admit(price("a", "1"))
    for again in (lambda: ledger.replay("a"), ledger.revive, lambda: ledger.replay("a")):
        ledger.push("dead")
        again()
    ledger.push()

    assert _inputs(ledger.pushes) == {("price", "a", 1)}
    assert len(ledger.pushes) == 4


def test_a_new_version_is_another_one(ledger: Ledger) -> None:
    """Whether it takes the place of one that was tried, follows one, or comes long after."""
    ledger.admit(price("a", "1"))
    ledger.push("retry")
    ledger.admit(price("a", "2"))
    held = ledger.claim()
    ledger.admit(price("a", "3"))
    ledger.settle(held)
    ledger.push("dead")
    ledger.admit(price("a", "4"))
    ledger.push()
    ledger.pass_time(10 * MINUTE)
    ledger.prune()
    ledger.admit(price("a", "5"))
    ledger.push()

    assert [(held.version, held.number) for held in ledger.pushes] == [(str(one), one) for one in range(1, 6)]


def test_a_pruned_key_that_comes_back_for_its_report_keeps_its_version(ledger: Ledger) -> None:
    """So that a replay of it is still the same push."""
    ledger.admit(price("a", "1"))
    ledger.push("rejected")
    ledger.pass_time(10 * MINUTE)
    ledger.prune()
    ledger.admit(price("a", "1"))
    ledger.report_due()
    ledger.replay("a")
    ledger.push()

    assert _inputs(ledger.pushes) == {("price", "a", 1)}


def test_no_two_contents_of_a_key_share_a_version(ledger: Ledger) -> None:
    """Those that were replaced before they were pushed use up theirs too."""
    for version in range(1, 8):
        ledger.admit(price("a", str(version)))
        if version % 2:
            ledger.push("retry")

    assert [(held.version, held.number) for held in ledger.pushes] == [("1", 1), ("3", 3), ("5", 5), ("7", 7)]


def test_each_stream_and_connection_has_its_own(make_ledger: Callable[..., Ledger]) -> None:
    """The same key in two of them is two things."""
    streams = (Stream(name="price"), Stream(name="stock"))
    one, other = make_ledger(name="one", streams=streams), make_ledger(name="other", streams=streams)
    for ledger in (one, other):
        ledger.admit(price("a"), price("a", stream="stock"))
        while ledger.push():
            pass

    inputs = {(ledger.id, *each) for ledger in (one, other) for each in _inputs(ledger.pushes)}
    assert len(inputs) == 4


def _inputs(pushes: list[Held]) -> set[tuple[str, str, int]]:
    return {(held.stream, held.key, held.number) for held in pushes}
