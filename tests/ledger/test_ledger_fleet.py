"""Several real processes at once on one store: nothing is done twice, and none waits for another for ever."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from hub.store import migrate
from hub.store.database import Database
from tests.ledger.books import assert_at_rest
from tests.ledger.driver import Ledger, price
from tests.ledger.fleet_member import keep_house

MEMBER = Path(__file__).with_name("fleet_member.py")


class Member:
    """A process of the fleet; it does one thing after the other."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.ledger.fleet_member"],
            cwd=MEMBER.parents[2],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def start(self, do: str, store: Database | str, **order: Any) -> None:
        """Give the word."""
        url = store if isinstance(store, str) else store.engine.url.render_as_string(hide_password=False)
        assert self._process.stdin
        self._process.stdin.write(json.dumps({"do": do, "url": url, **order}) + "\n")
        self._process.stdin.flush()

    def answer(self) -> Any:
        """What it saw."""
        assert self._process.stdout
        line = self._process.stdout.readline()
        assert line, "it died; what it died of stands above"
        return json.loads(line)

    def end(self) -> None:
        """It has nothing more to do."""
        self._process.kill()
        self._process.communicate()


@pytest.fixture(scope="module")
def fleet() -> Iterator[Sequence[Member]]:
    """Two processes beside the test's own, kept for all tests of this file."""
    members = [Member(), Member()]
    yield members
    for member in members:
        member.end()


def test_no_record_is_worked_twice_at_once(ledger: Ledger, fleet: Sequence[Member]) -> None:
    """While several processes admit, claim, settle and sweep the same connection; its books balance in the end."""
    for seed, worker in enumerate(fleet):
        worker.start("work", ledger.db, connection=ledger.id, seed=seed, rounds=40)
    keep_house(ledger.db, connection=ledger.id, rounds=20, prune=False)
    held_for = [one for worker in fleet for one in worker.answer()]

    assert len(held_for) > 50
    _assert_one_at_a_time(held_for, "id")
    _assert_one_at_a_time(held_for, "thing")
    assert len({(one["id"], one["claim"]) for one in held_for}) == len(held_for)
    while ledger.push() or ledger.report_due():
        pass
    ledger.check_at_rest()


def test_each_record_is_claimed_by_one_of_many(db: Database, fleet: Sequence[Member]) -> None:
    """Where nothing is retried, each is claimed once in all, though those that are done are pruned meanwhile."""
    ledger = Ledger(db=db)
    ledger.admit(*(price(f"k{at}") for at in range(60)))
    ids = [row["id"] for row in ledger.rows()]
    for worker in fleet:
        worker.start("drain", db, connection=ledger.id)
    keep_house(db, connection=ledger.id, rounds=20, prune=True)
    claimed = [one for worker in fleet for one in worker.answer()]

    assert sorted(claimed) == ids
    assert_at_rest(db, ledger.id)


def test_each_due_connection_is_fired_once(db: Database, fleet: Sequence[Member]) -> None:
    """By however many schedulers."""
    due = {Ledger(db=db, name=f"shop-{at}").id for at in range(40)}
    for scheduler in fleet:
        scheduler.start("fire", db, rounds=10)
    fired = [one for scheduler in fleet for one in scheduler.answer()]

    assert sorted(fired) == sorted(due)


def test_a_lease_has_one_holder_at_a_time_and_a_fence_for_each(db: Database, fleet: Sequence[Member]) -> None:
    """However two processes fight for it."""
    for at, holder in enumerate(fleet):
        holder.start("hold", db, holder=f"holder-{at}", rounds=25)
    held_for = [one for holder in fleet for one in holder.answer()]

    _assert_one_at_a_time(held_for)
    fences = [one["fence"] for one in sorted(held_for, key=lambda one: one["begin"])]
    assert fences == sorted(set(fences))


def test_bells_keep_to_their_limit(ledger: Ledger, fleet: Sequence[Member]) -> None:
    """Whoever notes, forgets and adopts them at once."""
    ledger.admit(price("a"))
    for ringer in fleet:
        ringer.start("ring", ledger.db, connection=ledger.id, rounds=40, limit=3)

    assert max(ringer.answer() for ringer in fleet) <= 3


@pytest.mark.parametrize("kind", ("sqlite", "postgres"))
def test_two_processes_that_start_at_once_upgrade_the_store_once(
    kind: str, tmp_path: Path, fleet: Sequence[Member], request: pytest.FixtureRequest
) -> None:
    """Both find the present shape afterwards."""
    url = (
        f"sqlite:///{tmp_path}/new.db" if kind == "sqlite" else request.getfixturevalue("empty_postgres_url")
    )
    for starting in fleet:
        starting.start("upgrade", url)
    revisions = {starting.answer() for starting in fleet}
    db = Database(url)

    assert len(revisions) == 1
    assert list(migrate.differences(db)) == []
    db.close()


def _assert_one_at_a_time(held_for: Iterable[Mapping[str, Any]], by: str | None = None) -> None:
    apart: dict[Any, list[Mapping[str, Any]]] = {}
    for one in held_for:
        apart.setdefault(one[by] if by else None, []).append(one)
    for turns in apart.values():
        for earlier, later in pairwise(sorted(turns, key=lambda one: one["begin"])):
            assert earlier["end"] <= later["begin"]
