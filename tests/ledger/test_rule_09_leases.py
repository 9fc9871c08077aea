"""Rule 9: leases, fences and the schedule live in the store."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from hub.records import BadRecord
from hub.store import connections, leases, quarantine, ringing, schedule
from hub.store.database import Database
from hub.store.ledger.lock import lock
from tests.ledger.driver import MINUTE, SECOND, Ledger


def test_a_lease_has_one_holder(db: Database) -> None:
    """Others are told so until it expires or is released."""
    held = leases.acquire(db, "poll:1", holder="a", duration=MINUTE)

    assert held is not None
    assert leases.acquire(db, "poll:1", holder="b", duration=MINUTE) is None
    assert leases.acquire(db, "poll:2", holder="b", duration=MINUTE) is not None


def test_a_holder_renews_its_lease_under_the_same_fence(db: Database) -> None:
    """For as long as it works."""
    first = leases.acquire(db, "poll:1", holder="a", duration=MINUTE)
    second = leases.acquire(db, "poll:1", holder="a", duration=MINUTE)

    assert first == second


@pytest.mark.parametrize("end", ("expired", "released"))
def test_the_fence_grows_with_each_holder(ledger: Ledger, end: str) -> None:
    """So that a late one is told from the present one."""
    fences = []
    for holder in ("a", "b", "a", "c"):
        held = leases.acquire(ledger.db, "poll:1", holder=holder, duration=MINUTE)
        assert held is not None
        fences.append(held.fence)
        if end == "expired":
            ledger.pass_time(MINUTE)
        else:
            leases.release(ledger.db, held)

    assert fences == sorted(set(fences))


def test_what_a_late_holder_does_is_not_taken(ledger: Ledger) -> None:
    """Its whole transaction is given up, the cursor with it."""
    late = leases.acquire(ledger.db, "poll:1", holder="a", duration=MINUTE)
    assert late is not None
    ledger.pass_time(MINUTE)
    present = leases.acquire(ledger.db, "poll:1", holder="b", duration=MINUTE)
    assert present is not None

    with pytest.raises(leases.LostLeaseError):
        _write_cursor(ledger, late, 1)
    _write_cursor(ledger, present, 2)
    with pytest.raises(leases.LostLeaseError):
        _write_cursor(ledger, late, 3)

    assert _state(ledger).cursor == {"page": 2}


def test_a_holder_that_comes_back_is_late_as_well(ledger: Ledger) -> None:
    """The same process under an old fence is another holder."""
    late = leases.acquire(ledger.db, "poll:1", holder="a", duration=MINUTE)
    assert late is not None
    leases.release(ledger.db, late)
    again = leases.acquire(ledger.db, "poll:1", holder="a", duration=MINUTE)

    assert again is not None
    with pytest.raises(leases.LostLeaseError):
        _write_cursor(ledger, late, 1)


def test_releasing_a_lost_lease_takes_nothing_from_the_present_holder(ledger: Ledger) -> None:
    """A late goodbye is harmless."""
    late = leases.acquire(ledger.db, "poll:1", holder="a", duration=MINUTE)
    assert late is not None
    ledger.pass_time(MINUTE)
    leases.acquire(ledger.db, "poll:1", holder="b", duration=MINUTE)
    leases.release(ledger.db, late)

    assert leases.acquire(ledger.db, "poll:1", holder="c", duration=MINUTE) is None


def test_a_due_connection_is_fired_once(ledger: Ledger) -> None:
    """However many schedulers ask."""
    assert schedule.fire_due(ledger.db, lost_after=MINUTE) == [ledger.id]
    assert schedule.fire_due(ledger.db, lost_after=MINUTE) == []


def test_a_poll_that_does_not_come_back_is_fired_again(ledger: Ledger) -> None:
    """Its message, or its process, was lost."""
    schedule.fire_due(ledger.db, lost_after=MINUTE)
    ledger.pass_time(MINUTE)

    assert schedule.fire_due(ledger.db, lost_after=MINUTE) == [ledger.id]


def test_a_poll_that_came_back_says_when_the_next_one_is(ledger: Ledger) -> None:
    """It is fired then and not before."""
    schedule.fire_due(ledger.db, lost_after=MINUTE)
    with ledger.db.transaction() as tx:
        schedule.write(ledger.db, tx, lock(ledger.db, tx, ledger.id), next_in=30 * SECOND, idle_polls=2)

    assert _state(ledger).idle_polls == 2
    assert schedule.fire_due(ledger.db, lost_after=MINUTE) == []
    ledger.pass_time(30 * SECOND)
    assert schedule.fire_due(ledger.db, lost_after=MINUTE) == [ledger.id]


def test_all_due_connections_are_fired_the_longest_due_first(db: Database) -> None:
    """In lots, so that one scheduler does not take all at once."""
    ledgers = []
    for at in range(3):
        ledgers.append(Ledger(db=db, name=f"shop-{at}"))
        ledgers[0].pass_time(SECOND)

    assert set(schedule.fire_due(db, lost_after=MINUTE, limit=2)) == {ledgers[0].id, ledgers[1].id}
    assert set(schedule.fire_due(db, lost_after=MINUTE, limit=2)) == {ledgers[2].id}


def test_the_limit_holds_however_postgresql_plans(postgres_url: str) -> None:
    """Also where it would run the inner query once a row."""
    nested = "-cenable_hashjoin=off -cenable_mergejoin=off -cenable_hashagg=off -cenable_sort=off -cenable_material=off"
    db = Database(f"{postgres_url}&options={quote(nested)}")
    for at in range(4):
        Ledger(db=db, name=f"shop-{at}")

    assert len(schedule.fire_due(db, lost_after=MINUTE, limit=2)) == 2
    db.close()


def test_a_broker_that_lost_its_messages_has_its_polls_fired_again(ledger: Ledger) -> None:
    """At once."""
    schedule.fire_due(ledger.db, lost_after=MINUTE)
    ringing.forget_fired_polls(ledger.db)

    assert schedule.fire_due(ledger.db, lost_after=MINUTE) == [ledger.id]


def test_a_person_may_set_the_cursor_or_ask_for_a_full_pass(ledger: Ledger) -> None:
    """The next poll is due at once then."""
    lease = leases.acquire(ledger.db, "poll:1", holder="a", duration=MINUTE)
    assert lease is not None
    _write_cursor(ledger, lease, 5)
    assert schedule.fire_due(ledger.db, lost_after=MINUTE) == []

    connections.rewind(ledger.db, ledger.name, cursor={"page": 1})
    assert (_state(ledger).cursor, _state(ledger).full_pass) == ({"page": 1}, False)
    assert schedule.fire_due(ledger.db, lost_after=MINUTE) == [ledger.id]
    connections.rewind(ledger.db, ledger.name, full_pass=True)
    assert (_state(ledger).cursor, _state(ledger).full_pass) == ({"page": 1}, True)
    assert schedule.fire_due(ledger.db, lost_after=MINUTE) == [ledger.id]


def test_a_bad_record_is_kept_once(ledger: Ledger) -> None:
    """With its raw text, before the cursor moves on; seen again it only counts up."""
    bad = BadRecord(reason="no key", raw='{"amount": 3}\x00', stream="price")
    new = [
        _quarantine(ledger, bad, bad),
        _quarantine(ledger, bad),
        _quarantine(ledger, BadRecord(reason="x", raw="")),
    ]

    assert new == [1, 0, 1]
    kept = {row["reason"]: row for row in quarantine.list_quarantine(ledger.db, ledger.id)}
    assert (kept["no key"]["seen"], kept["no key"]["raw"]) == (3, '{"amount": 3}\\u0000')


def _write_cursor(ledger: Ledger, lease: leases.HeldLease, page: int) -> None:
    with ledger.db.transaction() as tx:
        connection = lock(ledger.db, tx, ledger.id)
        schedule.write(ledger.db, tx, connection, next_in=MINUTE, cursor=f'{{"page":{page}}}')
        leases.verify(ledger.db, tx, lease)


def _state(ledger: Ledger) -> schedule.PollState:
    with ledger.db.transaction() as tx:
        return schedule.read(ledger.db, tx, ledger.id)


def _quarantine(ledger: Ledger, *bad: BadRecord) -> int:
    with ledger.db.transaction() as tx:
        return quarantine.keep(ledger.db, tx, lock(ledger.db, tx, ledger.id), bad)
