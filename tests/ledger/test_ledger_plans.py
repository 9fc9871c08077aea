"""What a slice costs does not depend on the backlog: every query of the loop finds its rows through an index."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from hub.store import ringing
from hub.store.database import Database
from hub.store.ledger import claim, sweep
from hub.testing.servers import Postgres
from tests.conftest import TEMPLATE
from tests.ledger.driver import Ledger, price

#: Enough for PostgreSQL to take the right index for its own sake.
BACKLOG = 20_000
#: The record table under every name that the queries give it.
ALIASES = ("record", "r", "l")

#: Indexes that find single keys or things; without one they would go through all of a stream.
KEYED = ("record_key", "record_open", "record_behind", "record_pushed")

Plan = Sequence[str]


@pytest.fixture(scope="module")
def crowded_postgres(postgres_server: Postgres) -> Iterator[Ledger]:
    """With the statistics that it gathers by itself after a while."""
    with postgres_server.database(f"plans_{uuid.uuid4().hex}", template=TEMPLATE) as url:
        ledger = _crowded(Database(url), BACKLOG)
        with ledger.db.transaction() as tx:
            ledger.db.execute(tx, "ANALYZE")
        yield ledger
        ledger.db.close()


@pytest.fixture(scope="module")
def crowded_sqlite(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    """Without statistics, as ever: what plan it takes does not depend on how much there is."""
    path = tmp_path_factory.mktemp("plans") / "hub.db"
    shutil.copy(sqlite_template, path)
    ledger = _crowded(Database(f"sqlite:///{path}"), 1000)
    yield ledger
    ledger.db.close()


@pytest.fixture(params=("sqlite", "postgres"))
def crowded(request: pytest.FixtureRequest) -> Ledger:
    """A ledger with a large backlog, a large unreported past and a few dead; tests take a little of each."""
    ledger: Ledger = request.getfixturevalue(f"crowded_{request.param}")
    return ledger


def test_claiming_work_reads_the_index_of_what_is_due(crowded: Ledger) -> None:
    """However much waits, waits behind something, is not due yet or is done."""
    with _plans(crowded.db) as plans:
        held = crowded.claim(limit=100)

    assert len(held.records) == 100
    _assert_uses(plans, "record_due")
    _assert_no_scan(plans)


def test_claiming_reports_reads_the_index_of_what_is_unreported(crowded: Ledger) -> None:
    """However much was reported before."""
    with _plans(crowded.db) as plans:
        held = crowded.claim_reports(limit=100)

    assert len(held.records) == 100
    _assert_uses(plans, "record_unreported")
    _assert_no_scan(plans)


def test_asking_whether_more_is_due_reads_the_same_indexes(crowded: Ledger) -> None:
    """Workers do so after every slice, and the sweeper all the time."""
    db = crowded.db
    with _plans(db) as plans:
        assert [crowded.due(due, 101) for due in (claim.WORK_DUE, claim.REPORTS_DUE)] == [101, 101]
        assert len(ringing.ring_due(db, older_than=0)) == 2

    _assert_uses(plans, "record_due")
    _assert_uses(plans, "record_unreported")
    _assert_no_scan(plans)


@pytest.mark.parametrize("answer", ("success", "retry", "dead"))
def test_settling_reads_what_the_claim_holds(crowded: Ledger, answer: str) -> None:
    """And what waits behind it."""
    held, reports = crowded.claim(limit=100), crowded.claim_reports(limit=100)
    with _plans(crowded.db) as plans:
        crowded.report(crowded.settle(held, answer).to_report)
        crowded.report(reports)

    _assert_uses(plans, "record_claim")
    _assert_uses(plans, "record_behind")
    _assert_no_scan(plans)


def test_admission_reads_what_is_known_of_its_keys(crowded: Ledger) -> None:
    """New ones, waiting ones, and those that were done long ago."""
    page = [price(f"{name}-{at}", "1") for name in ("new", "waiting", "past", "dead") for at in range(20)]
    with _plans(crowded.db) as plans, crowded.db.transaction() as tx:
        crowded.admit_in(tx, *page)

    _assert_uses(plans, "record_key")
    _assert_uses(plans, "record_open")
    _assert_uses(plans, "record_pushed")
    _assert_no_scan(plans)


def test_the_sweeper_reads_what_was_lost_or_died(crowded: Ledger) -> None:
    """Its round stays short."""
    crowded.claim(limit=100)
    with crowded.db.transaction() as tx:
        crowded.db.execute(tx, "UPDATE claim SET expires_at = 0")
    with _plans(crowded.db) as plans:
        assert sweep.expire_claims(crowded.db)
        assert sweep.wake(crowded.db, crowded.id, "category:1") == 0
        assert sweep.revive(crowded.db, crowded.id, after=0)

    _assert_uses(plans, "record_claim")
    _assert_uses(plans, "record_dead")
    _assert_no_scan(plans)


def _crowded(db: Database, backlog: int) -> Ledger:
    ledger = Ledger(db=db)
    ledger.admit(price("seed"))
    past = {"state": "success", "report_state": "acknowledged", "finished_at": 1, "due_at": 0}
    unreported = {"state": "success", "report_state": "waiting", "report_due_at": 0, "due_at": 0}
    _copy(ledger, "waiting", backlog // 2, {"due_at": 0})
    _copy(ledger, "later", backlog // 2, {"due_at": 2**60})
    _copy(ledger, "behind", backlog // 4, {"due_at": 0, "ready": False, "order_key": "seed"})
    _copy(ledger, "unreported", backlog // 4, unreported)
    _copy(ledger, "past", backlog // 4, past)
    _copy(ledger, "dead", 100, {"state": "dead", "report_state": "acknowledged", "settled_at": 1})
    with db.transaction() as tx:  # the copies have gone past the books
        db.execute(tx, "UPDATE tally SET waiting = :waiting", waiting=backlog)
    return ledger


def _copy(ledger: Ledger, name: str, count: int, changes: Mapping[str, Any]) -> None:
    """Copies of the seed under keys ``name-0``, ``name-1``, …, each a thing of its own unless ``changes`` says so."""
    seed = {key: value for key, value in ledger.rows()[0].items() if key != "id"}
    values = seed | changes
    numbers = (
        f"SELECT generate_series(0, {count - 1}) AS at"
        if ledger.db.postgres
        else f"WITH RECURSIVE n(at) AS (SELECT 0 UNION ALL SELECT at + 1 FROM n WHERE at < {count - 1}) SELECT at FROM n"
    )
    keyed = {"key": f"'{name}-' || at", "order_key": f"'{name}-' || at"}
    keyed |= {"order_key": ":order_key"} if "order_key" in changes else {}
    columns = ", ".join(values)
    selected = ", ".join(keyed.get(column, f":{column}") for column in values)
    given = {column: value for column, value in values.items() if f":{column}" in selected.split(", ")}
    with ledger.db.transaction() as tx:
        ledger.db.execute(
            tx, f"INSERT INTO record ({columns}) SELECT {selected} FROM ({numbers}) AS n", **given
        )


def test_admission_reads_no_whole_table_of_a_small_store(postgres_server: Postgres) -> None:
    """As PostgreSQL would by itself for some thousand records, with the connection's lock in hand."""
    with postgres_server.database(f"plans_{uuid.uuid4().hex}", template=TEMPLATE) as url:
        ledger = _crowded(Database(url), 2000)
        with _plans(ledger.db) as plans, ledger.db.transaction() as tx:
            ledger.admit_in(tx, *(price(f"past-{at}", "1") for at in range(5)))
        ledger.db.close()

    _assert_uses(plans, "record_key")
    _assert_no_scan(plans)


@contextmanager
def _plans(db: Database) -> Iterator[list[Plan]]:
    """The plans of every statement on records that runs within the block, each as it is about to run."""
    plans: list[Plan] = []

    def explain(connection: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if "record" not in statement or statement.lstrip().startswith(("EXPLAIN", "INSERT INTO record ")):
            return
        if db.postgres:
            cursor.execute(f"EXPLAIN (COSTS OFF) {statement}", parameters)
            plans.append([row[0] for row in cursor.fetchall()])
        else:
            cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            plans.append([row[3] for row in cursor.fetchall()])

    event.listen(db.engine, "before_cursor_execute", explain)
    db.pipelines = False
    yield plans
    db.pipelines = db.postgres
    event.remove(db.engine, "before_cursor_execute", explain)


def _assert_uses(plans: Sequence[Plan], index: str) -> None:
    """The index is entered by its first column, and not read from end to end."""
    by = "claim_id" if index == "record_claim" else "connection_id"
    steps = [f"{line} {then}" for plan in plans for line, then in pairwise([*plan, ""])]
    assert any(f" {index} " in step and by in step for step in steps), f"{index} is not used"


def _assert_no_scan(plans: Sequence[Plan]) -> None:
    """No query reads all records, or all of a connection or a stream."""
    for plan in plans:
        for line in plan:
            words = line.replace("->", "").split()
            scanned = words[:3] == ["Seq", "Scan", "on"] and words[3] == "record"
            scanned |= words[:1] == ["SCAN"] and words[1] in ALIASES and "INDEX" not in words
            scanned |= words[0] == "SEARCH" and "key=?" not in line and any(index in words for index in KEYED)
            assert not scanned, "\n".join(plan)
