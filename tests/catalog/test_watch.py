"""Looks for news that nobody waits for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from hub.catalog import Watch
from hub.records import JSON
from hub.store import migrate
from hub.store.database import Database
from hub.testing.servers import Postgres
from tests.catalog.shelf import Shelf

KINDS = ("product", "stock")


@pytest.fixture
def server(make_postgres: Callable[[], Postgres]) -> Postgres:
    """One that may be stopped."""
    return make_postgres()


@pytest.fixture
def own_db(server: Postgres) -> Iterator[Database]:
    """Its store."""
    db = Database(server.url())
    migrate.upgrade(db)
    yield db
    db.close()


async def quiet(watch: Watch, cursor: JSON, *, within: float = 10.0) -> bool:
    """Whether a look that begins from now on finds nothing behind the cursor."""
    since = time.monotonic()
    while watch.quiet_at <= since:
        if time.monotonic() > since + within:
            return False
        watch.look(cursor)
        await asyncio.sleep(0.005)
    return True


def filled(db: Database) -> tuple[Shelf, Watch]:
    """A catalog with one product, and a watch over it."""
    shelf = Shelf(db, "acme", "erp", "shop")
    shelf.write("erp", {"kind": "product", "key": "a"})
    return shelf, shelf.catalog("shop").watch(KINDS)


async def cursor_of(shelf: Shelf) -> JSON:
    """Behind all that there is."""
    return (await asyncio.to_thread(shelf.changes, "shop", kinds=KINDS)).cursor


async def test_it_tells_since_when_nothing_has_changed(db: Database) -> None:
    """And stops to do so with the next change, until whoever follows has come behind it."""
    shelf, watch = filled(db)
    cursor = await cursor_of(shelf)

    before = watch.quiet_at
    at_first = await quiet(watch, cursor)
    shelf.write("erp", {"kind": "product", "key": "b"})
    committed = time.monotonic()
    after_a_change = await quiet(watch, cursor, within=0.3)
    told = watch.quiet_at
    caught_up = await quiet(watch, await cursor_of(shelf))

    assert before < 0
    assert (at_first, after_a_change, caught_up) == (True, False, True)
    assert told < committed


async def test_it_is_not_quiet_where_a_page_ended_within_a_transaction(db: Database) -> None:
    """However often that is asked, until its rest was read; and then it is, though the last page was full as well."""
    shelf = Shelf(db, "acme", "erp", "shop")
    shelf.write("erp", *({"kind": "product", "key": key} for key in "abcd"))
    watch = shelf.catalog("shop").watch(KINDS)
    changes = partial(asyncio.to_thread, shelf.changes, "shop", kinds=KINDS, limit=2)

    half = await changes()
    quiet_then = await quiet(watch, half.cursor, within=0.3)
    whole = await changes(after=half.cursor)
    end = await changes(after=whole.cursor)
    quiet_at_last = await quiet(watch, end.cursor)

    assert (half.full, whole.full, end.full, end.changes) == (True, True, False, [])
    assert (quiet_then, quiet_at_last) == (False, True)


async def test_it_is_told_within_a_long_turn_of_the_event_loop(db: Database) -> None:
    """Whoever looks again and again hears the answer, though the loop comes to nothing else."""
    shelf, watch = filled(db)
    cursor = await cursor_of(shelf)
    await quiet(watch, cursor)  # it is connected

    since = time.monotonic()
    while watch.quiet_at <= since and time.monotonic() < since + 10:
        watch.look(cursor)

    assert watch.quiet_at > since


async def test_many_who_look_at_once_all_hear(db: Database) -> None:
    """There are more of them than connections to ask over."""
    shelf, _ = filled(db)
    cursor = await cursor_of(shelf)
    watches = [shelf.catalog("shop").watch(KINDS) for _ in range(20)]

    assert all(await asyncio.gather(*(quiet(watch, cursor) for watch in watches)))


async def test_a_store_that_is_away_tells_nothing(own_db: Database, server: Postgres) -> None:
    """And whoever looks is told again when it is back."""
    shelf, watch = filled(own_db)
    cursor = await cursor_of(shelf)
    before = await quiet(watch, cursor)
    server.stop()
    away = await quiet(watch, cursor, within=0.3)
    server.start()
    back = await quiet(watch, cursor)

    assert (before, away, back) == (True, False, True)


async def test_a_store_that_falls_silent_is_given_up(own_db: Database, server: Postgres) -> None:
    """Whoever looks returns at once meanwhile, and over new connections it is told again."""
    shelf, watch = filled(own_db)
    cursor = await cursor_of(shelf)
    await quiet(watch, cursor)
    with server.silent():
        began = time.monotonic()
        silent = await quiet(watch, cursor, within=0.5)
        took = time.monotonic() - began
    back = await quiet(watch, cursor)

    assert (silent, back) == (False, True)
    assert took < 2
