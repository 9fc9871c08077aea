"""Files of a real folder through the connector's verbs, with what the core stores between them."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.merchstack.closing import DONE
from connectors.merchstack.location import Location
from connectors.merchstack.progress import MOST_EXPORTS, MOST_WAITING
from hub import codec
from hub.errors import ConfigurationError, RetryableError
from hub.records import JSON, GroupTally
from tests.connectors.merchstack.import_world import World, category, item_of, jsonl, product, remark

Make = Callable[..., World]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """A connection to a folder of its own."""

    def make(**settings: Any) -> World:
        folder = tmp_path / "inbox"
        folder.mkdir(exist_ok=True)
        return World(folder=folder, settings=settings)

    return make


async def test_a_file_becomes_records_and_is_moved_with_its_report(make: Make) -> None:
    """The way that everything takes."""
    world = make()
    world.put("product_export90100_1.jsonl", [product("p1", 1, 2, brand="Nike"), product("p2", 2, 2)])

    await world.read_all()

    payload = world.records[0].payload
    assert [record.key for record in world.records] == ["p1", "p2"]
    assert payload["line"] == 1
    assert payload["file"] == "product_export90100_1.jsonl"
    assert payload["export"] == "90100"
    assert payload["operation"] == "update"
    assert payload["record"]["brand"] == "Nike"
    assert "exportMetaData" not in payload["record"]
    assert not (world.folder / "product_export90100_1.jsonl").exists()
    assert (world.folder / "done" / "product_export90100_1.jsonl").exists()
    report = world.report("product_export90100_1.jsonl")
    assert report["counts"] == {
        "read": 2,
        "created": 2,
        "updated": 0,
        "unchanged": 0,
        "rejected": 0,
        "dead": 0,
        "superseded": 0,
        "discarded": 0,
    }
    assert report["exports"]["90100"]["product"]["state"] == "complete"


async def test_categories_come_first_and_parents_before_children(make: Make) -> None:
    """Whatever the order of names, files and lines."""
    world = make()
    world.put("product_export1_1.jsonl", [product("p1", export="1")])
    lines = [
        category("leaf", 1, 3, externalSystemParentId="branch"),
        category("branch", 2, 3, externalSystemParentId="root"),
        category("root", 3, 3, isRoot=True),
    ]
    world.put("category_export90100_2.jsonl", lines[:2])
    world.put("category_export90100_10.jsonl", lines[2:])

    await world.read_all()

    assert [record.key for record in world.records] == ["branch", "leaf", "root", "p1"]


async def test_bad_lines_stand_in_the_report_and_the_good_ones_go_in(make: Make) -> None:
    """One bad line costs no good one."""
    world = make()
    text = jsonl([product("p1", 1, 3)]) + b'{"cut": \n' + jsonl([product("p3", 3, 3, tenantId="XYZ")])
    world.put("product_export90100_1.jsonl", text)

    await world.read_all()

    report = world.report("product_export90100_1.jsonl")
    assert [record.key for record in world.records] == ["p1"]
    assert [(each["line"], each["key"], each["field"]) for each in report["rejected"]] == [
        (2, None, None),
        (3, "p3", "tenantId"),
    ]
    assert report["counts"]["rejected"] == 2
    assert report["exports"]["90100"]["product"]["missing"] == "2"
    assert "product_export90100_1.jsonl line 2" in world.bad[0].reason


async def test_what_the_catalog_refused_stands_in_the_report_field_by_field(make: Make) -> None:
    """Errors of one record are told apart; a remedy may hold a semicolon."""
    world = make()
    world.put("product_export90100_1.jsonl", [product("p1", 1, 2), product("p2", 2, 2)])
    while not world.sealed:
        await world.step()
    errors = "variants.0.price: is -1; a price is 0 or more; brand: is 7; it is a text"
    remarks = [
        remark(world.records[0], errors),
        remark(world.records[1], "left to erp", status="success"),
    ]

    await world.close_sealed(success=1, created=0, rejected=1, remarks=remarks)

    report = world.report("product_export90100_1.jsonl")
    assert report["rejected"] == [
        {"line": 1, "key": "p1", "field": "variants.0.price", "reason": "is -1; a price is 0 or more"},
        {"line": 1, "key": "p1", "field": "brand", "reason": "is 7; it is a text"},
    ]
    assert report["warnings"] == [{"line": 2, "key": "p2", "text": "left to erp"}]
    assert report["counts"]["updated"] == 1
    assert report["rejected_not_listed"] == 0


async def test_a_file_is_not_touched_before_its_records_have_settled(make: Make) -> None:
    """Only the core says when that is."""
    world = make()
    path = world.put("product_export90100_1.jsonl", [product("p1")])

    for _ in range(5):
        await world.step(open_records=1)

    assert path.exists()
    assert world.sealed
    assert world.report(path.name) is None


async def test_a_page_that_was_not_committed_comes_again_the_same(make: Make) -> None:
    """A crash after any poll, and a new process at every step: nothing is lost, doubled or told twice."""
    world = make()
    records = [product(f"p{number}", number, 2500) for number in range(1, 2501)]
    records[1700]["tenantId"] = "XYZ"
    world.put("product_export90100_1.jsonl.gz", records)

    page = await world.step()
    while page.full:
        await world.poll()
        world.restart()
        page = await world.step()
    await world.close_sealed()

    assert [record.key for record in world.records] == [f"p{n}" for n in range(1, 2501) if n != 1701]
    report = world.report("product_export90100_1.jsonl.gz")
    assert report["counts"]["read"] == 2500
    assert report["counts"]["rejected"] == 1
    assert [each["line"] for each in report["rejected"]] == [1701]
    assert report["exports"]["90100"]["product"]["state"] == "complete"
    assert report["warnings"][0]["text"].startswith("the file holds 2500 records")


async def test_closing_may_be_repeated_at_any_point(make: Make) -> None:
    """The core calls again after a crash; the second time there is nothing left to do."""
    world = make()
    world.put("product_export90100_1.jsonl", [product("p1")])
    while not world.sealed:
        await world.step()
    tally = world.tally(world.sealed[0])
    notes = dict(world.documents.texts)

    await world.connector.close_group(tally)
    first = world.report("product_export90100_1.jsonl")
    world.documents.texts |= notes
    await world.connector.close_group(tally)
    await world.connector.close_group(tally)

    assert world.report("product_export90100_1.jsonl") == first
    assert [name for name in world.documents.texts if name.startswith("file:")] == []


class CrashError(Exception):
    """The process ends here."""


class Troubled(Location):
    """A folder in which something happens just before a file is moved, and the process ends after so many steps."""

    def before_move(self, name: str) -> None:
        """Nothing, unless a test says otherwise."""

    steps: int = 99

    async def move(self, name: str, to: str) -> None:
        self._step()
        self.before_move(name)
        await super().move(name, to)

    async def write(self, name: str, content: bytes) -> None:
        self._step()
        await super().write(name, content)

    def _step(self) -> None:
        if self.steps == 0:
            raise CrashError
        self.steps -= 1


class Replaced(Troubled):
    """Its sender puts another file in the place of the one that is about to be moved, once."""

    sent: Path | None = None

    def before_move(self, name: str) -> None:
        if self.sent is not None:
            self.sent.replace(Path(self.url) / name)
            self.sent = None


async def sealed(world: World) -> GroupTally:
    """The one file there is has been read to its end; what is to be closed."""
    while not world.sealed:
        await world.step()
    return world.tally(world.sealed.pop())


@pytest.mark.parametrize("steps", range(3))
async def test_closing_goes_on_after_a_crash_at_any_step(make: Make, steps: int) -> None:
    """File and report end up beside each other, and nothing else is left."""
    world = make()
    name = world.put("product_export90100_1.jsonl", [product("p1")]).name
    tally = await sealed(world)
    place = Troubled.open(str(world.folder), None)
    assert isinstance(place, Troubled)
    place.steps = steps
    world.connector._location = place

    with pytest.raises(CrashError):
        await world.connector.close_group(tally)
    world.restart()
    await world.connector.close_group(tally)

    assert sorted(path.name for path in (world.folder / DONE).iterdir()) == [name, f"{name}.report.json"]
    assert [path.name for path in world.folder.iterdir()] == ["done"]
    assert world.report(name)["counts"]["created"] == 1


@pytest.mark.parametrize("steps", (1, 99), ids=("crash", "no-crash"))
async def test_a_file_that_is_replaced_as_it_is_moved_goes_back_and_is_read(make: Make, steps: int) -> None:
    """What nobody has read is not done, even where the process ends before it has gone back."""
    world = make()
    path = world.put("product_export90100_1.jsonl", [product("p1")])
    tally = await sealed(world)
    place = Replaced.open(str(world.folder), None)
    assert isinstance(place, Replaced)
    place.sent, place.steps = world.put("sent.part", [product("p2")]), steps
    world.connector._location = place

    with suppress(CrashError):
        await world.connector.close_group(tally)
    world.restart()
    await world.connector.close_group(tally)
    back = path.exists(), list((world.folder / DONE).iterdir())
    await world.read_all()

    assert back == (True, [])
    assert [record.key for record in world.records] == ["p1", "p2"]
    assert world.report(path.name)["group"] == world.records[-1].group


async def test_a_link_in_the_place_of_a_file_is_left_alone(make: Make, tmp_path: Path) -> None:
    """It is not the file that was read, and closing ends all the same."""
    world = make()
    path = world.put("product_export90100_1.jsonl", [product("p1")])
    tally = await sealed(world)
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")

    await world.connector.close_group(tally)

    assert path.is_symlink()
    assert world.report(path.name) is None


async def test_a_young_file_is_left_alone_until_it_is_quiet(make: Make) -> None:
    """It may still be written."""
    world = make(quiet_seconds=10)
    world.put("product_export90100_1.jsonl", [product("p1")], age=1)

    early = [await world.step(), await world.step()]
    world.clock.turn(9)
    await world.step()

    assert [len(page.records) for page in early] == [0, 0]
    assert all(page.full for page in early)
    assert early[-1].poll_after is not None
    assert early[-1].poll_after.total_seconds() == 9
    assert [record.key for record in world.records] == ["p1"]


async def test_a_file_that_grows_while_it_is_read_is_started_anew(make: Make) -> None:
    """The old group is sealed, and closing it leaves the new file alone."""
    world = make()
    records = [product(f"p{number}", number, 1500) for number in range(1, 1501)]
    world.put("product_export90100_1.jsonl", records[:1200], age=100)
    await world.step()
    await world.step()
    path = world.put("product_export90100_1.jsonl", records)

    page = await world.step()
    old = list(page.seals)
    await world.close_sealed()
    still_there = path.exists()
    await world.read_all()

    assert len(old) == 1
    assert still_there
    assert len({record.group for record in world.records}) == 2
    assert {record.key for record in world.records} == {f"p{number}" for number in range(1, 1501)}
    report = world.report(path.name)
    assert report["counts"]["read"] == 1500
    assert report["counts"]["unchanged"] == 1000
    assert report["exports"]["90100"]["product"] == {
        "state": "complete",
        "record_of": 1500,
        "seen": 1500,
        "missing": "",
        "doubled": "",
    }


async def test_a_file_that_vanishes_while_it_is_read_ends_its_group(make: Make) -> None:
    """Nothing waits for it for ever, and its numbers have not been seen."""
    world = make()
    path = world.put("product_export90100_1.jsonl", [product(f"p{n}", n, 1500) for n in range(1, 1501)])
    await world.step()
    await world.step()
    path.unlink()

    page = await world.step()
    await world.close_sealed()

    assert len(page.seals) == 1
    assert world.cursor["files"] == {}
    assert world.report(path.name) is None


async def test_a_file_that_is_moved_back_is_read_again(make: Make) -> None:
    """Its content is known, so nothing changes; what was mended goes in. The earlier file is kept as well."""
    world = make()
    name = "product_export90100_1.jsonl"
    world.put(name, [product("p1", 1, 2), product("p2", 2, 2, tenantId="XYZ")])
    await world.read_all()
    await world.step()

    world.clock.turn(1)
    (world.folder / "done" / name).rename(world.folder / name)
    await world.read_all()
    again = world.report(name)
    world.clock.turn(1)
    await world.step()
    world.put(name, [product("p1", 1, 2), product("p2", 2, 2)])
    await world.read_all()

    assert (again["counts"]["unchanged"], again["counts"]["rejected"]) == (1, 1)
    assert world.records[-1].key == "p2"
    done = sorted(path.name for path in (world.folder / "done").iterdir())
    assert len([each for each in done if each.endswith(name)]) == 2
    latest = codec.loads(
        (world.folder / DONE / next(n for n in done if n.endswith("report.json"))).read_bytes()
    )
    assert latest["counts"]["created"] == 1


async def test_a_marked_file_stays_and_is_read_again_only_when_it_changes(make: Make) -> None:
    """The report beside it is the mark, and names the content that it is about."""
    world = make(after="mark")
    path = world.put("product_export90100_1.jsonl", [product("p1")])
    await world.read_all()
    world.restart()

    quiet = await world.step()
    seen = len(world.records)
    world.put(path.name, [product("p1", brand="Puma")], age=30)
    await world.read_all()

    assert path.exists()
    assert quiet.cursor is not None
    assert quiet.cursor["files"] == {}
    assert not quiet.full
    assert seen == 1
    assert len(world.records) == 2


async def test_a_marked_file_is_read_again_when_its_report_is_taken_away(make: Make) -> None:
    """That is how a person asks for it."""
    world = make(after="mark")
    path = world.put("product_export90100_1.jsonl", [product("p1")])
    await world.read_all()
    await world.step()

    world.clock.turn(1)
    path.with_name(path.name + ".report.json").unlink()
    await world.read_all()

    assert world.report(path.name)["counts"]["unchanged"] == 1


async def test_an_empty_file_is_done_with_a_report_of_zeros(make: Make) -> None:
    """Packed or not."""
    world = make()
    names = ["product_export90100_1.jsonl", "product_export90100_2.jsonl", "product_export90100_3.jsonl.gz"]
    world.put(names[0], b"")
    world.put(names[1], b"\xef\xbb\xbf\r\n \n")
    world.put(names[2], gzip.compress(b""))

    await world.read_all()

    assert [world.report(name)["counts"]["read"] for name in names] == [0, 0, 0]
    assert not world.bad


@pytest.mark.parametrize("cut", (-9, -300))
async def test_a_gzip_file_that_is_cut_gives_what_could_be_read(make: Make, cut: int) -> None:
    """The rest is one bad line that says so."""
    world = make()
    packed = gzip.compress(
        jsonl([product(f"p{n}", n, 200, code=os.urandom(20).hex()) for n in range(1, 201)])
    )
    world.put("product_export90100_1.jsonl.gz", packed[:cut])

    await world.read_all()

    report = world.report("product_export90100_1.jsonl.gz")
    assert len(world.records) > 150
    assert len(report["rejected"]) == 1
    assert "gzip file is cut" in report["rejected"][0]["reason"]


async def test_what_is_no_gzip_is_one_bad_line(make: Make) -> None:
    """Whatever its name says."""
    world = make()
    (world.folder / "product_export90100_1.jsonl.gz").write_bytes(jsonl([product("p1")]))
    world.clock.turn(10)

    await world.read_all()

    assert "cannot be unpacked" in world.bad[0].reason
    assert world.report("product_export90100_1.jsonl.gz")["counts"]["rejected"] == 1


async def test_other_names_are_left_alone(make: Make) -> None:
    """They are somebody else's."""
    world = make()
    for name in (
        "notes.txt",
        "product_export90100.jsonl",
        "price_export1_1.jsonl",
        "x product_export1_1.jsonl",
    ):
        world.put(name, b"anything")

    page = await world.step()

    assert not page.full
    assert page.cursor is not None
    assert page.cursor["files"] == {}
    assert len(list(world.folder.iterdir())) == 4


async def test_an_export_is_final_when_all_its_numbers_have_come_and_its_categories_have_settled(
    make: Make,
) -> None:
    """Until then a product whose category is unknown waits for it; then all that is parked is woken."""
    world = make()
    world.put("product_export90100_1.jsonl", [product("p1", 1, 2)])
    await world.read_all()
    (before,) = await world.connector.fetch([item_of(world.records[0])])
    woken_before = list(world.woken)

    world.put("product_export90100_2.jsonl", [product("p2", 2, 2)])
    world.put("category_export90100_1.jsonl", [category("c1")])
    pages = [await world.step(open_records=2) for _ in range(6)]
    (meanwhile,) = await world.connector.fetch([item_of(world.records[0])])
    (first,) = await world.connector.fetch([item_of(world.records[-2])])
    await world.close_sealed()
    await world.step(open_records=1)
    (after,) = await world.connector.fetch([item_of(world.records[0])])

    assert "final" not in before.payload
    assert woken_before == []
    assert "final" not in meanwhile.payload
    assert first.key == "c1"
    assert first.payload["final"] is True
    assert pages[-1].full
    assert after.payload["final"] is True
    assert set(world.woken) == {"*"}


async def test_an_export_that_never_completes_is_final_after_the_wait(make: Make) -> None:
    """Unmanaged categories are not exported, so waiting for ever would never end (seed 003)."""
    world = make(wait_for_export=900)
    world.put("product_export90100_1.jsonl", [product("p1", 1, 2)])
    await world.read_all()

    world.clock.turn(880)
    early = await world.step(open_records=1)
    world.clock.turn(30)
    late = await world.step(open_records=1)
    (item,) = await world.connector.fetch([item_of(world.records[0])])
    world.clock.turn(70)
    much_later = await world.step(open_records=1)

    assert early.wakes == ()
    assert early.poll_after is not None
    assert early.poll_after.total_seconds() <= 20
    assert late.wakes == ("*",)
    assert item.payload["final"] is True
    assert much_later.wakes == ()


async def test_who_parks_late_is_woken_as_well(make: Make) -> None:
    """A slice may have asked before the end and parked after it."""
    world = make()
    world.put("product_export90100_1.jsonl", [product("p1")])
    await world.read_all()
    world.clock.turn(5)

    late = await world.step(open_records=1)
    nobody = await world.step(open_records=0)

    assert late.wakes == ("*",)
    assert late.poll_after is not None
    assert nobody.wakes == ()


async def test_nothing_is_final_before_the_page_that_completes_it_is_stored(make: Make) -> None:
    """A hub that dies between the two has not let products in too early."""
    world = make()
    world.put("product_export90100_1.jsonl", [product("p1")])
    await world.step()

    page = await world.poll()
    (item,) = await world.connector.fetch([item_of(page.records[0])])

    assert "final" not in item.payload


async def test_final_shows_in_the_body(make: Make) -> None:
    """A product waits for its categories until its export has ended."""
    world = make(stock_location="warehouse-1")
    variant = {"externalSystemId": "v1", "stockOnHand": 3}
    world.put("product_export90100_1.jsonl", [product("p1", categoryIds=["c1"], variants=[variant])])
    await world.read_all()
    item = item_of(world.records[0])

    waits = world.connector.transform(item)
    (final,) = await world.connector.fetch([item])
    waits_not = world.connector.transform(final)

    assert waits["wait_for_categories"] is True
    assert "wait_for_categories" not in waits_not
    assert waits["variants"][0]["stock"][0]["location"] == "warehouse-1"


async def test_categories_of_an_export_are_managed_and_those_of_an_import_are_not(make: Make) -> None:
    """Merchstack is the system of record for what it exports (seed 003)."""
    world = make()
    imported = category("c2")
    imported["importMetaData"] = {"importId": "7", "operationType": "create"}
    del imported["exportMetaData"]
    world.put("category_export90100_1.jsonl", [category("c1")])
    world.put("category_import7_1.jsonl", [imported])

    await world.read_all()

    bodies = [world.connector.transform(item_of(record)) for record in world.records]
    assert not world.bad
    assert {body["key"]: body["managed"] for body in bodies} == {"c1": True, "c2": False}


async def test_the_same_content_in_another_export_is_known_already(make: Make) -> None:
    """The hash is of the content and the operation alone."""
    world = make()
    world.put("category_export1_1.jsonl", [category("c1", export="1")])
    world.put("category_export2_1.jsonl", [category("c1", 4, 9, export="2")])
    world.put("category_export3_1.jsonl", [category("c1", export="3", metadata={"operationType": "delete"})])

    await world.read_all()

    hashes = [record.content_hash for record in world.records]
    assert hashes[0] == hashes[1]
    assert hashes[2] != hashes[0]
    assert world.report("category_export2_1.jsonl")["counts"]["unchanged"] == 1


async def test_an_id_that_comes_twice_is_told_and_the_last_line_is_last(make: Make) -> None:
    """The ledger takes them in their order."""
    world = make()
    world.put(
        "product_export90100_1.jsonl",
        [product("p1", 1, 3, brand="old"), product("p2", 2, 3), product("p1", 3, 3, brand="new")],
    )

    await world.read_all()

    brands = [record.payload["record"].get("brand") for record in world.records if record.key == "p1"]
    warnings = world.report("product_export90100_1.jsonl")["warnings"]
    assert brands == ["old", "new"]
    assert [warning["text"] for warning in warnings] == ["line 1 was replaced by line 3"]


async def test_a_category_that_is_its_own_ancestor_is_refused_and_the_others_go_in(make: Make) -> None:
    """Every member of the cycle, by its line; what hangs below waits for a parent."""
    world = make()
    world.put(
        "category_export90100_1.jsonl",
        [
            category("a", 1, 5, externalSystemParentId="c"),
            category("b", 2, 5, externalSystemParentId="a"),
            category("c", 3, 5, externalSystemParentId="b"),
            category("below", 4, 5, externalSystemParentId="a"),
            category("self", 5, 5, externalSystemParentId="self"),
        ],
    )

    await world.read_all()

    report = world.report("category_export90100_1.jsonl")
    assert [record.key for record in world.records] == ["below"]
    assert [each["line"] for each in report["rejected"]] == [1, 2, 3, 5]
    assert {each["field"] for each in report["rejected"]} == {"externalSystemParentId"}
    assert report["exports"]["90100"]["category"]["state"] == "complete"


async def test_a_record_of_another_store_is_refused_where_one_is_set(make: Make) -> None:
    """And taken where none is."""
    world = make(store_id="123")
    world.put("product_export90100_1.jsonl", [product("p1", 1, 2), product("p2", 2, 2, storeId="999")])

    await world.read_all()

    assert [record.key for record in world.records] == ["p1"]
    assert "settings.store_id" in world.bad[0].reason


async def test_a_line_that_is_too_long_is_skipped_unread(make: Make) -> None:
    """However long it is; the lines around it go in."""
    world = make(max_line_bytes=2048)
    long = product("p2", 2, 3, brand="x" * 5_000_000)
    world.put("product_export90100_1.jsonl", [product("p1", 1, 3), long, product("p3", 3, 3)])

    await world.read_all()

    report = world.report("product_export90100_1.jsonl")
    assert [record.key for record in world.records] == ["p1", "p3"]
    assert [record.payload["line"] for record in world.records] == [1, 3]
    assert "max_line_bytes" in report["rejected"][0]["reason"]
    assert report["rejected"][0]["line"] == 2


async def test_thousands_of_bad_lines_are_counted_and_a_thousand_listed(make: Make) -> None:
    """A document holds a mebibyte."""
    world = make()
    world.put("product_export90100_1.jsonl", b"no json \xff\n" * 3000)

    await world.read_all()

    report = world.report("product_export90100_1.jsonl")
    assert report["counts"]["rejected"] == 3000
    assert len(report["rejected"]) == 1000
    assert report["rejected_not_listed"] == 2000


async def test_check_counts_what_waits(make: Make) -> None:
    """Without reading it."""
    world = make()
    world.put("product_export90100_1.jsonl", b"")
    world.put("readme.txt", b"")

    result = await world.connector.check()

    assert result.facts == {"url": str(world.folder), "files_waiting": 1, "other_files": 1}


async def test_check_names_the_setting_where_there_is_no_folder(make: Make) -> None:
    """And what to do."""
    world = make(url="/nowhere/at/all")

    with pytest.raises(ConfigurationError, match=r"settings\.url.*create it"):
        await world.connector.check()


async def test_check_refuses_a_folder_without_the_right_to_write(plain_users_folder: Path) -> None:
    """No report could be written and no file moved; done/ counts as well, and nothing is written to find out."""
    world = World(folder=plain_users_folder)
    await world.connector.check()
    assert not list(world.folder.iterdir())
    done = plain_users_folder / "done"
    done.mkdir()

    for place in (done, plain_users_folder):
        place.chmod(0o500)
        with pytest.raises(ConfigurationError, match=rf"settings\.url: {place} may not be written to; give"):
            await world.connector.check()


async def test_a_file_that_may_not_be_read_is_left_alone_until_it_may(plain_users_folder: Path) -> None:
    """The others go on; it is told of once, with its name and what to do, and read when its rights are mended."""
    world = World(folder=plain_users_folder)
    locked = world.put("product_export90100_1.jsonl", [product("p1", 1, 2)])
    world.put("product_export90100_2.jsonl", [product("p2", 2, 2)])
    locked.chmod(0)

    check = await world.connector.check()
    await world.read_all()
    page = await world.step()
    (bad,) = world.bad

    assert [record.key for record in world.records] == ["p2"]
    assert world.report("product_export90100_2.jsonl")["counts"]["created"] == 1
    assert not page.full
    assert bad.stream == "product"
    assert bad.reason.startswith("product_export90100_1.jsonl may not be read; give the user")
    assert [*check.warnings] == [bad.reason.replace(locked.name, f'"{locked.name}"')]
    locked.chmod(0o600)
    await world.read_all()
    assert [record.key for record in world.records] == ["p2", "p1"]
    assert len(world.bad) == 1
    assert "locked" not in world.cursor


async def test_a_file_whose_rights_go_while_it_is_read_does_not_fail_the_connection(
    plain_users_folder: Path,
) -> None:
    """The poll is tried again, and says which file; the setting is not to blame."""
    file = World(folder=plain_users_folder).put("product_export90100_1.jsonl", [product("p1")])
    location = Location.open(str(plain_users_folder), None)
    file.chmod(0)

    with pytest.raises(RetryableError, match=r'"product_export90100_1.jsonl" may not be read; give') as error:
        await location.read(file.name, start=0, length=1)

    assert "settings.url" not in str(error.value)
    assert "Generic" not in str(error.value)


async def test_two_ways_to_write_a_folder_are_one_poll_target(make: Make, tmp_path: Path) -> None:
    """So that no two connections read the same files."""
    (tmp_path / "link").symlink_to(tmp_path / "inbox")
    folder = tmp_path / "inbox"

    targets = {
        make(url=url).connector.poll_target()
        for url in (f"{folder}", f"{folder}/", f"file://{folder}", f"{tmp_path}/link", f"{folder}/../inbox")
    }

    assert len(targets) == 1


@pytest.mark.parametrize(
    "group", ("group", "x@y@z", "product_export1_1.jsonl", "../product_export1_1.jsonl@a@1")
)
async def test_a_group_that_is_no_file_of_ours_closes_without_a_trace(make: Make, group: str) -> None:
    """Nothing is written for it."""
    world = make()

    await world.connector.close_group(world.tally(group))

    assert list(world.folder.iterdir()) == []


async def test_the_cursor_forgets_files_that_are_done(make: Make) -> None:
    """And, after a day of silence, their exports."""
    world = make()
    for number in range(1, 6):
        world.put(f"product_export90100_{number}.jsonl", [product(f"p{number}", number, 5)])
    await world.read_all()

    await world.step()
    files = dict(world.cursor["files"])
    world.clock.turn(25 * 3600)
    await world.step()

    assert files == {}
    assert world.cursor["exports"] == {}
    assert codec.loads(world.documents.texts["exports"]) == {}


async def test_a_crowd_of_files_does_not_swell_the_cursor(make: Make) -> None:
    """It holds those that are next; the others have their turn, in the same order."""
    world, crowd = make(), MOST_WAITING + 20
    for number in range(1, crowd + 1):
        world.put(f"product_export1_{number}.jsonl", [product(f"p{number}", number, crowd, export="1")])
    world.put("category_export1_1.jsonl", [category("c1", export="1")])

    await world.step()
    waiting = len(world.cursor["files"])
    await world.read_all()

    assert waiting == MOST_WAITING
    assert [record.key for record in world.records] == [
        "c1",
        *(f"p{number}" for number in range(1, crowd + 1)),
    ]


async def test_a_crowd_of_exports_is_not_followed_but_goes_in(make: Make) -> None:
    """Their records wait by the clock alone, and are woken then."""
    world = make(wait_for_export=100)
    lines = [product(f"p{number}", 1, 2, export=f"e{number}") for number in range(MOST_EXPORTS + 50)]
    world.put("product_export1_1.jsonl", lines)

    await world.read_all()
    followed = len(world.cursor["exports"])
    world.clock.turn(101)
    page = await world.step(open_records=1)
    (last,) = await world.connector.fetch([item_of(world.records[-1])])

    assert len(world.records) == MOST_EXPORTS + 50
    assert followed == MOST_EXPORTS
    assert page.wakes == ("*",)
    assert last.payload["final"] is True
    assert "untracked_at" not in world.cursor


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """One file of an export, and what happens once it is there."""

    name: str
    records: Sequence[JSON]
    then: Sequence[str]


ACTIONS = st.lists(st.sampled_from(("lost", "restart", "step", "close")), max_size=6)
SIZES = st.lists(st.tuples(st.integers(0, 30), st.booleans(), ACTIONS), min_size=1, max_size=4)


@st.composite
def arrivals(draw: st.DrawFn) -> Sequence[Arrival]:
    """The files of one export, plain or gzip, in any order."""
    files = draw(SIZES)
    total = sum(size for size, _, _ in files)
    numbers = iter(range(1, total + 1))
    come = [
        Arrival(
            name=f"product_export9_{place}.jsonl{'.gz' if packed else ''}",
            records=[product(f"p{n}", n, total, export="9") for n in islice(numbers, size)],
            then=then,
        )
        for place, (size, packed, then) in enumerate(files, start=1)
    ]
    return draw(st.permutations(come))


@settings(max_examples=25, deadline=None)
@given(files=arrivals(), after=st.sampled_from(("move", "mark")))
async def test_files_in_any_order_with_crashes_give_every_record_once(
    files: Sequence[Arrival], after: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Files come one after the other, in any order; polls are lost; processes begin anew. The export completes."""
    world = World(folder=tmp_path_factory.mktemp("inbox"), settings={"after": after})

    for file in files:
        world.put(file.name, file.records)
        for action in file.then:
            match action:
                case "lost":
                    await world.poll()
                case "restart":
                    world.restart()
                case "step":
                    await world.step()
                case "close":
                    await world.close_sealed()
    await world.read_all()

    keys = sorted(record["externalSystemId"] for file in files for record in file.records)
    assert sorted(record.key for record in world.records) == keys
    assert all(world.report(file.name)["counts"]["created"] == len(file.records) for file in files)
    if keys:
        assert world.cursor["exports"]["9"]["types"]["product"]["of"] == [len(keys)]
        assert "product" in world.cursor["exports"]["9"]["final"]
