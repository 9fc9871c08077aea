"""A result on disk that nobody has to close: its simulator may go at any moment, and it goes with it."""

from __future__ import annotations

import os
import tempfile
import weakref
from pathlib import Path

#: Bytes that are gathered before they are written, and that are read at once.
_PIECE = 262_144


class ResultFile:
    """Lines are appended, then read from any byte on. It has no name, so a killed process leaves nothing behind."""

    def __init__(self) -> None:
        handle, path = tempfile.mkstemp(prefix="shopify-simulator-")
        Path(path).unlink()
        self._handle = handle
        self._pending = bytearray()
        self.size = 0
        self.close = weakref.finalize(self, os.close, handle)

    def append(self, line: bytes) -> None:
        """One more line."""
        self._pending += line
        self.size += len(line)
        if len(self._pending) >= _PIECE:
            self.flush()

    def flush(self) -> None:
        """All of it can be read from now on."""
        with os.fdopen(os.dup(self._handle), "ab") as file:
            file.write(self._pending)
        self._pending.clear()

    def read(self, at: int) -> bytes:
        """The next bytes; none at the end, or when it was closed."""
        return os.pread(self._handle, _PIECE, at) if self.close.alive else b""
