"""What has to hold of a hub once it is done, whatever happened on the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from hub.store.connections import get_connection
from hub.store.database import Database
from hub.store.rows import SETTLED_STATES, STATES
from hub.store.stats import by_stream

Row = Mapping[str, Any]

_TABLES = ("schedule", "record", "memory", "tally", "claim", "run", "recordgroup", "quarantine")


def records_of(db: Database, connection_id: int) -> Sequence[Row]:
    """Every record of a connection, all columns."""
    return _rows(db, "record", connection_id)


def claims_of(db: Database, connection_id: int) -> Sequence[Row]:
    """Every claim that is held."""
    return _rows(db, "claim", connection_id)


def all_rows_of(db: Database, connection_id: int) -> Mapping[str, Sequence[Row]]:
    """Everything that the loop writes for a connection, but for bells: they come and go with messages."""
    return {table: _rows(db, table, connection_id) for table in _TABLES}


def is_done(db: Database, connection: str, *, admitted: int) -> bool:
    """So many records came in, and all of them have settled and been reported."""
    streams = by_stream(db, connection)
    came = sum(stream.admitted for stream in streams)
    return came >= admitted and not any(stream.backlog or stream.unreported for stream in streams)


def assert_books_balance(db: Database, connection: str, connection_id: int) -> None:
    """The counts are those of the rows, everything has settled and been reported, and nobody holds anything.

    For a hub that is done and has pruned nothing.
    """
    assert_tallies_are_the_rows(db)
    rows = records_of(db, connection_id)
    for stream in by_stream(db, connection):
        assert stream.reported + stream.report_dead == stream.admitted, (
            "something is settled and not reported"
        )
    assert all(row["state"] in SETTLED_STATES for row in rows), "something is still open"
    assert all(row["claim_id"] is None for row in rows), "something is still held"
    assert not claims_of(db, connection_id), "a claim is left"


def assert_tallies_are_the_rows(db: Database) -> None:
    """Every count is what counting gives, at any time, for a hub that has pruned nothing."""
    for stream in by_stream(db):
        own = [
            row
            for row in records_of(db, get_connection(db, stream.connection).id)
            if row["stream"] == stream.stream
        ]
        counted = Counter(row["state"] for row in own)
        assert stream.states == {state: counted[state] for state in STATES}, "the tallies are not the rows"
        assert (stream.admitted, stream.imbalance) == (len(own), 0), "admitted is not the sum of all states"
        assert stream.reported == sum(map(_is_reported, own)), "reported is miscounted"
        dead = sum(row["report_state"] == "dead" and row["reported_at"] is None for row in own)
        assert stream.report_dead == dead, "dead reports are miscounted"


def assert_records(db: Database, connection_id: int, expected: Mapping[str, str]) -> None:
    """There is exactly one record for each key, and its status ("success", "failed", "skipped") is the expected one."""
    rows = records_of(db, connection_id)
    found = {row["key"]: row["status"] for row in rows}
    assert len(found) == len(rows), "a record was admitted twice"
    assert set(found) == set(expected), f"records were lost or made up: {set(found) ^ set(expected)}"
    assert found == dict(expected), f"not the right status: {set(found.items()) ^ set(expected.items())}"


def _is_reported(row: Row) -> bool:
    """Its source knows its outcome, or need not."""
    settled = row["state"] in SETTLED_STATES
    return settled and (row["reported_at"] is not None or row["report_state"] in ("none", "discarded"))


def _rows(db: Database, table: str, connection_id: int) -> Sequence[Row]:
    with db.transaction() as tx:
        query = f"SELECT * FROM {table} WHERE connection_id = :id"  # noqa: S608 - one of our own tables
        rows = db.execute(tx, query, id=connection_id)
        return sorted((dict(row) for row in rows.mappings()), key=repr)
