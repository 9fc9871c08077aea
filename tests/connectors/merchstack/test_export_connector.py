"""The exporting connector on a real folder, with a catalog, an id map and documents in memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import structlog

from connectors.merchstack.export import MerchstackExport
from connectors.merchstack.export_settings import MerchstackExportSettings
from connectors.merchstack.feed import MAX_IMPORT, Standing, import_id
from connectors.merchstack.import_files import files, numbered
from connectors.merchstack.location import S3Credentials
from connectors.merchstack.nesting import MAX_DEPTH, TOO_DEEP
from connectors.merchstack.spool import Line, dump, load
from hub import codec
from hub.catalog import Change, Changes
from hub.connector import Ports
from hub.errors import ConfigurationError, HubError
from hub.records import JSON, GroupTally, Item, Page, PollRequest, PushResult, Rejected, Skipped, Success


class MemoryCatalog:
    """Whole documents, and a log of what changed, a page of five at a time."""

    def __init__(self) -> None:
        self.documents: dict[tuple[str, str], JSON] = {}
        self.log: list[Change] = []
        #: When a price of which product begins or ends, in order.
        self.turns: list[tuple[datetime, str]] = []

    def put(self, kind: str, key: str, **content: Any) -> None:
        """Write a document."""
        self.documents[kind, key] = {"kind": kind, "key": key, **content}
        self.log.append(
            Change(kind=kind, key=key, stamp=self._stamp(), product=key if kind == "product" else None)
        )

    def touch(self, kind: str, key: str, product: str) -> None:
        """Something that belongs to a product has changed."""
        self.log.append(Change(kind=kind, key=key, stamp=self._stamp(), product=product))

    def delete(self, kind: str, key: str) -> None:
        """Take a document away."""
        del self.documents[kind, key]
        self.log.append(Change(kind=kind, key=key, stamp=self._stamp(), gone=True))

    async def changes(
        self, kinds: Collection[str], *, after: JSON, limit: int = 500, counterpart: str | None = None
    ) -> Changes:
        """The log from there on; the only connection of the tenant is ``in``."""
        if counterpart not in {None, "in"}:
            raise ConfigurationError("there is no such connection", field="settings.counterpart")
        start = after.get("place", 0)
        found = self.log[start : start + 5]
        end = start + len(found)
        return Changes(changes=found, cursor={"place": end}, full=end < len(self.log))

    async def prices_turned(self, *, after: JSON, until: datetime, limit: int = 500) -> Changes:
        """Two at a time; all of them bear the stamp of the last change."""
        end, place = until.timestamp(), len(self.log)
        asked = {"at": end, "place": 0}
        if not after:
            return Changes(changes=[], cursor=asked, full=False)
        due = [
            (at.timestamp(), number, product)
            for number, (at, product) in enumerate(self.turns, start=1)
            if (after["at"], after["place"]) < (at.timestamp(), number) and at <= until
        ]
        found = [
            Change(kind="price", key=product, stamp=f"{place - 1:020d}", product=product)
            for _, _, product in due[:2]
        ]
        cursor = {"at": due[1][0], "place": due[1][1]} if len(due) > 2 else {"at": end, "place": 99}
        return Changes(changes=found, cursor=cursor, full=len(due) > 2)

    async def read(self, kind: str, keys: Collection[str]) -> Mapping[str, JSON]:
        """What is there."""
        return {key: self.documents[kind, key] for key in keys if (kind, key) in self.documents}

    async def known(self, kind: str, keys: Collection[str]) -> Collection[str]:
        """Which are there."""
        return (await self.read(kind, keys)).keys()

    def _stamp(self) -> str:
        return f"{len(self.log):020d}"


@dataclass
class MemoryIds:
    """An id map."""

    known: dict[tuple[str, str], str] = field(default_factory=dict)

    async def get(self, kind: str, keys: Sequence[str]) -> Mapping[str, str]:
        """Those that are known."""
        return {key: self.known[kind, key] for key in keys if (kind, key) in self.known}

    async def put(self, kind: str, ids: Mapping[str, str]) -> None:
        """The last one wins."""
        self.known |= {(kind, key): value for key, value in ids.items()}

    async def remove(self, kind: str, keys: Sequence[str]) -> None:
        """Unknown ones are ignored."""
        for key in keys:
            self.known.pop((kind, key), None)

    async def page(self, kind: str, *, after: str = "", limit: int = 500) -> Mapping[str, str]:
        """In order."""
        keys = sorted(key for of, key in self.known if of == kind and key > after)
        return {key: self.known[kind, key] for key in keys[:limit]}


@dataclass
class MemoryDocuments:
    """A few documents."""

    known: dict[str, JSON] = field(default_factory=dict)

    async def get(self, name: str) -> JSON | None:
        """The document, or None."""
        return self.known.get(name)

    async def put(self, name: str, document: JSON) -> None:
        """Write it whole."""
        self.known[name] = document

    async def change(self, name: str, change: Callable[[JSON | None], JSON | None]) -> None:
        """Read it and write what ``change`` makes of it."""
        if (changed := change(await self.get(name))) is not None:
            await self.put(name, changed)

    async def remove(self, name: str) -> None:
        """Forget it."""
        self.known.pop(name, None)


NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


@dataclass
class StillClock:
    """Stands still until a test turns it."""

    time: datetime = NOON

    def now(self) -> datetime:
        """The moment."""
        return self.time


@dataclass
class World:
    """An exporting connection, and the little of the hub that it needs: one waiting record for each key and group."""

    folder: Path
    settings: dict[str, Any] = field(default_factory=dict)
    catalog: MemoryCatalog = field(default_factory=MemoryCatalog)
    ids: MemoryIds = field(default_factory=MemoryIds)
    documents: MemoryDocuments = field(default_factory=MemoryDocuments)
    cursor: JSON = field(default_factory=dict)
    seen: dict[tuple[str, str], str | None] = field(default_factory=dict)
    items: list[Item] = field(default_factory=list)
    results: dict[int, PushResult] = field(default_factory=dict)
    sealed: list[str] = field(default_factory=list)
    clock: StillClock = field(default_factory=StillClock)

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Another process, which remembers nothing."""
        self.connector = MerchstackExport(
            MerchstackExportSettings.model_validate(
                {"url": str(self.folder), "tenant_id": "T", "store_id": "S", **self.settings}
            ),
            S3Credentials(),
            Ports(
                http=None,  # type: ignore[arg-type]
                ids=self.ids,
                documents=self.documents,
                clock=self.clock,
                log=structlog.get_logger(),
                catalog=self.catalog,
                connection="out",
            ),
        )

    async def poll(self, *, full_pass: bool = False, admit: bool = True) -> Page:
        """One poll; its page is admitted, but for what was seen already."""
        page = await self.connector.poll(PollRequest(cursor=self.cursor, full_pass=full_pass))
        if admit:
            self.cursor = codec.loads(codec.dumps(page.cursor))
            for record in page.records:
                if self.seen.get((record.stream, record.key)) != record.content_hash:
                    self.seen[record.stream, record.key] = record.content_hash
                    number = len(self.items) + 1
                    self.items.append(
                        Item(
                            id=number,
                            stream=record.stream,
                            key=record.key,
                            payload=record.payload,
                            group=record.group,
                        )
                    )
            self.sealed += page.seals
        return page

    async def push(self, size: int = 3) -> None:
        """Push what is open, in batches of one stream."""
        for stream in ("category", "product"):
            waiting = [item for item in self.items if item.stream == stream and item.id not in self.results]
            for start in range(0, len(waiting), size):
                batch = waiting[start : start + size]
                results = await self.connector.push(batch)
                self.results |= {item.id: result for item, result in zip(batch, results, strict=True)}

    async def close(self) -> None:
        """Close all groups that are sealed."""
        for name in self.sealed:
            for stream in sorted({item.stream for item in self.items if item.group == name}):
                await self.connector.close_group(tally(name, stream))
        self.sealed.clear()

    async def export(self, *, full_pass: bool = False) -> dict[str, list[JSON]]:
        """Everything to the end; gives the files that are new, by type."""
        before = self.names()
        more = True
        while more:
            more = (await self.poll(full_pass=full_pass)).full
            full_pass = False
            await self.push()
        await self.close()
        return self.read(self.names() - before)

    def names(self) -> set[str]:
        """The files at the top level."""
        return {path.name for path in self.folder.iterdir() if path.is_file()}

    def read(self, names: Collection[str]) -> dict[str, list[JSON]]:
        """The records of these files by type, in the order of their numbers."""
        records: dict[str, list[JSON]] = defaultdict(list)
        for name in sorted(names, key=lambda name: (len(name), name)):
            for line in (self.folder / name).read_bytes().splitlines():
                records[name.partition("_")[0]].append(codec.loads(line))
        return records


def tally(name: str, stream: str) -> GroupTally:
    """A group that has ended."""
    counts = dict.fromkeys(
        ("admitted", "success", "skipped", "rejected", "dead", "superseded", "discarded"), 0
    )
    return GroupTally(name=name, stream=stream, **counts)


def told(records: Sequence[JSON]) -> list[tuple[str, str]]:
    """Key and operation of each."""
    return [(each["externalSystemId"], each["importMetaData"]["operationType"]) for each in records]


def named(records: Sequence[JSON]) -> list[str]:
    """The variants of the only record."""
    (record,) = records
    return [each["externalSystemId"] for each in record["variants"]]


def nested(levels: int) -> Any:
    """So many objects within each other."""
    value: Any = 1
    for _ in range(levels):
        value = {"in": value}
    return value


def target_of(world: World, url: str) -> str:
    """The poll target of a connection to this place."""
    world.settings["url"] = url
    world.restart()
    return world.connector.poll_target()


@pytest.fixture
def world(tmp_path: Path) -> World:
    """An empty catalog and an empty folder."""
    (tmp_path / "out").mkdir()
    return World(tmp_path / "out")


async def test_the_first_export_is_a_full_pass(world: World) -> None:
    """Every record with complete metadata, and nothing else is left in the folder."""
    world.catalog.put("category", "shoes", path=["shoes"], translations=[{"language": "en", "name": "Shoes"}])
    world.catalog.put("product", "p", brand="Nike", variants=[])

    exported = await world.export()

    name = import_id(StillClock().now(), "out")
    assert world.names() == {f"category_import{name}_1.jsonl", f"product_import{name}_1.jsonl"}
    assert exported["product"] == [
        {
            "importMetaData": {
                "formatVersion": "1.0",
                "importId": name,
                "recordNum": 1,
                "recordOf": 1,
                "recordType": "product",
                "operationType": "create",
            },
            "tenantId": "T",
            "storeId": "S",
            "externalSystemId": "p",
            "brand": "Nike",
            "variants": [],
        }
    ]
    assert [each["translations"] for each in exported["category"]] == [
        [{"languageCode": "en", "name": "Shoes"}]
    ]
    assert list(world.folder.glob(".*")) == []


async def test_numbers_run_across_all_files(world: World) -> None:
    """``recordOf`` is the total of the type."""
    world.settings["records_per_file"] = 4
    world.restart()
    for number in range(10):
        world.catalog.put("product", f"p{number:02}", variants=[])

    exported = await world.export()

    numbers = [each["importMetaData"] for each in exported["product"]]
    assert [each["recordNum"] for each in numbers] == list(range(1, 11))
    assert {each["recordOf"] for each in numbers} == {10}
    assert len({each["importId"] for each in numbers}) == 1
    sizes = {name[-7]: len((world.folder / name).read_bytes().splitlines()) for name in world.names()}
    assert sizes == {"1": 4, "2": 4, "3": 2}


async def test_operations_tell_what_changed_since_the_last_export(world: World) -> None:
    """Create, update and delete; what is as it was stays out."""
    for key in ("a", "b", "c", "d"):
        world.catalog.put("product", key, brand="1", variants=[])
    await world.export()
    world.catalog.put("product", "a", brand="2", variants=[])
    world.catalog.put("product", "b", brand="1", variants=[], status="not exported")
    world.catalog.delete("product", "c")
    world.catalog.put("product", "e", variants=[])
    world.catalog.put("product", "f", variants=[])
    world.catalog.delete("product", "f")

    exported = await world.export()

    assert told(exported["product"]) == [("a", "update"), ("e", "create"), ("c", "delete")]
    assert exported["product"][2].keys() == {"importMetaData", "tenantId", "storeId", "externalSystemId"}
    assert await world.export() == {}


async def test_a_change_of_a_variant_is_one_of_its_product(world: World) -> None:
    """Its prices and stock, too."""
    world.catalog.put("product", "p", variants=[])
    await world.export()
    world.catalog.put("product", "p", variants=[{"key": "v", "stock": [{"location": "x", "on_hand": 3}]}])
    world.catalog.log.pop()
    world.catalog.touch("stock", "s", "p")

    exported = await world.export()

    assert [each["variants"][0]["stockOnHand"] for each in exported["product"]] == [3]


async def test_a_variant_that_left_is_switched_off(world: World) -> None:
    """The format has no other way; it is named behind those that are there, and once only."""
    world.catalog.put("product", "p", variants=[{"key": key} for key in ("a", "b", "c")])
    await world.export()
    gone = [{"key": "a", "sku": "A"}, {"key": "c"}]
    world.catalog.put("product", "p", variants=[{"key": "b"}], gone_variants=gone)

    exported = await world.export()

    assert told(exported["product"]) == [("p", "update")]
    assert exported["product"][0]["variants"] == [
        {"externalSystemId": "b"},
        {"externalSystemId": "a", "sku": "A", "enabled": False},
        {"externalSystemId": "c", "enabled": False},
    ]
    world.catalog.put("product", "p", variants=[{"key": "b"}], gone_variants=gone)
    assert await world.export() == {}


async def test_a_variant_that_left_before_its_product_went_out_is_not_named(world: World) -> None:
    """Merchstack never heard of it: not in the create, nor in what follows, unless it came back in between."""
    gone = [{"key": "old"}]
    world.catalog.put("product", "p", variants=[{"key": "v"}], gone_variants=gone)
    assert named((await world.export())["product"]) == ["v"]
    assert named((await world.export(full_pass=True))["product"]) == ["v"]

    world.catalog.put("product", "p", variants=[], gone_variants=[*gone, {"key": "v"}])
    assert named((await world.export())["product"]) == ["v"]
    world.catalog.put("product", "p", variants=[{"key": "old"}], gone_variants=[{"key": "v"}])
    assert named((await world.export())["product"]) == ["old", "v"]
    world.catalog.put("product", "p", variants=[], gone_variants=[*gone, {"key": "v"}])

    (record,) = (await world.export())["product"]

    assert [each["enabled"] for each in record["variants"]] == [False, False]
    assert named([record]) == ["old", "v"]


def on_sale(world: World, key: str, begins: datetime, ends: datetime) -> None:
    """A product that costs 9 from then until then, and 10 before."""
    dates = {"valid_from": begins.isoformat(), "valid_to": ends.isoformat()}
    prices = [
        {"kind": "sale", "currency": "USD", "amount": "10"},
        {"kind": "sale", "currency": "USD", "amount": "9", **dates},
    ]
    world.catalog.put("product", key, variants=[{"key": f"{key}-1", "prices": prices}])
    world.catalog.turns += [(begins, key), (ends, key)]
    world.catalog.turns.sort()


def prices(exported: dict[str, list[JSON]]) -> dict[str, int]:
    """By product what its only variant costs."""
    return {each["externalSystemId"]: each["variants"][0]["price"] for each in exported["product"]}


async def test_a_price_that_begins_or_ends_is_exported(world: World) -> None:
    """Though nothing of its product has changed; more of them than a page holds, and each once."""
    begins, ends = NOON + timedelta(hours=1), NOON + timedelta(hours=2)
    for key in "abcde":
        on_sale(world, key, begins, ends)
    assert set(prices(await world.export()).values()) == {1000}
    assert await world.export() == {}

    world.clock.time = begins
    assert prices(await world.export()) == dict.fromkeys("abcde", 900)
    assert await world.export() == {}
    world.restart()
    world.clock.time = ends
    assert prices(await world.export()) == dict.fromkeys("abcde", 1000)
    assert await world.export() == {}


async def test_a_price_begins_within_an_import_that_is_running(world: World) -> None:
    """Its product was staged for that import already, with the price of before."""
    begins = NOON + timedelta(hours=1)
    for key in "abcdefg":
        on_sale(world, key, begins, begins + timedelta(hours=9))
    await world.poll()
    await world.push()
    world.clock.time = begins

    assert prices(await world.export()) == dict.fromkeys("abcdefg", 900)


async def test_a_price_that_began_for_the_poll_has_begun_for_the_push(world: World) -> None:
    """Also where the worker that pushes has a clock that is behind."""
    begins = NOON + timedelta(seconds=1)
    on_sale(world, "a", begins, begins + timedelta(hours=9))
    await world.export()
    before = world.names()
    world.clock.time = begins
    await world.poll()
    world.clock.time = NOON

    await world.push()
    await world.close()

    assert prices(world.read(world.names() - before)) == {"a": 900}


async def test_parents_come_before_children(world: World) -> None:
    """Whatever changed first; deletions come last."""
    world.catalog.put("category", "gone", path=["gone"])
    await world.export()
    world.catalog.delete("category", "gone")
    world.catalog.put("category", "c", path=["a", "b", "c"], parent="b")
    world.catalog.put("category", "b", path=["a", "b"], parent="a")
    world.catalog.put("category", "a", path=["a"])

    exported = await world.export()

    assert [key for key, _ in told(exported["category"])] == ["a", "b", "c", "gone"]


async def test_managed_categories_are_merchstacks_own(world: World) -> None:
    """Unless all are asked for."""
    world.catalog.put("category", "m", managed=True, path=["m"])

    assert await world.export() == {}
    assert isinstance(world.results[1], Skipped)

    world.settings["categories"] = "all"
    world.restart()
    assert told((await world.export(full_pass=True))["category"]) == [("m", "create")]


async def test_a_full_pass_exports_what_is_unchanged(world: World) -> None:
    """As updates, in an import of its own."""
    world.catalog.put("product", "p", variants=[])
    await world.export()

    exported = await world.export(full_pass=True)

    assert told(exported["product"]) == [("p", "update")]
    assert await world.export() == {}


async def test_what_was_taken_back_within_an_import_stays_out(world: World) -> None:
    """A record that was staged is void when the thing is again as it was exported."""
    world.catalog.put("product", "p", brand="1", variants=[])
    world.catalog.put("product", "q", variants=[])
    await world.export()
    world.catalog.put("product", "p", brand="2", variants=[])
    for number in range(5):
        world.catalog.put("product", f"n{number}", variants=[])
    await world.poll()
    await world.push()
    world.catalog.put("product", "p", brand="1", variants=[])
    world.catalog.delete("product", "n0")

    exported = await world.export()

    assert [key for key, _ in told(exported["product"])] == ["n1", "n2", "n3", "n4"]


async def test_a_record_that_cannot_be_mapped_is_rejected_alone(world: World) -> None:
    """The others go out."""
    prices = [{"kind": "sale", "currency": code, "amount": "1"} for code in ("EUR", "USD")]
    world.catalog.put("product", "bad", variants=[{"key": "v", "prices": prices}])
    world.catalog.put("product", "good", variants=[])

    exported = await world.export()

    assert told(exported["product"]) == [("good", "create")]
    assert isinstance(rejected := world.results[1], Rejected)
    assert "settings.currency" in rejected.errors[0]

    world.settings["currency"] = "EUR"
    world.restart()
    assert told((await world.export(full_pass=True))["product"]) == [("bad", "create"), ("good", "update")]


async def test_a_record_that_cannot_be_encoded_is_rejected_alone(world: World) -> None:
    """However deep it is nested, and whatever its texts hold; the others of its slice go out."""
    for levels in (500, 5000):
        world.catalog.put("product", f"deep{levels}", variants=[], extra={"deep": nested(levels)})
    world.catalog.put("product", "torn", variants=[], extra={"name": "\ud800"})
    world.catalog.put("product", "good", variants=[], extra={"deep": nested(MAX_DEPTH - 1)})

    exported = await world.export()

    assert told(exported["product"]) == [("good", "create")]
    rejected = [result.errors[0] for result in world.results.values() if isinstance(result, Rejected)]
    assert rejected[:2] == [TOO_DEEP, TOO_DEEP]
    assert rejected[2].startswith("cannot be written as JSON: ")
    assert len(rejected) == 3


def test_staged_lines_come_back_as_they_were() -> None:
    """As deep as a record may be, and with every digit."""
    lines = [Line(key="k", item=1, at="t", record={"deep": nested(MAX_DEPTH - 1), "n": Decimal("1.50")})]

    assert load(dump(lines)) == lines


async def test_no_import_begins_while_the_one_before_is_not_out(world: World) -> None:
    """A full pass that was asked for meanwhile is not forgotten."""
    world.catalog.put("product", "p", variants=[])
    await world.poll()
    await world.push()
    world.catalog.put("product", "q", variants=[])

    page = await world.poll(full_pass=True)

    assert not page.records
    assert page.poll_after == timedelta(seconds=5)
    await world.close()
    assert told((await world.export())["product"]) == [("p", "update"), ("q", "create")]


async def test_a_page_that_was_not_admitted_comes_again(world: World) -> None:
    """Even from the process that has offered it already."""
    for number in range(12):
        world.catalog.put("product", f"p{number:02}", variants=[])
    await world.poll()
    await world.poll(admit=False)

    exported = await world.export()

    assert len(exported["product"]) == 12


async def test_a_push_that_is_repeated_counts_once(world: World) -> None:
    """Staged twice, in other batches, with other content: the newest line of a key is taken."""
    world.catalog.put("product", "p", brand="1", variants=[])
    world.catalog.put("product", "q", brand="1", variants=[])
    await world.poll()
    await world.push()
    world.results.clear()
    world.restart()

    await world.push(size=1)
    await world.close()

    assert told(world.read(world.names())["product"]) == [("p", "create"), ("q", "create")]


class CrashError(HubError):
    """The process is killed here."""


@pytest.mark.parametrize("survives", range(18))
async def test_closing_survives_a_crash_at_any_point(tmp_path: Path, survives: int) -> None:
    """The files, the id map and the folder are those of an export without a crash."""
    worlds = []
    for name in ("whole", "crashed"):
        (tmp_path / name).mkdir()
        one = World(tmp_path / name, settings={"records_per_file": 2})
        for number in range(5):
            one.catalog.put("product", f"p{number}", brand="1", variants=[])
        await one.export()
        one.catalog.delete("product", "p0")
        one.catalog.put("product", "p1", brand="2", variants=[])
        one.catalog.put("product", "p7", variants=[])
        one.catalog.put("category", "c", path=["c"])
        await one.poll()
        await one.push(size=1)
        worlds.append(one)
    whole, crashed = worlds
    sealed = list(crashed.sealed)

    _crash_after(crashed, survives)
    try:
        await crashed.close()
    except CrashError:
        crashed.sealed = sealed
    crashed.restart()
    await crashed.close()
    await whole.close()

    assert {name: (crashed.folder / name).read_bytes() for name in crashed.names()} == {
        name: (whole.folder / name).read_bytes() for name in whole.names()
    }
    assert crashed.ids.known == whole.ids.known
    assert list(crashed.folder.glob(".*")) == []
    assert await crashed.export() == {}


async def test_a_record_that_comes_late_goes_out_with_the_next_import(world: World) -> None:
    """A dead one, say, that was revived when its import was out already."""
    world.catalog.put("product", "p", variants=[])
    world.catalog.put("product", "q", variants=[])
    await world.poll()
    late = world.items.pop()
    await world.push()
    await world.close()

    (result,) = await world.connector.push([replace(late, attempt=9)])
    world.catalog.put("product", "r", variants=[])

    assert isinstance(result, Success)
    assert result.warning == "it goes out with the next import"
    assert [key for key, _ in told((await world.export())["product"])] == ["q", "r"]


async def test_a_check_looks_whether_the_folder_is_there(world: World) -> None:
    """And says what it found."""
    (world.folder / "x.jsonl").write_text("")

    assert (await world.connector.check()).facts == {"url": str(world.folder), "files": 1}


def forbid_writing(folder: Path) -> None:
    """To its owner, too."""
    folder.chmod(0o500)


async def test_a_check_looks_whether_the_folder_may_be_written_to(plain_users_folder: Path) -> None:
    """And names the setting, before the first push fails for it."""
    world = World(plain_users_folder)
    forbid_writing(plain_users_folder)

    with pytest.raises(ConfigurationError, match=r"settings\.url: .* may not be written to; give"):
        await world.connector.check()


async def test_a_check_looks_whether_the_counterpart_is_there(world: World) -> None:
    """Before the first poll fails for it."""
    world.settings["counterpart"] = "in"
    world.restart()
    assert (await world.connector.check()).facts["files"] == 0

    world.settings["counterpart"] = "out-of-nowhere"
    world.restart()

    with pytest.raises(ConfigurationError, match=r"settings\.counterpart: "):
        await world.connector.check()


def test_two_ways_to_write_a_folder_are_one_poll_target(world: World) -> None:
    """So that no two connections write over each other's files."""
    folder = world.folder
    (folder.parent / "link").symlink_to(folder)
    urls = (f"{folder}", f"{folder}/", f"file://{folder}", f"{folder.parent}/link", f"{folder}/../out")

    targets = {target_of(world, url) for url in urls}

    assert targets == {f"merchstack {folder.as_uri()}"}
    assert target_of(world, "s3://bucket/out/") == target_of(world, "s3://bucket/out") not in targets


@pytest.mark.parametrize("url", ("/a\x00b", "s3://[bucket", "file:///a%00b"))
def test_a_url_that_means_nothing_is_told_with_its_setting(world: World, url: str) -> None:
    """Before anything is stored."""
    with pytest.raises(ConfigurationError, match=r"settings\.url.*cannot be resolved"):
        target_of(world, url)


def test_an_import_ends_at_its_limit() -> None:
    """However much goes on changing; a full pass goes on in the next one."""
    standing = Standing(full=True, running="1", last="1", count=MAX_IMPORT)

    moved = standing.moved({"a": 1}, {}, [], at_end=False)

    assert (moved.running, moved.last, moved.full) == (None, "1", True)


def test_ids_of_imports_grow_whatever_the_clock_does() -> None:
    """They are compared as texts."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    first = Standing().with_import(now, "out")

    second = replace(first, running=None).with_import(now - timedelta(days=1), "out")

    assert str(second.last) > str(first.last)
    assert str(second.last).isalnum()


def test_files_are_split_by_their_size() -> None:
    """The numbers go on; nothing makes no file."""
    lines = list(
        numbered(
            [("create", {"externalSystemId": str(number), "tenantId": "other"}) for number in range(5)],
            import_id="i",
            record_type="product",
            total=5,
            frame={"tenantId": "T"},
        )
    )

    found = dict(files(lines, import_id="i", record_type="product", size=2))

    assert list(found) == ["product_importi_1.jsonl", "product_importi_2.jsonl", "product_importi_3.jsonl"]
    assert b"".join(found.values()) == b"".join(lines)
    assert {codec.loads(line)["tenantId"] for line in lines} == {"T"}
    assert dict(files([], import_id="i", record_type="product")) == {}


def _crash_after(world: World, steps: int) -> None:
    """The connector's next steps succeed, the one after them does not happen."""
    left = steps

    def counted(target: Any, name: str) -> None:
        step = getattr(target, name)

        async def one(*arguments: Any) -> Any:
            nonlocal left
            if left == 0:
                raise CrashError
            left -= 1
            return await step(*arguments)

        setattr(target, name, one)

    # A connector of its own, whose parts are left with what is counted when it is gone.
    world.restart()
    for name in ("write", "move", "remove"):
        counted(world.connector._location, name)
    ports = world.connector.ports
    ids, documents = MemoryIds(world.ids.known), MemoryDocuments(world.documents.known)
    for name in ("put", "remove"):
        counted(ids, name)
    counted(documents, "put")
    world.connector.ports = replace(ports, ids=ids, documents=documents)
