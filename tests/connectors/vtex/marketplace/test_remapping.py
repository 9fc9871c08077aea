"""A category that is mapped anew: which SKUs are looked at again for it, and which are not."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.vtex.marketplace import remapped
from connectors.vtex.marketplace.category_map import CategoryMap
from connectors.vtex.marketplace.finding import Found
from connectors.vtex.marketplace.place import ONCE_MORE, Place, Walk
from connectors.vtex.marketplace.remapped import DECIDED, Remapped
from hub import codec
from hub.marketplace import Listing
from hub.pipeline import SystemClock
from hub.store.plugin_ports import StoredDocuments
from tests.connectors.vtex.marketplace.conftest import Join
from tests.connectors.vtex.marketplace.market_world import NAME, MarketWorld
from tests.connectors.vtex.marketplace.storms import harm, rounds

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
#: No name is as short as one in c1 has to be.
C1_IS_STRICT: Mapping[str, Any] = {
    "by_category": [{"categories": ["c1"], "fields": {"name": {"max_length": 3}}}]
}


def category_of(world: MarketWorld, sku: str) -> str:
    return str(world.vtex.platform.catalog.sku(int(sku)).product.category)


async def mapped(world: MarketWorld, theirs: str | None) -> None:
    """Each category of the account."""
    for category in sorted({category_of(world, sku) for sku in world.skus}):
        await world.map(category, theirs)


def mapping_of(world: MarketWorld) -> CategoryMap:
    connection = world.hub.connection(NAME)
    which = {"tenant_id": connection.tenant_id, "connection_id": connection.id}
    return CategoryMap(world.ids(), StoredDocuments(world.hub.db, **which), SystemClock())


def categories(world: MarketWorld) -> set[str]:
    return {offer["category"] for offer in world.offers.values()}


async def test_what_is_sold_moves_with_its_category(join: Join) -> None:
    """Each SKU once; a mapping that says the same again moves nothing."""
    world = await join({"mapped": True, "recheck_seconds": None})
    await mapped(world, "c1")
    await world.sync()
    before, rows = categories(world), len(world.hub.rows(NAME))

    await mapped(world, "c2")
    await world.sync()
    moved = len(world.hub.rows(NAME))
    await mapped(world, "c2")
    await world.sync()

    assert (before, categories(world)) == ({"c1"}, {"c2"})
    assert (rows, moved, len(world.hub.rows(NAME))) == (6, 12, 12)
    assert codec.loads(world.hub.rows(NAME)[-1]["payload"])["changed"] == ["content"]


async def test_skus_of_other_categories_stay_as_they_are(join: Join) -> None:
    """They are not even read."""
    world = await join({"mapped": True, "recheck_seconds": None})
    await mapped(world, "c1")
    await world.sync()
    [first, *_] = world.skus

    await world.map(category_of(world, first), "c2")
    await world.sync()

    moved = {sku for sku in world.skus if category_of(world, sku) == category_of(world, first)}
    assert {sku for sku, offer in world.offers.items() if offer["category"] == "c2"} == moved
    assert len(world.hub.rows(NAME)) == 6 + len(moved) < 12


async def test_what_a_categorys_rules_reject_goes_on_in_another_category(join: Join) -> None:
    """Also where the mapping ended in between."""
    world = await join({"mapped": True, "recheck_seconds": None, "rules": C1_IS_STRICT}, specifications=0)
    await mapped(world, "c1")
    await world.sync()
    before = set(world.hub.states(NAME).values())
    await mapped(world, None)
    await world.sync()
    ended = len(world.hub.rows(NAME))

    await mapped(world, "c3")
    await world.sync()

    assert (before, ended) == ({"rejected"}, 6)
    assert {world.row(sku)["error"] for sku in world.skus} == {None}
    assert categories(world) == {"c3"}


async def test_what_changes_while_its_category_is_not_mapped_is_sent_once_it_is(join: Join) -> None:
    """To the same category as before, too; who has not changed is not looked at then."""
    world = await join({"mapped": True, "recheck_seconds": None})
    await mapped(world, "c1")
    await world.sync()
    [sku, *_] = world.skus
    await mapped(world, None)
    await world.change(sku, name="Another name", price=4711)
    meanwhile, rows = world.row(sku), len(world.hub.rows(NAME))

    await mapped(world, "c1")
    await world.sync()

    assert (meanwhile["state"], meanwhile["error"][:3]) == ("success", "E4:")
    assert "Another name" in world.offers[sku]["product"]["name"]
    assert len(world.hub.rows(NAME)) == rows + 1


async def test_what_changes_while_its_category_is_mapped_to_none_that_there_is_is_sent_later(
    join: Join,
) -> None:
    """And is not woken for mappings that do not help it."""
    world = await join({"mapped": True, "recheck_seconds": None})
    await mapped(world, "c1")
    await world.sync()
    [sku, *_] = world.skus
    await mapped(world, "gone")
    await world.change(sku, name="Another name")
    await mapped(world, "lost")
    await world.sync()
    rows = len(world.hub.rows(NAME))

    await mapped(world, "c1")
    await world.sync()

    assert rows == 7
    assert "Another name" in world.offers[sku]["product"]["name"]
    assert len(world.hub.rows(NAME)) == rows + 1


async def test_what_waits_for_its_category_is_woken_and_not_told_of_twice(join: Join) -> None:
    """Nor is what is off sale."""
    world = await join({"mapped": True, "recheck_seconds": None})
    await world.sync()
    [sku, *others] = world.skus
    parked = await world.ids().page(DECIDED)
    await mapped(world, "c1")
    await world.sync()
    woken = len(world.hub.rows(NAME))
    await world.change(sku, active=False)

    await mapped(world, "c2")
    await world.sync()

    assert (parked, woken) == ({}, 6)
    assert list(await world.ids().page(DECIDED)) == others
    assert len(world.hub.rows(NAME)) == 6 + 1 + len(others)


async def test_many_skus_are_gone_over_in_steps_that_survive_a_kill(
    join: Join, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each poll is another process's, and brings a few."""
    world = await join({"mapped": True, "recheck_seconds": None}, skus=12)
    await mapped(world, "c1")
    await world.sync()
    monkeypatch.setattr(remapped, "PAGE", 2)
    monkeypatch.setattr(remapped, "MOST_PAGES", 2)
    await mapped(world, "c2")

    brought = []
    for _ in range(4):
        outcome = await world.hub.poll(NAME, runtime=world.hub.make_runtime())
        brought.append((outcome.news, outcome.full))
    await world.work()

    assert brought == [(4, True), (4, True), (4, True), (0, False)]
    assert categories(world) == {"c2"}


async def test_a_step_ends_where_it_has_found_enough(join: Join, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a poll brings few records, whatever there is."""
    world = await join({"mapped": True, "recheck_seconds": None})
    await mapped(world, "c1")
    await world.sync()
    await mapped(world, "c2")
    monkeypatch.setattr(remapped, "PAGE", 2)
    monkeypatch.setattr(remapped, "ENOUGH", 3)
    found = Remapped(world.ids(), mapping_of(world))

    first, after = await found.behind("", {"c2"})
    rest, end = await found.behind(after or "", {"c2"})

    assert [*first, *rest] == world.skus
    assert (len(first), end) == (4, None)


async def test_a_category_that_the_marketplace_has_later_counts_as_another_one(join: Join) -> None:
    """Its tree is only asked for now and then; until it has it, nobody is looked at for it."""
    world = await join({"mapped": True})
    mapping = mapping_of(world)
    found, sku = (
        Remapped(world.ids(), mapping),
        Found(details={"ProductCategoryIds": "/1/9/"}, category="new"),
    )
    await mapping.put({"9": "new"})

    await found.note({"15": sku}, {"15": Listing(sku="15")}, {"c1"})
    before, later = await found.behind("", {"c1"}), await found.behind("", {"c1", "new"})
    await found.note({"15": sku}, {"15": Listing(sku="15")}, {"c1", "new"})

    assert (before, later) == (([], None), (["15"], None))
    assert await found.behind("", {"c1", "new"}) == ([], None)


async def test_a_mapping_that_changes_while_an_sku_is_decided_is_heard(
    join: Join, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was read before is not noted for good behind the back of who looks for it."""
    world = await join({"mapped": True, "recheck_seconds": None}, skus=1)
    await mapped(world, "c1")
    note = Remapped.note

    async def map_and_note(self: Remapped, *given: Any) -> None:
        monkeypatch.undo()
        await mapped(world, "c2")
        assert (await world.hub.poll(NAME)).result == "ok"
        await note(self, *given)

    assert (await world.hub.poll(NAME)).news == 1
    monkeypatch.setattr(Remapped, "note", map_and_note)
    await world.work()

    assert categories(world) == {"c2"}
    assert len(world.hub.rows(NAME)) == 1


async def test_a_tree_that_cannot_be_read_delays_it(join: Join) -> None:
    """The load and comparisons go on meanwhile."""
    world = await join({"mapped": True, "recheck_seconds": None})
    await mapped(world, "c1")
    await world.sync()
    await harm(world.market, error=1.0, match="/categories")
    await mapped(world, "c2")
    polled = await world.hub.poll(NAME, runtime=world.hub.make_runtime())
    during = len(world.hub.rows(NAME))

    await harm(world.market)
    await rounds(world, 3)

    assert (polled.result, during) == ("ok", 6)
    assert categories(world) == {"c2"}


def test_a_pass_begins_with_each_change_of_the_mapping_and_once_more_later() -> None:
    """A mapping may be told of before it is written, by a process that dies then."""
    told = Place(mapping=3, remapped=2).with_remap(NOON)
    ended = Place.of({**told.cursor, "remap": None}, full_pass=False, selling=True, now=NOON.isoformat())
    later = ended.with_remap(NOON + ONCE_MORE)
    over = Place.of({**later.cursor, "remap": None}, full_pass=False, selling=True, now=NOON.isoformat())

    assert (told.remap, told.remapped) == (Walk(began=NOON.isoformat()), 3)
    assert ended.with_remap(NOON + ONCE_MORE - timedelta(seconds=1)).remap is None
    assert later.remap == Walk(began=(NOON + ONCE_MORE).isoformat())
    assert over.with_remap(NOON + 9 * ONCE_MORE).remap is None


def test_a_pass_that_is_under_way_ends_before_the_next_one() -> None:
    """Merchants map one category after another, and the last SKU has to have its turn."""
    going = Place(mapping=4, remapped=3, remap=Walk(began=NOON.isoformat(), after="15"))

    assert going.with_remap(NOON + ONCE_MORE) == going
