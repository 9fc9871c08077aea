"""Rule 8: the credentials of source and destination fail apart."""

from __future__ import annotations

import pytest

from hub.store import connections, ringing, schedule
from tests.ledger.driver import MINUTE, Ledger, price


def test_a_refused_destination_stops_pushes_and_not_reports(ledger: Ledger) -> None:
    """What was pushed before is still told."""
    ledger.admit(price("a"), price("b"), price("c"))
    ledger.report(ledger.settle(ledger.claim(limit=1)).to_report, "retry")
    held = ledger.claim(limit=1)
    ledger.settle(held, "refused")

    assert ledger.claim().records == ()
    assert ledger.report_due() == ["a"]
    assert _bells(ledger) == []
    assert _stored(ledger).destination_refused == "401: bad key"
    assert _stored(ledger).shown_status == "needs_reauth"


def test_a_refused_destination_spends_no_attempt(ledger: Ledger) -> None:
    """The record waits and is due as soon as the credential is renewed."""
    ledger.admit(price("a"))
    ledger.push("refused")
    assert ledger.row("a")["total_attempts"] == 0
    connections.set_paused(ledger.db, ledger.name, False)

    assert ledger.push() == ["a"]
    assert ledger.told[-1].attempts == 1
    ledger.check_at_rest()


def test_a_refused_destination_does_not_stop_the_polls(ledger: Ledger) -> None:
    """What the source offers is admitted and waits."""
    ledger.admit(price("a"))
    ledger.push("refused")
    ledger.admit(price("b"))

    assert schedule.fire_due(ledger.db, lost_after=MINUTE) == [ledger.id]
    assert ledger.states() == {"a": "waiting", "b": "waiting"}


def test_a_refused_source_stops_polls_and_reports_and_not_what_is_admitted(ledger: Ledger) -> None:
    """Outcomes gather until it is renewed."""
    ledger.admit(price("a"), price("b"))
    ledger.report(ledger.settle(ledger.claim(limit=1)).to_report, "refused")

    assert schedule.fire_due(ledger.db, lost_after=MINUTE) == []
    settled = ledger.settle(ledger.claim())
    assert settled.states == {"b": "success"}
    assert settled.to_report.records == []
    assert ledger.report_due() == []
    assert _bells(ledger) == []
    assert _stored(ledger).source_refused == "403: missing scope"
    assert [row["report_attempts"] for row in ledger.rows()] == [0, 0]

    connections.set_paused(ledger.db, ledger.name, False)
    assert ledger.report_due() == ["a", "b"]
    ledger.check_at_rest()


def test_a_poll_that_is_refused_stops_the_source_side(ledger: Ledger) -> None:
    """Pushes go on."""
    ledger.admit(price("a"))
    connections.refuse_source(ledger.db, ledger.id, "401: bad key")

    assert schedule.fire_due(ledger.db, lost_after=MINUTE) == []
    assert ledger.settle(ledger.claim()).states == {"a": "success"}


def test_a_paused_connection_neither_polls_nor_pushes_and_still_reports(ledger: Ledger) -> None:
    """What it has done it says."""
    ledger.admit(price("a"), price("b"))
    to_report = ledger.settle(ledger.claim(limit=1)).to_report
    ledger.report(to_report, "retry")
    connections.set_paused(ledger.db, ledger.name, True)

    assert schedule.fire_due(ledger.db, lost_after=MINUTE) == []
    assert ledger.claim().records == ()
    assert ledger.report_due() == ["a"]
    connections.set_paused(ledger.db, ledger.name, False)
    assert ledger.push() == ["b"]
    ledger.check_at_rest()


def test_what_is_under_way_when_a_connection_stops_is_settled(ledger: Ledger) -> None:
    """A pause loses no answer."""
    ledger.admit(price("a"))
    held = ledger.claim()
    connections.set_paused(ledger.db, ledger.name, True)
    ledger.report(ledger.settle(held).to_report)

    ledger.check_at_rest()


@pytest.mark.parametrize("side", ("push", "report"))
def test_a_connection_that_is_set_up_wrongly_stops_as_a_whole(ledger: Ledger, side: str) -> None:
    """Going on would do harm; the reason is kept."""
    whole = {"state": "waiting", "refused": "the account does not exist", "fails": True}
    ledger.admit(price("a"), price("b"))
    held = ledger.claim(limit=1)
    if side == "push":
        ledger.settle(held, whole)
    else:
        ledger.report(ledger.settle(held).to_report, whole)

    assert ledger.claim().records == ()
    assert schedule.fire_due(ledger.db, lost_after=MINUTE) == []
    assert (_stored(ledger).status, _stored(ledger).status_reason) == ("failed", "the account does not exist")


def test_another_connection_goes_on(ledger: Ledger) -> None:
    """Each has credentials of its own."""
    other = Ledger(db=ledger.db, name="other")
    for one in (ledger, other):
        one.admit(price("a"))
    ledger.push("refused")

    assert other.push() == ["a"]
    other.check_at_rest()


def _stored(ledger: Ledger) -> connections.StoredConnection:
    return connections.get_connection_by_id(ledger.db, ledger.id)


def _bells(ledger: Ledger) -> list[str]:
    return [bell.stage for bell in ringing.ring_due(ledger.db, older_than=0)]
