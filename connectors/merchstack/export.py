"""Merchstack out: the tenant's catalog as import files, by what has changed since the last export."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import ClassVar

from connectors.merchstack.export_settings import MerchstackExportSettings
from connectors.merchstack.exported import Exported, unheard
from connectors.merchstack.feed import CATEGORY, KINDS, PRODUCT, Offered, Standing, records_of
from connectors.merchstack.from_catalog import category_record, product_record
from connectors.merchstack.location import Location, S3Credentials
from connectors.merchstack.nesting import TOO_DEEP, is_too_deep
from connectors.merchstack.spool import Line, Spool
from connectors.merchstack.staging import FOLDER, LATE, Staging, remember, write_files
from connectors.merchstack.target import FIELD, PLACE, target_of
from hub import codec
from hub.catalog import Catalog, Change
from hub.connector import CheckResult, Connector, Ports, Stream
from hub.errors import ConfigurationError, RejectedError
from hub.records import (
    JSON,
    GroupTally,
    Item,
    Page,
    PollRequest,
    PushResult,
    Rejected,
    Skipped,
    Success,
)

#: So many changes are read at once.
PAGE = 500

#: A poll goes on over pages without news for so long, in seconds; it has a minute.
LOOK_FOR = 20.0

#: How soon to look again whether the files of the import before are out.
NOT_OUT = timedelta(seconds=5)


class MerchstackExport(Connector[MerchstackExportSettings, S3Credentials]):
    """Follows the catalog and writes import files.

    All that is new goes into one import, a group of the ledger; its files are written when the group has ended, and
    only then the next import begins. What was exported last (``Exported``) stands in the id map.
    """

    name = "merchstack-export"
    title = "Merchstack: exports the catalog as import files"
    Settings = MerchstackExportSettings
    Credentials = S3Credentials
    streams: ClassVar[Sequence[Stream]] = (
        Stream(name=CATEGORY, title="Categories", read_anew=True),
        Stream(name=PRODUCT, title="Products", read_anew=True),
    )
    may_own = frozenset[str]()
    poll_target_title = PLACE
    poll_target_field = FIELD

    def __init__(self, settings: MerchstackExportSettings, credentials: S3Credentials, ports: Ports) -> None:
        super().__init__(settings, credentials, ports)
        self._offered = Offered()

    @cached_property
    def _location(self) -> Location:
        return Location.open(
            self.settings.url, self.credentials, allow_private_hosts=self.ports.allow_private_hosts
        )

    @property
    def _catalog(self) -> Catalog:
        if self.ports.catalog is None:
            raise ConfigurationError("this hub hands out no catalog; upgrade it")
        return self.ports.catalog

    def poll_target(self) -> str:
        """As that of an import: what is exported to a place is for Merchstack to read."""
        return target_of(self.settings.url, self.credentials)

    def circuit_key(self) -> str:
        """The place."""
        return self.settings.url

    async def check(self) -> CheckResult:
        """Look whether the place is there and can be listed and written, and whether the counterpart imports for this tenant."""
        if self.settings.counterpart is not None:
            # No kinds: nothing is read but the name.
            await self._catalog.changes((), after={}, counterpart=self.settings.counterpart)
        await self._location.require_writable(FOLDER)
        return CheckResult(facts={"url": self.settings.url, "files": len(await self._location.files())})

    async def poll(self, request: PollRequest) -> Page:
        """What changed in the catalog, or came to hold, as records of the import that is running, or of a new one."""
        standing = Standing.of(request.cursor, full_pass=request.full_pass)
        if standing.running is None and not await self._is_out(standing):
            return Page(cursor=standing.cursor, poll_after=NOT_OUT)
        self._offered.resume(request.cursor)
        deadline = time.monotonic() + LOOK_FOR
        changes, full = standing.changes, True
        news: Mapping[tuple[str, str], Change] = {}
        while full and not news and time.monotonic() < deadline:
            found = await self._catalog.changes(
                KINDS, after=changes, limit=PAGE, counterpart=self.settings.counterpart
            )
            changes, full, news = found.cursor, found.full, self._offered.news(found.changes)
        now = self.ports.clock.now()
        turned = await self._catalog.prices_turned(after=standing.turned, until=now, limit=PAGE)
        full |= turned.full
        if news or turned.changes:
            standing = standing.with_import(now, self.ports.connection)
        records = records_of(news, turned.changes, standing, now)
        after = standing.moved(changes, turned.cursor, records, at_end=not full)
        self._offered.keep(after.cursor, records)
        ended = standing.running is not None and after.running is None
        return Page(
            records=records,
            cursor=after.cursor,
            full=full,
            seals=[str(standing.running)] if ended else (),
        )

    async def push(self, items: Sequence[Item]) -> Sequence[PushResult]:
        """Read each thing anew and stage its record; what has nothing to export voids what was staged of it."""
        (stream,) = {item.stream for item in items}
        keys = [item.payload["key"] for item in items]
        at = self.ports.clock.now().isoformat()
        documents = await self._catalog.read(stream, keys)
        exported = await self.ports.ids.get(stream, keys)
        out = await self._last_out(stream)
        results: list[PushResult] = []
        staged: dict[str, list[Line]] = {}
        for item, key in zip(items, keys, strict=True):
            line, result = self._line(item, at, documents.get(key), exported.get(key))
            late = item.group is None or item.group <= out
            staged.setdefault(LATE if late else str(item.group), []).append(line)
            results.append(_late(result) if late else result)
        for import_id, lines in staged.items():
            await Staging(self._location, stream).add(import_id, lines)
        return results

    async def close_group(self, tally: GroupTally) -> None:
        """Write the import's files of this stream, remember what is in them, and clear away what was staged."""
        staging = Staging(self._location, tally.stream)
        if await self._last_out(tally.stream) < tally.name:
            async with staging.spooled(await staging.take(tally.name)) as spool:
                # Another worker may have been quicker, and may have cleared away what was not read here yet.
                if await self._last_out(tally.stream) < tally.name:
                    await self._put_out(spool, tally)
        await staging.clear(tally.name)

    async def _put_out(self, spool: Spool, tally: GroupTally) -> None:
        written = await write_files(
            self._location,
            spool,
            import_id=tally.name,
            stream=tally.stream,
            frame={"tenantId": self.settings.tenant_id, "storeId": self.settings.store_id},
            size=self.settings.records_per_file,
        )
        await remember(self.ports.ids, spool, tally.stream)
        self.ports.log.info(
            "an import is out", id=tally.name, type=tally.stream, files=written, records=spool.total
        )
        await self.ports.documents.put(_document(tally.stream), {"import": tally.name})

    async def _is_out(self, standing: Standing) -> bool:
        """Whether all files of the import begun last are written."""
        return all([await self._last_out(stream) >= (standing.last or "") for stream in standing.streams])

    async def _last_out(self, stream: str) -> str:
        document = await self.ports.documents.get(_document(stream))
        return "" if document is None else str(document["import"])

    def _line(
        self, item: Item, at: str, document: JSON | None, exported: str | None
    ) -> tuple[Line, PushResult]:
        key = item.payload["key"]
        nothing = Line(key=key, item=item.id, at=at)
        if document is None:
            if exported is None:
                return nothing, Skipped(reason="it is gone and was never exported")
            record = {"externalSystemId": key}
            return Line(key=key, item=item.id, at=at, operation="delete", record=record), Success()
        if document.get("managed") and self.settings.categories == "unmanaged":
            return nothing, Skipped(reason="a managed category is Merchstack's own")
        before = Exported.parse(exported)
        silent = unheard(document, before)
        try:
            record = self._record(item, document, silent)
            content = _hash(record)
        except RejectedError as error:
            return nothing, Rejected(errors=error.errors)
        if before is not None and content == before.content and not item.payload.get("full"):
            return nothing, Skipped(reason="it is as it was exported last")
        line = Line(
            key=key,
            item=item.id,
            at=at,
            depth=len(document.get("path") or ()),
            operation="create" if before is None else "update",
            content=str(Exported(content=content, unheard=silent)),
            record=record,
        )
        return line, Success(created=before is None)

    def _record(self, item: Item, document: JSON, silent: Collection[str]) -> JSON:
        if item.stream == CATEGORY:
            return category_record(document)
        settings, now = self.settings, self.ports.clock.now()
        as_of = datetime.fromisoformat(item.payload["as_of"]) if "as_of" in item.payload else now
        return product_record(
            document,
            gone=[each for each in document.get("gone_variants") or () if each["key"] not in silent],
            currency=settings.currency,
            price_kind=settings.price_kind,
            location=settings.location,
            now=max(now, as_of),
        )


def _hash(record: JSON) -> str:
    """Of what is exported. Raises ``RejectedError`` where it cannot be written down."""
    if is_too_deep(record):
        raise RejectedError(TOO_DEEP)
    try:
        return codec.fingerprint(record)
    except (RecursionError, ValueError, ArithmeticError) as error:
        raise RejectedError(f"cannot be written as JSON: {error}; correct it in the catalog") from error


def _document(stream: str) -> str:
    return f"out-{stream}"


def _late(result: PushResult) -> PushResult:
    """Its import is out already."""
    return Success(warning="it goes out with the next import") if isinstance(result, Success) else result
