"""Documents of a plugin that several processes write at once, on both databases."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from hub.errors import ConfigurationError
from hub.records import JSON
from hub.store.database import Database
from hub.store.plugin_ports import DOCUMENT_LIMIT, StoredDocuments

WRITERS, TIMES = 2, 40


@pytest.fixture
def writers(database_url: str) -> Iterator[list[StoredDocuments]]:
    databases = [Database(database_url) for _ in range(WRITERS)]
    yield [StoredDocuments(db, tenant_id=1, connection_id=1) for db in databases]
    for db in databases:
        db.close()


def one_more(document: JSON | None) -> JSON:
    """Counts."""
    return {"count": (document or {"count": 0})["count"] + 1}


async def test_no_change_is_lost_where_two_write_at_once(writers: list[StoredDocuments]) -> None:
    """Also the first one, when there is nothing to lock yet."""

    async def change(documents: StoredDocuments) -> None:
        for number in range(TIMES):
            await documents.change(f"of round {number}", one_more)
            await documents.change("of all", one_more)

    await asyncio.gather(*(change(one) for one in writers))

    assert await writers[0].get("of all") == {"count": WRITERS * TIMES}
    assert {(await writers[0].get(f"of round {number}") or {})["count"] for number in range(TIMES)} == {
        WRITERS
    }


async def test_a_change_may_leave_things_as_they_are(writers: list[StoredDocuments]) -> None:
    """What was not there is not there afterwards."""
    documents, _ = writers
    seen: list[JSON | None] = []

    await documents.change("new", seen.append)
    await documents.put("old", {"a": 1})
    await documents.change("old", seen.append)

    assert seen == [None, {"a": 1}]
    assert (await documents.get("new"), await documents.get("old")) == (None, {"a": 1})


async def test_a_change_that_is_too_large_changes_nothing(writers: list[StoredDocuments]) -> None:
    """And says which document it is."""
    documents, other = writers
    await documents.put("of all", {"a": 1})

    with pytest.raises(ConfigurationError, match="of all"):
        await documents.change("of all", lambda _: {"a": "x" * DOCUMENT_LIMIT})

    assert await other.get("of all") == {"a": 1}
    await other.change("of all", lambda _: {"a": 2})
    assert await other.get("of all") == {"a": 2}
