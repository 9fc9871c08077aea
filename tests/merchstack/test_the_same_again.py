"""An unchanged statement is no news: it undoes nothing that another connection has said since."""

from __future__ import annotations

from pathlib import Path

from hub.store.ledger import letters
from tests.connectors.merchstack.import_world import category, product
from tests.loop.hub_of_a_test import Hub
from tests.merchstack.shop import Inbox

FIRST, SECOND, THIRD = (f"product_export9010{number}_1.jsonl" for number in range(3))


async def test_content_that_comes_again_is_not_applied_over_what_another_connection_said(
    hub: Hub, tmp_path: Path
) -> None:
    """Whatever the file is called; other content is applied."""
    inbox = await Inbox.connect(hub, tmp_path / "a")
    other = await Inbox.connect(hub, tmp_path / "b", name="other", owns=[])
    inbox.put(FIRST, [product("p", brand="ours")])
    await inbox.run()
    other.put(FIRST, [product("p", brand="theirs")])
    await other.run()

    inbox.put(SECOND, [product("p", brand="ours")])
    await inbox.run()
    after_the_same = inbox.catalog()["p"]["brand"]
    inbox.put(THIRD, [product("p", brand="ours", enabled=False)])
    await inbox.run()

    assert after_the_same == "theirs"
    assert inbox.report(SECOND)["counts"]["unchanged"] == 1
    assert inbox.catalog()["p"]["brand"] == "ours"


async def test_who_owns_a_part_need_not_say_it_again(hub: Hub, tmp_path: Path) -> None:
    """What others say of it never goes in."""
    inbox = await Inbox.connect(hub, tmp_path / "a")
    other = await Inbox.connect(hub, tmp_path / "b", name="other", owns=[])
    inbox.put("category_export1_1.jsonl", [category("c", enabled=True)])
    await inbox.run()

    other.put("category_export1_1.jsonl", [category("c", enabled=False)])
    await other.run()

    assert inbox.catalog("category")["c"]["enabled"] is True
    assert other.report("category_export1_1.jsonl")["counts"]["unchanged"] == 1


async def test_a_record_that_was_skipped_is_applied_when_it_is_replayed(hub: Hub, tmp_path: Path) -> None:
    """A person has decided."""
    inbox = await Inbox.connect(hub, tmp_path / "a")
    other = await Inbox.connect(hub, tmp_path / "b", name="other", owns=[])
    for each, file, brand in ((inbox, FIRST, "x"), (other, FIRST, "x"), (inbox, SECOND, "y")):
        each.put(file, [product("p", brand=brand)])
        await each.run()
    skipped = other.states

    letters.replay(hub.db, hub.row("p", "other")["id"])
    await hub.work_off("other")

    assert skipped == {"p": "skipped"}
    assert inbox.catalog()["p"]["brand"] == "x"
