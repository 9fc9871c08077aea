"""The bytes of a file piece by piece, as they are or unpacked."""

from __future__ import annotations

import asyncio
import zlib
from contextlib import suppress

from connectors.merchstack.location import File, Location

#: So much is read, or unpacked, at once, in bytes.
CHUNK = 1024 * 1024

#: What zlib needs to be told to unpack gzip.
_GZIP = 31


class Plain:
    """The bytes of a file as they are, up to the size that it was listed with."""

    fault: str | None = None

    def __init__(self, location: Location, file: File, offset: int) -> None:
        self._location, self._file, self._offset = location, file, offset

    async def read(self) -> bytes:
        """The next piece; nothing at the end."""
        length = min(CHUNK, self._file.size - self._offset)
        more = await self._location.read(self._file.name, start=self._offset, length=length)
        self._offset += len(more)
        return more


class Gzip:
    """What a gzip file holds, one member after the other; ``fault`` says where it could not be read on."""

    def __init__(self, location: Location, file: File) -> None:
        self.fault: str | None = None
        self._packed = Plain(location, file, 0)
        self._rest = b""
        self._member = zlib.decompressobj(_GZIP)
        self._begun = False

    async def read(self) -> bytes:
        """The next piece; nothing at the end, or where a ``fault`` is."""
        while self.fault is None:
            if not self._rest:
                self._rest = await self._packed.read()
            if not self._rest:
                return await self._last()
            if more := await self._unpack():
                return more
        return b""

    async def _unpack(self) -> bytes:
        if self._member.eof:
            self._rest = self._rest.lstrip(b"\0")  # padding between members is allowed
            if not self._rest:
                return b""
            self._member, self._begun = zlib.decompressobj(_GZIP), False
        before = self._member.copy()
        try:
            # In a thread: a megabyte may unpack to a thousand.
            more = await asyncio.to_thread(self._member.decompress, self._rest, CHUNK)
        except zlib.error as error:
            self.fault = (
                f"cannot be unpacked from here on ({error}); pack the file with gzip and send it again"
            )
            return await asyncio.to_thread(_salvaged, before, self._rest)
        self._begun = True
        self._rest = self._member.unused_data if self._member.eof else self._member.unconsumed_tail
        return more

    async def _last(self) -> bytes:
        """The packed bytes are used up: what the member still holds, else the end, which may be too early."""
        if self._begun and not self._member.eof:
            more = await asyncio.to_thread(self._member.decompress, b"", CHUNK)
            if more:
                return more
            self.fault = "the gzip file is cut here; send it again, whole"
        return b""


def _salvaged(member: zlib._Decompress, packed: bytes) -> bytes:
    """What comes before the byte at which unpacking fails: zlib gives nothing of the piece that holds it."""
    unpacked = bytearray()
    with suppress(zlib.error):
        for place in range(len(packed)):
            unpacked += member.decompress(packed[place : place + 1])
    return bytes(unpacked)
