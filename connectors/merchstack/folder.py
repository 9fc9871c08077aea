"""A local folder where nobody is trusted: links are not followed, and a name that no other store takes is skipped.

``obstore`` lists a folder through its links, and fails as a whole at one name with a control character in it.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from obstore.exceptions import BaseError
from obstore.store import LocalStore

from connectors.merchstack.bucket import first_line
from connectors.merchstack.listing import File
from hub.errors import ConfigurationError
from hub.excerpt import excerpt

#: How a file is called until it is whole; ``obstore`` leaves out names that end in # and digits.
UNFINISHED = ".unfinished"

_USABLE = re.compile(r"[^\x00-\x1f\x7f/\\]+")


def opened(root: Path, field: str) -> LocalStore:
    """The folder as a store. Raises ``ConfigurationError`` for the setting ``field``."""
    if not root.is_absolute():
        raise ConfigurationError(
            f"{excerpt(str(root))} must be a whole path, from /: each process has a folder of its own",
            field=field,
        )
    if not root.is_dir():
        raise ConfigurationError(f"{excerpt(str(root))} is no folder; create it or name another", field=field)
    try:
        return LocalStore(prefix=root.resolve(), automatic_cleanup=True)
    except BaseError as error:
        raise ConfigurationError(f"{root} cannot be used: {first_line(error)}", field=field) from error


def files(root: Path) -> Iterator[File]:
    """The regular files at the top level. Raises ``OSError``."""
    with os.scandir(root) as entries:
        for entry in entries:
            if is_usable(entry.name) and entry.is_file(follow_symlinks=False):
                with suppress(FileNotFoundError):  # it went while we looked
                    yield _listed(entry.name, entry.stat(follow_symlinks=False))


def find(root: Path, name: str) -> File | None:
    """The regular file of this name, or None; a link is none. Raises ``OSError`` and ``ValueError``."""
    if root.joinpath(*parts(name)).is_symlink():
        return None
    path = inside(root, name)
    try:
        return _listed(name, path.stat()) if path.is_file() else None
    except FileNotFoundError:  # it went while we looked
        return None


def names_below(root: Path, prefix: str) -> list[str]:
    """The names of all regular files below a folder, from ``root`` on. Raises ``OSError`` and ``ValueError``."""
    start = inside(root, prefix)
    return [
        str(path.relative_to(root))
        for place, _, names in os.walk(start)
        for name in names
        if is_usable(name) and (path := Path(place, name)).is_file() and not path.is_symlink()
    ]


def parts(name: str) -> list[str]:
    """The folders of a name and its last part. Raises ``ValueError`` where one of them means something else."""
    found = name.split("/")
    if any(part in {"", ".", ".."} or not _USABLE.fullmatch(part) for part in found):
        raise ValueError(f"the name {excerpt(name)} leads elsewhere; use plain names")
    return found


def inside(root: Path, name: str) -> Path:
    """The path of a name within the folder. Raises ``ValueError`` where it leads out of it or over a link."""
    path = root
    for part in parts(name):
        path = path / part
        if path.is_symlink():
            raise ValueError(f"{excerpt(name)} is a link, which is not followed; put the file itself there")
    return path


def write(root: Path, name: str, content: bytes) -> None:
    """Put a file there, on the disk, whole or not at all. Raises ``OSError`` and ``ValueError``."""
    path = inside(root, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{secrets.token_hex(8)}{UNFINISHED}")
    try:
        with unfinished.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise
    _sync(path.parent)


def move(root: Path, name: str, to: str) -> None:
    """Give a file another name; one that was moved before is fine. Raises ``OSError`` and ``ValueError``."""
    source, target = inside(root, name), inside(root, to)
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        source.replace(target)
    except FileNotFoundError:
        if not target.is_file():
            raise
    _sync(target.parent)


def is_usable(name: str) -> bool:
    """Whether a listed name is one that every store takes; files that are not finished have none."""
    if name.endswith(UNFINISHED) or not _USABLE.fullmatch(name):
        return False
    try:
        name.encode()
    except UnicodeEncodeError:  # bytes that are no UTF-8
        return False
    return True


def _listed(name: str, stat: os.stat_result) -> File:
    """``stamp`` holds its size, its time and which file it is."""
    return File(
        name=name,
        size=stat.st_size,
        modified=datetime.fromtimestamp(stat.st_mtime, UTC),
        stamp=f"{stat.st_size}-{stat.st_mtime_ns}-{stat.st_ino}",
    )


def _sync(directory: Path) -> None:
    """So that a name survives a power cut as well."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
