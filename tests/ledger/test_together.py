"""Several statements in one message: what they give, how they fail, and that a lock is held for two messages and no more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Connection, event
from sqlalchemy.exc import IntegrityError

from hub.errors import ServiceUnavailableError
from hub.store.database import Database
from hub.store.ledger import bells, claim
from hub.store.ledger.bells import Bell
from hub.store.ledger.lock import lock
from hub.store.together import Statement, statement
from tests.ledger.driver import Ledger, price

ADD = "INSERT INTO tenant (name, created_at) VALUES (:name, 0)"


class _Counted(Database):
    """Counts the messages that it sends, but for those that begin and end a transaction."""

    messages = 0

    def together(self, connection: Connection, *statements: Statement, last: bool = False) -> Any:
        self.messages += self.pipelines and (len(statements) > 1 or last)
        return super().together(connection, *statements, last=last)

    @contextmanager
    def counting(self) -> Iterator[None]:
        self.messages = 0

        def count(*_: Any) -> None:
            self.messages += 1

        event.listen(self.engine, "before_cursor_execute", count)
        yield
        event.remove(self.engine, "before_cursor_execute", count)


def test_each_statement_gives_its_rows(ledger: Ledger) -> None:
    """In their order, each with what those before it did; one that gives none has none."""
    with ledger.db.transaction() as tx:
        found = ledger.db.together(
            tx,
            statement("SELECT count(*) AS tenants FROM tenant"),
            statement(ADD, name="second"),
            statement("SELECT name FROM tenant WHERE name <> :name", name="acme"),
        )

    assert [[*map(tuple, rows)] for rows in found] == [[(1,)], [], [("second",)]]
    assert found[2][0].name == "second"


def test_the_last_message_ends_the_transaction(postgres_db: Database) -> None:
    """Others see it, and have the lock, before the block is left."""
    ledger = Ledger(db=postgres_db)
    with ledger.db.transaction() as tx:
        lock(ledger.db, tx, ledger.id)
        ledger.db.together(tx, statement(ADD, name="second"), last=True)
        with ledger.db.transaction() as other:
            ledger.db.execute(other, "SET LOCAL lock_timeout = '5s'")
            lock(ledger.db, other, ledger.id)
            seen = ledger.db.execute(other, "SELECT count(*) FROM tenant").scalar_one()

    assert seen == 2


@pytest.mark.parametrize("last", (False, True))
def test_a_fault_takes_everything_back(ledger: Ledger, last: bool) -> None:
    """And is raised as it is for a single statement."""
    twice = (statement(ADD, name="second"), statement(ADD, name="second"))
    with pytest.raises(IntegrityError), ledger.db.transaction() as tx:
        ledger.db.together(tx, *twice, last=last)

    with ledger.db.transaction() as tx:
        assert ledger.db.execute(tx, "SELECT count(*) FROM tenant").scalar_one() == 1


def test_a_connection_that_broke_is_not_used_again(postgres_db: Database) -> None:
    """The store is away for who used it, and there for the next one."""
    hang_up = statement("SELECT pg_terminate_backend(pg_backend_pid())")
    with pytest.raises(ServiceUnavailableError), postgres_db.transaction() as tx:
        postgres_db.together(tx, hang_up, statement("SELECT 1"))

    with postgres_db.transaction() as tx:
        assert postgres_db.execute(tx, "SELECT 1").scalar_one() == 1


def test_what_a_copy_fails_of_is_raised_as_it_is_for_a_statement(postgres_db: Database) -> None:
    """A webhook is put off where the disk is full, and not refused."""
    with pytest.raises(IntegrityError):
        _copy(postgres_db, "second", "second")

    with postgres_db.transaction() as tx:
        assert postgres_db.execute(tx, "SELECT count(*) FROM tenant").scalar_one() == 0


def test_a_lock_is_held_for_two_messages(postgres_db: Database) -> None:
    """Each further one would keep webhooks and workers waiting for a turn of its holder. A claim looks before it locks."""
    db = _Counted(postgres_db.engine.url.render_as_string(hide_password=False))
    ledger = Ledger(db=db)
    ledger.admit(price("a"), price("b", thing="a"), price("c"))
    with db.transaction() as tx:
        (bell,) = bells.note(db, tx, lock(db, tx, ledger.id), "work", wanted=1, limit=2)
    sent = {}
    with db.counting():
        held = ledger.claim(limit=1)
        sent["claim"] = db.messages
    with db.counting():
        ledger.settle(held)
        sent["settle"] = db.messages
    with db.counting():
        rung = bells.finish(db, bell, due=claim.WORK_DUE, slice_size=1, limit=2)
        sent["finish"] = db.messages
    db.close()

    assert sent == {"claim": 3, "settle": 2, "finish": 2}
    assert rung == [bell, Bell(bell.id + 1, ledger.id, "work")]


def _copy(db: Database, *tenants: str) -> None:
    with db.transaction() as tx:
        db.insert_new(tx, "tenant", ("name", "created_at"), [(name, 0) for name in tenants])
