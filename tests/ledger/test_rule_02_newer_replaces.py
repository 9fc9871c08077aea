"""Rule 2: a newer record replaces one that waits, where the source makes versions comparable."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hub.connector import Stream
from hub.records import JSON
from tests.ledger.driver import MINUTE, Ledger, Told, after, price


def test_a_newer_version_of_a_key_takes_the_place_of_the_one_that_waits(ledger: Ledger) -> None:
    """A thousand changes are one push, of the last of them."""
    ledger.admit(price("a", "1"))
    admitted = [ledger.admit(price("a", version)) for version in ("2", "3")]

    assert [(one.new, one.coalesced) for one in admitted] == [(0, 1), (0, 1)]
    assert ledger.push() == ["a"]
    assert ledger.pushed() == [("a", {"amount": "3"})]
    assert ledger.told == [Told(key="a", status="success", attempts=1, error=None, external_id=None)]
    ledger.check_at_rest()


def test_versions_within_one_page_are_one_push_too(ledger: Ledger) -> None:
    """The page is taken in in its order."""
    admitted = ledger.admit(*(price("a", f"{version:04}") for version in range(1000)))

    assert (admitted.new, admitted.coalesced) == (1, 999)
    ledger.push()
    assert ledger.pushed() == [("a", {"amount": "0999"})]


@pytest.mark.parametrize("pages", (1, 2))
def test_a_replaced_record_with_a_key_of_its_own_is_reported_as_skipped(ledger: Ledger, pages: int) -> None:
    """It is superseded and names its successor; within a page or over two."""
    old, new = price("old", "1", thing="a"), price("new", "2", thing="a")
    for page in ([old, new],) if pages == 1 else ([old], [new]):
        ledger.admit(*page)

    assert ledger.states() == {"old": "superseded", "new": "waiting"}
    assert ledger.row("old")["superseded_by"] == ledger.row("new")["id"]
    assert ledger.push() == ["new"]
    assert ledger.report_due() == ["old"]
    assert [(told.key, told.status, told.error) for told in ledger.told] == [
        ("new", "success", None),
        ("old", "skipped", "superseded by new"),
    ]
    ledger.check_at_rest()


def test_a_replaced_record_is_not_reported_where_nothing_is(make_ledger: Callable[..., Ledger]) -> None:
    """A connection that does not report has settled it for good."""
    ledger = make_ledger(reports=False)
    ledger.admit(price("old", "1", thing="a"), price("new", "2", thing="a"))
    ledger.push()

    assert ledger.report_due() == []
    ledger.check_at_rest()


def test_a_merge_says_what_is_left_to_do(make_ledger: Callable[..., Ledger]) -> None:
    """Over a page, over keys, and in the order of the records: the newer wins where both speak."""
    ledger = make_ledger(merge=_patched)
    ledger.admit(
        price("a1", "1", thing="a", name="old", width=1), price("a2", "1", thing="a", name="mid", height=2)
    )
    ledger.admit(price("a3", "2", thing="a", name="new"))

    ledger.push()

    assert ledger.pushed() == [("a3", {"name": "new", "width": 1, "height": 2})]


@pytest.mark.parametrize("pages", (1, 3))
def test_the_merge_of_several_keeps_their_order(make_ledger: Callable[..., Ledger], pages: int) -> None:
    """Of two that wait the later one speaks louder."""
    ledger = make_ledger(merge=_patched)
    records = [
        price("a1", "1", thing="a", name="first", width=1),
        price("a2", "1", thing="a", name="second"),
        price("a3", "2", thing="a", height=3),
    ]
    for page in (records,) if pages == 1 else ([record] for record in records):
        ledger.admit(*page)

    ledger.push()

    assert ledger.pushed() == [("a3", {"name": "second", "width": 1, "height": 3})]


@pytest.mark.parametrize("version", (None, "2026-01-01"))
def test_what_is_not_comparable_is_pushed_in_the_order_of_arrival(
    ledger: Ledger, version: str | None
) -> None:
    """Without versions, and likewise with equal ones; a key may come twice."""
    ledger.admit(price("a1", version, thing="a", amount=1), price("a2", version, thing="a", amount=2))
    ledger.admit(price("a1", version, thing="a", amount=3))

    assert [ledger.push() for _ in range(4)] == [["a1"], ["a2"], ["a1"], []]
    assert [payload["amount"] for _, payload in ledger.pushed()] == [1, 2, 3]
    ledger.check_at_rest()


def test_a_newer_one_replaces_all_that_wait_with_equal_versions(ledger: Ledger) -> None:
    """Each with a key of its own is reported."""
    ledger.admit(
        price("a1", "1", thing="a"), price("a2", "1", thing="a", amount=2), price("a3", "2", thing="a")
    )

    assert ledger.push() == ["a3"]
    assert ledger.report_due() == ["a1", "a2"]
    ledger.check_at_rest()


def test_a_new_version_starts_its_attempts_anew_and_keeps_the_due_time(ledger: Ledger) -> None:
    """A change does not get around the backoff, and is not punished for its predecessor."""
    ledger.admit(price("a", "1"))
    for _ in range(3):
        ledger.push(after("retry", MINUTE))
        ledger.pass_time(MINUTE)
    due_at = ledger.row("a")["due_at"]
    ledger.push(after("retry", MINUTE))
    ledger.admit(price("a", "2"))

    row = ledger.row("a")
    assert (row["attempts"], row["total_attempts"], row["number"]) == (0, 0, 2)
    assert row["due_at"] > due_at
    assert ledger.push() == []
    ledger.pass_time(MINUTE)
    assert ledger.push() == ["a"]
    assert ledger.told[-1].attempts == 1


def test_a_newer_key_keeps_the_due_time_too(ledger: Ledger) -> None:
    """The thing backs off, whatever the record that changes it is called."""
    ledger.admit(price("old", "1", thing="a"))
    ledger.push(after("retry", MINUTE))
    ledger.admit(price("new", "2", thing="a"))

    assert ledger.push() == []
    ledger.pass_time(MINUTE)
    assert ledger.push() == ["new"]
    assert ledger.row("new")["total_attempts"] == 1


@pytest.mark.parametrize("key", ("old", "new"))
def test_a_newer_record_keeps_its_place_in_the_queue(ledger: Ledger, key: str) -> None:
    """What changes all the time would otherwise never be its turn."""
    ledger.admit(price("old", "1", thing="a"))
    ledger.admit(price("other"))
    ledger.admit(price(key, "2", thing="a"))

    assert [held.key for held in ledger.claim(limit=1).records] == [key]


@pytest.mark.parametrize("key", ("first", "second", "third"))
def test_the_due_time_is_that_of_the_one_that_backs_off(ledger: Ledger, key: str) -> None:
    """Not of those that waited behind it."""
    ledger.admit(price("first", "1", thing="a"), price("second", "1", thing="a", amount=2))
    ledger.push(after("retry", MINUTE))
    ledger.admit(price(key, "2", thing="a"))

    assert ledger.push() == []
    ledger.pass_time(MINUTE)
    assert ledger.push() == [key]


def test_what_is_read_anew_is_replaced_whatever_its_version(make_ledger: Callable[..., Ledger]) -> None:
    """Notifications only say that something changed: the union is read when it is worked."""
    ledger = make_ledger(streams=(Stream(name="price", read_anew=True),), merge=_united)
    ledger.admit(price("sku-1", changed=["price"], at=1))
    ledger.admit(price("sku-1", changed=["stock"], at=3))
    ledger.admit(price("sku-1", changed=["name"], at=2))

    ledger.push()

    assert ledger.pushed() == [("sku-1", {"changed": ["name", "price", "stock"], "at": 3})]
    ledger.check_at_rest()


def test_a_record_that_comes_too_late_is_superseded_by_the_one_that_waits(ledger: Ledger) -> None:
    """An old price never overwrites a newer one."""
    ledger.admit(price("new", "2", thing="a"))
    late = ledger.admit(price("late", "1", thing="a"))

    assert late.stale == 1
    assert [ledger.push(), ledger.push()] == [["new"], []]
    assert ledger.report_due() == ["late"]
    assert ledger.told[-1].error == "superseded by new"
    ledger.check_at_rest()


@pytest.mark.parametrize("answer", ("retry", "awaiting", "parked", "dead", "success"))
def test_a_record_that_comes_too_late_is_never_pushed(ledger: Ledger, answer: str) -> None:
    """Wherever the newer one has got to."""
    ledger.admit(price("new", "2", thing="a"))
    ledger.push(after(answer, MINUTE))
    late = ledger.admit(price("late", "1", thing="a"))

    assert late.stale == 1
    assert ledger.push() == []
    assert ledger.row("late")["superseded_by"] == ledger.row("new")["id"]
    assert ledger.row("new")["state"] not in ("superseded", "waiting") or answer == "retry"


def test_a_record_that_comes_too_late_for_one_that_is_worked_is_superseded(ledger: Ledger) -> None:
    """It does not wait behind it."""
    ledger.admit(price("new", "2", thing="a"))
    held = ledger.claim()
    ledger.admit(price("late", "1", thing="a"))
    ledger.settle(held)

    assert ledger.states() == {"new": "success", "late": "superseded"}


def test_a_record_that_comes_too_late_after_pruning_is_not_pushed_either(ledger: Ledger) -> None:
    """Pruning keeps what it takes to know that."""
    ledger.admit(price("new", "2", thing="a"))
    ledger.push()
    ledger.prune()
    late = ledger.admit(price("late", "1", thing="a"), price("new", "1", thing="a", amount="late"))

    assert (late.stale, late.duplicates) == (1, 1)
    assert ledger.push() == []
    assert ledger.report_due() == ["late"]
    assert ledger.told[-1].error == "superseded by new"


def test_a_newer_record_after_pruning_is_pushed(ledger: Ledger) -> None:
    """Neither its key nor its thing being known holds it back."""
    ledger.admit(price("a", "2"), price("b1", "2", thing="b"))
    ledger.push()
    ledger.prune()
    ledger.admit(price("a", "3"), price("b2", "3", thing="b"))

    assert ledger.push() == ["a", "b2"]


def test_an_older_version_of_a_key_does_not_hide_the_newer_one(ledger: Ledger) -> None:
    """Webhooks come out of order and twice; what was pushed already is known again."""
    ledger.admit(price("a", "2"))
    ledger.push()
    ledger.admit(price("a", "1"))
    again = ledger.admit(price("a", "2"))

    assert (again.new, again.duplicates) == (0, 1)
    assert ledger.push() == []
    ledger.check_at_rest()


def test_a_version_of_another_group_is_a_record_of_its_own(ledger: Ledger) -> None:
    """A file that names a key has to wait for it, whichever file named it before."""
    ledger.admit(price("a", "1", group="file-1"))
    ledger.admit(price("a", "2", group="file-2"), seals=["file-1", "file-2"])

    assert [group.name for group in ledger.closable()] == ["file-1"]
    ledger.push()
    assert [(group.name, group.admitted, group.success) for group in ledger.closable()] == [
        ("file-1", 1, 0),
        ("file-2", 1, 1),
    ]


def test_nothing_is_pushed_before_what_came_before_it(ledger: Ledger) -> None:
    """A new version does not get ahead of a record that it cannot replace."""
    ledger.admit(price("a", "1"), price("b", thing="a", amount=7))
    ledger.admit(price("a", "2"))
    again = ledger.admit(price("a", "2"))

    assert again.duplicates == 1
    assert [ledger.push(), ledger.push()] == [["b"], ["a"]]


def test_what_takes_over_and_is_replaced_within_one_page_is_what_it_was_last(ledger: Ledger) -> None:
    """Its row says which content was never pushed."""
    ledger.admit(price("a", "1", thing="x"))
    ledger.push("retry")
    ledger.admit(price("a", "2", thing="x"), price("b", "3", thing="x"))

    row = ledger.row("a")
    assert (row["version"], row["payload"], row["total_attempts"]) == ("2", '{"amount":"2"}', 0)


def test_versions_are_compared_as_text_by_their_code_points(ledger: Ledger) -> None:
    """The same in both databases, whatever their locale."""
    ledger.admit(price("a1", "B", thing="a"))
    ledger.push()
    late = ledger.admit(price("a2", "A", thing="a"))
    ledger.admit(price("a3", "a", thing="a"))

    assert late.stale == 1
    assert ledger.push() == ["a3"]


def _patched(waiting: JSON, newer: JSON) -> JSON:
    return {**waiting, **newer}


def _united(waiting: JSON, newer: JSON) -> JSON:
    return {
        "changed": sorted({*waiting["changed"], *newer["changed"]}),
        "at": max(waiting["at"], newer["at"]),
    }
