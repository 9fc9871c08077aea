"""An import on its way from staged lines to files, in a scratch file of SQLite: the memory it needs does not grow."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hub import codec
from hub.records import JSON

#: So many rows are read at once.
_ROWS = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One record as it was staged. ``record`` is None where the item turned out to have nothing to export.

    ``item`` and ``at`` (a moment as text) say which line of a key is the newest; ``depth`` is how far a category is
    from its root; ``content`` is what to remember of ``record`` (``Exported``), None for a deletion.
    """

    key: str
    item: int
    at: str
    depth: int = 0
    operation: str = ""
    content: str | None = None
    record: JSON | None = None


def dump(lines: Sequence[Line]) -> bytes:
    """As lines of JSON."""
    return b"".join(codec.dumps(line) + b"\n" for line in lines)


def load(text: bytes) -> list[Line]:
    """The other way round."""
    return [Line(**codec.loads(line)) for line in text.splitlines()]


class Spool:
    """Takes staged lines in any order; gives the newest of each key, parents first, deletions last, children first."""

    def __init__(self, folder: Path) -> None:
        self._db = sqlite3.connect(folder / "spool.db", isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode = OFF")
        self._db.execute("PRAGMA synchronous = OFF")
        self._db.execute(
            "CREATE TABLE line (key TEXT PRIMARY KEY, item INTEGER, at TEXT, rank INTEGER, operation TEXT, "
            "content TEXT, record BLOB)"
        )

    def close(self) -> None:
        """Let go of the scratch file."""
        self._db.close()

    def add(self, lines: Sequence[Line]) -> None:
        """Take lines in; a newer one takes the place of an older one of its key."""
        self._db.execute("BEGIN")
        self._db.executemany(
            "INSERT INTO line VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET item = excluded.item, "
            "at = excluded.at, rank = excluded.rank, operation = excluded.operation, content = excluded.content, "
            "record = excluded.record WHERE (excluded.item, excluded.at) > (line.item, line.at)",
            [_row(line) for line in lines],
        )
        self._db.execute("COMMIT")

    @property
    def total(self) -> int:
        """How many records there are to export."""
        found: int = self._db.execute("SELECT count(*) FROM line WHERE record IS NOT NULL").fetchone()[0]
        return found

    def records(self) -> Iterator[tuple[str, JSON]]:
        """Operation type and record, in order."""
        for operation, record in self._rows("operation, record", "rank, item, key"):
            yield operation, codec.loads(record)

    def contents(self) -> Iterator[tuple[str, str | None]]:
        """Key, and what to remember of what is exported; None for what is deleted."""
        return self._rows("key, content", "key")

    def _rows(self, columns: str, order: str) -> Iterator[Any]:
        rows = self._db.execute(
            f"SELECT {columns} FROM line WHERE record IS NOT NULL ORDER BY {order}"  # noqa: S608 - our own names
        )
        while found := rows.fetchmany(_ROWS):
            yield from found


def _row(line: Line) -> tuple[Any, ...]:
    record = None if line.record is None else codec.dumps(line.record)
    rank = line.depth if line.operation != "delete" else 1_000_000 - line.depth
    return line.key, line.item, line.at, rank, line.operation, line.content, record
