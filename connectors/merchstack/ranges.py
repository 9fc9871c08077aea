"""A set of numbers as the fewest ranges, since those of an export come in rows. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

#: So many ranges are put into words.
_SHOWN = 20

Pairs = Sequence[Sequence[int]]


class Ranges:
    """Numbers from 1, kept as sorted ranges that neither meet nor overlap; both ends belong to a range."""

    def __init__(self, pairs: Pairs = ()) -> None:
        self._starts = [pair[0] for pair in pairs]
        self._ends = [pair[1] for pair in pairs]

    def __len__(self) -> int:
        """How many ranges there are."""
        return len(self._starts)

    def __contains__(self, number: int) -> bool:
        place = bisect_right(self._starts, number) - 1
        return place >= 0 and number <= self._ends[place]

    @property
    def count(self) -> int:
        """How many numbers there are."""
        return sum(self._ends) - sum(self._starts) + len(self)

    @property
    def pairs(self) -> list[list[int]]:
        """As JSON."""
        return [list(pair) for pair in zip(self._starts, self._ends, strict=True)]

    def add(self, number: int) -> bool:
        """Put a number in; False if it was there."""
        place = bisect_right(self._starts, number)
        if place and number <= self._ends[place - 1]:
            return False
        touches_left = place > 0 and self._ends[place - 1] == number - 1
        touches_right = place < len(self) and self._starts[place] == number + 1
        if touches_left and touches_right:
            self._ends[place - 1] = self._ends.pop(place)
            self._starts.pop(place)
        elif touches_left:
            self._ends[place - 1] = number
        elif touches_right:
            self._starts[place] = number
        else:
            self._starts.insert(place, number)
            self._ends.insert(place, number)
        return True

    def gaps(self, upto: int) -> Ranges:
        """What is missing from 1 up to and including ``upto``."""
        begins = [1, *(end + 1 for end in self._ends)]
        ends = [*(start - 1 for start in self._starts), upto]
        pairs = zip(begins, ends, strict=True)
        return Ranges([(begin, min(end, upto)) for begin, end in pairs if begin <= min(end, upto)])

    def beyond(self, limit: int) -> Ranges:
        """The numbers above ``limit``."""
        return Ranges([(max(start, limit + 1), end) for start, end in self.pairs if end > limit])

    def __str__(self) -> str:
        """For people: ``3, 7-9``; very many are cut short."""
        texts = [str(start) if start == end else f"{start}-{end}" for start, end in self.pairs[:_SHOWN]]
        more = f" and {len(self) - _SHOWN} more ranges" if len(self) > _SHOWN else ""
        return ", ".join(texts) + more


def merged(many: Sequence[Ranges]) -> tuple[Ranges, Ranges]:
    """What is in any of them, and what is in more than one."""
    union: list[list[int]] = []
    common: list[list[int]] = []
    for start, end in sorted(pair for ranges in many for pair in ranges.pairs):
        if union and start <= union[-1][1]:
            _append(common, start, min(end, union[-1][1]))
        _append(union, start, end)
    return Ranges(union), Ranges(common)


def _append(pairs: list[list[int]], start: int, end: int) -> None:
    """Put a range at the end; those before it begin no later."""
    if pairs and start <= pairs[-1][1] + 1:
        pairs[-1][1] = max(pairs[-1][1], end)
    else:
        pairs.append([start, end])
