"""Who waits for whom, over the whole hub: products for categories, children for parents, all for the end of an export."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from itertools import permutations
from pathlib import Path

import pytest

from hub.store.catalog import listing
from tests.connectors.merchstack.import_world import category, jsonl, product
from tests.loop.hub_of_a_test import Hub
from tests.merchstack.shop import Inbox, TurnedMerchstack, everything, work_to_the_end

#: Turns the connector's clock by so many seconds.
Turn = Callable[[float], None]

FIRST, SECOND = "product_export90100_1.jsonl", "product_export90100_2.jsonl"


@pytest.fixture
def turn(monkeypatch: pytest.MonkeyPatch) -> Turn:
    def turn(seconds: float) -> None:
        monkeypatch.setattr(TurnedMerchstack, "turned", TurnedMerchstack.turned + timedelta(seconds=seconds))

    return turn


def unresolved(inbox: Inbox, kind: str, key: str) -> list[str]:
    """Categories that it names and nobody knows."""
    found = listing.shown(inbox.hub.db, inbox.tenant_id, kind, key)
    assert found is not None
    return list(found["unresolved_categories"])


async def test_a_product_waits_until_its_export_is_complete_and_goes_in_with_a_warning(inbox: Inbox) -> None:
    """The id stays as an unresolved link."""
    inbox.put(FIRST, [product("p1", 1, 3, categoryIds=["c1"]), product("p2", 2, 3)])
    await inbox.run()
    waiting = inbox.states
    before = inbox.keys()
    reports_before = inbox.reports(FIRST)
    inbox.put(SECOND, [product("p3", 3, 3)])
    await inbox.run()

    assert waiting == {"p1": "parked", "p2": "success"}
    assert before == {"p2"}
    assert reports_before == []
    assert inbox.catalog()["p1"]["categories"] == ["c1"]
    assert unresolved(inbox, "product", "p1") == ["c1"]
    report = inbox.report(FIRST)
    assert report["counts"]["created"] == 2
    assert [(each["line"], each["key"]) for each in report["warnings"]] == [(1, "p1")]
    assert "nobody knows the category c1" in report["warnings"][0]["text"].replace('"', "")
    assert report["exports"]["90100"]["product"]["state"] == "complete"


async def test_the_link_resolves_when_the_category_comes_later(inbox: Inbox) -> None:
    """In another export, and the product need not come again."""
    inbox.put(FIRST, [product("p1", categoryIds=["c1"])])
    await inbox.run()
    before = unresolved(inbox, "product", "p1")
    inbox.put("category_export90200_1.jsonl", [category("c1", export="90200")])
    await inbox.run()

    assert before == ["c1"]
    assert unresolved(inbox, "product", "p1") == []


async def test_a_category_that_comes_in_time_ends_the_wait_without_a_warning(inbox: Inbox) -> None:
    """Although the export is not complete."""
    inbox.put(FIRST, [product("p1", 1, 2, categoryIds=["c1"])])
    await inbox.run()
    inbox.put("category_export90100_1.jsonl", [category("c1", 1, 2)])
    await inbox.run()

    assert inbox.states == {"p1": "success", "c1": "success"}
    assert inbox.report(FIRST)["warnings"] == []


async def test_the_wait_ends_although_the_export_is_incomplete(inbox: Inbox, turn: Turn) -> None:
    """After ``wait_for_export``, and not before: unmanaged categories are never exported."""
    inbox.put(FIRST, [product("p1", 1, 2, categoryIds=["c1"])])
    inbox.put("category_export90100_1.jsonl", [category("child", 1, 2, externalSystemParentId="nobody's")])
    await inbox.run()
    turn(890)
    await inbox.run()
    early = inbox.states
    turn(20)
    await inbox.run()

    assert early == {"p1": "parked", "child": "parked"}
    assert inbox.states == {"p1": "success", "child": "success"}
    assert unresolved(inbox, "product", "p1") == ["c1"]
    assert unresolved(inbox, "category", "child") == ["nobody's"]
    report = inbox.report(FIRST)
    assert report["exports"]["90100"]["product"] == {
        "state": "incomplete",
        "record_of": 2,
        "seen": 1,
        "missing": "2",
        "doubled": "",
    }
    assert [each["key"] for each in report["warnings"]] == ["p1"]


async def test_the_wait_is_a_setting(hub: Hub, tmp_path: Path, turn: Turn) -> None:
    """In seconds."""
    inbox = await Inbox.connect(hub, tmp_path / "inbox", wait_for_export=5)
    inbox.put(FIRST, [product("p1", 1, 2, categoryIds=["c1"])])
    await inbox.run()
    before = inbox.states
    turn(6)
    await inbox.run()

    assert (before, inbox.states) == ({"p1": "parked"}, {"p1": "success"})


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_parents_come_before_children_over_files_in_any_order(
    inbox: Inbox, order: tuple[int, ...]
) -> None:
    """Each file is imported before the next one comes; in the end the tree is whole, and every file is done once."""
    files = {
        "product_export90100_1.jsonl": [product("p1", categoryIds=["leaf", "root"])],
        "category_export90100_1.jsonl": [
            category("leaf", 1, 3, externalSystemParentId="branch"),
            category("branch", 2, 3, externalSystemParentId="root"),
        ],
        "category_export90100_2.jsonl": [category("root", 3, 3, isRoot=True)],
    }
    names = list(files)
    for number in order:
        inbox.put(names[number], files[names[number]])
        await inbox.run()

    assert set(inbox.states.values()) == {"success"}
    assert inbox.catalog("category")["leaf"]["path"] == ["root", "branch", "leaf"]
    assert unresolved(inbox, "product", "p1") == []
    assert [len(inbox.reports(name)) for name in names] == [1, 1, 1]
    assert [inbox.report(name)["counts"]["created"] for name in names] == [1, 2, 1]


async def test_files_that_are_there_at_once_bring_parents_before_children(inbox: Inbox) -> None:
    """No record is ever told to wait for what came with it, and none is pushed twice."""
    inbox.put("product_export1_1.jsonl", [product("p1", export="1", categoryIds=["leaf"])])
    inbox.put("category_export1_1.jsonl", [category("leaf", 1, 2, export="1", externalSystemParentId="root")])
    inbox.put("category_export1_2.jsonl", [category("root", 2, 2, export="1")])

    await inbox.run()

    assert inbox.states == {"leaf": "success", "root": "success", "p1": "success"}
    assert inbox.catalog("category")["leaf"]["path"] == ["root", "leaf"]
    assert inbox.report("product_export1_1.jsonl")["warnings"] == []


@pytest.mark.parametrize("names", ((FIRST, SECOND), (SECOND, FIRST)))
async def test_the_same_file_twice_changes_nothing(inbox: Inbox, names: tuple[str, str]) -> None:
    """In any order of the files; the second report counts every record as unchanged."""
    files = {FIRST: [product("p1", 1, 2, brand="a")], SECOND: [product("p2", 2, 2, brand="b")]}
    for name in names:
        inbox.put(name, files[name])
        await inbox.run()
    first = everything(inbox.hub.db, inbox.tenant_id)
    for name in reversed(names):
        inbox.put(name, files[name])
    await inbox.run()

    assert everything(inbox.hub.db, inbox.tenant_id) == first
    for name in names:
        created, repeated = (report["counts"] for report in inbox.reports(name))
        assert (created["created"], created["unchanged"]) == (1, 0)
        assert (repeated["read"], repeated["created"], repeated["unchanged"]) == (1, 0, 1)
        assert inbox.report(name)["exports"]["90100"]["product"]["state"] == "complete"
        assert inbox.report(name)["warnings"] == []


async def test_a_file_that_grows_while_it_is_read_goes_in_whole(inbox: Inbox) -> None:
    """What was read of it is started anew; one report, of the whole file, and every record once."""
    records = [product(f"p{number}", number, 2400) for number in range(1, 2401)]
    path = inbox.put(FIRST, records[:2200])
    for _ in range(2):  # it is looked at, then its first page is read
        await inbox.hub.poll(inbox.name)
    with path.open("ab") as file:
        file.write(jsonl(records[2200:]))
    await inbox.run()

    assert inbox.keys() == {f"p{number}" for number in range(1, 2401)}
    assert not path.exists()
    assert len(inbox.reports(FIRST)) == 1
    counts = inbox.report(FIRST)["counts"]
    assert (counts["read"], counts["rejected"]) == (2400, 0)
    assert counts["created"] + counts["unchanged"] == 2400
    assert inbox.report(FIRST)["exports"]["90100"]["product"]["doubled"] == ""


async def test_a_file_is_not_read_while_somebody_writes_it(hub: Hub, tmp_path: Path, turn: Turn) -> None:
    """As long as it keeps changing it is not quiet."""
    inbox = await Inbox.connect(hub, tmp_path / "inbox", quiet_seconds=30)
    path = inbox.put(FIRST, [product("p1", 1, 2)])
    for size in (1, 2):
        os.utime(path)
        for _ in range(3):
            outcome = await hub.poll(inbox.name)
            assert (outcome.polled, outcome.full) == (0, True)
        if size == 1:
            with path.open("ab") as file:
                file.write(jsonl([product("p2", 2, 2)])[:-20])
        turn(20)
    with path.open("ab") as file:
        file.write(jsonl([product("p2", 2, 2)])[-20:])
    await hub.poll(inbox.name)
    turn(31)
    await work_to_the_end(hub, inbox.name)

    assert inbox.keys() == {"p1", "p2"}
    assert inbox.report(FIRST)["rejected"] == []
