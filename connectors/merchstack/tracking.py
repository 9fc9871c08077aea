"""An export across its files: which of its records have been seen, which are missing, which came twice. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from connectors.merchstack.ranges import Ranges, merged
from hub.records import JSON

#: An export in more pieces is not counted any more: its numbers are no numbers.
MOST_RANGES = 10_000

#: Different totals that are shown.
_MOST_TOTALS = 5


@dataclass(kw_only=True)
class Seen:
    """The numbers of one file."""

    numbers: Ranges = field(default_factory=Ranges)
    doubled: Ranges = field(default_factory=Ranges)

    @property
    def pieces(self) -> int:
        """How many ranges are kept."""
        return len(self.numbers) + len(self.doubled)


@dataclass(kw_only=True)
class Tracking:
    """The records of one type of one export.

    A number is doubled when it stands twice in a file, or in two files of different names; a file that comes again
    takes the place of what was seen of it. ``given_up``: it is in too many pieces to be followed.
    """

    files: dict[str, Seen] = field(default_factory=dict)
    totals: list[int] = field(default_factory=list)
    given_up: bool = False

    @classmethod
    def parse(cls, stored: JSON) -> Tracking:
        """What ``as_json`` gave."""
        files = {
            name: Seen(numbers=Ranges(seen[0]), doubled=Ranges(seen[1]))
            for name, seen in stored["files"].items()
        }
        return cls(files=files, totals=list(stored["of"]), given_up=stored.get("given_up", False))

    def as_json(self) -> JSON:
        """For the cursor."""
        files = {name: [seen.numbers.pairs, seen.doubled.pairs] for name, seen in self.files.items()}
        return {"files": files, "of": self.totals, **({"given_up": True} if self.given_up else {})}

    def add(self, file: str, number: int | None, of: int | None) -> None:
        """A record of ``file`` was seen that says it is ``number`` of ``of``."""
        if of is not None and of not in self.totals and len(self.totals) < _MOST_TOTALS:
            self.totals = sorted([*self.totals, of])
        if number is None or self.given_up:
            return
        seen = self.files.setdefault(file, Seen())
        before = seen.pieces
        if not seen.numbers.add(number):
            seen.doubled.add(number)
        if seen.pieces > before and self.pieces > MOST_RANGES:
            self.files, self.given_up = {}, True

    def forget(self, file: str) -> None:
        """The file is read anew."""
        self.files.pop(file, None)

    @property
    def pieces(self) -> int:
        """How many ranges are kept."""
        return sum(seen.pieces for seen in self.files.values())

    @property
    def total(self) -> int | None:
        """How many records there are, by the largest number that any of them names."""
        return self.totals[-1] if self.totals else None

    @property
    def complete(self) -> bool:
        """All numbers have been seen; False where it cannot be known."""
        return self.total is not None and not self.given_up and not len(self.missing())

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
            "state": "not followed" if self.given_up else "complete" if self.complete else "incomplete",
            "record_of": self.total,
            "seen": seen.count,
            "missing": str(self.missing()) if not self.given_up else "",
            "doubled": str(self.doubled()),
        }

    def warnings(self) -> Iterator[str]:
        """What is odd about it."""
        if self.given_up:
            yield f"its numbers are in more than {MOST_RANGES} pieces and are not followed; see recordNum"
            return
        if len(self.totals) > 1:
            yield f"its records disagree on recordOf: {', '.join(map(str, self.totals))}; the largest counts"
        if len(doubled := self.doubled()):
            yield f"recordNum {doubled} came more than once"
        if len(beyond := self._merged()[0].beyond(self.total or 0)):
            yield f"recordNum {beyond} is above recordOf, {self.total}"

    def _merged(self) -> tuple[Ranges, Ranges]:
        return merged([seen.numbers for seen in self.files.values()])
