"""What a pass counts of a resource, as it stands in the cursor and in the report."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from hub.records import JSON, GroupTally

#: Warnings of different kinds that are kept by resource.
MOST_WARNINGS: Final = 50
#: The document that holds the report of the latest pass that read something.
LAST: Final = "import:last"
#: Reports that are kept behind the last one, until their groups have closed.
MOST_EARLIER: Final = 5
#: What the group of a pass's deletions is called, behind the pass's name.
GONE: Final = ":gone"


def new() -> JSON:
    """Nothing counted yet; ``complete`` until something is missing."""
    return {"read": 0, "gone": 0, "bad": 0, "complete": True, "warnings": {}}


def warn(tally: JSON, kind: str, text: str) -> None:
    """One more warning of a kind; the first one stands for the others."""
    known = tally["warnings"].get(kind)
    if known is not None:
        known["count"] += 1
    elif len(tally["warnings"]) < MOST_WARNINGS:
        tally["warnings"][kind] = {"count": 1, "first": text[:300]}


def report(name: str, kind: str, begun: str, ended: datetime, tallies: JSON, *, cancelled: bool) -> JSON:
    """The report of a pass before any of its records is worked: everything that was read counts as unchanged."""
    return {
        "pass": name,
        "kind": kind,
        "begun": begun,
        "ended": ended.isoformat(),
        "cancelled": cancelled,
        "resources": {
            resource: {
                "read": tally["read"],
                "created": 0,
                "updated": 0,
                "unchanged": tally["read"],
                "gone": 0,
                "rejected": 0,
                "bad": tally["bad"],
                "complete": tally["complete"],
                "warnings": tally["warnings"],
            }
            for resource, tally in tallies.items()
        },
    }


def kept(last: JSON | None, newer: JSON) -> JSON:
    """The document with a newer report in front. The same report again replaces itself; the last full one stays, however
    many incremental ones have come since."""
    earlier = [] if last is None else [_alone(last), *last.get("earlier", ())]
    others = [one for one in earlier if one["pass"] != newer["pass"]]
    full = next((one for one in others if one["kind"] == "full"), None)
    kept = others[:MOST_EARLIER]
    return {**newer, "earlier": kept if full is None or full in kept else [*kept[:-1], full]}


def closed(last: JSON, group: GroupTally) -> JSON:
    """The document after the records of a group have settled. The same group again changes nothing."""
    name = group.name.removesuffix(GONE)
    reports = [_alone(last), *last.get("earlier", ())]
    found = next((one for one in reports if one["pass"] == name), None)
    if found is not None and (counts := found["resources"].get(group.stream)) is not None:
        lost = group.rejected + group.dead
        if group.name.endswith(GONE):
            counts |= {"gone": group.success, "gone_rejected": lost}
        else:
            updated = group.success - group.created
            counts |= {"created": group.created, "updated": updated, "rejected": lost}
            counts["unchanged"] = max(0, counts["read"] - group.success - lost)
            counts["remarks"] = [
                {"key": one.key, "status": one.status, "text": one.error} for one in group.remarks[:100]
            ]
    return {**reports[0], "earlier": reports[1:]}


def is_closed(counts: JSON) -> bool:
    """Whether it was counted what became of a resource's records."""
    return "remarks" in counts


def _alone(report: JSON) -> JSON:
    return {name: value for name, value in report.items() if name != "earlier"}
