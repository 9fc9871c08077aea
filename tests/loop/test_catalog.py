"""Records that go into the hub's own catalog: written and settled in one transaction."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, ClassVar

import pytest

from connectors.destinations.catalog import CatalogDestination
from hub.catalog import CatalogWriter, parse
from hub.connector import Stream
from hub.errors import ConfigurationError
from hub.loop.closing import close_groups
from hub.loop.sweep import keep_house
from hub.records import EVERYTHING, JSON, Item, Page, PushResult, Record
from hub.store.catalog.reader import StoredCatalog
from hub.store.catalog.writer import StoredCatalogWriter
from hub.testing.books import assert_tallies_are_the_rows
from tests.loop.hub_of_a_test import Hub, Script, Scripted

#: Gives the next page.
Feed = Callable[..., None]


class Clumsy(CatalogDestination):
    """Falls over a record called ``poison``, after it has written."""

    name = "clumsy"

    def write(self, writer: CatalogWriter, items: Sequence[Item]) -> Sequence[PushResult]:
        results = super().write(writer, items)
        if any(item.key == "poison" for item in items):
            raise KeyError("a slip of the destination")
        return results


class Overtaken(CatalogDestination):
    """Is slow: whatever is to happen ``meanwhile``, once, happens before its turn to write comes."""

    name = "overtaken"
    meanwhile: ClassVar[list[Callable[[], None]]] = []

    def write(self, writer: CatalogWriter, items: Sequence[Item]) -> Sequence[PushResult]:
        results = super().write(writer, items)
        while self.meanwhile:
            self.meanwhile.pop()()
        return results


@pytest.fixture
async def hub(hub_home: Any, database_url: str, script: Script) -> AsyncIterator[Hub]:
    """A hub whose connector ``scripted`` goes where its connection says, and may own prices and stock."""
    feeding = Scripted.with_script(
        script,
        uses_destination=True,
        reports=False,
        may_own=("prices", "stock", "products"),
        streams=(Stream(name="price", rejected_again=True),),
    )
    hub = Hub(
        hub_home, database_url, destinations={"clumsy": Clumsy, "overtaken": Overtaken}, scripted=feeding
    )
    yield hub
    assert_tallies_are_the_rows(hub.db)
    await hub.close()


@pytest.fixture
def feed(script: Script) -> Feed:
    pages: list[Page] = []
    script.poll = lambda _: pages.pop(0) if pages else Page()

    def feed(*bodies: JSON, **page: Any) -> None:
        records = [
            Record(stream="price", key=str(body.get("key")), payload=body, group=page.get("group"))
            for body in bodies
        ]
        pages.append(
            Page(records=records, **{name: value for name, value in page.items() if name != "group"})
        )

    return feed


async def connect(hub: Hub, name: str = "prices", destination: str = "catalog", **settings: Any) -> None:
    await hub.connect(
        {"connector": "scripted", "destination": {"name": destination, "settings": settings}}, name=name
    )


async def run(hub: Hub, name: str = "prices") -> None:
    await hub.poll(name)
    await hub.work_off(name)


def catalog(hub: Hub) -> StoredCatalog:
    connection = hub.connection()
    return StoredCatalog(hub.db, tenant_id=connection.tenant_id, connection_id=0)


async def test_each_record_says_what_it_came_to(hub: Hub, feed: Feed, script: Script) -> None:
    """Created, updated, unchanged or rejected, with all that is wrong; its group counts them."""
    await connect(hub)
    feed({"kind": "product", "key": "old", "brand": "a"}, {"kind": "product", "key": "same", "brand": "a"})
    await run(hub)

    feed(
        {"kind": "product", "key": "old", "brand": "b"},
        {"kind": "product", "key": "same", "brand": "a", "operation": "upsert"},
        {"kind": "product", "key": "new"},
        {"kind": "product", "key": "bad", "brand": 7, "colour": "red"},
        group="file",
        seals=("file",),
    )
    await run(hub)
    await close_groups(hub.runtime, hub.connection().id)

    answers = {row["key"]: (row["state"], row["response_code"], row["error"]) for row in hub.rows()[2:]}
    assert answers == {
        "old": ("success", 200, None),
        "same": ("skipped", 304, "unchanged"),
        "new": ("success", 201, None),
        "bad": (
            "rejected",
            None,
            "brand: Expected `str | null`, got `int`; Object contains unknown field `colour`",
        ),
    }
    (tally,) = script.asked["close_group"]
    assert (tally.success, tally.created, tally.skipped, tally.rejected) == (2, 1, 1, 1)
    assert [one.key for one in tally.remarks] == ["bad"]


async def test_a_claim_that_was_lost_writes_nothing(hub: Hub, feed: Feed, script: Script) -> None:
    """Whoever took it over writes: a worker that slept must not lay old content over it."""
    await connect(hub)
    feed({"kind": "product", "key": "a"})
    await hub.poll()

    def sleep_too_long(items: Sequence[Item]) -> Sequence[Item]:
        with hub.db.transaction() as tx:
            hub.db.execute(tx, "UPDATE record SET claim_id = claim_id + 1000")
        return items

    script.fetch = sleep_too_long
    outcome = await hub.work()
    with hub.db.transaction() as tx:
        hub.db.execute(tx, "UPDATE record SET claim_id = claim_id - 1000")

    assert (outcome.lost, outcome.states) == (1, {})
    assert await catalog(hub).known("product", ["a"]) == set()


async def test_the_record_at_fault_fails_alone(hub: Hub, feed: Feed) -> None:
    """What was written with it is undone, and the others are written without it."""
    await connect(hub, destination="clumsy")
    feed(*({"kind": "product", "key": key} for key in ("a", "poison", "b")))

    await run(hub)

    assert hub.states() == {"a": "success", "poison": "waiting", "b": "success"}
    assert hub.row("poison")["error"] == "the catalog failed: KeyError"
    assert await catalog(hub).known("product", ["a", "poison", "b"]) == {"a", "b"}


async def test_a_product_waits_for_its_category(hub: Hub, feed: Feed) -> None:
    """It goes on by itself when that comes, and a child when its parent does."""
    await connect(hub)
    feed(
        {"kind": "product", "key": "shoe", "categories": ["child"], "wait_for_categories": True},
        {"kind": "category", "key": "child", "parent": "root", "wait_for_parent": True},
        {"kind": "product", "key": "hat", "categories": ["nobody's"]},
    )
    await run(hub)
    assert hub.states() == {"shoe": "parked", "child": "parked", "hat": "success"}
    assert "nobody knows the category" in hub.row("hat")["error"]

    feed({"kind": "category", "key": "root"})
    await run(hub)

    assert set(hub.states().values()) == {"success"}
    assert await catalog(hub).known("product", ["shoe"]) == {"shoe"}


@pytest.mark.parametrize("crashed", (False, True))
async def test_it_does_not_matter_who_brings_the_category(hub: Hub, feed: Feed, crashed: bool) -> None:
    """Nor whether the one who did lived to say so."""
    await connect(hub)
    await connect(hub, "other", owns=[])
    feed({"kind": "product", "key": "shoe", "categories": ["c"], "wait_for_categories": True})
    await run(hub)

    if crashed:
        me = hub.connection("other")
        with hub.db.transaction() as tx:
            writer = StoredCatalogWriter(db=hub.db, tx=tx, tenant_id=me.tenant_id, connection_id=me.id)
            writer.write([parse({"kind": "category", "key": "c"})])
        assert hub.states() == {"shoe": "parked"}
        await keep_house(hub.runtime)
    else:
        feed({"kind": "category", "key": "c"})
        await run(hub, "other")

    assert hub.states() == {"shoe": "waiting"}


@pytest.mark.parametrize("database_url", ("postgres",), indirect=True)  # SQLite has one writer
@pytest.mark.parametrize("known", (False, True))
async def test_who_was_overtaken_merges_with_what_was_written_meanwhile(
    hub: Hub, feed: Feed, known: bool
) -> None:
    """Whether the product was there before or both bring it; the outcome is that of the second try."""
    await connect(hub, destination="overtaken", owns=[])
    await connect(hub, "other", owns=[])
    other = hub.connection("other")

    def write(brand: str) -> None:
        body = {"kind": "product", "key": "shoe", "brand": brand}
        with hub.db.transaction() as tx:
            writer = StoredCatalogWriter(db=hub.db, tx=tx, tenant_id=other.tenant_id, connection_id=other.id)
            writer.write([parse(body)])

    if known:
        write("Puma")
    feed({"kind": "product", "key": "shoe", "enabled": True}, {"kind": "product", "key": "hat"})
    Overtaken.meanwhile.append(lambda: write("Nike"))
    await run(hub)

    found = await catalog(hub).read("product", ["shoe"])
    assert {name: found["shoe"][name] for name in ("brand", "enabled")} == {"brand": "Nike", "enabled": True}
    assert [hub.row(key)["created"] for key in ("shoe", "hat")] == [False, True]
    assert set(hub.states().values()) == {"success"}


async def test_a_connector_may_wake_all_that_waits(hub: Hub, feed: Feed) -> None:
    """With a page, in the transaction that admits it."""
    await connect(hub)
    feed({"kind": "product", "key": "shoe", "categories": ["c"], "wait_for_categories": True})
    await run(hub)
    assert hub.states() == {"shoe": "parked"}

    feed(wakes=(EVERYTHING,))
    await hub.poll()

    assert hub.states() == {"shoe": "waiting"}


async def test_a_record_that_was_rejected_may_be_offered_again_as_it_was(hub: Hub, feed: Feed) -> None:
    """Where its stream says so: what rejected it may have changed. What went in is known."""
    await connect(hub)
    for _ in range(2):
        feed({"kind": "product", "key": "bad", "brand": 7}, {"kind": "product", "key": "good"})
        await run(hub)

    assert [(row["key"], row["state"]) for row in hub.rows()] == [
        ("bad", "rejected"),
        ("good", "success"),
        ("bad", "rejected"),
    ]


async def test_a_part_has_one_system_of_record(hub: Hub, feed: Feed) -> None:
    """What others write of it is left out, and they are told."""
    await connect(hub, "shop", owns=["products"])
    await connect(hub, "erp", owns=["prices"])
    feed({"kind": "product", "key": "1", "brand": "shop"})
    await run(hub, "shop")
    feed(
        {
            "kind": "product",
            "key": "1",
            "brand": "erp",
            "categories": ["c"],
            "variants": [{"key": "v", "prices": [{"currency": "USD", "amount": 1}]}],
        },
        {"kind": "product", "key": "2", "brand": "erp"},
    )
    await run(hub, "erp")

    stored = await StoredCatalog(hub.db, tenant_id=hub.connection("shop").tenant_id, connection_id=0).read(
        "product", ["1", "2"]
    )
    assert set(stored) == {"1"}
    assert (stored["1"]["brand"], stored["1"]["categories"]) == ("shop", ["c"])
    assert hub.row("1", "erp")["error"].endswith("products is left to shop, its system of record")
    assert hub.row("2", "erp")["state"] == "skipped"


async def test_a_part_that_is_taken_or_not_a_connectors_own_is_refused(hub: Hub) -> None:
    """When the connection is saved, naming the setting."""
    await connect(hub, "shop", owns=["prices"])

    for owns, reason in (
        (["prices"], "prices belongs to the connection shop already"),
        (["customers"], "scripted is no system of record for customers; it may own: prices, stock, products"),
        (["colours"], "'colours' is no part of the catalog"),
    ):
        with pytest.raises(ConfigurationError, match=reason) as refused:
            await connect(hub, "erp", owns=owns)
        assert (refused.value.field or "").startswith("destination.settings.owns")


async def test_the_next_connection_may_own_what_a_removed_one_did(hub: Hub) -> None:
    """A part is free with its owner."""
    from hub.store import connections

    await connect(hub, "shop", owns=["prices"])
    connections.remove_connection(hub.db, "shop")

    await connect(hub, "erp", owns=["prices"])
