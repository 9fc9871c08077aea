"""Which files are still to be read, where those that are done stay: the report beside a file is its mark."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from connectors.merchstack import names
from connectors.merchstack.location import File, Location
from connectors.merchstack.report import stamp_of

#: So many reports are read at once.
_AT_ONCE = 16


class Marks:
    """Remembers what reports say, by their own stamps, so that each is read once by a process."""

    def __init__(self, location: Location) -> None:
        self._location = location
        self._known: dict[tuple[str, str], str | None] = {}

    async def unmarked(self, files: Mapping[str, File], listed: Sequence[File]) -> dict[str, File]:
        """Those of ``files`` whose report is about another content, or is not there."""
        reports = [
            file
            for file in listed
            if file.name.endswith(names.REPORT) and file.name.removesuffix(names.REPORT) in files
        ]
        await self._read(reports)
        marked = {file.name.removesuffix(names.REPORT): self._known[_id(file)] for file in reports}
        return {name: file for name, file in files.items() if marked.get(name) != file.stamp}

    async def _read(self, reports: Sequence[File]) -> None:
        slots = asyncio.Semaphore(_AT_ONCE)

        async def stamp(report: File) -> str | None:
            async with slots:
                return stamp_of(await self._location.get(report.name))

        new = [report for report in reports if _id(report) not in self._known]
        stamps = await asyncio.gather(*map(stamp, new))
        known = self._known | {_id(report): found for report, found in zip(new, stamps, strict=True)}
        self._known = {_id(report): known[_id(report)] for report in reports}


def _id(report: File) -> tuple[str, str]:
    return report.name, report.stamp
