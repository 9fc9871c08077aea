"""The history of a connection's records as a plugin reads it, on both databases."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hub.connector import HistoryPage, PastRecord
from hub.errors import ConfigurationError
from hub.records import Page, Parked, Record, Rejected, Retry, Success
from hub.store.database import Database
from hub.store.plugin_ports import StoredLedger
from hub.store.rows import OPEN_STATES
from tests.loop.hub_of_a_test import Hub, Script, Scripted

DAY = datetime(2026, 3, 1, tzinfo=UTC)
_COLUMNS = (
    "tenant_id",
    "connection_id",
    "stream",
    "key",
    "order_key",
    "content_hash",
    "payload",
    "state",
    "number",
    "due_at",
    "attempts",
    "total_attempts",
    "lost_claims",
    "report_attempts",
    "report_state",
    "admitted_at",
    "settled_at",
)


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.close()


def insert(db: Database, *records: tuple[str, str, float], connection: int = 1) -> None:
    """Records as (key, state, minutes of ``DAY`` at which they settled or came)."""
    rows: list[tuple[Any, ...]] = []
    for key, state, minute in records:
        at = round((DAY + timedelta(minutes=minute)).timestamp() * 1_000_000)
        settled = None if state in OPEN_STATES else at
        fixed = (1, connection, "offers", key, key, "", f'{{"sku":"{key}"}}', state, 1, 0, 0, 0, 0, 0, "none")
        rows.append((*fixed, at, settled))
    with db.transaction() as tx:
        db.insert_new(tx, "record", _COLUMNS, rows)


async def all_pages(ledger: StoredLedger, limit: int, **asked: Any) -> list[PastRecord]:
    """Whatever number of pages it takes."""
    pages: list[HistoryPage] = []
    while not pages or pages[-1].cursor is not None:
        pages.append(await ledger.history(after=pages[-1].cursor if pages else None, limit=limit, **asked))
        assert len(pages[-1].records) <= limit
    return [record for page in pages for record in page.records]


def ledger_of(db: Database, connection: int = 1) -> StoredLedger:
    return StoredLedger(db, tenant_id=1, connection_id=connection)


def keys(records: Sequence[PastRecord]) -> list[str]:
    return [record.key for record in records]


@pytest.mark.parametrize("limit", (1, 2, 3, 100))
async def test_records_come_page_by_page_in_either_order(db: Database, limit: int) -> None:
    """Open ones are the newest; those that settled at one moment come each once."""
    settled = [("a", "success", 1), ("b", "rejected", 3), ("c", "dead", 3), ("d", "skipped", 2)]
    insert(db, *settled, ("e", "waiting", 0), ("f", "parked", 5))
    ledger = ledger_of(db)

    newest = await all_pages(ledger, limit)
    oldest = await all_pages(ledger, limit, newest_first=False)

    assert keys(newest) == ["f", "e", "c", "b", "d", "a"]
    assert keys(oldest) == ["a", "d", "b", "c", "e", "f"]


async def test_a_day_has_its_own_records_alone(db: Database) -> None:
    """From its first moment on and before its end, of this connection and in the wanted states."""
    insert(db, ("first", "success", 0), ("last", "rejected", 1439.9), ("after", "success", 1440))
    insert(
        db,
        ("before", "success", -0.1),
        ("open", "parked", 7),
        ("open before", "parked", -7),
        ("open after", "parked", 1440),
    )
    insert(db, ("other", "success", 5), connection=2)
    ledger = ledger_of(db)
    day = {"since": DAY, "until": DAY + timedelta(days=1)}

    assert keys(await all_pages(ledger, 2, **day)) == ["open", "last", "first"]
    assert keys(await all_pages(ledger, 2, states=["rejected", "parked"], **day)) == ["open", "last"]
    assert await all_pages(ledger, 2, states=[], **day) == []


async def test_what_is_no_state_or_cursor_is_refused(db: Database) -> None:
    """With what there is."""
    ledger = ledger_of(db)

    with pytest.raises(ConfigurationError, match="'done' is no state; it is one of waiting"):
        await ledger.history(states=["done"])
    for cursor in ("", "open:1", "settled:1:x", "open:1:2; DROP TABLE record"):
        with pytest.raises(ConfigurationError, match="no cursor"):
            await ledger.history(after=cursor)


async def test_a_large_day_is_read_through_one_index(db: Database) -> None:
    """No page sorts or passes over what is not of it: the databases say how they go about it."""
    insert(db, *((f"k{number}", "success", number / 100) for number in range(20_000)))
    insert(db, *((f"o{number}", "waiting", 1) for number in range(2_000)), connection=2)
    asked: list[str] = []

    class Explained(Database):
        def execute(self, connection: Any, sql: str, /, **parameters: Any) -> Any:
            if sql.startswith("SELECT id, stream"):
                verb = "EXPLAIN" if self.postgres else "EXPLAIN QUERY PLAN"
                plan = super().execute(connection, f"{verb} {sql}", **parameters)
                asked.append("\n".join(str(row[-1]) for row in plan))
            return super().execute(connection, sql, **parameters)

    explained = Explained(db.engine.url.render_as_string(hide_password=False))
    if db.postgres:
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("ANALYZE record")
    day = {"since": DAY, "until": DAY + timedelta(days=1)}
    first = await ledger_of(explained).history(limit=500, **day)
    await ledger_of(explained).history(limit=500, after=first.cursor, **day)
    await ledger_of(explained).history(limit=500, newest_first=False, **day)
    explained.close()

    assert len(asked) == 4
    assert all("record_history" in plan for plan in asked)
    assert not any("sort" in plan.lower() or "b-tree" in plan.lower() for plan in asked), asked


async def test_the_ledger_keeps_what_an_answer_said(hub_home: Any, database_url: str) -> None:
    """Whether it made something new, its warning, and when an open record was last heard of."""
    results = {
        "new": Success(created=True, external_id="M-1", response_code=201, warning="A3: brand = none"),
        "old": Success(external_id="M-2"),
        "bad": Rejected(errors=["E1: name: too long", "E1: gtin: wrong"]),
        "later": Retry(error="HTTP 503", response_code=503),
        "unmapped": Parked(wake_key="category:7", reason="E4: not mapped"),
    }
    script = Script(push=lambda items: [results[item.key] for item in items])
    hub = Hub(hub_home, database_url, scripted=Scripted.with_script(script, reports=False))
    await hub.connect({"connector": "scripted"})
    script.poll = lambda _: page_of(results)
    await hub.poll()
    await hub.work_off()
    ledger = ledger_of(hub.db, hub.connection().id)
    found = {record.key: record for record in (await ledger.history()).records}
    await hub.close()

    assert (found["new"].created, found["new"].error, found["new"].external_id) == (
        True,
        "A3: brand = none",
        "M-1",
    )
    assert (found["old"].created, found["old"].error, found["old"].response_code) == (False, None, None)
    assert found["bad"].error == "E1: name: too long; E1: gtin: wrong"
    assert (found["later"].attempts, found["later"].response_code, found["later"].settled_at) == (
        1,
        503,
        None,
    )
    assert found["later"].changed_at > found["later"].admitted_at
    assert (found["unmapped"].state, found["unmapped"].wake_key) == ("parked", "category:7")
    assert found["new"].payload == {"n": 1}


def page_of(results: Any) -> Any:
    return Page(records=[Record(stream="price", key=key, payload={"n": 1}) for key in results])
