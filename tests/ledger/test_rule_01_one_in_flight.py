"""Rule 1: ``key`` is what is reported, ``order_key`` what it changes, and one of each is in flight."""

from __future__ import annotations

from collections.abc import Callable

from hub.connector import Stream
from tests.ledger.driver import MINUTE, Ledger, after, price


def test_records_of_different_things_are_worked_together(ledger: Ledger) -> None:
    """Without an order_key a record changes what its key names."""
    ledger.admit(price("a"), price("b"), price("c"))

    assert [held.key for held in ledger.claim().records] == ["a", "b", "c"]


def test_one_record_of_a_thing_is_claimed_and_the_next_ones_wait_behind_it(ledger: Ledger) -> None:
    """However many workers ask, and whether the others came with the same page or later."""
    ledger.admit(price("a1", thing="a"), price("a2", thing="a"))
    first = ledger.claim("w1")
    ledger.admit(price("a3", thing="a"))

    assert [held.key for held in first.records] == ["a1"]
    assert ledger.claim("w2").records == ()


def test_records_of_a_thing_are_worked_in_the_order_of_arrival(ledger: Ledger) -> None:
    """Each settle lets the next one go."""
    ledger.admit(price("a1", thing="a"), price("a2", thing="a"))
    ledger.admit(price("a3", thing="a"))

    assert [ledger.push() for _ in range(4)] == [["a1"], ["a2"], ["a3"], []]
    ledger.check_at_rest()


def test_a_record_that_retries_keeps_its_place(ledger: Ledger) -> None:
    """What waits behind it is not worked while it backs off."""
    ledger.admit(price("a1", thing="a"), price("a2", thing="a"))
    ledger.push(after("retry", MINUTE))

    assert ledger.push() == []
    ledger.pass_time(MINUTE)
    assert [ledger.push(), ledger.push()] == [["a1"], ["a2"]]


def test_an_awaiting_record_keeps_its_place(ledger: Ledger) -> None:
    """The destination has not decided yet, so the next change has to wait."""
    ledger.admit(price("a1", thing="a"), price("a2", thing="a"))
    ledger.push(after("awaiting", MINUTE))

    assert ledger.push() == []
    ledger.pass_time(MINUTE)
    assert [ledger.push(), ledger.push()] == [["a1"], ["a2"]]
    assert [key for key, _ in ledger.pushed()] == ["a1", "a2"]


def test_a_parked_record_keeps_its_place(ledger: Ledger) -> None:
    """Where versions are not comparable, nothing overtakes it."""
    ledger.admit(price("a1", thing="a"), price("a2", thing="a"))
    ledger.push("parked")

    assert ledger.push() == []
    ledger.wake()
    assert [ledger.push(), ledger.push()] == [["a1"], ["a2"]]


def test_every_way_to_settle_lets_the_next_one_go(ledger: Ledger) -> None:
    """Success, skipped, rejected and dead alike."""
    answers = ("success", "skipped", "rejected", "dead")
    ledger.admit(*(price(f"{answer}{at}", thing=answer) for answer in answers for at in (1, 2)))

    ledger.push(**{f"{answer}1": answer for answer in answers})

    assert ledger.push() == [f"{answer}2" for answer in answers]


def test_the_outcome_names_the_key_and_not_the_thing(ledger: Ledger) -> None:
    """A source knows its own keys only."""
    ledger.admit(price("price-17", thing="sku-1|EUR"))

    ledger.push()

    assert [told.key for told in ledger.told] == ["price-17"]


def test_the_same_key_in_two_streams_is_two_things(make_ledger: Callable[..., Ledger]) -> None:
    """Each stream has its own order and its own backlog."""
    ledger = make_ledger(streams=(Stream(name="price"), Stream(name="stock")))
    ledger.admit(price("a"), price("a", stream="stock"))

    streams = {ledger.claim().stream, ledger.claim().stream}

    assert streams == {"price", "stock"}


def test_streams_take_turns(make_ledger: Callable[..., Ledger]) -> None:
    """A full backlog of prices does not hold back the stock."""
    ledger = make_ledger(streams=(Stream(name="price"), Stream(name="stock")))
    ledger.admit(*(price(f"p{at}") for at in range(4)), *(price(f"s{at}", stream="stock") for at in range(2)))

    slices = [ledger.claim(limit=1).stream for _ in range(4)]

    assert slices == ["price", "stock", "price", "stock"]


def test_two_connections_do_not_see_each_other(make_ledger: Callable[..., Ledger]) -> None:
    """The same stream, key and order_key are two things."""
    one, other = make_ledger(name="one"), make_ledger(name="other")
    one.admit(price("a", "2"))
    other.admit(price("a", "1"))

    assert [held.version for held in one.claim().records] == ["2"]
    assert [held.version for held in other.claim().records] == ["1"]
