"""An export across its files: which of its records have been seen, which are missing, which came twice. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from connectors.merchstack.ranges import Pairs, Ranges, merged
from hub.records import JSON

#: An export in more pieces is not counted any more: its numbers are no numbers.
MOST_RANGES = 10_000

#: Different totals that are kept of a file, and shown of an export.
_MOST_TOTALS = 5


@dataclass(kw_only=True)
class Seen:
    """The numbers of one file, and the totals that its records name."""

    numbers: Ranges = field(default_factory=Ranges)
    doubled: Ranges = field(default_factory=Ranges)
    totals: list[int] = field(default_factory=list)

    @property
    def pieces(self) -> int:
        """How many ranges are kept."""
        return len(self.numbers) + len(self.doubled)


@dataclass(kw_only=True)
class Tracking:
    """The records of one type of one export.

    A number is doubled when it stands twice in a file, or in two files of different names; a file that comes again
    takes the place of what was seen of it. ``given_up``: it is in too many pieces to be followed, and ``told`` are
    the totals that were named.
    """

    files: dict[str, Seen] = field(default_factory=dict)
    told: list[int] = field(default_factory=list)
    given_up: bool = False

    @classmethod
    def parse(cls, stored: JSON) -> Tracking:
        """What ``as_json`` gave."""
        files = {name: _seen(*seen, all_totals=stored["of"]) for name, seen in stored["files"].items()}
        told = [] if files else list(stored["of"])
        return cls(files=files, told=told, given_up=stored.get("given_up", False))

    def as_json(self) -> JSON:
        """For the cursor; a file's totals stand there only where they are not everybody's."""
        totals = self.totals
        files = {
            name: [
                seen.numbers.pairs,
                seen.doubled.pairs,
                *([seen.totals] if seen.totals != totals else []),
            ]
            for name, seen in self.files.items()
        }
        return {"files": files, "of": totals, **({"given_up": True} if self.given_up else {})}

    def add(self, file: str, number: int | None, of: int | None) -> None:
        """A record of ``file`` was seen that says it is ``number`` of ``of``."""
        if self.given_up:
            _add_total(self.told, of)
            return
        seen = self.files.setdefault(file, Seen())
        _add_total(seen.totals, of)
        if number is None:
            return
        before = seen.pieces
        if not seen.numbers.add(number):
            seen.doubled.add(number)
        if seen.pieces > before and self.pieces > MOST_RANGES:
            self.told, self.files, self.given_up = self.totals, {}, True

    def forget(self, file: str) -> None:
        """The file is read anew."""
        self.files.pop(file, None)

    @property
    def pieces(self) -> int:
        """How many ranges are kept."""
        return sum(seen.pieces for seen in self.files.values())

    @property
    def totals(self) -> list[int]:
        """What its records say about how many there are, in order; a file that is forgotten has said nothing."""
        return sorted({*self.told, *(total for seen in self.files.values() for total in seen.totals)})

    @property
    def total(self) -> int | None:
        """How many records there are, by the largest number that any of them names."""
        totals = self.totals
        return totals[-1] if totals else None

    @property
    def complete(self) -> bool:
        """All numbers have been seen; False where it cannot be known."""
        return self.total is not None and not self.given_up and not len(self.missing())

    @property
    def is_unnumbered(self) -> bool:
        """Records were seen, and none of them names a number or a total: imports may leave both out."""
        return bool(self.files) and self.total is None and not self.pieces

    def missing(self) -> Ranges:
        """The numbers that nobody has seen."""
        seen, _ = self._merged()
        return seen.gaps(self.total or 0)

    def doubled(self) -> Ranges:
        """The numbers that came more than once."""
        _, in_two = self._merged()
        return merged([in_two, *(seen.doubled for seen in self.files.values())])[0]

    def summary(self) -> dict[str, Any]:
        """For the report."""
        seen, _ = self._merged()
        return {
            "state": self._state(),
            "record_of": self.total,
            "seen": seen.count,
            "missing": str(self.missing()) if not self.given_up else "",
            "doubled": str(self.doubled()),
        }

    def _state(self) -> str:
        if self.given_up or self.is_unnumbered:
            return "not followed"
        return "complete" if self.complete else "incomplete"

    def warnings(self) -> Iterator[str]:
        """What is odd about it."""
        if self.given_up:
            yield f"its numbers are in more than {MOST_RANGES} pieces and are not followed; see recordNum"
            return
        if len(self.totals) > 1:
            shown = ", ".join(map(str, self.totals[-_MOST_TOTALS:]))
            yield f"its records disagree on recordOf: {shown}; the largest counts"
        if len(doubled := self.doubled()):
            yield f"recordNum {doubled} came more than once"
        if len(beyond := self._merged()[0].beyond(self.total or 0)):
            yield f"recordNum {beyond} is above recordOf, {self.total}"

    def _merged(self) -> tuple[Ranges, Ranges]:
        return merged([seen.numbers for seen in self.files.values()])


def _seen(
    numbers: Pairs, doubled: Pairs, totals: Sequence[int] | None = None, *, all_totals: Sequence[int]
) -> Seen:
    return Seen(
        numbers=Ranges(numbers),
        doubled=Ranges(doubled),
        totals=list(all_totals if totals is None else totals),
    )


def _add_total(totals: list[int], total: int | None) -> None:
    if total is not None and total not in totals and len(totals) < _MOST_TOTALS:
        totals.append(total)
        totals.sort()
