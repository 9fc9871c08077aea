"""Which connection stands behind a name in a URL: looked up for many names at once, remembered for a moment."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any

import structlog

from hub.connection_save import NAME
from hub.connector import Endpoints, Webhooks
from hub.errors import ConfigurationError, HubError, NotFoundError, ServiceUnavailableError
from hub.pipeline import Pipeline
from hub.runtime import Runtime
from hub.store import webhooks
from hub.store.webhooks import Revision

#: An entry is used without asking for so long, in seconds: how late a changed or removed connection is noticed.
FRESH_SECONDS = 1.0
#: An entry of this age is still used while it is looked up again, in seconds, by those who find out before they keep what
#: they were sent; an older one is waited for.
STALE_SECONDS = 10.0
#: Names that are remembered; made-up ones push out what was not asked for longest.
MOST_ENTRIES = 20_000
#: Names that one look-up asks for.
MOST_NAMES = 1000

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What a name stands for. ``error`` instead of a pipeline: there is nothing, or it cannot be put together.

    ``checked``: since then it may be otherwise. A look-up may take long, and tells how it was when it began.
    """

    checked: float
    pipeline: Pipeline | None = None
    webhooks: Webhooks | None = None
    endpoint: Callable[..., Awaitable[None]] | None = None
    at_once: Callable[[str, bytes], bytes | None] | None = None
    error: HubError | None = field(default=None, repr=False)


class Directory:
    """Names to connections, in their present revision.

    However many ask for however many names, one query at a time is under way: made-up names cannot crowd the store.
    """

    def __init__(self, runtime: Runtime) -> None:
        self.entries: dict[str, Entry] = {}
        self._runtime = runtime
        self._asked: dict[str, asyncio.Future[Entry]] = {}
        self._task: asyncio.Task[None] | None = None
        self._renew_at = -math.inf

    async def find(self, name: str, *, stale: float = STALE_SECONDS) -> Entry:
        """The entry of a name that has a connection; a look-up is waited for where it is ``stale`` seconds old.

        Raises ``NotFoundError``; ``ConfigurationError`` when it cannot be put together (a plugin that is not
        installed, say); ``ServiceUnavailableError``.
        """
        if not NAME.fullmatch(name):
            raise NotFoundError("no connection can be called so")
        entry = self.entries.get(name)
        age = self.now() - entry.checked if entry is not None else stale
        if entry is None or age >= stale or (entry.error is not None and age >= FRESH_SECONDS):
            entry = await asyncio.shield(self._ask(name))
        elif age >= FRESH_SECONDS:
            self._ask(name)
        if entry.error is not None:
            raise entry.error.with_traceback(None)  # it is raised many times, and must not collect frames
        return entry

    def renew(self, name: str) -> None:
        """Look a known name up again before anybody has to wait, unless a look-up is under way or has just failed."""
        if self._task is None and self.now() >= self._renew_at:
            self._ask(name)

    def forget(self, name: str) -> None:
        """It is known to have changed."""
        self.entries.pop(name, None)

    @staticmethod
    def now() -> float:
        """The clock of ``Entry.checked``, in seconds."""
        return time.monotonic()

    async def close(self) -> None:
        """Ask no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _ask(self, name: str) -> asyncio.Future[Entry]:
        future = self._asked.get(name)
        if future is None:
            future = self._asked[name] = asyncio.get_running_loop().create_future()
            future.add_done_callback(_heard)
        if self._task is None:
            self._task = asyncio.create_task(self._answer_all())
        return future

    async def _answer_all(self) -> None:
        try:
            while self._asked:
                names = list(self._asked)[:MOST_NAMES]
                asked = {name: self._asked.pop(name) for name in names}
                try:
                    await self._answer(asked)
                finally:
                    _give_up([future for future in asked.values() if not future.done()])
        finally:
            self._task = None

    async def _answer(self, asked: dict[str, asyncio.Future[Entry]]) -> None:
        db, began = self._runtime.db, self.now()
        try:
            found = await db.run(webhooks.revisions, db, list(asked))
        except Exception as error:  # noqa: BLE001 - whoever asked decides
            self._renew_at = self.now() + FRESH_SECONDS
            for future in asked.values():
                future.set_exception(error)
            return
        for name, future in asked.items():
            entry = await self._entry(name, found.get(name), began)
            self._remember(name, entry)
            future.set_result(entry)

    async def _entry(self, name: str, revision: Revision | None, checked: float) -> Entry:
        known = self.entries.get(name)
        if revision is None:
            if known is not None and known.pipeline is not None:
                self._runtime.leave(known.pipeline)
            return Entry(checked=checked, error=NotFoundError("there is no such connection"))
        if known is not None and known.pipeline is not None and _is(known.pipeline, revision):
            return replace(known, checked=checked)
        try:
            return await self._assembled(revision, checked)
        except Exception as error:  # noqa: BLE001 - a plugin's own code runs here; the other names go on
            return Entry(checked=checked, error=_trouble(name, error))

    async def _assembled(self, revision: Revision, checked: float) -> Entry:
        pipeline = await self._runtime.pipeline(revision.connection_id, revision=revision.revision)
        if pipeline.connection.created_at != revision.created_at:
            # Another connection of the same id, that is gone: no revision of it is the present one.
            pipeline = await self._runtime.pipeline(revision.connection_id, revision=-1)
        connector: Any = pipeline.connector
        endpoint = connector.asgi() if isinstance(connector, Endpoints) else None
        return Entry(
            checked=checked,
            pipeline=pipeline,
            webhooks=connector if isinstance(connector, Webhooks) else None,
            endpoint=endpoint,
            at_once=getattr(endpoint, "at_once", None),
        )

    def _remember(self, name: str, entry: Entry) -> None:
        self.entries.pop(name, None)
        self.entries[name] = entry
        while len(self.entries) > MOST_ENTRIES:
            del self.entries[next(iter(self.entries))]


def _is(pipeline: Pipeline, revision: Revision) -> bool:
    connection = pipeline.connection
    return Revision(connection.id, connection.revision, connection.created_at) == revision


def _trouble(name: str, error: Exception) -> HubError:
    if isinstance(error, ServiceUnavailableError) or (isinstance(error, NotFoundError) and not error.field):
        return error
    # A plugin that is missing as well: the connection exists, and a sender shall try again.
    reason = str(error) if isinstance(error, HubError) else type(error).__name__
    _log.error("a connection cannot be put together", connection=name, error=reason)
    return ConfigurationError(f"{name} cannot be put together")


def _heard(future: asyncio.Future[Entry]) -> None:
    """Nobody may have waited for it."""
    if not future.cancelled():
        future.exception()


def _give_up(futures: list[asyncio.Future[Entry]]) -> None:
    for future in futures:
        future.cancel()
