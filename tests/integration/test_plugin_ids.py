"""The id map of a plugin, page by page, on both databases."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hub.store.database import Database
from hub.store.plugin_ports import StoredIdMap

KEYS = [f"k{number:02}" for number in range(7)]


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.close()


def ids_of(db: Database, connection_id: int = 1) -> StoredIdMap:
    return StoredIdMap(db, tenant_id=1, connection_id=connection_id)


async def test_all_ids_of_a_kind_come_page_by_page(db: Database) -> None:
    """Each once, in order, whatever order they were written in; the last page is not full."""
    ids = ids_of(db)
    await ids.put("shoe", {key: f"of {key}" for key in reversed(KEYS)})

    pages = [await ids.page("shoe", limit=3)]
    while len(pages[-1]) == 3:
        pages.append(await ids.page("shoe", after=list(pages[-1])[-1], limit=3))

    assert [len(page) for page in pages] == [3, 3, 1]
    assert [one for page in pages for one in page.items()] == [(key, f"of {key}") for key in KEYS]


async def test_a_page_holds_nothing_of_another_kind_or_connection(db: Database) -> None:
    """Nor what was forgotten."""
    ids = ids_of(db)
    await ids.put("shoe", {"mine": "1", "gone": "2"})
    await ids.put("hat", {"other kind": "3"})
    await ids_of(db, connection_id=2).put("shoe", {"other connection": "4"})
    await ids.remove("shoe", ["gone"])

    assert await ids.page("shoe") == {"mine": "1"}
    assert await ids.page("sock") == {}


async def test_keys_of_any_letters_come_once(db: Database) -> None:
    """In whatever order the store has them, no page repeats or skips one."""
    ids = ids_of(db)
    keys = {"a", "B", "ä", "Z-1", "z_1", "z 1", "1", "é", "ß", "ss", "日本"}
    await ids.put("shoe", dict.fromkeys(keys, "x"))

    found: list[str] = []
    while page := await ids.page("shoe", after=found[-1] if found else "", limit=2):
        found += page

    assert len(found) == len(keys)
    assert set(found) == keys
