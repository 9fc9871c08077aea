"""Rule 4 over pruning: an older version that is pruned later does not make the ledger forget the newer one."""

from __future__ import annotations

from tests.ledger.driver import Ledger, price


def test_a_dead_letter_that_is_discarded_late_brings_nothing_back(ledger: Ledger) -> None:
    """Its key's newer version was pruned before it, and is known all the same."""
    ledger.admit(price("a", "1", amount=1), price("a", "1", amount=2))
    ledger.push("dead")
    ledger.push()
    assert ledger.prune() == 1
    old = ledger.row("a")
    assert old["state"] == "dead"
    ledger.discard("a")
    assert ledger.prune() == 1

    admitted = ledger.admit(price("a", "1", amount=2))

    assert (admitted.new, admitted.coalesced, admitted.duplicates) == (0, 0, 1)
    assert [payload["amount"] for _, payload in ledger.pushed()] == [1, 2]
