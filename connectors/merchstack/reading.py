"""The lines of a file as a stream: from any byte on, plain or gzip, in memory that does not grow with the file."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from msgspec.structs import replace

from connectors.merchstack.location import File, Location
from connectors.merchstack.sources import Gzip, Plain

#: A page holds so many lines at most, and so many bytes unless a single line is longer.
PAGE_LINES = 1000
PAGE_BYTES = 8 * 1024 * 1024

#: Blank lines cost time as well: a page looks at so many lines, blank ones included.
PAGE_LOOKS = 50_000

#: A page is cut off after so many seconds; a poll has sixty.
PAGE_SECONDS = 20.0

#: So much of a line that is too long is shown, in bytes.
_SHOWN = 400

_BOM = b"\xef\xbb\xbf"


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """How far a file is read: ``offset`` in bytes of its unpacked text, ``line`` lines before it.

    ``inside``: within a line that is too long and has been told of. ``ended``: nothing is left.
    """

    offset: int = 0
    line: int = 0
    inside: bool = False
    ended: bool = False


class RawLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line that is not blank, without its end. With a ``fault`` it could not be read and ``text`` is its beginning."""

    number: int
    text: bytes
    fault: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Lines:
    """What one page took: at most ``PAGE_LINES``, and where to go on."""

    lines: Sequence[RawLine]
    place: Place


class Reader:
    """One file that is being read. Keeps the place it got to, so that the next page need not look for it again.

    A plain file goes on anywhere; gzip is unpacked from its start where the place lies behind, so that a reader is
    worth keeping, and may be thrown away at any time. Raises what ``Location`` does.
    """

    def __init__(self, location: Location, file: File, *, gzip: bool, max_line_bytes: int) -> None:
        self.file = file
        self._location = location
        self._gzip = gzip
        self._max_line = max_line_bytes
        self._begin(0)

    async def take(self, place: Place, *, seconds: float = PAGE_SECONDS) -> Lines:
        """The lines of the next page. It may be empty before the end of the file: time was up."""
        page = _Page(place, until=time.monotonic() + seconds)
        if await self._go_to(place.offset, page):
            while not page.full and await self._take_line(page):
                pass
            if page.full and self._at == len(self._buffer) and not await self._fill(page):
                self._finish(page)
        return Lines(lines=page.lines, place=page.place)

    def _begin(self, offset: int) -> None:
        self._source = (
            Gzip(self._location, self.file) if self._gzip else Plain(self._location, self.file, offset)
        )
        #: What was read and not taken: it begins at ``_start`` of the file, and is taken from ``_at`` of itself on.
        self._buffer = bytearray()
        self._start = 0 if self._gzip else offset
        self._at = 0

    async def _go_to(self, offset: int, page: _Page) -> bool:
        """False when time was up on the way, or the file is shorter than that."""
        here = self._start + self._at
        if offset < here or (offset > here and not self._gzip):
            self._begin(offset)
        while (missing := offset - self._start - self._at) > len(self._buffer) - self._at:
            self._at = len(self._buffer)
            if page.late:
                return False
            if not await self._fill(page):
                page.end(offset, self._source.fault)
                return False
        self._at += missing
        return True

    async def _fill(self, page: _Page) -> bool:
        """Read on; False at the end."""
        page.fills += 1
        more = await self._source.read()
        if self._at:
            del self._buffer[: self._at]
            self._start += self._at
            self._at = 0
        self._buffer += more
        return bool(more)

    async def _take_line(self, page: _Page) -> bool:
        """Take one line, blank or not; False where the page has to end."""
        looked = 0
        while (end := self._buffer.find(b"\n", self._at + looked)) < 0:
            looked = len(self._buffer) - self._at
            if page.place.inside or looked > self._max_line + 1:
                self._skip(looked, page)
                looked = 0
            if page.late:
                return False
            if not await self._fill(page):
                self._finish(page)
                return False
        length = end - self._at
        if page.place.inside:
            self._move(length + 1, replace(page.place, inside=False), page)
            return True
        text = self._text(length)
        if len(text) > self._max_line:
            page.add_too_long(text, self._max_line)
        elif not page.add(text):
            return False
        self._move(length + 1, page.place, page)
        return True

    def _skip(self, length: int, page: _Page) -> None:
        """Drop a part of a line that is too long; the first of them is told of."""
        if not page.place.inside:
            page.add_too_long(self._text(length), self._max_line)
            page.place = replace(page.place, inside=True)
        self._move(length, page.place, page)

    def _finish(self, page: _Page) -> None:
        """The last line has no end of line; where the file broke off, it is a part of one."""
        rest = self._text(len(self._buffer) - self._at)
        fault = self._source.fault
        if fault is None and rest and not page.place.inside:
            if len(rest) > self._max_line:
                page.add_too_long(rest, self._max_line)
            elif not page.add(rest):
                return
        self._move(len(self._buffer) - self._at, page.place, page)
        page.end(page.place.offset, fault, rest)

    def _text(self, length: int) -> bytes:
        text = bytes(self._buffer[self._at : self._at + length])
        at_start = self._start + self._at == 0
        return text.removeprefix(_BOM if at_start else b"").removesuffix(b"\r")

    def _move(self, length: int, place: Place, page: _Page) -> None:
        self._at += length
        page.place = replace(place, offset=self._start + self._at)


class _Page:
    """A page that is being filled."""

    def __init__(self, place: Place, *, until: float) -> None:
        self.place = place
        self.lines: list[RawLine] = []
        self.fills = 0
        self._until = until
        self._bytes = 0
        self._looks = 0

    @property
    def late(self) -> bool:
        """Time is up, and not before something was read: every page gets on."""
        return self.fills > 0 and time.monotonic() > self._until

    @property
    def full(self) -> bool:
        return len(self.lines) >= PAGE_LINES or self._looks >= PAGE_LOOKS

    def add(self, text: bytes) -> bool:
        """Take a whole line; False where the page has no room for it."""
        if self._bytes and self._bytes + len(text) > PAGE_BYTES:
            return False
        self._bytes += len(text)
        number = self._next()
        if text and not text.isspace():
            self.lines.append(RawLine(number=number, text=text))
        return True

    def add_too_long(self, text: bytes, limit: int) -> None:
        """Take the beginning of a line that nobody reads."""
        fault = f"is longer than {limit} bytes and was not read; shorten it, or raise settings.max_line_bytes"
        self.lines.append(RawLine(number=self._next(), text=text[:_SHOWN], fault=fault))

    def end(self, offset: int, fault: str | None, rest: bytes = b"") -> None:
        """Nothing more comes, or nothing that can be read."""
        if fault is not None:
            self.lines.append(RawLine(number=self._next(), text=rest[:_SHOWN], fault=fault))
        self.place = replace(self.place, offset=offset, inside=False, ended=True)

    def _next(self) -> int:
        self._looks += 1
        self.place = replace(self.place, line=self.place.line + 1)
        return self.place.line
