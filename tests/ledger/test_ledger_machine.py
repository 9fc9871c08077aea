"""Whatever happens in whatever order, the ledger does as the rules say, and its books balance."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from hub import codec
from hub.errors import ConfigurationError
from hub.records import JSON, Record
from hub.store.database import Database
from hub.store.ledger import letters, sweep
from hub.store.ledger.ahead import Ahead
from hub.store.rows import OPEN_STATES, Slice
from tests.ledger import histories
from tests.ledger.driver import ANSWERS, MINUTE, REPORT_ANSWERS, Ledger, price
from tests.ledger.model import Model, ModelRow

#: A thing whose records have versions, and one whose records are pushed in the order of arrival.
KEYS = {"sku": ("a", "b"), "event": ("c", "d")}
#: Claims are lost when the machine says so.
NEVER = 1_000_000 * MINUTE
OPEN_ANSWERS = ("retry", "released", "awaiting", "parked")
SETTLED_ANSWERS = ("success", "success", "skipped", "rejected", "dead")


@st.composite
def records(draw: st.DrawFn) -> Record:
    """A record of a few keys, versions and contents, so that they meet."""
    thing = draw(st.sampled_from(sorted(KEYS)))
    version = None if thing == "event" else draw(st.sampled_from("123"))
    content = draw(st.dictionaries(st.sampled_from(("amount", "name")), st.integers(0, 2), min_size=1))
    group = draw(st.sampled_from((None, None, "file")))
    return price(draw(st.sampled_from(KEYS[thing])), version, thing=thing, group=group, **content)


@st.composite
def answers(draw: st.DrawFn) -> dict[str, Any]:
    """What a push may come to, due at once or in a minute."""
    name = draw(st.sampled_from((*OPEN_ANSWERS, *SETTLED_ANSWERS, "yielded", "nothing")))
    return {"name": name, "minutes": draw(st.sampled_from((0, 0, 1)))}


class LedgerMachine(RuleBasedStateMachine):
    """Workers that claim, settle, come late and die; a source that shows old, new and repeated records; people."""

    def __init__(self, db: Database) -> None:
        super().__init__()
        self.ledger = Ledger(db=db, merge=_patched, lease=NEVER)
        self.model = Model(_patched)
        self.slices: list[Slice] = []
        self.reports: list[Slice] = []
        self.lying: list[int] = []
        self.contents: dict[tuple[str, int], JSON] = {}

    @initialize(page=st.lists(records(), min_size=3, max_size=6))
    def start(self, page: list[Record]) -> None:
        self.admit(page)

    @rule(page=st.lists(records(), min_size=1, max_size=4))
    def admit(self, page: list[Record]) -> None:
        self.ledger.admit(*page, run=True)
        for record in page:
            self.model.admit(record)
        self._learn_ids()

    @rule(page=st.lists(records(), min_size=1, max_size=4), slices=st.integers(1, 2), limit=st.integers(1, 3))
    def admit_ahead(self, page: list[Record], slices: int, limit: int) -> None:
        """What is new is claimed by nobody yet, slice by slice, until enough lies there."""
        known = {row.id for row in self.model.rows}
        self.ledger.admit(*page, run=True, ahead=Ahead(slices=slices, limit=limit, lease=NEVER))
        for record in page:
            self.model.admit(record)
        self._learn_ids()
        new = sorted(row.id for row in self.model.due() if row.id not in known)
        held = {
            row["id"]: row["claim_id"] for row in self.ledger.rows() if row["id"] in new and row["claim_id"]
        }
        assert len(held) == min(limit * max(0, slices - len(self.lying)), len(new))
        assert list(held) == new[: len(held)]
        self.lying += dict.fromkeys(held.values())
        self.model.hold(held)

    @precondition(lambda self: self.lying)
    @rule()
    def take(self) -> None:
        held = self.ledger.take()
        assert held.claim_id == self.lying.pop(0)
        self.model.take(held)
        self.slices.append(held)

    @precondition(lambda self: self.lying)
    @rule(late=st.booleans())
    def give_back(self, late: bool) -> None:
        """Nobody has taken what lay there, and nobody is blamed for it."""
        if late:
            for claim_id in self.lying:
                self._set_back(claim_id)
            assert sweep.expire_claims(self.ledger.db) == 0
        else:
            sweep.give_back_untaken(self.ledger.db, self.ledger.id)
        self.model.give_back(self.lying)
        self.lying = []

    @rule()
    def poll_from_the_beginning(self) -> None:
        """A rewound source shows all that it ever showed, in its latest content."""
        latest: dict[str, ModelRow] = {}
        for row in sorted(self.model.rows, key=lambda row: row.number):
            latest[row.key] = row
        self.admit(
            [
                price(row.key, row.version, thing=row.thing, group=row.group, **row.content)
                for row in latest.values()
            ]
        )

    @precondition(lambda self: self.model.due())
    @rule(limit=st.integers(1, 3))
    def claim(self, limit: int) -> None:
        held = self.ledger.claim(limit=limit)
        self.model.claim(held, limit)
        if held.records:
            self.slices.append(held)

    @precondition(lambda self: self.model.due())
    @rule(data=st.data())
    def work(self, data: st.DataObject) -> None:
        """A worker as it should be: it claims, settles at once and reports."""
        self.claim(limit=3)
        held, before = self.slices[-1], len(self.reports)
        answer = data.draw(answers())
        self._settle(held, {record.id: _answer(held, record, **answer) for record in held.records})
        if len(self.reports) > before:
            self.acknowledge_the_latest()

    @precondition(lambda self: self.slices)
    @rule(data=st.data())
    def settle(self, data: st.DataObject) -> None:
        """Any claim that was ever made: those that were lost or settled are not taken."""
        held = data.draw(st.sampled_from(self.slices))
        named = {record.id: data.draw(answers()) for record in held.records}
        self._settle(held, {record.id: _answer(held, record, **named[record.id]) for record in held.records})

    @precondition(lambda self: self.slices)
    @rule(name=st.sampled_from(("success", "dead", "rejected", "awaiting")))
    def settle_the_latest(self, name: str) -> None:
        held = self.slices[-1]
        self._settle(held, {record.id: dict(ANSWERS[name]) for record in held.records})

    @precondition(lambda self: self.model.due_reports())
    @rule(limit=st.integers(1, 3))
    def claim_reports(self, limit: int) -> None:
        held = self.ledger.claim_reports(limit=limit)
        self.model.claim_reports(held, limit)
        if held.records:
            self.reports.append(held)

    @precondition(lambda self: self.reports)
    @rule(data=st.data())
    def report(self, data: st.DataObject) -> None:
        """Any report that was ever under way."""
        held = data.draw(st.sampled_from(self.reports))
        names = {
            record.id: data.draw(st.sampled_from(("acknowledged", "acknowledged", "retry", "dead")))
            for record in held.records
        }
        self._report(held, names)

    @precondition(lambda self: self.reports)
    @rule()
    def acknowledge_the_latest(self) -> None:
        self._report(self.reports[-1], {record.id: "acknowledged" for record in self.reports[-1].records})

    @precondition(lambda self: self.slices or self.reports)
    @rule(data=st.data())
    def lose_a_claim(self, data: st.DataObject) -> None:
        """A worker sleeps through its lease."""
        held = data.draw(st.sampled_from([*self.slices, *self.reports]))
        self._expire(held.claim_id)

    @precondition(lambda self: self.model.due())
    @rule(times=st.sampled_from((1, 2, 5)))
    def lose_workers_one_after_the_other(self, times: int) -> None:
        for _ in range(times):
            self.claim(limit=3)
            if self.slices:
                self._expire(self.slices[-1].claim_id)

    @rule(minutes=st.sampled_from((1, 1, 5, -1)))
    def pass_time(self, minutes: int) -> None:
        """The store's clock may also be set back."""
        self.ledger.pass_time(minutes * MINUTE)
        self.model.now += minutes

    @precondition(lambda self: any(row.state == "parked" for row in self.model.rows))
    @rule()
    def wake(self) -> None:
        self.ledger.wake()
        self.model.wake("category:1")

    @precondition(lambda self: any(not row.open for row in self.model.kept()))
    @rule(data=st.data())
    def replay(self, data: st.DataObject) -> None:
        row = data.draw(st.sampled_from([row for row in self.model.kept() if not row.open]))
        expected = self.model.replay(row)
        assert _refused_or(lambda: letters.replay(self.ledger.db, row.id)) == expected

    @precondition(lambda self: any("dead" in (row.state, row.report) for row in self.model.kept()))
    @rule(data=st.data())
    def discard(self, data: st.DataObject) -> None:
        row = data.draw(st.sampled_from([row for row in self.model.kept() if not row.open]))
        expected = self.model.discard(row)
        assert _refused_or(lambda: letters.discard(self.ledger.db, row.id)) == expected

    @precondition(lambda self: any(row.state == "dead" for row in self.model.rows))
    @rule()
    def revive(self) -> None:
        assert self.ledger.revive(after=-60 * MINUTE) == self.model.revive()

    @precondition(lambda self: any(row.finished for row in self.model.kept()))
    @rule()
    def prune(self) -> None:
        assert self.ledger.prune(keep=-60 * MINUTE) == self.model.prune()

    @precondition(lambda self: self.model.due())
    @rule()
    def a_quiet_week(self) -> None:
        """All that is due goes well, and is forgotten."""
        while self.model.due():
            self.claim(limit=100)
            self.settle_the_latest("success")
        while self.model.due_reports():
            self.claim_reports(limit=100)
        for held in self.reports:
            self._report(held, {record.id: "acknowledged" for record in held.records})
        self.prune()

    @invariant()
    def the_books_balance(self) -> None:
        self.ledger.check()

    @invariant()
    def the_ledger_is_as_the_rules_say(self) -> None:
        stored = [_seen(row) for row in self.ledger.rows()]
        expected = [_expected(row, self.model) for row in self.model.kept()]
        assert stored == expected

    @invariant()
    def a_version_stands_for_one_content(self) -> None:
        """What the idempotency key is made of is never used for anything else."""
        for row in self.model.rows:
            assert self.contents.setdefault((row.key, row.number), row.content) == row.content

    def teardown(self) -> None:
        """Driven to its end, everything that was ever admitted has settled and been reported."""
        for held in (*self.slices, *self.reports):
            self._expire(held.claim_id)
        self.give_back(late=False)
        for _ in range(200):
            if not any(row.open or row.report in ("waiting", "working") for row in self.model.rows):
                break
            self.pass_time(1)
            self.wake()
            self.claim(limit=100)
            for held in self.slices:
                self._settle(held, {record.id: dict(ANSWERS["success"]) for record in held.records})
            self.claim_reports(limit=100)
            for held in self.reports:
                self._report(held, {record.id: "acknowledged" for record in held.records})
            self.slices, self.reports = [], []
        self.the_ledger_is_as_the_rules_say()
        self.ledger.check_at_rest()

    def _settle(self, held: Slice, given: dict[int, dict[str, Any]]) -> None:
        given = {one: answer for one, answer in given.items() if answer["state"] != "nothing"}
        expected = self.model.settle(
            held,
            {
                one: {**answer, "due_after": answer.get("due_after", 0) // MINUTE}
                for one, answer in given.items()
            },
        )
        settled = self.ledger.settle_each(held, given)
        assert settled.lost == expected
        if settled.to_report.records:
            self.reports.append(settled.to_report)

    def _report(self, held: Slice, names: dict[int, str]) -> None:
        expected = self.model.settle_reports(
            held, {one: str(REPORT_ANSWERS[name]["state"]) for one, name in names.items()}
        )
        lost = self.ledger.report_each(held, {one: REPORT_ANSWERS[name] for one, name in names.items()})
        assert lost == expected

    def _expire(self, claim_id: int) -> None:
        self._set_back(claim_id)
        sweep.expire_claims(self.ledger.db)
        self.model.expire(claim_id)

    def _set_back(self, claim_id: int) -> None:
        with self.ledger.db.transaction() as tx:
            self.ledger.db.execute(tx, "UPDATE claim SET expires_at = 0 WHERE id = :id", id=claim_id)

    def _learn_ids(self) -> None:
        for stored, row in zip(self.ledger.rows(), self.model.kept(), strict=True):
            assert row.id in (0, stored["id"])
            row.id = stored["id"]


def test_the_ledger_keeps_the_rules_on_sqlite(memory_db: Database) -> None:
    """In memory, for many histories."""
    histories.run(LedgerMachine, memory_db, examples=60)


def test_the_ledger_keeps_the_rules_on_postgresql(postgres_db: Database) -> None:
    """For fewer of them."""
    histories.run(LedgerMachine, postgres_db, examples=8)


def _patched(waiting: JSON, newer: JSON) -> JSON:
    return {**waiting, **newer}


def _answer(held: Slice, record: Any, *, name: str, minutes: int) -> dict[str, Any]:
    """A follow stays in its stage, and yields only where something waits for that."""
    if name == "nothing":
        return {"state": "nothing"}
    if name == "yielded" and (held.stage != "follow" or record.newer is None):
        name = "released"
    if held.stage == "follow" and name in ("retry", "released"):
        return {"state": "awaiting", "due_after": minutes * MINUTE}
    return {**ANSWERS[name], "due_after": minutes * MINUTE if name in OPEN_ANSWERS else 0}


def _refused_or(call: Callable[[], str]) -> str | None:
    with contextlib.suppress(ConfigurationError):
        return call()
    return None


def _seen(row: dict[str, Any]) -> Sequence[Any]:
    is_open = row["state"] in OPEN_STATES
    return (
        row["key"],
        row["version"],
        row["number"],
        row["state"],
        codec.loads(row["payload"]),
        row["attempts"],
        row["total_attempts"],
        row["lost_claims"],
        row["report_state"],
        row["claim_id"],
        is_open and bool(row["ready"]),
    )


def _expected(row: ModelRow, model: Model) -> Sequence[Any]:
    return (
        row.key,
        row.version,
        row.number,
        row.state,
        row.payload,
        row.attempts,
        row.total_attempts,
        row.lost_claims,
        row.report,
        row.claim,
        model.heads.get(row.thing) is row,
    )
