"""What a page of lines brings: records in their order, bad lines, warnings. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from connectors.merchstack.lines import BadLine, GoodLine, Source, read_line
from connectors.merchstack.metadata import Membership
from connectors.merchstack.reading import RawLine
from connectors.merchstack.sorting import parents_first
from hub.records import Record


@dataclass(frozen=True, kw_only=True, slots=True)
class Warned:
    """Something that a person should know of a line (0: of the file)."""

    line: int
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Content:
    """A page. ``members`` are the numbers of all lines that name one, bad ones included."""

    records: Sequence[Record]
    bad: Sequence[BadLine]
    warnings: Sequence[Warned]
    members: Sequence[Membership]


def read_page(lines: Sequence[RawLine], source: Source) -> Content:
    """Read a page's lines."""
    read = [read_line(line, source) for line in lines]
    bad = [line for line in read if isinstance(line, BadLine)]
    good = [line for line in read if isinstance(line, GoodLine)]
    if source.file.record_type == "category":
        good, own_ancestors = parents_first(good)
        bad = sorted([*bad, *own_ancestors], key=lambda line: line.number)
    return Content(
        records=[line.record for line in good],
        bad=bad,
        warnings=list(_replaced(good)),
        members=[line.member for line in read if line.member is not None],
    )


def _replaced(lines: Sequence[GoodLine]) -> Iterator[Warned]:
    latest: dict[str, GoodLine] = {}
    for line in sorted(lines, key=lambda line: line.number):
        if (before := latest.get(line.key)) is not None:
            text = f"line {before.number} was replaced by line {line.number}"
            yield Warned(line=before.number, text=text)
        latest[line.key] = line
