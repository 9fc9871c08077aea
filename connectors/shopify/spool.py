"""A bulk result on disk: its lines as they came, found by what they hang below.

The database has no name: SQLite keeps it in a file that is gone with the process, however that ends. It is a cache:
another process fetches the result again and finds every line under the same number.
"""

from __future__ import annotations

import re
import sqlite3
import threading
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from typing import Final

import msgspec

from connectors.shopify.joining import LISTS, assembled
from hub import codec
from hub.records import JSON

#: SQLite's own memory for one spool, in KiB.
CACHE: Final = 8 * 1024
#: Lines that cannot be read, of which so many are remembered.
MOST_BAD: Final = 20
#: What a line hangs below that is no JSON; the object above it is not whole.
_PARENT: Final = re.compile(rb'"__parentId"\s*:\s*"(gid://[\w/]+)"')
#: Parameters of one statement.
_MANY: Final = 500
#: Objects of the root that are looked up together at most, and at first: much may hang below one.
_TOGETHER, _FIRST_TOGETHER = 100, 4


#: Its number, its id, and as it came, if it can be read.
_Line = tuple[int, str | None, bytes | None]
#: By the id of an object, the id of each line that hangs below it, and as it came.
_Below = dict[str, list[tuple[str | None, bytes | None]]]


class _UnreadableError(Exception):
    """A line of an object is there, and cannot be read."""


class _Head(msgspec.Struct):
    """What has to be known of a line to find it again."""

    id: str | None = None
    parent: str | None = msgspec.field(name="__parentId", default=None)


class Spool:
    """Lines by number, 1 for the first. Its methods block: call them in a thread."""

    def __init__(self) -> None:
        self.lines = 0
        self.bad: list[bytes] = []
        self.whole = False
        self._head = msgspec.json.Decoder(_Head)
        self._lock = threading.Lock()
        self._db = sqlite3.connect("", check_same_thread=False, isolation_level=None)
        self._db.execute("PRAGMA journal_mode = OFF")
        self._db.execute(f"PRAGMA cache_size = -{CACHE}")
        self._db.execute("CREATE TABLE line (number INTEGER PRIMARY KEY, id TEXT, parent TEXT, body BLOB)")
        self._db.execute("CREATE TABLE seen (key TEXT PRIMARY KEY) WITHOUT ROWID")
        self.seen_up_to = 0
        self._together = _FIRST_TOGETHER
        self._db.execute("BEGIN")

    def add(self, lines: Sequence[bytes]) -> None:
        """Take in more lines, as they follow each other."""
        rows: list[tuple[int, str | None, str | None, bytes | None]] = []
        for line in lines:
            self.lines += 1
            try:
                head = self._head.decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                self._is_bad(line)
                if (parent := _PARENT.search(line)) is not None:
                    rows.append((self.lines, None, parent[1].decode(), None))
                continue
            rows.append((self.lines, head.id, head.parent, line if self._is_text(line) else None))
        with self._lock:
            self._db.executemany("INSERT INTO line VALUES (?, ?, ?, ?)", rows)

    def finish(self, *, by_child: bool = False) -> None:
        """All lines are there; ``by_child`` when ``parents_of`` will be asked."""
        with self._lock:
            self._db.execute("CREATE INDEX children ON line (parent, number)")
            if by_child:
                self._db.execute("CREATE INDEX ids ON line (id, parent) WHERE parent IS NOT NULL")
        self.whole = True

    def objects(self, after: int, *, most: int, most_bytes: int) -> tuple[list[JSON], int, bool]:
        """Up to ``most`` objects of the root behind the line ``after``, assembled, the last line's number, and whether
        more may come. Fewer where they are large; one of which a line cannot be read is left out, since the rest of it
        would say that there is no more.
        """
        found: list[JSON] = []
        size = seen = 0
        with self._lock:
            while seen < most:
                roots, below = self._next(after, most - seen, most_bytes)
                if not roots:
                    return found, after, False
                for number, gid, body in roots:
                    after, seen = number, seen + 1
                    try:
                        children, weight = self._children(gid, below, 0)
                        found.append(assembled(self._read(body), children))
                    except _UnreadableError:
                        continue
                    size += len(body or b"") + weight
                    if size > most_bytes:
                        return found, after, True
        return found, after, True

    def parents_of(self, gid: str) -> list[str]:
        """What a child hangs below, in order; it may stand below many."""
        with self._lock:
            rows = self._db.execute("SELECT parent FROM line WHERE id = ? AND parent IS NOT NULL", (gid,))
            return sorted({row[0] for row in rows})

    def saw(self, keys: Collection[str], up_to: int) -> None:
        """Remember what was made of the objects up to a line."""
        with self._lock:
            self._db.executemany("INSERT OR IGNORE INTO seen VALUES (?)", ((key,) for key in keys))
        self.seen_up_to = up_to

    def unseen(self, keys: Sequence[str]) -> list[str]:
        """Those of ``keys`` that nothing was made of, in order."""
        known: set[str] = set()
        with self._lock:
            for some in _batches(keys):
                marks = ",".join("?" * len(some))
                rows = self._db.execute(f"SELECT key FROM seen WHERE key IN ({marks})", some)  # noqa: S608  # marks alone
                known.update(row[0] for row in rows)
        return [key for key in keys if key not in known]

    def close(self) -> None:
        """Let go of it."""
        with self._lock:
            self._db.close()

    def _is_text(self, line: bytes) -> bool:
        """What finds a line again can be read, and the rest of it may be no UTF-8 all the same."""
        try:
            line.decode()
        except UnicodeDecodeError:
            self._is_bad(line)
            return False
        return True

    def _read(self, body: bytes | None) -> JSON:
        if body is None:
            raise _UnreadableError
        try:
            line: JSON = codec.loads(body)
        except (codec.DecodeError, RecursionError, ValueError, ArithmeticError) as error:
            self._is_bad(body)
            raise _UnreadableError from error
        return line

    def _is_bad(self, line: bytes) -> None:
        if len(self.bad) < MOST_BAD and line not in self.bad:
            self.bad.append(line)

    def _next(self, after: int, most: int, most_bytes: int) -> tuple[list[_Line], _Below]:
        """Objects of the root, and what hangs below them: so many together that it is not much more than a page takes."""
        roots: list[_Line] = self._db.execute(
            "SELECT number, id, body FROM line WHERE parent IS NULL AND number > ? ORDER BY number LIMIT ?",
            (after, min(most, self._together)),
        ).fetchall()
        below, size = self._below(roots, most_bytes)
        while size > most_bytes and len(roots) > 1:
            self._together = len(roots) // 2
            roots = roots[: self._together]
            below, size = self._below(roots, most_bytes)
        if size * 4 < most_bytes:
            self._together = min(2 * self._together, _TOGETHER)
        return roots, below

    def _below(self, roots: Sequence[_Line], most_bytes: int) -> tuple[_Below, int]:
        """Lines by what they hang below, and their bytes: bulk queries nest two levels of connections (facts, "Bulk
        operations"). Below several objects no more is read once it is too much.

        A question for each object would take longer than all else that is done with it.
        """
        below: _Below = defaultdict(list)
        size, parents = 0, [gid for _, gid, _ in roots]
        for _ in range(2):
            children: list[str | None] = []
            for some in _batches(
                [gid for gid in dict.fromkeys(parents) if gid is not None and gid not in below]
            ):
                marks = ",".join("?" * len(some))
                for parent, gid, body in self._db.execute(
                    f"SELECT parent, id, body FROM line WHERE parent IN ({marks}) ORDER BY parent, number",  # noqa: S608  # marks alone
                    some,
                ):
                    below[parent].append((gid, body))
                    children.append(gid)
                    size += len(body or b"")
                    if size > most_bytes and len(roots) > 1:
                        return below, size
            parents = children
        return below, size

    def _children(self, parent: str | None, lines: _Below, depth: int) -> tuple[list[JSON], int]:
        if parent is None or depth > 1:
            return [], 0
        found: list[JSON] = []
        size = 0
        for gid, body in lines.get(parent, ()):
            node = self._read(body)
            name = LISTS.get(str(node.get("__typename")))
            below, weight = self._children(gid, lines, depth + 1) if name == "variants" else ([], 0)
            found.append({**assembled(node, below), "list": name})
            size += len(body or b"") + weight
        return found, size


def _batches(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    for begin in range(0, len(keys), _MANY):
        yield keys[begin : begin + _MANY]
