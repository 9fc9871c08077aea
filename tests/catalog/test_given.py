"""What a connection has given, by key: how it finds out what its system does not have any more."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from hub.store.database import Database
from tests.catalog.shelf import Shelf

SHOE = {"kind": "product", "key": "shoe", "variants": [{"key": "shoe-1"}, {"key": "shoe-2"}]}


def given(shelf: Shelf, name: str, kind: str, *, limit: int = 500) -> list[str]:
    """All keys, page by page."""
    found: list[str] = []
    while page := _page(shelf, name, kind, found[-1] if found else "", limit):
        assert len(page) <= limit
        found += page
    return found


def test_each_connection_is_told_what_it_gave(shelf: Shelf) -> None:
    """Also of what another one gave something of, before it or after it."""
    shelf.write("shop", SHOE, {"kind": "category", "key": "shoes"})
    shelf.write("erp", {"kind": "product", "key": "hat"}, {"kind": "product", "key": "shoe", "brand": "Toe"})

    assert given(shelf, "shop", "product") == ["shoe"]
    assert given(shelf, "erp", "product") == ["hat", "shoe"]
    assert given(shelf, "shop", "variant") == ["shoe-1", "shoe-2"]
    assert given(shelf, "shop", "category") == ["shoes"]
    assert given(shelf, "erp", "category") == []


def test_what_is_gone_is_not_there(shelf: Shelf) -> None:
    """Until it comes back, and then it is whose it is then."""
    shelf.write("shop", SHOE)
    shelf.write("shop", {"kind": "product", "key": "shoe", "operation": "delete"})
    gone = [given(shelf, "shop", kind) for kind in ("product", "variant")]
    shelf.write("erp", {"kind": "product", "key": "shoe"})

    assert gone == [[], []]
    assert (given(shelf, "shop", "product"), given(shelf, "erp", "product")) == ([], ["shoe"])


@pytest.mark.parametrize("limit", (1, 2, 3, 500))
def test_pages_miss_nothing_and_repeat_nothing(shelf: Shelf, limit: int) -> None:
    """Whatever their size; keys are anything."""
    keys = ["gid://shopify/Product/10", "gid://shopify/Product/9", "a b", "Ä", "_", "A", "a", "'\""]
    shelf.write("shop", *({"kind": "product", "key": key} for key in keys))
    shelf.write("erp", *({"kind": "product", "key": f"{key} of another"} for key in keys))

    found = given(shelf, "shop", "product", limit=limit)

    assert sorted(found) == sorted(keys)


def test_what_was_written_since_is_left_out(shelf: Shelf) -> None:
    """Whoever read the source from then on may have missed it."""
    shelf.write("shop", SHOE)
    since = datetime.now(UTC)
    shelf.write("shop", {"kind": "product", "key": "hat"})
    shelf.write("erp", {"kind": "product", "key": "belt"})

    catalog = shelf.catalog("shop")
    assert asyncio.run(catalog.given("product", before=since)) == ["shoe"]
    assert asyncio.run(catalog.given("product")) == ["hat", "shoe"]


def test_another_tenants_things_are_not_told(shelf: Shelf, db: Database) -> None:
    """Although they have the same keys."""
    other = Shelf(db, "other", "north")
    shelf.write("shop", SHOE)
    other.write("north", SHOE, {"kind": "product", "key": "hat"})

    assert given(shelf, "shop", "product") == ["shoe"]
    assert given(other, "north", "product") == ["hat", "shoe"]


def test_a_number_in_the_notes_is_no_connection(shelf: Shelf) -> None:
    """Only who gave something is asked for."""
    me = shelf.ids["erp"]
    shelf.write("shop", {"kind": "product", "key": str(me), "extra": {str(me): {"id": f'"{me}":'}}})

    assert given(shelf, "erp", "product") == []


def _page(shelf: Shelf, name: str, kind: str, after: str, limit: int) -> Sequence[str]:
    return asyncio.run(shelf.catalog(name).given(kind, after=after, limit=limit))
