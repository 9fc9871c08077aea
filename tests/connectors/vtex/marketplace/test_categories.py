"""The category mapping: what it wakes, who waits for it, and the mapper that sends it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.vtex.marketplace import category_map
from connectors.vtex.marketplace.categories import listed, queue
from connectors.vtex.marketplace.category_map import CategoryMap
from connectors.vtex.marketplace.logs import SkuInfo
from hub.errors import ConfigurationError, RetryableError
from hub.marketplace import Category
from hub.records import EVERYTHING, Parked
from hub.store.database import Database
from hub.store.plugin_ports import StoredDocuments, StoredIdMap
from hub.testing.faults import Faults
from tests.connectors.vtex.marketplace.bazaar import TREE
from tests.connectors.vtex.marketplace.conftest import MakeWorld
from tests.connectors.vtex.marketplace.logs_world import NAME
from tests.connectors.vtex.openapi_of_a_test import check_request


class Hours:
    """A clock that is turned."""

    def __init__(self) -> None:
        self.time = datetime(2026, 3, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time

    def pass_time(self, by: timedelta) -> None:
        self.time += by


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.close()


def map_of(db: Database, clock: Hours) -> CategoryMap:
    ids = {"tenant_id": 1, "connection_id": 1}
    return CategoryMap(StoredIdMap(db, **ids), StoredDocuments(db, **ids), clock)


def parked(category: str) -> Parked:
    return Parked(wake_key=f"category:{category}", reason="E4: the category is not mapped")


async def test_what_is_mapped_anew_is_news_once(db: Database) -> None:
    """What is as it was is none; an end wakes nobody."""
    clock = Hours()
    mapping = map_of(db, clock)

    assert await mapping.put({"1": "A", "2": "B"}) == ["1", "2"]
    first = await mapping.news(0)
    assert await mapping.put({"1": "A", "2": "C", "3": None}) == ["2"]
    second = await mapping.news(first.revision)
    assert await mapping.put({"2": None}) == ["2"]
    third = await mapping.news(second.revision)

    assert (first.wakes, second.wakes, third.wakes) == (["category:1", "category:2"], ["category:2"], [])
    assert await mapping.get(["1", "2", "3"]) == {"1": "A"}
    assert [one async for one in mapping.all()] == [("1", "A")]


async def test_a_mapping_whose_writing_was_cut_short_is_told_of(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sent again, it changes nothing any more; those that wait are woken anyway."""
    clock = Hours()
    mapping = map_of(db, clock)
    seen = (await mapping.news(0)).revision
    put = StoredIdMap.put

    async def put_and_die(self: StoredIdMap, kind: str, pairs: dict[str, str]) -> None:
        await put(self, kind, pairs)
        raise asyncio.CancelledError

    monkeypatch.setattr(StoredIdMap, "put", put_and_die)
    with pytest.raises(asyncio.CancelledError):
        await mapping.put({"1": "A"})
    monkeypatch.undo()

    assert await mapping.put({"1": "A"}) == []
    assert (await map_of(db, clock).news(seen)).wakes == ["category:1"]


async def test_who_parks_after_the_news_is_woken_once_more(db: Database) -> None:
    """A slice that read the mapping before may take its time; not at every poll, and not for ever."""
    clock = Hours()
    mapping = map_of(db, clock)
    await mapping.put({"1": "A"})
    first = await mapping.news(0)

    soon = await mapping.news(first.revision)
    clock.pass_time(category_map.AGAIN)
    again = await mapping.news(first.revision)
    clock.pass_time(category_map.LINGER)
    late = await mapping.news(first.revision)

    assert (soon.wakes, again.wakes, late.wakes) == ([], ["category:1"], [])
    assert (await map_of(db, clock).news(0)).wakes == ["category:1"]


async def test_who_has_missed_too_much_looks_at_everything(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """News are bounded in number and time."""
    clock = Hours()
    mapping = map_of(db, clock)
    monkeypatch.setattr(category_map, "MOST_NEWS", 3)
    await mapping.put({"1": "A"})
    seen = (await mapping.news(0)).revision
    await mapping.put(dict.fromkeys("2345", "B"))

    assert (await mapping.news(0)).wakes == (EVERYTHING,)
    assert (await mapping.news(seen)).wakes == (EVERYTHING,)
    latest = (await mapping.news(seen)).revision
    clock.pass_time(category_map.KEPT_FOR)
    await mapping.put({"1": "C"})
    assert (await mapping.news(latest)).wakes == ["category:1"]
    assert (await mapping.news(seen)).wakes == (EVERYTHING,)


async def test_writers_at_the_same_time_lose_no_news(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many there are, and in pages."""
    monkeypatch.setattr(category_map, "PAGE", 2)
    clock = Hours()
    told = [{f"{10 * number + one}": "A" for one in range(5)} for number in range(1, 9)]

    await asyncio.gather(*(map_of(db, clock).put(pairs) for pairs in told))
    found = await map_of(db, clock).news(0)

    assert found.revision == 16
    assert set(found.wakes) == {f"category:{one}" for pairs in told for one in pairs}
    assert len([one async for one in map_of(db, clock).all()]) == 40


async def test_skus_wait_for_their_category_and_go_on_with_it(make_world: MakeWorld) -> None:
    """Those of others go on waiting; the mapping comes from the mapper."""
    world = await make_world()
    await world.ids.put("sku", {"1": SkuInfo(name="Desk lamp", category="Home > Lamps").text()})
    await world.work({"1": parked("9"), "2": parked("9"), "3": parked("10")})
    plugin = await world.plugin()

    waiting = await queue(plugin.history, world.ids)
    await plugin.mapper.keep(TREE)
    world.bazaar.answers = {"3": parked("10")}  # type: ignore[attr-defined]
    world.vtex.platform.commands()["map"]({"categories": {"9": "lamps"}})
    await world.vtex.platform.idle()
    await world.hub.poll(NAME)
    await world.hub.work_off(NAME)

    assert {one: (found.number, found.path) for one, found in waiting.items()} == {
        "9": (2, "Home > Lamps"),
        "10": (1, None),
    }
    assert waiting["9"].skus == {"1": "Desk lamp", "2": None}
    assert world.hub.states(NAME) == {"1": "success", "2": "success", "3": "parked"}
    rows = await listed(plugin.categories, plugin.history, world.ids)
    assert [(row["category"], row["marketplace_category"], row["waiting"]) for row in rows] == [
        ("10", None, 1),
        ("9", "lamps", 0),
    ]


@pytest.mark.parametrize("register_reply", ("json", "text"))
@pytest.mark.parametrize("tree_status", ("204", "200"))
async def test_the_tree_is_sent_when_it_has_changed(
    make_world: MakeWorld, register_reply: str, tree_status: str
) -> None:
    """Whatever the mapper's answers look like; it says when it is done with it."""
    world = await make_world({"register_reply": register_reply, "tree_status": tree_status})
    mapper = (await world.plugin()).mapper

    first = await mapper.keep(TREE)
    same = await mapper.keep(TREE)
    grown = await mapper.keep([*TREE, Category(id="pets", name="Pets")])
    anyway = await mapper.keep([*TREE, Category(id="pets", name="Pets")], anyway=True)
    await world.vtex.platform.idle()

    assert [(one.registered, one.sent, one.categories) for one in (first, same, grown, anyway)] == [
        (True, True, 4),
        (False, False, 4),
        (False, True, 5),
        (True, True, 5),
    ]
    assert (first.status, same.status) == (int(tree_status), None)
    (connector,) = world.vtex.platform.state()["mapper"].values()
    assert (connector["trees"], connector["categories"]) == (3, 5)
    assert connector["registration"]["displayName"] == "The Bazaar"
    document = await world.documents.get("mapper")
    assert document is not None
    assert document["processed"]["said"].startswith('{"')
    for request in world.asked.requests:
        check_request(request)


async def test_registration_and_mapping_use_the_secret_of_the_endpoint(make_world: MakeWorld) -> None:
    """The mapper is told of addresses that it may call, and no document has the secret."""
    secret = "a-secret-of-the-endpoint"
    world = await make_world(secret=secret)
    await (await world.plugin()).mapper.keep(TREE)

    world.vtex.platform.commands()["map"]({"categories": {"9": "lamps"}})
    await world.vtex.platform.idle()

    (connector,) = world.vtex.platform.state()["mapper"].values()
    assert [told["answer"] for told in connector["told"]] == [200, 200]
    assert await world.ids.get("category", ["9"]) == {"9": "lamps"}
    assert secret not in str(await world.documents.get("mapper"))


async def test_a_mapper_that_has_forgotten_the_connector_is_told_again(make_world: MakeWorld) -> None:
    """Its id is another one."""
    world = await make_world()
    mapper = (await world.plugin()).mapper
    await mapper.keep(TREE)
    await world.documents.change("mapper", lambda known: {**(known or {}), "id": "gone", "tree": "other"})

    kept = await mapper.keep(TREE)

    assert (kept.registered, kept.sent) == (True, True)
    assert kept.id != "gone"


async def test_a_mapper_that_is_down_is_an_e5_until_it_is_back(make_world: MakeWorld) -> None:
    """So that SKUs may wait for it with that message."""
    world = await make_world()
    mapper = (await world.plugin()).mapper
    before = await mapper.trouble()
    world.vtex.app.faults.set([Faults(error=1)])
    with pytest.raises(RetryableError, match="E5: VTEX Mapper: "):
        await mapper.keep(TREE)
    during = await mapper.trouble()
    world.vtex.app.faults.set([])
    await mapper.keep(TREE)

    assert before is None
    assert during is not None
    assert during.startswith("E5: VTEX Mapper: ")
    assert await mapper.trouble() is None


async def test_a_mapper_that_refuses_says_what_to_look_at(make_world: MakeWorld) -> None:
    """It will not take it the next time either."""
    world = await make_world()
    broken: Any = [Category(id="", name="")]

    with pytest.raises(ConfigurationError, match=r"E5: VTEX Mapper: .*HUB_PUBLIC_URL"):
        await (await world.plugin()).mapper.keep(broken)
