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
    In a folder it is held first, under a name of its group's own: nobody replaces it between the look and the move.
    """
    of_group = name_and_stamp(tally.name)
    notes = await documents.get(document_of(tally.name)) if of_group else None
    if of_group is None or notes is None:
        return
    name, stamp = of_group
    held = _held(name, tally.name) if move and location.is_folder else name
    if notes["ended"] and await _is_there(location, name, stamp, held):
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
            await _put_away(location, held, stamp, target)
    await documents.remove(document_of(tally.name))


async def _is_there(location: Location, name: str, stamp: str, held: str) -> bool:
    """Whether the file lies under ``held`` now; another one goes back, unless the next has come meanwhile."""
    if await location.find(held) is None and await _stamp(location, name) == stamp:
        await location.move(name, held)
    found = await _stamp(location, held)
    if held != name and found not in {None, stamp} and await location.find(name) is None:
        await location.move(held, name)
    return found == stamp


async def _put_away(location: Location, held: str, stamp: str, target: str) -> None:
    """To its report; in a bucket it may still have been replaced, and then the report goes instead."""
    if location.is_folder or await _stamp(location, held) == stamp:
        await location.move(held, target)
    elif await location.find(target) is None:  # nor has another worker put it there
        await location.remove(target + names.REPORT)


async def _stamp(location: Location, name: str) -> str | None:
    found = await location.find(name)
    return None if found is None else found.stamp


def _held(name: str, group: str) -> str:
    return f"{DONE}.{group.rpartition('@')[2]}-{name}"


def _latest(key: str, seen: JSON, known: JSON) -> Mapping[str, Any]:
    """Of what the file's last page saw of an export, and what polls have seen since, what says more."""
    since = known.get(key, {}).get("types", {})
    return {
        kind: since[kind] if kind in since and since[kind]["seen"] >= summary["seen"] else summary
        for kind, summary in {**since, **seen}.items()
    }


async def _target(location: Location, name: str, group: str) -> str:
    """A file of the same name that is done already stays as well; unless it is this one, which another closes now."""
    if await location.find(DONE + name) is None:
        return DONE + name
    if group_of(await location.get(DONE + name + names.REPORT)) == group:
        return DONE + name
    return f"{DONE}{group.rpartition('@')[2]}-{name}"
