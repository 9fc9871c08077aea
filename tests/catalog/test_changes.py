"""Every real change reaches every connection that follows, and none reaches the one that it came from."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from hub.errors import ConfigurationError
from hub.records import JSON
from hub.store import migrate
from hub.store.database import Database
from hub.store.schema import metadata
from hub.testing.servers import Postgres
from tests.catalog.shelf import Shelf

PRODUCTS = [{"kind": "product", "key": key, "brand": "a"} for key in "abcde"]


def test_a_new_follower_gets_everything(shelf: Shelf) -> None:
    """A full pass, page by page."""
    shelf.write("shop", *PRODUCTS, {"kind": "category", "key": "c"})

    assert shelf.heard("erp") == {("product", key) for key in "abcde"} | {("category", "c")}


def test_a_follower_hears_of_a_change_once(shelf: Shelf) -> None:
    """From its cursor on, however often the key changed meanwhile."""
    shelf.write("shop", *PRODUCTS)
    cursor = shelf.changes("erp").cursor
    for brand in "bcd":
        shelf.write("shop", {"kind": "product", "key": "a", "brand": brand})

    news = shelf.changes("erp", after=cursor)

    assert [change.key for change in news.changes] == ["a"]
    assert shelf.changes("erp", after=news.cursor).changes == []


def test_a_change_is_not_told_to_who_made_it(shelf: Shelf) -> None:
    """Unless somebody else changed the same thing before, which it has not heard of yet."""
    shelf.write("shop", {"kind": "product", "key": "a", "brand": "1"})
    shelf.write("erp", {"kind": "product", "key": "b", "brand": "1"})
    assert shelf.heard("erp") == {("product", "a")}

    shelf.write("erp", {"kind": "product", "key": "a", "brand": "2"})
    assert shelf.heard("erp") == {("product", "a")}
    assert shelf.heard("shop") == {("product", "a"), ("product", "b")}


def test_an_exporter_may_name_the_connection_that_imports_from_the_same_system(shelf: Shelf) -> None:
    """What that one wrote is what the system said itself."""
    shelf.write("shop", {"kind": "product", "key": "a"})
    shelf.write("erp", {"kind": "product", "key": "b"})

    news = shelf.changes("shop", counterpart="erp").changes

    assert [change.key for change in news] == ["a"]
    with pytest.raises(
        ConfigurationError, match=r"settings\.counterpart: there is no connection .nobody. of this tenant"
    ):
        shelf.changes("shop", counterpart="nobody")


def test_what_is_gone_is_told(shelf: Shelf) -> None:
    """However late a follower comes."""
    shelf.write("shop", {"kind": "product", "key": "a"})
    shelf.write("shop", {"kind": "product", "key": "a", "operation": "delete"})

    (change,) = shelf.changes("erp").changes

    assert (change.key, change.gone) == ("a", True)


def test_a_price_says_whose_it_is(shelf: Shelf) -> None:
    """Variants, prices and stock lead to their product, the latter two also to their variant."""
    shelf.write(
        "shop",
        {
            "kind": "product",
            "key": "a",
            "variants": [
                {"key": "v", "prices": [{"currency": "USD", "amount": 1}], "stock": [{"on_hand": 1}]}
            ],
        },
    )

    changes = shelf.changes("erp").changes

    assert {change.kind: (change.product, change.variant) for change in changes} == {
        "product": ("a", None),
        "variant": ("a", "v"),
        "price": ("a", "v"),
        "stock": ("a", "v"),
    }


def test_one_look_tells_a_follower_whether_to_read_on(shelf: Shelf) -> None:
    """Of the kinds that it asks for, whatever was changed, until the changes were read."""
    news = partial(shelf.has_news, "erp", ("product", "stock"))
    assert not news(after={})

    shelf.write("shop", {"kind": "product", "key": "a"})
    cursor = shelf.changes("erp").cursor
    assert news(after={})
    assert not news(after=cursor)

    shelf.write("shop", {"kind": "category", "key": "c"})
    assert not news(after=cursor)

    shelf.write("shop", {"kind": "product", "key": "a", "operation": "delete"})
    assert news(after=cursor)
    assert not news(after=shelf.changes("erp", after=cursor).cursor)


def test_stamps_grow_and_compare_as_text(shelf: Shelf) -> None:
    """So that the ledger knows which of two is newer."""
    stamps = []
    for brand in map(str, range(12)):
        shelf.write("shop", {"kind": "product", "key": "a", "brand": brand})
        stamps.append(shelf.changes("erp").changes[0].stamp)

    assert stamps == sorted(set(stamps))


def test_a_change_that_commits_late_is_not_missed(make_postgres: Callable[[], Postgres]) -> None:
    """A transaction that began earlier commits after a later one: the reader goes no further than the oldest open one."""
    # A server of its own: what is open here would hold back every reader there.
    db = Database(make_postgres().url())
    migrate.upgrade(db)
    shelf = Shelf(db, "acme", "shop", "erp")
    with shelf.open_transaction() as early:
        shelf.db.execute(early, "SELECT pg_current_xact_id()")
        shelf.write("shop", {"kind": "product", "key": "later"})
        page = shelf.changes("erp", others_are_open=True)
        assert page.changes == []
        shelf.write_within(early, "shop", {"kind": "product", "key": "early"})

    assert shelf.heard("erp", after=page.cursor) == {("product", "early"), ("product", "later")}
    db.close()


def test_writers_of_one_tenant_merge_what_is_there(postgres_db: Database) -> None:
    """They take turns: neither loses a field of the other."""
    shelf = Shelf(postgres_db, "acme", "shop", "erp")
    shelf.write("shop", {"kind": "product", "key": "a", "status": "x"})
    waiting = threading.Thread(
        target=shelf.write, args=("erp", {"kind": "product", "key": "a", "brand": "erp"})
    )
    with shelf.open_transaction() as tx:
        shelf.write_within(tx, "shop", {"kind": "product", "key": "a", "status": "y"})
        waiting.start()
    waiting.join(timeout=10)

    stored = shelf.read("product", "a") or {}
    assert (stored["brand"], stored["status"]) == ("erp", "y")


def test_a_restored_dump_is_told_anew(postgres_db: Database) -> None:
    """Elsewhere its numbers are yet to come, and cursors may be beyond what has been there so far."""
    shelf = Shelf(postgres_db, "acme", "shop", "erp")
    shelf.write("shop", *PRODUCTS)
    cursor = shelf.changes("erp", limit=2).cursor
    future = 2**40
    with shelf.open_transaction() as tx:
        shelf.db.execute(tx, "UPDATE catalog_product SET changed_in = :number WHERE key > 'a'", number=future)

    migrate.upgrade(shelf.db)

    everything = {("product", key) for key in "abcde"}
    assert shelf.heard("erp", after={"product": [future, "e"]}) == everything
    assert shelf.heard("erp", after=cursor) == everything - {("product", "a")}


class Followers(RuleBasedStateMachine):
    """Whatever is written by whom, a follower that has read to the end knows the catalog as it stands."""

    db: Database

    def __init__(self) -> None:
        super().__init__()
        with self.db.transaction() as tx:
            for table in reversed(metadata.sorted_tables):
                tx.execute(table.delete())
        self.shelf = Shelf(self.db, "acme", "shop", "erp", "follower")
        self.cursors: dict[str, JSON] = {name: {} for name in self.shelf.ids}
        self.known: dict[str, dict[str, Any]] = {name: {} for name in self.shelf.ids}
        self.told: dict[str, list[str]] = {name: [] for name in self.shelf.ids}
        self.foreign: dict[str, set[str]] = {name: set() for name in self.shelf.ids}

    @rule(
        name=st.sampled_from(("shop", "erp")),
        key=st.sampled_from("abc"),
        body=st.fixed_dictionaries(
            {},
            optional={
                "brand": st.sampled_from(("x", "y", None)),
                "status": st.sampled_from(("p", None)),
                "operation": st.just("delete"),
            },
        ),
    )
    def write(self, name: str, key: str, body: JSON) -> None:
        """Somebody writes something, perhaps what is there already."""
        before = self.shelf.read("product", key)
        (effect,) = self.shelf.effects(name, {"kind": "product", "key": key, **body})
        assert (effect == "unchanged") == (self.shelf.read("product", key) == before)
        if effect != "unchanged":
            for other in self.shelf.ids:
                if other != name:
                    self.foreign[other].add(key)

    @rule(name=st.sampled_from(("shop", "erp", "follower")), limit=st.integers(1, 3))
    def follow(self, name: str, limit: int) -> None:
        """Somebody reads on from its cursor, one page."""
        page = self.shelf.changes(name, after=self.cursors[name], limit=limit)
        keys = [change.key for change in page.changes]
        assert len(set(keys)) == len(keys)
        assert set(keys) <= self.foreign[name], "nobody is told what only it has changed"
        self.cursors[name] = page.cursor
        for change in page.changes:
            self.known[name][change.key] = None if change.gone else self.shelf.read("product", change.key)
        self.foreign[name] -= set(keys)

    @invariant()
    def nothing_is_missed(self) -> None:
        """Read to the end, without moving on: all that others have changed is still to come."""
        for name in self.shelf.ids:
            to_come = {change.key for change in self.shelf.all_changes(name, after=self.cursors[name])}
            assert to_come == self.foreign[name]


def test_followers_miss_nothing_and_hear_nothing_twice(db: Database) -> None:
    """Over histories of writers and followers; fewer of them on PostgreSQL, which takes longer over each."""
    machine = type("Followers", (Followers,), {"db": db})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=10 if db.postgres else 25,
            stateful_step_count=15,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
