"""A file as folders and buckets list it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class File:
    """A file as listed. ``stamp`` changes whenever its content may have changed; ``size`` is in bytes."""

    name: str
    size: int
    modified: datetime
    stamp: str


def of_object(found: Any) -> File:
    """Of a bucket, as ``obstore`` tells of it: in a list, or alone."""
    changed = found["e_tag"] or found["last_modified"].isoformat()
    return File(
        name=found["path"],
        size=found["size"],
        modified=found["last_modified"],
        stamp=f"{found['size']}-{changed.strip(chr(34))}",
    )
