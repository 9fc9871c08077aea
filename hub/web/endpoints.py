"""``/c/{connection}/…``: a connector's own ASGI application, called with nothing in between."""

from __future__ import annotations

import asyncio

import structlog

from hub.errors import ConfigurationError, NotFoundError, ServiceUnavailableError
from hub.web.directory import FRESH_SECONDS, Directory, Entry
from hub.web.reply import App, Receive, Reply, Scope, Send, refusal

PREFIX = "/c/"

#: How long a request waits to learn whether its connection is still as it was, in seconds.
PATIENCE = 0.5
#: And how long for a connection that is not known yet: some that ask wait no more than two seconds and a half in all.
UNKNOWN_PATIENCE = 1.0
#: While it is asked for, a connection that is known is looked up again at this age, in seconds: before anybody waits.
AHEAD_SECONDS = FRESH_SECONDS / 2
#: After the store was not reached, endpoints that are known answer for so long without asking again, in seconds.
BELIEVE_SECONDS = 1.0

_NOT_FOUND = refusal(404, "there is no such endpoint")
_BROKEN = refusal(503, "the connection cannot be put together", retry_after=5)
_STORE_DOWN = refusal(503, "the store cannot be reached", retry_after=5)

_log = structlog.get_logger(__name__)


class EndpointError(Exception):
    """An application failed. The server answers 500 where nothing was sent yet."""


class Endpoints:
    """The ASGI application that finds the connector's by the name in the path.

    The application sees the whole path, and ``/c/{connection}`` as its ``root_path``, as ASGI has it for mounts. One that
    is known is called also while the store cannot be reached: how long it has answers without it is the connector's to say.
    """

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._entries = directory.entries
        self._believe_until = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One dictionary look-up, and the application."""
        name = _name(scope["path"])
        entry = self._fresh(name)
        if entry is not None and entry.endpoint is not None:
            app = entry.endpoint
        else:
            found = await self._find(name)
            if isinstance(found, Reply):
                await found.send(send)
                return
            app = found
        scope["root_path"] = f"{scope.get('root_path', '')}{PREFIX}{name}"
        try:
            await app(scope, receive, send)
        except Exception as error:  # noqa: BLE001 - a connector's code runs here
            self._failed(name, error)

    def at_once(self, path: str, body: bytes) -> bytes | None:
        """See ``hub.web.protocol.AnswersAtOnce``; what goes wrong does so once more where the application is called."""
        entry = self._fresh(_name(path))
        if entry is None or entry.at_once is None:
            return None
        try:
            return entry.at_once(path, body)
        except Exception:  # noqa: BLE001 - a connector's code runs here
            return None

    def _fresh(self, name: str) -> Entry | None:
        """What the name stands for, where that need not be asked."""
        entry = self._entries.get(name)
        if entry is None:
            return None
        age = self._directory.now() - entry.checked
        if age >= AHEAD_SECONDS and entry.error is None:
            self._directory.renew(name)
        return entry if age < FRESH_SECONDS else None

    async def _find(self, name: str) -> App | Reply:
        known = self._entries.get(name)
        if known is None or known.endpoint is None:
            return await self._ask(name, UNKNOWN_PATIENCE)
        now = self._directory.now()
        if now < self._believe_until:
            return known.endpoint
        found = await self._ask(name, PATIENCE)
        if found is not _STORE_DOWN:
            return found
        self._believe_until = now + BELIEVE_SECONDS
        return known.endpoint

    async def _ask(self, name: str, patience: float) -> App | Reply:
        try:
            async with asyncio.timeout(patience):
                entry = await self._directory.find(name, stale=FRESH_SECONDS)
        except NotFoundError as error:
            return _BROKEN if error.field else _NOT_FOUND
        except ConfigurationError:
            return _BROKEN
        except (ServiceUnavailableError, TimeoutError):
            return _STORE_DOWN
        return entry.endpoint or _NOT_FOUND

    def _failed(self, name: str, error: Exception) -> None:
        entry = self._entries.get(name)
        text = entry.pipeline.redact(str(error)) if entry is not None and entry.pipeline is not None else ""
        _log.error("an endpoint failed", connection=name, error=f"{type(error).__name__}: {text}")
        # The server logs what it is given, and the connector's own error could hold a secret.
        raise EndpointError(f"the endpoint of {name} failed") from None


def _name(path: str) -> str:
    end = path.find("/", len(PREFIX))
    return path[len(PREFIX) :] if end < 0 else path[len(PREFIX) : end]
