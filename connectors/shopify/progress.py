"""How an import goes or went, for people: out of the cursor while it runs, out of its report afterwards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from datetime import datetime
from typing import Any, Final

from connectors.shopify import tally
from hub.connector import ImportReport
from hub.records import JSON, Milestone

_COUNTS: Final = ("read", "created", "updated", "unchanged", "gone", "rejected")


def report_of(cursor: JSON, last: JSON | None) -> ImportReport | None:
    """The pass that is under way, or the last one that read something; None before the first.

    A full one that is not all in yet goes before those that follow changes after it: it is what is gone on with.
    """
    under_way = cursor.get("pass")
    reports = [] if last is None else [last, *last.get("earlier", ())]
    latest = next((one for one in reports if one["kind"] == "full"), None)
    going_in = latest if latest is not None and _goes_in(latest) else None
    if under_way is not None and (under_way["kind"] == "full" or going_in is None):
        return ImportReport(
            name=under_way["name"],
            state="cancelled" if under_way.get("cancelled") else "running",
            full=under_way["kind"] == "full",
            started_at=datetime.fromisoformat(under_way["begun"]),
            resources={name: {"read": counts["read"]} for name, counts in under_way["tallies"].items()},
            warnings=[*_warnings(under_way["tallies"])],
        )
    # An incremental pass that changed nothing says nothing; it must not hide the import before it.
    told = going_in or next((one for one in reports if one["kind"] == "full" or _changed(one)), None)
    if told is None:
        return None
    return ImportReport(
        name=told["pass"],
        state="cancelled" if told.get("cancelled") else "done",
        full=told["kind"] == "full",
        started_at=datetime.fromisoformat(told["begun"]),
        ended_at=datetime.fromisoformat(told["ended"]),
        resources={name: _counts(counts) for name, counts in told["resources"].items()},
        warnings=[*_warnings(told["resources"])],
    )


def milestone(report: JSON) -> Milestone:
    """What the history says of a full pass once it was read."""
    complete = all(counts["complete"] for counts in report["resources"].values())
    read = {name: counts["read"] for name, counts in report["resources"].items()}
    missing = [name for name, counts in report["resources"].items() if not counts["complete"]]
    if complete:
        return Milestone(what="imported", facts={"import": report["pass"], "read": read})
    return Milestone(
        what="import failed", facts={"import": report["pass"], "read": read, "incomplete": missing}
    )


def cancelled(cursor: JSON) -> JSON:
    """The cursor with its pass at an end and not complete, so that nothing counts as gone; the next poll reports it."""
    cursor = deepcopy(cursor)
    if (under_way := cursor.get("pass")) is not None:
        under_way |= {"left": [], "cancelled": True}
        for counts in under_way["tallies"].values():
            counts["complete"] = False
    return cursor


def _goes_in(report: JSON) -> bool:
    """Not all of it has been counted."""
    unclosed = any(counts["read"] and not tally.is_closed(counts) for counts in report["resources"].values())
    return unclosed and not report.get("cancelled")


def _changed(report: JSON) -> bool:
    return any(
        counts[name]
        for counts in report["resources"].values()
        for name in ("created", "updated", "gone", "rejected")
    )


def _counts(counts: Mapping[str, Any]) -> Mapping[str, int]:
    return {name: counts[name] + (counts.get("bad", 0) if name == "rejected" else 0) for name in _COUNTS}


def _warnings(resources: Mapping[str, Any]) -> Iterator[str]:
    for name, counts in resources.items():
        for warning in counts["warnings"].values():
            more = f" (and {warning['count'] - 1} more)" if warning["count"] > 1 else ""
            yield f"{name}: {warning['first']}{more}"
