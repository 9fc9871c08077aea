"""A batch of updates looks its rows up, however large the table is."""

from __future__ import annotations

from hub.store.catalog import table
from hub.store.catalog.kinds import KINDS
from hub.store.database import Database


def test_an_update_searches_its_table_by_key(sqlite_url: str) -> None:
    """SQLite would else read all of it once for each row."""
    db = Database(sqlite_url)
    names = {"tenant": 1, "now": 1, "number": 1, "me": 1, "rows": "[]"}
    with db.transaction() as tx:
        plan = db.execute(tx, f"EXPLAIN QUERY PLAN {table._update(db, KINDS['stock'])}", **names).all()
    db.close()

    assert any("SEARCH t" in row[3] and "key=?" in row[3] for row in plan), plan
