"""Appending to a file that many processes append to: whole lines or none, whatever dies in the middle of it."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from hub import codec
from hub.errors import RetryableError

#: How each line of ours begins; what ends in the middle of such a line was torn off by a crash.
LINE_START = b'{"key":'

#: Seconds to wait for another writer, who needs milliseconds.
LOCK_TIMEOUT = 10.0

#: Seconds between two looks at the lock.
LOCK_PAUSE = 0.005

#: Bytes that are read at once in search of the last whole line.
BLOCK = 64 * 1024

#: A tail longer than this, in bytes, is no line of ours.
MAX_TAIL = 64 * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Rotation:
    """When a file is put aside under another name: before it grows beyond ``max_bytes``, or on a new day (UTC)."""

    max_bytes: int | None = None
    daily: bool = False

    def is_due(self, found: os.stat_result, more: int, today: date) -> bool:
        """Before ``more`` bytes are appended to a file that was ``found`` so."""
        if found.st_size == 0:
            return False
        too_large = self.max_bytes is not None and found.st_size + more > self.max_bytes
        return too_large or (self.daily and _day(found) != today)


def append(
    path: Path,
    lines: bytes,
    *,
    rotation: Rotation,
    today: date,
    before_write: Callable[[], None] = lambda: None,
) -> int:
    """Append whole lines, and return once they are on the disk; gives the bytes of a torn line that was removed.

    Raises ``RetryableError`` with the path; then none of the lines is there.
    """
    removed = 0
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        while True:
            with _locked(path) as file:
                found = os.fstat(file)
                removed += _repaired(file, path, found.st_size)
                if rotation.is_due(found, len(lines), today):
                    _put_aside(path, found)
                    continue
                before_write()
                _write(file, lines)
                if found.st_size == 0:
                    _sync_directory(path.parent)
                return removed
    except OSError as error:
        raise RetryableError(f"{path}: {error.strerror or error}") from error


@contextmanager
def _locked(path: Path) -> Iterator[int]:
    """The file, open and no one else's. The kernel lets go of the lock however its holder ends."""
    end = time.monotonic() + LOCK_TIMEOUT
    while True:
        file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            if not stat.S_ISREG(os.fstat(file).st_mode):
                raise OSError(errno.EINVAL, "this is no regular file")
            _lock(file, path, end)
            if _is_still(file, path):
                yield file
                return
        finally:
            os.close(file)


def _lock(file: int, path: Path, end: float) -> None:
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError as error:
            if time.monotonic() > end:
                raise RetryableError(
                    f"{path}: another process has held its lock for {LOCK_TIMEOUT:.0f} s"
                ) from error
            time.sleep(LOCK_PAUSE)


def _is_still(file: int, path: Path) -> bool:
    """While this one waited, another writer may have put the file aside."""
    with suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(file), path.stat())
    return False


def _repaired(file: int, path: Path, size: int) -> int:
    """Take away what a writer left behind that died in the middle of a line; the bytes taken away.

    Its record was never reported as written, so it comes again.
    """
    tail = _tail(file, size)
    if not tail:
        return 0
    # Some file systems fill what they had no time to write with zeros.
    text = tail.rstrip(b"\0")
    if len(tail) >= MAX_TAIL or not text.startswith(LINE_START[: len(text)]):
        raise RetryableError(
            f"{path}: its end is no line of the hub's, so it is left alone; name another file"
        )
    if _is_whole(text):
        os.ftruncate(file, size - len(tail) + len(text))
        _write(file, b"\n")
        return 0
    os.ftruncate(file, size - len(tail))
    return len(tail)


def _tail(file: int, size: int) -> bytes:
    """What follows the last line's end, at most some ``MAX_TAIL`` bytes."""
    blocks: list[bytes] = []
    end = size
    while end and size - end < MAX_TAIL:
        start = max(end - BLOCK, 0)
        block = os.pread(file, end - start, start)
        after_newline = block.rfind(b"\n") + 1
        blocks.append(block[after_newline:])
        if after_newline:
            break
        end = start
    return b"".join(reversed(blocks))


def _is_whole(line: bytes) -> bool:
    try:
        return isinstance(codec.loads(line), dict)
    except (codec.DecodeError, ArithmeticError, ValueError):
        return False


def _write(file: int, data: bytes) -> None:
    """All of it, on the disk, or nothing."""
    size = os.fstat(file).st_size
    view = memoryview(data)
    try:
        while view:
            view = view[os.write(file, view) :]
        os.fsync(file)
    except OSError:
        with suppress(OSError):  # the next writer repairs what stays
            os.ftruncate(file, size)
        raise


def _put_aside(path: Path, found: os.stat_result) -> None:
    """Rename to ``NAME-YYYYMMDD-0001.jsonl``, by the day of the last write and the next number of that day."""
    start = f"{path.stem}-{_day(found):%Y%m%d}-"
    taken = re.compile(rf"{re.escape(start)}(\d+){re.escape(path.suffix)}")
    numbers = [int(match[1]) for each in path.parent.iterdir() if (match := taken.fullmatch(each.name))]
    path.rename(path.with_name(f"{start}{max(numbers, default=0) + 1:04d}{path.suffix}"))
    _sync_directory(path.parent)


def _day(found: os.stat_result) -> date:
    return datetime.fromtimestamp(found.st_mtime, UTC).date()


def _sync_directory(directory: Path) -> None:
    """So that a name survives a power cut as well."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
