"""What is remembered of a file for its report: a document that may be written again and again with the same page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from connectors.merchstack.lines import BadLine
from connectors.merchstack.pages import Warned
from connectors.merchstack.progress import FileProgress
from hub import codec
from hub.connector import Documents
from hub.excerpt import excerpt
from hub.records import JSON

#: So many faults of lines, and so many warnings, are listed; all of them are counted.
MOST_LISTED = 1000

#: Longest text that is listed, in characters, and the size of the whole in bytes: a document holds 1 MiB.
_LONGEST = 300
_MOST_BYTES = 900_000


def document_of(group: str) -> str:
    """The name of a group's document."""
    return f"file:{group}"


async def note(
    documents: Documents,
    file: FileProgress,
    bad: Sequence[BadLine],
    warnings: Sequence[Warned],
    exports: JSON,
) -> None:
    """Put a page down, unless there is nothing to say and more to come. ``file`` is how it stands after the page."""
    if not bad and not warnings and not file.place.ended:
        return
    name = document_of(file.group)
    known = await documents.get(name) or {}
    notes: dict[str, Any] = {
        "good": file.good,
        "bad": file.bad,
        "ended": file.place.ended,
        "rejected": _listed(known.get("rejected", ()), [each for line in bad for each in _faults(line)]),
        "warnings": _listed(known.get("warnings", ()), [_warning(each) for each in warnings]),
        "exports": exports,
    }
    while len(codec.dumps(notes)) > _MOST_BYTES:
        notes["rejected"] = notes["rejected"][: len(notes["rejected"]) // 2]
        notes["warnings"] = notes["warnings"][: len(notes["warnings"]) // 2]
    await documents.put(name, notes)


def _listed(known: Sequence[JSON], new: Sequence[JSON]) -> list[JSON]:
    """Those of this page in place of what was known of its lines."""
    lines = {each["line"] for each in new}
    listed = [*(each for each in known if each["line"] not in lines), *new]
    return sorted(listed, key=lambda each: each["line"])[:MOST_LISTED]


def _faults(line: BadLine) -> list[JSON]:
    key = None if line.key is None else excerpt(line.key).strip('"')
    return [
        {"line": line.number, "key": key, "field": fault.field or None, "reason": fault.reason[:_LONGEST]}
        for fault in line.faults
    ]


def _warning(warned: Warned) -> JSON:
    return {"line": warned.line, "text": warned.text[:_LONGEST]}
