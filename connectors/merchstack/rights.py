"""What the operating system lets the hub do in a folder, and what is said of a file that it may not read."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from connectors.merchstack import names
from connectors.merchstack.listing import File
from hub.errors import ConfigurationError
from hub.excerpt import excerpt
from hub.records import BadRecord

#: What is wrong with a single file, and what to do.
LOCKED = "may not be read; give the user that the hub runs as the right to it, then it is read by itself"

#: So many files that may not be read are named by a check.
_MOST_NAMED = 10


class NotAllowedError(ConfigurationError):
    """The operating system or the bucket refuses a right."""


def is_readable(root: Path, name: str) -> bool:
    """Whether a listed file may be opened. Other trouble than its rights is for whoever reads it."""
    try:
        os.close(os.open(root / name, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW))
    except PermissionError:
        return False
    except OSError:
        return True
    return True


def require_writable(root: Path, below: str, field: str) -> None:
    """Ask, without a write, for the right to write to a folder and to the one ``below`` it, if that is there.

    Raises ``NotAllowedError`` for the setting ``field``.
    """
    for place in (root, root / below):
        if place.is_dir() and not os.access(place, os.W_OK | os.X_OK, effective_ids=True):
            raise NotAllowedError(
                f"{place} may not be written to; give the user that the hub runs as the right to it, or name a folder "
                "that it may write to",
                field=field,
            )


def locked_record(file: File) -> BadRecord:
    """For quarantine: a file that may not be read."""
    name = names.parse(file.name)
    stream = name.record_type if name is not None else None
    return BadRecord(reason=f"{file.name} {LOCKED}", raw="", stream=stream)


def locked_warnings(locked: Sequence[str]) -> Iterator[str]:
    """For a check: the names of files that may not be read."""
    for name in locked[:_MOST_NAMED]:
        yield f"{excerpt(name)} {LOCKED}"
    if len(locked) > _MOST_NAMED:
        yield f"and {len(locked) - _MOST_NAMED} more files may not be read"
