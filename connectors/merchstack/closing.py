"""The end of a file: all its records have settled, so it gets its report and makes room. May be repeated at any point."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from connectors.merchstack import names
from connectors.merchstack.ending import EXPORTS
from connectors.merchstack.location import Location
from connectors.merchstack.notes import document_of
from connectors.merchstack.progress import name_and_stamp
from connectors.merchstack.report import group_of, write_report
from hub.connector import Documents
from hub.records import JSON, GroupTally

#: Where files go that are done.
DONE = "done/"


async def close_file(
    location: Location, documents: Documents, tally: GroupTally, *, move: bool, at: datetime
) -> None:
    """Report, move or mark, forget, in this order: the notes are there until all else is done.

    A file that has changed or gone meanwhile is left alone; it is not the one that these records came from.
    """
    of_group = name_and_stamp(tally.name)
    notes = await documents.get(document_of(tally.name)) if of_group else None
    if of_group is None or notes is None:
        return
    name, stamp = of_group
    listed = {file.name: file.stamp for file in await location.files()}
    if notes["ended"] and listed.get(name) == stamp:
        known = await documents.get(EXPORTS) or {}
        report = write_report(
            name=name,
            stamp=stamp,
            notes=notes,
            tally=tally,
            exports={key: _latest(key, seen, known) for key, seen in notes["exports"].items()},
            at=at,
        )
        target = await _target(location, name, tally.name) if move else name
        await location.write(target + names.REPORT, report)
        if move:
            await location.move(name, target)
    await documents.remove(document_of(tally.name))


def _latest(key: str, seen: JSON, known: JSON) -> Mapping[str, Any]:
    """Of what the file's last page saw of an export, and what polls have seen since, what says more."""
    since = known.get(key, {}).get("types", {})
    return {
        kind: since[kind] if kind in since and since[kind]["seen"] >= summary["seen"] else summary
        for kind, summary in {**since, **seen}.items()
    }


async def _target(location: Location, name: str, group: str) -> str:
    """A file of the same name that is done already stays as well; unless it is this one, which another closes now."""
    if not await location.exists(DONE + name):
        return DONE + name
    if group_of(await location.get(DONE + name + names.REPORT)) == group:
        return DONE + name
    return f"{DONE}{group.rpartition('@')[2]}-{name}"
