"""Rule 11: admitted is the sum of all states, from counts that move with the records."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hub.connector import Stream
from hub.store import connections, runs, stats
from hub.store.rows import STATES
from tests.ledger.driver import MINUTE, Ledger, after, price


def test_each_record_is_counted_in_its_state(ledger: Ledger) -> None:
    """All ten of them."""
    answers = {
        "awaiting": after("awaiting", MINUTE),
        "parked": "parked",
        "success": "success",
        "skipped": "skipped",
        "rejected": "rejected",
        "dead": "dead",
        "discarded": "dead",
    }
    ledger.admit(*(price(key, "2", thing=key) for key in answers))
    ledger.push(**answers)
    ledger.discard("discarded")
    ledger.admit(price("superseded", "1", thing="success"), price("working"))
    ledger.claim()
    ledger.admit(price("waiting"))

    tally = ledger.tally()
    assert ledger.states() == {state: state for state in STATES}
    assert {state: tally[state] for state in STATES} == dict.fromkeys(STATES, 1)
    assert tally["admitted"] == 10
    ledger.check()


def test_the_counts_survive_pruning(ledger: Ledger) -> None:
    """They are never counted from rows."""
    ledger.admit(*(price(f"k{at}") for at in range(7)))
    ledger.push(k1="rejected", k2="skipped")
    before = ledger.tally()
    assert ledger.prune() == 7

    assert ledger.tally() == before
    ledger.check_at_rest()


def test_nothing_is_admitted_where_the_transaction_fails(ledger: Ledger) -> None:
    """Counts and rows go together."""
    before = ledger.tally()
    with ledger.db.engine.connect() as tx:
        ledger.admit_in(tx, price("a"))
        tx.rollback()

    assert ledger.rows() == []
    assert ledger.tally() == before


def test_a_run_counts_what_became_of_its_records(ledger: Ledger) -> None:
    """Replays included."""
    ledger.admit(*(price(key) for key in "abcd"), run=True)
    ledger.push(b="skipped", c="rejected", d="dead")
    ledger.admit(price("e"), run=True)
    ledger.replay("d")
    ledger.push()

    first, second = reversed(runs.list_runs(ledger.db, ledger.id))
    counts = {name: first[name] for name in ("success", "skipped", "rejected", "dead", "reported")}
    assert counts == {"success": 2, "skipped": 1, "rejected": 1, "dead": 0, "reported": 4}
    assert (second["success"], second["reported"]) == (1, 1)


def test_what_the_source_said_about_a_batch_stays_with_its_run(ledger: Ledger) -> None:
    """Facts of several batches stand side by side."""
    ledger.admit(price("a"), price("b"), price("c"), run=True)
    facts = [{"batches": {name: "complete"}, "last": name} for name in ("b1", "b2")]
    acknowledged = {"state": "acknowledged", "spent": True}
    ledger.report(
        ledger.settle(ledger.claim(limit=2)).to_report,
        a=acknowledged | {"facts": facts[0]},
        b=acknowledged | {"facts": facts[1]},
    )
    ledger.push()

    (run,) = runs.list_runs(ledger.db, ledger.id)
    assert run["facts"] == {"batches": {"b1": "complete", "b2": "complete"}, "last": "b2"}


def test_the_books_are_kept_for_each_stream(make_ledger: Callable[..., Ledger]) -> None:
    """And for each connection."""
    streams = (Stream(name="price"), Stream(name="stock"))
    one, other = make_ledger(name="one", streams=streams), make_ledger(name="other", streams=streams)
    one.admit(price("a"), price("b", stream="stock"), price("c", stream="stock"))
    other.admit(price("a"))
    one.push()

    assert [one.tally(stream.name)["admitted"] for stream in streams] == [1, 2]
    assert [other.tally(stream.name)["waiting"] for stream in streams] == [1, 0]


def test_what_is_open_says_how_much_a_source_still_shows(ledger: Ledger) -> None:
    """Everything that is admitted and whose outcome it does not know; dead reports stand apart."""
    ledger.admit(*(price(key) for key in "abcde"))
    ledger.report(ledger.settle(ledger.claim(limit=3)).to_report, a="retry", b="dead")

    (shown,) = stats.by_stream(ledger.db, ledger.name)
    assert (shown.backlog, shown.unreported, shown.report_dead, shown.imbalance) == (2, 1, 1, 0)


def test_a_connection_with_open_records_is_not_removed(ledger: Ledger) -> None:
    """The text says how to drain it; once it is, nothing of it is left."""
    ledger.admit(price("a"), run=True, seals=["g"])
    ledger.push("retry")
    with pytest.raises(Exception, match="still has 1 records that are open or unreported"):
        connections.remove_connection(ledger.db, ledger.name)
    ledger.push()
    ledger.prune()
    connections.remove_connection(ledger.db, ledger.name)
    ledger.pruned.clear()

    with ledger.db.transaction() as tx:
        for table in (
            "record",
            "memory",
            "pushed",
            "attempt",
            "tally",
            "run",
            "recordgroup",
            "schedule",
            "claim",
        ):
            assert ledger.db.execute(tx, f"SELECT count(*) FROM {table}").scalar_one() == 0
