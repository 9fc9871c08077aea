"""The report of a file: what became of its records, as a JSON file beside it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from hub import codec
from hub.records import JSON, GroupTally, Outcome

#: Where one error ends and the next begins: at a field's name. A remedy may hold a semicolon of its own.
_NEXT_ERROR = re.compile(r"; (?=[A-Za-z_][\w.\[\]-]*: )")
_FIELD = re.compile(r"([A-Za-z_][\w.\[\]-]*): (.*)", re.DOTALL)

#: What the catalog refuses once it knows the other records, as it calls it and as Merchstack does.
_SPELLED: Mapping[str | None, str] = {"parent": "externalSystemParentId"}


def write_report(
    *, name: str, stamp: str, notes: JSON, tally: GroupTally, exports: Mapping[str, Any], at: datetime
) -> bytes:
    """The report's text. ``notes`` is the document of the group, ``exports`` what is known of its exports."""
    rejected = [*notes["rejected"], *_rejected(tally)]
    counts = _counts(notes, tally)
    report = {
        "file": name,
        "stamp": stamp,
        "group": tally.name,
        "closed_at": at.isoformat(timespec="seconds"),
        "counts": counts,
        "rejected": sorted(rejected, key=lambda each: each["line"] or 0),
        "rejected_not_listed": max(0, counts["rejected"] + counts["dead"] - len(_lines(rejected))),
        "warnings": [*notes["warnings"], *_warnings(tally)],
        "exports": exports,
    }
    return codec.dumps(report) + b"\n"


def stamp_of(report: bytes | None) -> str | None:
    """Which content of its file a report is about; None where there is none, or what is there is no report."""
    return _field_of(report, "stamp")


def group_of(report: bytes | None) -> str | None:
    """Which group of records a report is about; None as above."""
    return _field_of(report, "group")


def _field_of(report: bytes | None, name: str) -> str | None:
    try:
        parsed = codec.loads(report) if report is not None else None
    except (ValueError, ArithmeticError, RecursionError):
        return None
    value = parsed.get(name) if isinstance(parsed, dict) else None
    return value if isinstance(value, str) else None


def _counts(notes: JSON, tally: GroupTally) -> dict[str, int]:
    """What was known already was not admitted, and is as unchanged as what the catalog had."""
    return {
        "read": notes["good"] + notes["bad"],
        "created": tally.created,
        "updated": tally.success - tally.created,
        "unchanged": max(0, notes["good"] - tally.admitted) + tally.skipped,
        "rejected": notes["bad"] + tally.rejected,
        "dead": tally.dead,
        "superseded": tally.superseded,
        "discarded": tally.discarded,
    }


def _rejected(tally: GroupTally) -> Iterator[JSON]:
    for outcome in tally.remarks:
        if outcome.status == "failed":
            for error in _NEXT_ERROR.split(outcome.error or "was refused without a reason"):
                found = _FIELD.fullmatch(error)
                field, reason = found.groups() if found else (None, error)
                field = _SPELLED.get(field, field)
                yield {"line": _line(outcome), "key": outcome.key, "field": field, "reason": reason}


def _warnings(tally: GroupTally) -> Iterator[JSON]:
    for outcome in tally.remarks:
        if outcome.status != "failed":
            yield {"line": _line(outcome), "key": outcome.key, "text": outcome.error or ""}


def _line(outcome: Outcome) -> int | None:
    line = outcome.payload.get("line")
    return line if isinstance(line, int) else None


def _lines(rejected: list[JSON]) -> set[Any]:
    return {each["line"] for each in rejected}
