"""New records may be claimed as they are admitted, by nobody yet: whoever has time takes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from hub.connector import Stream
from hub.store import connections
from hub.store.database import Database
from hub.store.ledger import claim, sweep
from hub.store.ledger.ahead import Ahead
from hub.store.ledger.entry import FEW_ROWS
from hub.store.rows import Slice
from tests.ledger.driver import LEASE, MINUTE, Ledger, after, price

AHEAD = Ahead(slices=2, limit=3, lease=LEASE)


def keys(held: Slice) -> list[str]:
    return [record.key for record in held.records]


STOPS: dict[str, Callable[[Ledger], object]] = {
    "paused": lambda ledger: connections.set_paused(ledger.db, ledger.name, True),
    "failed": lambda ledger: connections.fail(ledger.db, ledger.id, "the account is wrong"),
    "refused": lambda ledger: ledger.settle(ledger.claim(), "refused"),
}


@pytest.mark.parametrize("count", (2, FEW_ROWS + 2))
def test_what_is_claimed_ahead_is_taken_as_any_slice(ledger: Ledger, count: int) -> None:
    """Its records are as a claim would have given them, whether they were inserted or copied."""
    everything = Ahead(slices=1, limit=count, lease=LEASE)
    page = [price(f"k{at:03}", "1", group="file") for at in range(count)]
    ledger.admit(*page, run=True, ahead=everything)
    assert keys(ledger.claim()) == []
    ledger.check()

    held = ledger.take("helper")
    again = ledger.take("another")

    assert keys(held) == [record.key for record in page]
    assert (held.stage, held.stream, held.connection_id) == ("push", "price", ledger.id)
    assert {record.number for record in held.records} == {1}
    assert [record.payload for record in held.records] == [{"amount": "1"}] * count
    assert again.records == ()
    ledger.report(ledger.settle(held).to_report)
    assert set(ledger.states().values()) == {"success"}
    ledger.check_at_rest()


def test_no_more_lies_ready_than_helpers_can_be_expected_to_take(ledger: Ledger) -> None:
    """What a slice does not hold waits, and so does all of a page while enough lies."""
    for page in ("a", "b", "c"):
        ledger.admit(*(price(f"{page}{at}", "1") for at in range(3)), ahead=AHEAD)
    assert ledger.tally()["working"] == 6
    ledger.settle(ledger.take())
    ledger.settle(ledger.claim())

    ledger.admit(*(price(f"d{at}", "1") for at in range(5)), ahead=AHEAD)

    assert [keys(ledger.take()) for _ in range(3)] == [["b0", "b1", "b2"], ["d0", "d1", "d2"], []]
    assert keys(ledger.claim()) == ["d3", "d4"]


def test_a_page_may_be_several_slices(ledger: Ledger) -> None:
    """As many as still may lie there, the last of them smaller."""
    ledger.admit(*(price(f"a{at}", "1") for at in range(5)), ahead=AHEAD)
    ledger.check()

    assert [keys(ledger.take()) for _ in range(3)] == [["a0", "a1", "a2"], ["a3", "a4"], []]


def test_what_has_to_wait_is_not_claimed_ahead(ledger: Ledger) -> None:
    """A second one of the same thing goes behind the first; what was there before is nobody's news."""
    ledger.admit(price("old", "1"))
    ledger.admit(price("old", "2"), price("a", thing="t"), price("b", thing="t"), ahead=AHEAD)

    assert keys(ledger.take()) == ["a"]
    assert keys(ledger.claim()) == ["old"]
    assert ledger.states() == {"old": "working", "a": "working", "b": "waiting"}
    ledger.check()


def test_what_is_due_later_is_not_claimed_ahead(ledger: Ledger) -> None:
    """It takes the place of one that was told to wait."""
    ledger.admit(price("a", "1", thing="t"))
    ledger.settle(ledger.claim(), after("retry", MINUTE))
    ledger.admit(price("b", "2", thing="t"), ahead=AHEAD)
    assert ledger.take().records == ()

    ledger.pass_time(2 * MINUTE)

    assert keys(ledger.claim()) == ["b"]


def test_a_newer_version_waits_behind_what_lies_ready(ledger: Ledger) -> None:
    """As behind anything that is claimed."""
    ledger.admit(price("a", "1"), ahead=AHEAD)
    ledger.admit(price("a", "2"), ahead=AHEAD)

    assert [(row["version"], row["state"], bool(row["ready"])) for row in ledger.rows("a")] == [
        ("1", "working", True),
        ("2", "waiting", False),
    ]
    ledger.report(ledger.settle(ledger.take()).to_report)
    assert ledger.push() == ["a"]
    assert [payload for _, payload in ledger.pushed()] == [{"amount": "1"}, {"amount": "2"}]
    ledger.check_at_rest()


@pytest.mark.parametrize("stop", STOPS)
def test_a_connection_that_must_not_push_gives_nothing_away(ledger: Ledger, stop: str) -> None:
    """Neither is anything claimed for it nor is what lies there taken."""
    ledger.admit(price("first", "1"))
    ledger.admit(price("a", "1"), ahead=AHEAD)
    STOPS[stop](ledger)

    ledger.admit(price("b", "1"), ahead=AHEAD)

    assert ledger.take().records == ()
    assert ledger.states() == {"first": "waiting", "a": "working", "b": "waiting"}


def test_what_lies_there_is_taken_when_the_connection_goes_on(ledger: Ledger) -> None:
    """As if nothing had been."""
    ledger.admit(price("a", "1"), ahead=AHEAD)
    connections.set_paused(ledger.db, ledger.name, True)
    assert ledger.take().records == ()

    connections.set_paused(ledger.db, ledger.name, False)

    assert keys(ledger.take()) == ["a"]


def test_a_stream_that_is_held_back_gives_nothing_away(ledger: Ledger) -> None:
    """Neither what lies there already nor what comes, until its time is over."""
    ledger.admit(price("first", "1"))
    first = ledger.claim()
    ledger.admit(price("a", "1"), ahead=AHEAD)
    ledger.settle(first, after("retry", 5 * MINUTE, hold=MINUTE))
    ledger.admit(price("b", "1"), ahead=AHEAD)
    assert ledger.take().records == ()
    assert ledger.states() == {"first": "waiting", "a": "working", "b": "waiting"}

    ledger.pass_time(2 * MINUTE)

    assert (keys(ledger.take()), keys(ledger.claim())) == (["a"], ["b"])


def test_no_stream_goes_before_another_that_waits(db: Database) -> None:
    """They take turns, and what is claimed ahead has none."""
    ledger = Ledger(db=db, streams=(Stream(name="price"), Stream(name="stock")))
    ledger.admit(price("p", "1"))
    ledger.admit(price("s", "1", stream="stock"), ahead=AHEAD)
    assert ledger.take().records == ()

    ledger.settle(ledger.claim())
    ledger.settle(ledger.claim())
    ledger.admit(price("s2", "1", stream="stock"), price("p2", "1"), ahead=AHEAD)

    assert keys(ledger.take()) == ["s2"]
    assert keys(ledger.claim()) == ["p2"]


async def test_there_may_be_work_while_something_lies_ready(ledger: Ledger) -> None:
    """And none when it was taken."""
    ledger.admit(price("a", "1"), ahead=AHEAD)
    seen = [await claim.may_have_work(ledger.db, ledger.id)]
    ledger.take()
    seen.append(await claim.may_have_work(ledger.db, ledger.id))

    assert seen == [True, False]


def test_what_nobody_took_comes_back_without_a_stain(ledger: Ledger) -> None:
    """It has taken no worker with it, however often that happens."""
    for at in range(2 * sweep.DEAD_AFTER):
        ledger.admit(price(f"k{at}", "1"), ahead=AHEAD)
        assert ledger.lose_claims() == 0
    assert {(row["state"], row["lost_claims"]) for row in ledger.rows()} == {("waiting", 0)}
    ledger.check()

    ledger.push()

    ledger.check_at_rest()


def test_what_was_taken_is_lost_with_its_worker(ledger: Ledger) -> None:
    """From then on it is in somebody's hands, for as long as a heartbeat says so."""
    ledger.admit(price("a", "1"), ahead=AHEAD)
    ledger.pass_time(LEASE // 2)
    held = ledger.take()
    ledger.pass_time(LEASE - MINUTE)
    assert sweep.expire_claims(ledger.db) == 0
    assert claim.renew(ledger.db, held.claim_id, lease=LEASE)

    assert ledger.lose_claims() == 1
    assert ledger.row("a")["lost_claims"] == 1
    assert ledger.settle(held).lost == 1


def test_what_lies_there_at_the_end_is_given_back(ledger: Ledger) -> None:
    """What somebody has taken stays with him."""
    ledger.admit(price("a", "1"), run=True, ahead=AHEAD)
    ledger.admit(price("b", "1"), run=True, ahead=AHEAD)
    held = ledger.take()

    sweep.give_back_untaken(ledger.db, ledger.id)

    assert ledger.states() == {"a": "working", "b": "waiting"}
    assert ledger.row("b")["lost_claims"] == 0
    ledger.check()
    assert keys(ledger.claim()) == ["b"]
    assert ledger.settle(held).lost == 0


def test_who_asks_while_another_takes_gets_the_next(postgres_db: Database) -> None:
    """Nobody waits for anybody, and not for the connection's lock."""
    ledger = Ledger(db=postgres_db)
    for key in ("a", "b"):
        ledger.admit(price(key, "1"), ahead=AHEAD)
    with ledger.db.transaction() as other:
        ledger.db.execute(other, "SELECT id FROM connection WHERE id = :id FOR UPDATE", id=ledger.id)
        ledger.db.execute(other, "SELECT id FROM claim ORDER BY id LIMIT 1 FOR UPDATE")
        second: Any = ledger.take()

    assert (keys(second), keys(ledger.take())) == (["b"], ["a"])
