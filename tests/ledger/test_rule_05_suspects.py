"""Rule 5, the innocent: who was in one pair of hands with a poisoned record outlives it."""

from __future__ import annotations

import pytest

from hub.store.ledger import claim
from hub.store.ledger.claim import ALONE_AFTER
from tests.ledger.driver import Ledger, Slice, price


def work_is_due(ledger: Ledger) -> bool:
    return bool(ledger.due(claim.WORK_DUE))


def lose_all(ledger: Ledger, times: int) -> None:
    """One worker takes all that is due, in slices or alone, and dies."""
    for _ in range(times):
        while ledger.claim(limit=2).records:
            pass
        ledger.lose_claims()


def test_suspects_are_worked_one_at_a_time(ledger: Ledger) -> None:
    """Nobody but the poisoned one loses a claim with it from then on; others are worked meanwhile."""
    ledger.admit(*(price(f"k{at}") for at in range(3)))
    lose_all(ledger, ALONE_AFTER)
    ledger.admit(price("new"))

    first, second, third = (ledger.claim(f"w{at}") for at in range(3))

    assert [len(one.records) for one in (first, second, third)] == [1, 1, 0]
    assert [held.key for held in second.records] == ["new"]
    assert not work_is_due(ledger)
    ledger.report(ledger.settle(first).to_report)
    assert work_is_due(ledger)
    assert len(ledger.claim("w2").records) == 1


def test_only_the_poisoned_one_dies(ledger: Ledger) -> None:
    """Although one worker held them all each time that it died."""
    ledger.admit(*(price(f"k{at}") for at in range(6)))
    for _ in range(20):
        slices: list[Slice] = []
        while (held := ledger.claim(limit=2)).records:
            slices.append(held)
        poisoned = any(record.key == "k3" for one in slices for record in one.records)
        for one in () if poisoned else slices:
            ledger.report(ledger.settle(one).to_report)
        ledger.lose_claims()
        ledger.report_due()

    assert ledger.states() == {key: "dead" if key == "k3" else "success" for key in ledger.states()}
    ledger.check_at_rest()


@pytest.mark.parametrize("limit", (1, 100))
def test_suspicious_reports_are_told_one_at_a_time(ledger: Ledger, limit: int) -> None:
    """The same holds for them."""
    ledger.admit(price("a"), price("b"))
    ledger.settle(ledger.claim())
    for _ in range(ALONE_AFTER):
        ledger.lose_claims()
        while ledger.claim_reports(limit=limit).records:
            pass
    ledger.lose_claims()

    first, second = ledger.claim_reports("w1"), ledger.claim_reports("w2")
    assert (len(first.records), len(second.records)) == (1, 0)
    ledger.report(first)
    assert len(ledger.claim_reports("w2").records) == 1
