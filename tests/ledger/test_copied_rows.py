"""Many new records are copied into the ledger at once, and are the rows that a few would have been."""

from __future__ import annotations

from typing import Any

from hub.store.ledger.entry import FEW_ROWS
from tests.ledger.driver import Ledger, price

#: What is a record's own.
OWN = ("id", "key", "order_key", "admitted_at", "due_at", "run_id")


def test_copied_rows_are_as_inserted_ones(ledger: Ledger) -> None:
    """In all their columns, the moment that they came among them."""
    ledger.admit(price("one", "1", group="file"), run=True)
    ledger.admit(*(price(str(number), "1", group="file") for number in range(FEW_ROWS + 1)), run=True)
    inserted, *copied = ledger.rows()

    assert len(copied) == FEW_ROWS + 1
    assert all(_shared(row) == _shared(inserted) for row in copied)
    assert [row["key"] for row in copied] == [row["order_key"] for row in copied]
    assert {row["admitted_at"] for row in copied} == {row["due_at"] for row in copied}
    assert all(row["run_id"] == inserted["run_id"] + 1 for row in copied)


def _shared(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in OWN}
