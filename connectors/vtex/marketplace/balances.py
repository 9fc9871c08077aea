"""How much there is of each SKU, by the logistics of a simulation. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

from connectors.vtex.marketplace.counts import pieces, whole
from hub.records import JSON

#: What items or SKUs a list is about, in its order; None for what was not asked for.
Names = Sequence[str | None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Balances:
    """``stocks`` in pieces and ``faults``, why a stock cannot be read, by SKU. What is in neither has no balance."""

    stocks: Mapping[str, int]
    faults: Mapping[str, str]


def balances(logistics: Any, lines: Names, skus: Sequence[str]) -> Balances:
    """Of ``logisticsInfo``. An ``itemIndex`` counts the items of the answer or those of the request, and nothing says which.

    An entry that fits neither is ignored. Where one reading alone fits all others it is taken; where both fit, or neither
    does, an SKU has the least that it may have.
    """
    sold = set(lines)
    entries = [
        (index, one)
        for index, one in _entries(logistics)
        if any(_fits(index, names, sold) for names in (lines, skus))
    ]
    possible: dict[str, list[int]] = {}
    faults: dict[str, str] = {}
    for names in _readings(entries, lines, skus, sold):
        of_reading: dict[str, int] = {}
        for index, one in entries:
            name = names[index] if _fits(index, names, sold) else None
            if name is None:
                continue
            try:
                stock = _stock(one)
            except ValueError as error:
                faults[name] = str(error)
                continue
            if stock is not None:
                # Lines of one SKU all tell the whole of its stock.
                of_reading[name] = max(stock, of_reading.get(name, 0))
        for name, stock in of_reading.items():
            possible.setdefault(name, []).append(stock)
    return Balances(stocks={name: min(stocks) for name, stocks in possible.items()}, faults=faults)


def _readings(
    entries: Sequence[tuple[int, JSON]], lines: Names, skus: Sequence[str], sold: AbstractSet[str | None]
) -> Sequence[Names]:
    """Of a split SKU's lines the later indices of a request stand for others: what leaves a line without its entry is wrong."""
    both: Sequence[Names] = (lines, skus)
    fitting = [names for names in both if all(_fits(index, names, sold) for index, _ in entries)]
    complete = [names for names in fitting if sold <= {names[index] for index, _ in entries}]
    return complete or fitting or both


def _entries(logistics: Any) -> Iterator[tuple[int, JSON]]:
    for one in logistics if isinstance(logistics, list) else ():
        index = whole(one.get("itemIndex")) if isinstance(one, dict) else None
        if index is not None and index >= 0:
            yield index, one


def _fits(index: int, names: Names, sold: AbstractSet[str | None]) -> bool:
    return index < len(names) and names[index] in sold


def _stock(logistics: JSON) -> int | None:
    """Its own, else the greatest of its delivery channels, which share it."""
    own = pieces("stockBalance", logistics.get("stockBalance"))
    if own is not None:
        return own
    channels = logistics.get("deliveryChannels")
    found = [
        pieces("deliveryChannels.stockBalance", one.get("stockBalance"))
        for one in (channels if isinstance(channels, list) else ())
        if isinstance(one, dict)
    ]
    return max((balance for balance in found if balance is not None), default=None)
