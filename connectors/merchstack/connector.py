"""Merchstack: its export files become records for the catalog, and a report beside each file says what became of them."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import ClassVar

from connectors.merchstack import ending, names
from connectors.merchstack.closing import DONE, close_file
from connectors.merchstack.exports import ExportProgress
from connectors.merchstack.lines import Source
from connectors.merchstack.location import File, Location, S3Credentials
from connectors.merchstack.marks import Marks
from connectors.merchstack.names import FileName
from connectors.merchstack.notes import note
from connectors.merchstack.pages import Content, Warned, read_page
from connectors.merchstack.progress import FileProgress, Progress
from connectors.merchstack.reading import RawLine, Reader
from connectors.merchstack.rights import locked_record, locked_warnings
from connectors.merchstack.settings import MerchstackSettings
from connectors.merchstack.target import FIELD, PLACE, target_of
from connectors.merchstack.to_catalog import category_body, product_body
from hub.connector import Cadence, CheckResult, Connector, Ports, Stream
from hub.excerpt import excerpt
from hub.records import JSON, GroupTally, Item, Page, PollRequest

#: Merchstack writes at most so many records a file (merchstack facts).
RECORDS_A_FILE = 1000

#: How far off a poll may be put because of a file that may still be written.
_MOST = timedelta(minutes=1)


class Merchstack(Connector[MerchstackSettings, S3Credentials]):
    """One folder or bucket of one tenant, and the exports that Merchstack puts there.

    A file is a group of records. A record's ``key`` is its ``externalSystemId``; its payload is ``{"line", "file",
    "export", "seen", "operation", "record"}``, the record without its metadata. The same content that comes again in
    another file is known already.
    """

    name = "merchstack"
    title = "Merchstack: imports its export files into the catalog"
    Settings = MerchstackSettings
    Credentials = S3Credentials
    streams: ClassVar[Sequence[Stream]] = (
        Stream(name="category", title="Categories", rejected_again=True),
        Stream(name="product", title="Products", rejected_again=True),
    )
    cadence: ClassVar[Cadence] = Cadence(
        least=timedelta(0),
        interval=timedelta(seconds=5),
        interval_max=timedelta(seconds=10),
        idle=timedelta(minutes=1),
    )
    uses_destination = True
    may_own: ClassVar[Collection[str] | None] = ("categories.managed",)
    poll_target_title = PLACE
    poll_target_field = FIELD

    def __init__(self, settings: MerchstackSettings, credentials: S3Credentials, ports: Ports) -> None:
        super().__init__(settings, credentials, ports)
        #: The file that is being read; a cache, no more.
        self._reader: Reader | None = None
        self._told_of_odd_keys = False

    def circuit_key(self) -> str:
        """The folder or bucket."""
        return self.poll_target()

    def poll_target(self) -> str:
        """The folder's real path, or the bucket's address with its prefix: no two connections use the same files."""
        return target_of(self.settings.url, self.credentials)

    async def check(self) -> CheckResult:
        """List the files, and look whether their reports may be written. Raises what ``Location`` does."""
        listed = await self._list()
        await self._location.require_writable(DONE)
        waiting = await self._to_read(listed)
        return CheckResult(
            warnings=[*locked_warnings(await self._location.unreadable([*waiting.values()]))],
            facts={
                "url": self.settings.url,
                "files_waiting": len(waiting),
                "other_files": sum(names.parse(file.name) is None for file in listed),
            },
        )

    async def poll(self, request: PollRequest) -> Page:
        """One page of one file, categories first. A file is looked at once before it is read.

        What ``ending`` writes down comes from the cursor as it was stored, so it never runs ahead of the records.
        """
        progress = Progress.parse(request.cursor)
        known = dict(progress.files)
        now, open_records = self._now(), request.open_records
        listed = await self._to_read(await self._list())
        # One file alone is no reason to stop: it is left there, as if it had not come yet.
        locked = [listed.pop(name) for name in await self._location.unreadable([*listed.values()])]
        bad = [locked_record(file) for file in progress.lock(locked)]
        seals = progress.notice(listed, now)
        wakes = await ending.finish(
            progress, self.ports.documents, now=now, wait=self._wait, open_records=open_records
        )
        unread = [
            file for name, file in progress.files.items() if file == known.get(name) and not file.place.ended
        ]
        unread.sort(key=lambda file: file.order)
        chosen = next((file for file in unread if not self._quiet_in(listed[file.name], file, now)), None)
        page = Page(seals=seals, wakes=wakes, bad=bad)
        if chosen is not None:
            page = await self._read(progress, chosen, listed[chosen.name], page, now)
        return self._come_again(page, progress, listed, now, open_records)

    async def fetch(self, items: Sequence[Item]) -> Sequence[Item]:
        """Says of each record whether its export has ended, so that it waits for nothing any more."""
        document = await self.ports.documents.get(ending.EXPORTS) or {}
        now = self._now()
        return [
            replace(item, payload={**item.payload, "final": True})
            if ending.is_final(item, document, now=now, wait=self._wait)
            else item
            for item in items
        ]

    def transform(self, item: Item) -> JSON:
        """The body for the catalog. Raises ``RejectedError`` with every error."""
        return self._body(item.stream, item.payload)

    async def close_group(self, tally: GroupTally) -> None:
        """Write the file's report, then move or mark the file."""
        move = self.settings.after == "move"
        at = self.ports.clock.now()
        await close_file(self._location, self.ports.documents, tally, move=move, at=at)

    @cached_property
    def _location(self) -> Location:
        return Location.open(
            self.settings.url, self.credentials, allow_private_hosts=self.ports.allow_private_hosts
        )

    @cached_property
    def _marks(self) -> Marks:
        return Marks(self._location)

    @property
    def _wait(self) -> int:
        return round(self.settings.wait_for_export * 1000)

    def _now(self) -> int:
        return _milliseconds(self.ports.clock.now())

    async def _list(self) -> Sequence[File]:
        """What is there; a process tells once of keys that nobody can read."""
        listed = await self._location.files()
        if self._location.odd is not None and not self._told_of_odd_keys:
            self._told_of_odd_keys = True
            self.ports.log.warning("keys of the bucket are left alone", error=self._location.odd)
        return listed

    async def _to_read(self, listed: Sequence[File]) -> dict[str, File]:
        """Files of a documented name that are not marked as done."""
        files = {file.name: file for file in listed if names.parse(file.name) is not None}
        return files if self.settings.after == "move" else await self._marks.unmarked(files, listed)

    def _quiet_in(self, listed: File, file: FileProgress, now: int) -> int:
        """How long it may still be written to. A clock that is wrong delays a file, and does not stop it."""
        if not self._location.is_folder:
            return 0  # objects appear whole
        unchanged = max(now - _milliseconds(listed.modified), now - file.seen)
        return max(0, round(self.settings.quiet_seconds * 1000) - unchanged)

    async def _read(self, progress: Progress, file: FileProgress, listed: File, page: Page, now: int) -> Page:
        """The page with the next lines of a file, and all that follows from them in ``progress``."""
        name = names.parse(file.name)
        if name is None:
            return page
        taken = await self._reader_of(name, listed).take(file.place)
        # In a thread: a page of megabytes takes seconds, and heartbeats must go on.
        content = await asyncio.to_thread(self._content, taken.lines, name, file)
        further = progress.advance(
            file,
            taken.place,
            good=len(content.records),
            bad=len(content.bad),
            members=content.members,
            now=now,
        )
        exports = {key: progress.exports[key] for key in further.exports if key in progress.exports}
        warnings = [*content.warnings, *self._warnings(further, exports)]
        summaries = {key: export.summary() for key, export in exports.items()}
        await note(self.ports.documents, further, content.bad, warnings, summaries)
        return replace(
            page,
            records=content.records,
            bad=[*page.bad, *(line.bad_record(name) for line in content.bad)],
            seals=[*page.seals, file.group] if further.place.ended else page.seals,
        )

    def _reader_of(self, name: FileName, listed: File) -> Reader:
        """The reader that is there, if it is of this file: gzip cannot go on in the middle."""
        if self._reader is None or self._reader.file != listed:
            limit = self.settings.max_line_bytes
            self._reader = Reader(self._location, listed, gzip=name.gzip, max_line_bytes=limit)
        return self._reader

    def _content(self, lines: Sequence[RawLine], name: FileName, file: FileProgress) -> Content:
        source = Source(
            file=name,
            group=file.group,
            seen=file.seen,
            tenant_id=self.settings.tenant_id,
            store_id=self.settings.store_id,
        )
        return read_page(lines, source)

    def _body(self, stream: str, payload: JSON) -> JSON:
        name = names.parse(payload["file"])
        wait = not payload.get("final", False)
        record, operation = payload["record"], payload["operation"]
        if stream == "category":
            managed = name is not None and name.direction == "export"
            return category_body(record, operation=operation, managed=managed, wait=wait)
        return product_body(record, operation=operation, wait=wait, location=self.settings.stock_location)

    def _warnings(self, file: FileProgress, exports: Mapping[str, ExportProgress]) -> Iterator[Warned]:
        """What is odd about a file as a whole, once it has been read."""
        if not file.place.ended:
            return
        records = file.good + file.bad
        if records > RECORDS_A_FILE:
            text = f"the file holds {records} records; Merchstack writes {RECORDS_A_FILE} at most"
            yield Warned(line=0, text=text)
        for key, export in exports.items():
            for kind, tracking in export.types.items():
                for text in tracking.warnings():
                    yield Warned(line=0, text=f"{kind} records of export {excerpt(key)}: {text}")

    def _come_again(
        self, page: Page, progress: Progress, listed: Mapping[str, File], now: int, open_records: int
    ) -> Page:
        """The page with its cursor, and with when to ask for the next one."""
        ends_now, again = ending.look_again(progress, now=now, wait=self._wait, open_records=open_records)
        unread = [file for file in progress.files.values() if not file.place.ended]
        quiet_in = min((self._quiet_in(listed[file.name], file, now) for file in unread), default=None)
        if quiet_in is not None:
            again = min(again or _MOST, timedelta(milliseconds=quiet_in))
        progress.looks += bool(unread or ends_now)
        full = bool(unread) or ends_now
        return replace(page, cursor=progress.as_json(), full=full, poll_after=again)


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
