"""Prices that begin or end by themselves are told once, in order, to whoever asks since when."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event

from hub.catalog import Changes
from hub.catalog.moments import moment
from hub.records import JSON
from hub.store.catalog.drafts import price_key
from hub.store.database import Database
from tests.catalog.shelf import Shelf

MIDNIGHT = datetime(2026, 12, 1, tzinfo=UTC)


def price(variant: str, **dates: str) -> JSON:
    """A price in dollars."""
    return {"kind": "price", "variant": variant, "currency": "USD", "amount": 9, **dates}


def turned(shelf: Shelf, after: JSON, until: datetime, limit: int = 500) -> Changes:
    """What the connection ``shop`` is told."""
    return asyncio.run(shelf.catalog("shop").prices_turned(after=after, until=until, limit=limit))


def since(shelf: Shelf, at: datetime) -> JSON:
    """The cursor of who looked then."""
    return turned(shelf, {}, at).cursor


def told(page: Changes) -> list[tuple[str | None, str]]:
    """Product and key of each, which also names its variant."""
    assert all(one.key.startswith(f'["{one.variant}"') for one in page.changes)
    return [(one.product, one.key) for one in page.changes]


@pytest.fixture
def sale(shelf: Shelf) -> Shelf:
    """Two variants of the product ``p``; the prices of one have dates."""
    shelf.write("shop", {"kind": "product", "key": "p", "variants": [{"key": "v"}, {"key": "w"}]})
    shelf.write(
        "erp",
        price("v", valid_from="2026-12-01", valid_to="2026-12-24T00:00:00+01:00"),
        price("v", valid_from="2026-12-24T00:00:00+01:00"),
        price("w"),
    )
    return shelf


FIRST, SECOND = (price_key("v", "sale", "USD", at) for at in ("2026-12-01", "2026-12-24T00:00:00+01:00"))


def test_a_price_turns_when_its_time_has_come(sale: Shelf) -> None:
    """At that very moment, and once; whoever asks for the first time is told nothing of the past."""
    before = since(sale, MIDNIGHT - timedelta(days=1))
    assert turned(sale, before, MIDNIGHT - timedelta(microseconds=1)).changes == []

    begun = turned(sale, before, MIDNIGHT)

    assert told(begun) == [("p", FIRST)]
    assert turned(sale, begun.cursor, MIDNIGHT + timedelta(days=1)).changes == []
    assert turned(sale, since(sale, MIDNIGHT), MIDNIGHT + timedelta(days=22)).changes == []


def test_an_end_and_a_begin_of_one_moment_are_both_told(sale: Shelf) -> None:
    """In their own zone, here an hour before midnight of Greenwich."""
    christmas = datetime(2026, 12, 23, 23, tzinfo=UTC)

    assert told(turned(sale, since(sale, MIDNIGHT), christmas)) == [("p", FIRST), ("p", SECOND)]


def test_prices_that_turn_come_in_pages(sale: Shelf) -> None:
    """None is left out between two of them, though all turn at once."""
    sale.write("erp", *(price(variant, valid_from="2027-01-01") for variant in "vw"))
    sale.write("erp", *(price("v", valid_from="2027-01-01", price_kind=kind) for kind in ("a", "b", "c")))
    cursor, pages = since(sale, MIDNIGHT), []
    full = True
    while full:
        page = turned(sale, cursor, MIDNIGHT + timedelta(days=40), limit=2)
        cursor, full = page.cursor, page.full
        pages.append(told(page))

    found = [one for page in pages for one in page]
    assert len(found) == len(set(found)) == 7
    assert max(map(len, pages)) == 2


def test_a_date_that_is_changed_is_asked_for_as_it_is_now(sale: Shelf) -> None:
    """Cleared or moved; prices and variants that are gone do not turn."""
    before = since(sale, MIDNIGHT - timedelta(days=1))
    later = datetime(2027, 1, 1, tzinfo=UTC)
    sale.write("erp", {**price("v", valid_from="2026-12-01"), "valid_to": None})
    assert told(turned(sale, before, later)) == [("p", FIRST), ("p", SECOND)]

    sale.write("erp", {**price("v", valid_from="2026-12-01"), "operation": "delete"})
    assert told(turned(sale, before, later)) == [("p", SECOND)]
    sale.write("shop", {"kind": "product", "key": "p", "variants": [{"key": "w"}], "all_variants": True})
    assert turned(sale, before, later).changes == []


def test_a_clock_that_is_put_back_repeats_nothing(sale: Shelf) -> None:
    """The cursor stays where it was."""
    cursor = since(sale, MIDNIGHT)

    page = turned(sale, cursor, MIDNIGHT - timedelta(days=9))

    assert (page.changes, page.cursor, page.full) == ([], cursor, False)


def test_a_stamp_is_not_before_those_of_changes_that_were_told(sale: Shelf) -> None:
    """The ledger keeps no older version over a newer one; and what changes then is later."""
    before = since(sale, MIDNIGHT - timedelta(days=1))
    told_so_far = sale.changes("shop")

    (stamp,) = {one.stamp for one in turned(sale, before, MIDNIGHT).changes}

    assert stamp >= max(one.stamp for one in told_so_far.changes)
    sale.write("erp", price("w", valid_to="2027-01-01"))
    (changed,) = sale.changes("shop", after=told_so_far.cursor).changes
    assert changed.stamp > stamp


def test_another_tenants_prices_are_not_told(sale: Shelf) -> None:
    """Of the same variant and moment."""
    rival = Shelf(sale.db, "globex", "shop-of-a-rival")
    before = since(sale, MIDNIGHT - timedelta(days=1))
    rival.write("shop-of-a-rival", {"kind": "product", "key": "p", "variants": [{"key": "v"}]})
    rival.write("shop-of-a-rival", price("v", valid_from="2026-11-30T12:00:00Z"))

    assert told(turned(sale, before, MIDNIGHT)) == [("p", FIRST)]


def test_asking_is_cheap(sale: Shelf) -> None:
    """Both times by an index that holds prices with dates alone, however many others there are."""
    variants = [{"key": f"v{number}", "prices": [{"currency": "USD", "amount": 1}]} for number in range(2000)]
    sale.write("shop", {"kind": "product", "key": "many", "variants": variants})
    before = since(sale, MIDNIGHT - timedelta(days=1))
    if sale.db.postgres:  # which does so by itself after a while
        with sale.db.transaction() as tx:
            sale.db.execute(tx, "ANALYZE")

    with plans(sale.db) as found:
        turned(sale, before, MIDNIGHT)

    (plan,) = found
    assert "catalog_price_begins_at" in plan
    assert "catalog_price_ends_at" in plan


@contextmanager
def plans(db: Database) -> Iterator[list[str]]:
    """Of every statement on prices within the block."""
    found: list[str] = []

    def explain(_: Any, cursor: Any, statement: str, parameters: Any, *__: Any) -> None:
        if "catalog_price" in statement and "EXPLAIN" not in statement:
            cursor.execute(f"EXPLAIN {'' if db.postgres else 'QUERY PLAN '}{statement}", parameters)
            found.append("\n".join(map(str, cursor.fetchall())))

    event.listen(db.engine, "before_cursor_execute", explain)
    yield found
    event.remove(db.engine, "before_cursor_execute", explain)


@pytest.mark.parametrize("text", ("soon-ish, say", "2026-13-01", "0001-01-01T00:00:00+14:00", "9999-12-31"))
def test_any_text_may_be_a_date(shelf: Shelf, text: str) -> None:
    """One that is none never comes; the shapes take any text of that length."""
    shelf.write("shop", {"kind": "product", "key": "p", "variants": [{"key": "v"}]})
    before = since(shelf, datetime(1, 1, 1, tzinfo=UTC))

    shelf.write("shop", price("v", valid_from=text, valid_to=text))

    page = turned(shelf, before, datetime(9999, 12, 31, 23, tzinfo=UTC))
    expected = text == "9999-12-31"
    assert bool(page.changes) == expected
    assert (moment(text) is None) == (text in {"soon-ish, say", "2026-13-01"})
