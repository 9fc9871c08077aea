"""Whatever happens in whatever order, what is due has a bell, or gets one from the sweeper."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
)

from hub.store import ringing
from hub.store.database import Database
from hub.store.ledger import bells, claim
from hub.store.ledger.bells import HEARD_WITHIN, Bell
from hub.store.rows import Slice
from tests.ledger import histories
from tests.ledger.driver import MINUTE, Ledger, price

LIMIT, SLICE = 3, 2


class BellMachine(RuleBasedStateMachine):
    """Webhooks that ring, workers that hear, come too late, end and die, messages that are lost or doubled, and a sweeper."""

    def __init__(self, db: Database) -> None:
        super().__init__()
        self.ledger = Ledger(db=db, reports=False, lease=1000 * MINUTE)
        self.messages: list[Bell] = []
        self.working: list[tuple[Bell, Slice]] = []
        self.empty_handed: list[Bell] = []
        self.keys = 0
        self.lost = False

    @rule(count=st.integers(1, 5))
    def admit(self, count: int) -> None:
        """As an admission does: so many bells as slices are needed for what is new."""
        ledger, first = self.ledger, self.keys
        self.keys += count
        with ledger.db.transaction() as tx:
            made = ledger.admit_in(tx, *(price(f"k{at}") for at in range(first, self.keys)))
            wanted = -(-count // SLICE)
            self.messages += bells.note(ledger.db, tx, made.connection, "work", wanted=wanted, limit=LIMIT)

    @precondition(lambda self: self.messages)
    @rule(data=st.data(), doubled=st.booleans())
    def hear(self, data: st.DataObject, doubled: bool) -> None:
        bell = self.messages.pop(data.draw(st.integers(0, len(self.messages) - 1)))
        if doubled:
            self.messages.append(bell)
        if not bells.answer(self.ledger.db, bell, limit=LIMIT):
            return
        held = self.ledger.claim(limit=SLICE)
        if held.records:
            self.working.append((bell, held))
        else:
            self.empty_handed.append(bell)

    @precondition(lambda self: self.working)
    @rule(data=st.data())
    def end(self, data: st.DataObject) -> None:
        bell, held = self.working.pop(data.draw(st.integers(0, len(self.working) - 1)))
        self.ledger.settle(held)
        self._finish(bell)

    @precondition(lambda self: self.empty_handed)
    @rule()
    def leave(self) -> None:
        bell = self.empty_handed.pop()
        if not bells.leave(self.ledger.db, bell):
            self._finish(bell)

    @precondition(lambda self: self.messages)
    @rule()
    def lose_messages(self) -> None:
        self.messages.clear()
        self.lost = True

    @rule()
    def pass_a_moment(self) -> None:
        self.ledger.pass_time(HEARD_WITHIN)

    @rule()
    def sweep(self) -> None:
        """A minute later; who is at work keeps its bell and its claim."""
        self.ledger.pass_time(MINUTE)
        for bell, held in self.working:
            claim.renew(self.ledger.db, held.claim_id, lease=1000 * MINUTE, bell=bell)
        self.messages += ringing.ring_due(self.ledger.db, older_than=MINUTE)
        self.lost = False

    @invariant()
    def what_is_due_is_told(self) -> None:
        told = self.messages or self.working or self.empty_handed
        assert self.lost or told or not self.ledger.due(claim.WORK_DUE)

    @invariant()
    def no_more_are_out_than_may(self) -> None:
        with self.ledger.db.transaction() as tx:
            out = self.ledger.db.execute(tx, "SELECT count(*) FROM bell").scalar_one()
        assert out <= LIMIT

    def teardown(self) -> None:
        """Once nothing is lost any more, everything is worked."""
        self.sweep()
        while self.messages or self.working or self.empty_handed:
            for bell, held in self.working:
                self.ledger.settle(held)
                self._finish(bell)
            self.working.clear()
            while self.empty_handed:
                self.leave()
            for bell in self._delivered():
                bells.answer(self.ledger.db, bell, limit=LIMIT)
                held = self.ledger.claim(limit=SLICE)
                self.working += [(bell, held)] if held.records else []
                self.empty_handed += [] if held.records else [bell]
        assert not self.ledger.due(claim.WORK_DUE)

    def _delivered(self) -> Sequence[Bell]:
        messages, self.messages = self.messages, []
        return messages

    def _finish(self, bell: Bell) -> None:
        self.messages += bells.finish(self.ledger.db, bell, due=claim.WORK_DUE, slice_size=SLICE, limit=LIMIT)


def test_no_bell_is_forgotten_on_sqlite(memory_db: Database) -> None:
    """In memory, for many histories."""
    histories.run(BellMachine, memory_db, examples=60)


def test_no_bell_is_forgotten_on_postgresql(postgres_db: Database) -> None:
    """For fewer of them."""
    histories.run(BellMachine, postgres_db, examples=10)
