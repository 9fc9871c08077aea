"""When an export has ended, so that its records wait for nothing any more, and who has to be told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from connectors.merchstack.progress import Progress
from hub.connector import Documents
from hub.records import EVERYTHING, JSON, Item

#: The document that names, for each export, the streams that are final, and says what has been seen of it.
EXPORTS = "exports"

#: How soon to look again while something ends, and while late comers may still park.
_SOON = timedelta(seconds=0.25)
_LATE_PARKERS = timedelta(seconds=2)

#: A wait that ends within this time is worth a poll of its own.
_NEAR = timedelta(minutes=1)


async def finish(
    progress: Progress, documents: Documents, *, now: int, wait: int, open_records: int
) -> Sequence[str]:
    """End what can end, write it down, and return what is to be woken. ``now`` and ``wait`` are milliseconds.

    ``progress`` is what the store holds, so that nothing is called complete before its records are in.
    """
    woken = False
    for key, export in progress.exports.items():
        before = dict(export.final)
        export.finish(now, wait, categories_open=progress.open_categories(key))
        woken |= export.final != before or (open_records > 0 and export.ended_lately(now))
    if progress.untracked_at is not None and now >= progress.untracked_at + wait:
        progress.untracked_at, woken = None, True
    progress.forget_old(now)
    await _write_down(progress, documents)
    return (EVERYTHING,) if woken else ()


def is_final(item: Item, document: JSON, *, now: int, wait: int) -> bool:
    """Whether the record waits for nothing: its export has ended for its kind, or its file has been here too long."""
    payload = item.payload
    export = document.get(payload.get("export") or "", {})
    return item.stream in export.get("final", ()) or payload.get("seen", 0) + wait <= now


def look_again(
    progress: Progress, *, now: int, wait: int, open_records: int
) -> tuple[bool, timedelta | None]:
    """Whether something ends right now, and when to look again for the sake of exports; None: whenever."""
    exports = progress.exports.values()
    if any(export.complete and not export.is_final for export in exports):
        settling = any("category" in export.final and not export.is_final for export in exports)
        return True, _SOON if settling else timedelta(0)
    if open_records and any(export.ended_lately(now) for export in exports):
        return False, _LATE_PARKERS
    ends = [timedelta(milliseconds=max(0, one.ends_at(wait) - now)) for one in exports if not one.is_final]
    nearest = min(ends, default=_NEAR)
    return False, max(nearest, _SOON) if nearest < _NEAR else None


async def _write_down(progress: Progress, documents: Documents) -> None:
    document = {
        key: {"final": sorted(export.final), "types": export.summary()}
        for key, export in progress.exports.items()
    }
    if document != (await documents.get(EXPORTS) or {}):
        await documents.put(EXPORTS, document)
