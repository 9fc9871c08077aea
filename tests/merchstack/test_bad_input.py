"""Bad input over the whole hub: what is good goes in, what is bad stands in the report, and mending repairs it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.connectors.merchstack.import_world import jsonl, product
from tests.loop.hub_of_a_test import Hub
from tests.merchstack.bad_files import CASES, CATEGORIES, FILE, MORE_CATEGORIES, Case, three, tree
from tests.merchstack.shop import Inbox

ZEROS = dict.fromkeys(("created", "updated", "unchanged", "rejected", "dead", "superseded", "discarded"), 0)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_bad_input_costs_nothing_else_and_mending_repairs_it(
    hub: Hub, tmp_path: Path, case: Case
) -> None:
    """Line, key, field and reason in the report; the mended file's report has nothing to say."""
    inbox = await Inbox.connect(hub, tmp_path / "inbox", **{"wait_for_export": 0, **case.settings})
    for name, content in case.files.items():
        inbox.put(name, content)
    await inbox.run()
    bad, keys = inbox.report(case.file), inbox.keys(case.kind)
    for name, content in case.mended.items():
        inbox.put(name, content)
    await inbox.run()
    mended = inbox.report(case.file)

    assert keys == set(case.keys)
    assert [(each["line"], each["key"], each["field"]) for each in bad["rejected"]] == [
        rejection[:3] for rejection in case.rejected
    ]
    for each, (*_, reason) in zip(bad["rejected"], case.rejected, strict=True):
        assert reason in each["reason"]
    for text in case.warned:
        assert any(text in each["text"] for each in bad["warnings"]), text
    assert bad["counts"]["rejected"] == len({line for line, *_ in case.rejected})
    assert inbox.keys(case.kind) == set(case.all_keys)
    assert (mended["rejected"], mended["warnings"]) == ([], [])
    counts = mended["counts"]
    assert counts["read"] == counts["created"] + counts["updated"] + counts["unchanged"] == len(case.all_keys)
    assert not list(inbox.folder.glob("*.jsonl*"))


async def test_the_last_of_two_lines_with_one_id_counts(inbox: Inbox) -> None:
    """Whatever became of the first one."""
    inbox.put(FILE, jsonl([*three(brand="first"), product("b", 4, 4, brand="last")]))
    await inbox.run()

    assert inbox.catalog()["b"]["brand"] == "last"
    counts = inbox.report(FILE)["counts"]
    assert counts == {**ZEROS, **counts, "read": 4, "rejected": 0, "dead": 0}
    assert sum(counts.values()) == 8


@pytest.mark.parametrize(("together", "refused"), ((True, ["b", "c"]), (False, ["c"])))
async def test_a_ring_over_two_files_is_refused(inbox: Inbox, together: bool, refused: list[str]) -> None:
    """All of it where it comes at once; else the one that would close it. Mending one link repairs it."""
    inbox.put(CATEGORIES, tree(a="", b="c"))
    if not together:
        await inbox.run()
    inbox.put(MORE_CATEGORIES, tree(c="b", z="a"))
    await inbox.run()
    rejected = [*inbox.report(CATEGORIES)["rejected"], *inbox.report(MORE_CATEGORIES)["rejected"]]
    keys = inbox.keys("category")
    inbox.put(CATEGORIES, tree(a="", b="a"))
    inbox.put(MORE_CATEGORIES, tree(c="b", z="a"))
    await inbox.run()

    assert [each["key"] for each in rejected] == refused
    assert {each["field"] for each in rejected} == {"externalSystemParentId"}
    assert "would make this category its own ancestor" in rejected[0]["reason"]
    assert keys == {"a", "b", "c", "z"} - set(refused)
    assert inbox.keys("category") == {"a", "b", "c", "z"}
    assert inbox.catalog("category")["c"]["path"] == ["a", "b", "c"]
    assert inbox.report(CATEGORIES)["rejected"] == inbox.report(MORE_CATEGORIES)["rejected"] == []


async def test_a_file_of_more_than_a_thousand_records_goes_in_with_a_warning(inbox: Inbox) -> None:
    """Nothing of it is lost."""
    records = [product(f"p{number}", number, 1003) for number in range(1, 1004)]
    inbox.put(FILE, jsonl(records))
    await inbox.run()
    inbox.put(FILE, jsonl(records[:1000]))
    inbox.put("product_export90100_2.jsonl", jsonl(records[1000:]))
    await inbox.run()

    first, mended = inbox.reports(FILE)
    assert len(inbox.keys()) == first["counts"]["created"] == 1003
    assert [each["text"] for each in first["warnings"]] == [
        "the file holds 1003 records; Merchstack writes 1000 at most"
    ]
    assert (mended["counts"]["unchanged"], mended["warnings"]) == (1000, [])


async def test_names_with_path_tricks_are_left_alone(inbox: Inbox, tmp_path: Path) -> None:
    """Neither read nor moved, nor is anything written where they point; a good file beside them goes in."""
    outside = tmp_path / "outside"
    outside.mkdir()
    secret = outside / "product_export2_1.jsonl"
    secret.write_bytes(jsonl([product("secret")]))
    tricks = [
        "..%2fproduct_export1_1.jsonl",
        "product_export..%2f..%2f1_1.jsonl",
        "product_export.._1.jsonl",
        "product_export1@2_1.jsonl",
        "product_export1_1.jsonl\n.jsonl",
        "Product_export1_1.jsonl",
    ]
    for name in tricks:
        inbox.put(name, [product(name)])
    (inbox.folder / "product_export2_1.jsonl").symlink_to(secret)
    (inbox.folder / "product_export3_1.jsonl").mkdir()
    (inbox.folder / "product_export3_1.jsonl" / "product_export4_1.jsonl").write_bytes(
        jsonl([product("deep")])
    )
    inbox.put(FILE, [product("a")])
    before = _paths(tmp_path)
    await inbox.run()
    after = _paths(tmp_path)

    assert inbox.keys() == {"a"}
    assert {str(path.relative_to(inbox.folder)) for path in after - before} == {
        "done",
        f"done/{FILE}",
        f"done/{FILE}.report.json",
    }
    assert before - after == {inbox.folder / FILE}
    assert sorted(path.name for path in outside.iterdir()) == [secret.name]


async def test_a_folder_where_reports_go_that_leads_elsewhere_is_not_followed(
    hub: Hub, tmp_path: Path
) -> None:
    """The records go in; nothing is written outside, and the file stays until the way is clear."""
    outside = tmp_path / "outside"
    outside.mkdir()
    inbox = await Inbox.connect(hub, tmp_path / "inbox")
    (inbox.folder / "done").symlink_to(outside)
    inbox.put(FILE, [product("a")])
    await inbox.run()
    inside = [path.name for path in outside.iterdir()]
    (inbox.folder / "done").unlink()
    await inbox.run()

    assert inside == []
    assert inbox.keys() == {"a"}
    assert inbox.report(FILE)["counts"]["created"] == 1


def _paths(folder: Path) -> set[Path]:
    """Everything but the hub's own."""
    return {path for path in folder.rglob("*") if "home" not in path.parts}
