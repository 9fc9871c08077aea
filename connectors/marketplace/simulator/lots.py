"""Lots: taken at once, decided when their time has come."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random

from connectors.marketplace.simulator.options import Options
from hub.records import JSON

#: Does one entry of a lot, and says what became of it.
Work = Callable[[str, JSON], JSON]


@dataclass(kw_only=True, slots=True)
class Lot:
    """Entries for one call; ``asked`` counts the questions what became of it."""

    id: str
    call: str
    entries: Sequence[JSON]
    due: float
    results: list[JSON] = field(default_factory=list)
    state: str = "processing"
    lost: bool = False
    asked: int = 0

    def shown(self) -> JSON:
        """As answers have it."""
        return {"id": self.id, "state": self.state, "results": self.results}


class LotBooks:
    """All lots; time comes from outside."""

    def __init__(self, options: Options, seconds: Callable[[], float], work: Work) -> None:
        self._options, self._seconds, self._work = options, seconds, work
        self._dice = Random(options.seed)
        self.lots: dict[str, Lot] = {}

    def take(self, call: str, entries: Sequence[JSON]) -> Lot:
        """A new one."""
        lot = Lot(
            id=f"lot-{len(self.lots) + 1}",
            call=call,
            entries=entries,
            due=self._seconds() + self._options.lot_seconds,
        )
        lot.lost = self._dice.random() < self._options.lot_lost
        self.lots[lot.id] = lot
        return lot

    def look(self, name: str) -> Lot | None:
        """One that is asked about; None if nobody knows it."""
        lot = self.lots.get(name)
        if lot is None:
            return None
        lot.asked += 1
        if lot.lost:
            return None
        if lot.state == "processing" and lot.due <= self._seconds():
            lot.results = [self._decided(lot.call, entry) for entry in lot.entries]
            lot.state = "done"
        return lot

    def lose(self) -> int:
        """All that are not decided are forgotten; how many."""
        open_ones = [lot for lot in self.lots.values() if lot.state == "processing"]
        for lot in open_ones:
            lot.lost = True
        return len(open_ones)

    def _decided(self, call: str, entry: JSON) -> JSON:
        if self._dice.random() < self._options.lot_refused:
            return {"sku": entry.get("sku"), "status": "rejected", "errors": ["refused at random"]}
        return self._work(call, entry)
