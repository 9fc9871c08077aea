"""What has to hold of a ledger between any two transactions, whatever happened before."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from hub.store.database import Database
from hub.store.rows import OPEN_STATES, SETTLED_STATES, STATES

Row = Mapping[str, Any]


def assert_books_balance(db: Database, connection_id: int, *, pruned: Iterable[Row] = ()) -> None:
    """Every count of a connection is what counting rows gives, and every row is one that somebody will work, report or prune.

    ``pruned`` are the rows that are gone but still counted.
    """
    with db.transaction() as tx:
        tables = {
            name: db.execute(tx, f"SELECT * FROM {name} WHERE connection_id = :id", id=connection_id)
            .mappings()
            .all()
            for name in ("record", "tally", "run", "recordgroup", "claim")
        }
    counted = [*tables["record"], *pruned]
    _tallies_are_right(tables["tally"], counted)
    _runs_are_right(tables["run"], counted)
    _groups_are_right(tables["recordgroup"], counted)
    _claims_hold_what_is_in_flight(tables["claim"], tables["record"])
    _each_thing_has_one_head(tables["record"])
    for row in tables["record"]:
        _row_makes_sense(row)


def assert_at_rest(db: Database, connection_id: int) -> None:
    """Everything admitted has settled, and has been reported or stands under dead letters."""
    with db.transaction() as tx:
        tallies = (
            db.execute(tx, "SELECT * FROM tally WHERE connection_id = :id", id=connection_id).mappings().all()
        )
    for tally in tallies:
        assert {state: tally[state] for state in OPEN_STATES} == dict.fromkeys(OPEN_STATES, 0)
        assert tally["admitted"] == sum(tally[state] for state in SETTLED_STATES)
        assert tally["reported"] + tally["report_dead"] == tally["admitted"]


def is_reported(row: Row) -> bool:
    """Its source knows its outcome, or need not."""
    settled = row["state"] in SETTLED_STATES
    return settled and (row["reported_at"] is not None or row["report_state"] in ("none", "discarded"))


def _tallies_are_right(tallies: Iterable[Row], rows: Iterable[Row]) -> None:
    expected: dict[Any, Counter[str]] = defaultdict(Counter)
    for row in rows:
        counts = expected[row["connection_id"], row["stream"]]
        counts[row["state"]] += 1
        counts["admitted"] += 1
        counts["reported"] += is_reported(row)
        counts["report_dead"] += row["report_state"] == "dead" and row["reported_at"] is None
    for tally in tallies:
        counts = expected.pop((tally["connection_id"], tally["stream"]), Counter())
        names = ("admitted", *STATES, "reported", "report_dead")
        assert {name: tally[name] for name in names} == {name: counts[name] for name in names}
        assert tally["admitted"] == sum(tally[state] for state in STATES)
    assert not expected


def _runs_are_right(runs: Iterable[Row], rows: Iterable[Row]) -> None:
    expected: dict[Any, Counter[str]] = defaultdict(Counter)
    for row in rows:
        expected[row["run_id"]][row["state"]] += 1
        expected[row["run_id"]]["reported"] += is_reported(row)
    for run in runs:
        names = ("success", "skipped", "rejected", "dead", "superseded", "reported")
        assert {name: run[name] for name in names} == {name: expected[run["id"]][name] for name in names}


def _groups_are_right(groups: Iterable[Row], rows: Iterable[Row]) -> None:
    expected: dict[Any, Counter[str]] = defaultdict(Counter)
    for row in rows:
        if row["group_name"] is not None:
            counts = expected[row["connection_id"], row["stream"], row["group_name"]]
            counts["admitted"] += 1
            counts[row["state"]] += 1
    for group in groups:
        counts = expected.pop((group["connection_id"], group["stream"], group["name"]), Counter())
        names = ("admitted", *SETTLED_STATES)
        assert {name: group[name] for name in names} == {name: counts[name] for name in names}
    assert not expected


def _claims_hold_what_is_in_flight(claims: Iterable[Row], rows: Iterable[Row]) -> None:
    """A record without a living claim that looks as if it were worked would never be worked again."""
    live = {claim["id"] for claim in claims}
    for row in rows:
        if row["state"] == "working" or row["report_state"] == "working":
            assert row["claim_id"] in live, f"{row['key']} is lost: nobody holds it"
        if row["claim_id"] is not None:
            assert row["state"] in ("working", "awaiting") or row["report_state"] == "working"
            assert row["claim_id"] in live


def _each_thing_has_one_head(rows: Iterable[Row]) -> None:
    """Rule 1, and that nothing waits behind nothing."""
    things: dict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        if row["state"] in OPEN_STATES:
            things[row["connection_id"], row["stream"], row["order_key"]].append(row)
    for thing, chain in things.items():
        assert sum(bool(row["ready"]) for row in chain) == 1, f"{thing} has no head or several"
        in_flight = [row for row in chain if row["state"] in ("working", "awaiting")]
        assert len(in_flight) <= 1
        assert all(row["ready"] for row in in_flight)


def _row_makes_sense(row: Row) -> None:
    settled = row["state"] in SETTLED_STATES
    assert settled == (row["settled_at"] is not None)
    assert (row["finished_at"] is not None) == (
        settled and row["report_state"] in ("none", "acknowledged", "discarded")
    )
    assert settled or row["report_state"] == "none"
    assert (row["report_state"] != "waiting") or row["report_due_at"] is not None
    if row["state"] == "superseded":  # one that was pruned and came back has been told who
        assert row["superseded_by"] is not None or row["reported_at"] is not None
    assert min(row["attempts"], row["total_attempts"], row["lost_claims"], row["report_attempts"]) >= 0
    assert row["attempts"] <= row["total_attempts"]
