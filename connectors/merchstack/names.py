"""What Merchstack's files are called, and in which order they are read. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

#: Data type, direction, id, number (merchstack facts): ``product_export90100_1.jsonl``. An id is letters, digits,
#: dashes, dots and underscores, so that no name leads out of its folder or forges another one.
_NAME = re.compile(
    r"(?P<type>category|product)_(?P<direction>export|import)"
    r"(?P<id>[A-Za-z0-9-][A-Za-z0-9._-]{0,127})_(?P<number>[0-9]{1,9})\.jsonl(?P<gzip>\.gz)?"
)

#: What is appended to a file's name to name its report.
REPORT = ".report.json"

#: So many names are remembered: every poll asks for all that are in the folder, several times.
_REMEMBERED = 20_000

RecordType = Literal["category", "product"]


@dataclass(frozen=True, kw_only=True, slots=True)
class FileName:
    """What a name tells: the type of all records, from or for Merchstack, the export's id, which of its files."""

    text: str
    record_type: RecordType
    direction: Literal["export", "import"]
    id: str
    number: int
    gzip: bool

    @property
    def order(self) -> tuple[object, ...]:
        """Sorts categories before products, then by id (numbers by value) and number."""
        by_id = (0, int(self.id), "") if self.id.isdecimal() else (1, 0, self.id)
        return (self.record_type, *by_id, self.number, self.text)

    @property
    def metadata(self) -> str:
        """The field of a record that says where it belongs."""
        return f"{self.direction}MetaData"


@lru_cache(maxsize=_REMEMBERED)
def parse(name: str) -> FileName | None:
    """A documented name, or None for any other: those are left alone (merchstack facts)."""
    found = _NAME.fullmatch(name)
    if found is None or ".." in name:
        return None
    return FileName(
        text=name,
        record_type="category" if found["type"] == "category" else "product",
        direction="export" if found["direction"] == "export" else "import",
        id=found["id"],
        number=int(found["number"]),
        gzip=found["gzip"] is not None,
    )


@lru_cache(maxsize=_REMEMBERED)
def order_of(name: str) -> tuple[object, ...]:
    """``FileName.order`` of a documented name; empty for any other."""
    parsed = parse(name)
    return parsed.order if parsed is not None else ()
