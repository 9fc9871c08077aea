"""What was exported and is not in a file yet: staged durably beside the files, then put together, once and whole.

``.staging/IMPORT/STREAM-ITEM-HASH.jsonl`` holds the lines of one push. ``.staging/IMPORT/STREAM.taken`` names the
objects that the import's files are made of, so that whoever repeats it after a crash makes the same files.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from connectors.merchstack.import_files import files, numbered
from connectors.merchstack.location import Location
from connectors.merchstack.spool import Line, Spool, dump, load
from hub import codec
from hub.connector import IdMap

T = TypeVar("T")

FOLDER = ".staging"

#: Where lines wait whose import was out before they came (a dead record that was revived): for the next one.
LATE = "late"

#: So many ids are remembered at once.
IDS = 1000


class Staging:
    """The staged lines of one stream in one location."""

    def __init__(self, location: Location, stream: str) -> None:
        self._location = location
        self._stream = stream

    async def add(self, import_id: str, lines: Sequence[Line]) -> None:
        """Stage the lines of one push. The same lines again are the same object."""
        content = dump(lines)
        name = f"{self._stream}-{lines[0].item:020d}-{codec.fingerprint(content.decode())[:12]}.jsonl"
        await self._location.write(f"{FOLDER}/{import_id}/{name}", content)

    async def take(self, import_id: str) -> Sequence[str]:
        """The objects that this import is made of, the same ones whenever it is asked again; late ones are among them."""
        taken = await self._taken(import_id)
        if taken is None:
            for name in await self._staged(LATE):
                await self._location.move(name, name.replace(f"/{LATE}/", f"/{import_id}/", 1))
            taken = await self._staged(import_id)
            await self._location.write(self._list_of(import_id), codec.dumps(taken))
        return taken

    async def clear(self, import_id: str) -> None:
        """Take away what is out; what came meanwhile is late."""
        for name in await self._taken(import_id) or ():
            await self._location.remove(name)
        for name in await self._staged(import_id):
            await self._location.move(name, name.replace(f"/{import_id}/", f"/{LATE}/", 1))
        await self._location.remove(self._list_of(import_id))

    @asynccontextmanager
    async def spooled(self, names: Sequence[str]) -> AsyncIterator[Spool]:
        """The lines of these objects, in a scratch file."""
        with tempfile.TemporaryDirectory(prefix="hub-export-") as folder:
            spool = Spool(Path(folder))
            try:
                for name in names:
                    content = await self._location.get(name)
                    if content is not None:
                        await asyncio.to_thread(lambda text: spool.add(load(text)), content)
                yield spool
            finally:
                spool.close()

    async def _taken(self, import_id: str) -> list[str] | None:
        content = await self._location.get(self._list_of(import_id))
        return None if content is None else codec.loads(content)

    async def _staged(self, folder: str) -> list[str]:
        start = f"{FOLDER}/{folder}/"
        found = await self._location.names_below(start.rstrip("/"))
        return [name for name in found if name.startswith(f"{start}{self._stream}-")]

    def _list_of(self, import_id: str) -> str:
        return f"{FOLDER}/{import_id}/{self._stream}.taken"


async def write_files(
    location: Location, spool: Spool, *, import_id: str, stream: str, frame: Mapping[str, Any], size: int
) -> int:
    """All files of one import and stream, one after the other, each whole or not at all; gives their number."""
    lines = numbered(spool.records(), import_id=import_id, record_type=stream, total=spool.total, frame=frame)
    written = 0
    async for name, content in _each(files(lines, import_id=import_id, record_type=stream, size=size)):
        await location.write(name, content)
        written += 1
    return written


async def remember(ids: IdMap, spool: Spool, stream: str) -> None:
    """Which record was exported last; what was deleted is forgotten."""
    contents = spool.contents()
    async for batch in _each(iter(lambda: list(islice(contents, IDS)), [])):
        if exported := {key: content for key, content in batch if content is not None}:
            await ids.put(stream, exported)
        if deleted := [key for key, content in batch if content is None]:
            await ids.remove(stream, deleted)


async def _each(values: Iterator[T]) -> AsyncIterator[T]:
    """Made in a thread, for a file of records takes its time."""
    end = object()
    step: Callable[[], Any] = lambda: next(values, end)  # noqa: E731
    while (value := await asyncio.to_thread(step)) is not end:
        yield value
