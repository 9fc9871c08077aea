"""The access log: method, path, status and time, and never a query string, which may hold a token."""

from __future__ import annotations

from time import perf_counter

import structlog

from hub.web.hooks import PREFIX as HOOKS
from hub.web.reply import App, Message, Receive, Scope, Send

#: Asked all the time, and no news.
QUIET = frozenset({"/healthz", "/readyz", "/metrics"})
#: Characters of a path that are logged.
PATH_LIMIT = 200

_log = structlog.get_logger("hub.web.access")


class AccessLog:
    """Logs each request once it is answered."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and remember the status."""
        path: str = scope["path"]
        if path in QUIET or not _log.is_enabled_for(20):
            await self._app(scope, receive, send)
            return
        began, status = perf_counter(), 0

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watch)
        finally:
            milliseconds = round((perf_counter() - began) * 1000, 1)
            _log.info("request", method=scope["method"], path=shown(path), status=status, ms=milliseconds)


def shown(path: str) -> str:
    """A path for the log: of a webhook only whose it is, since platforms are given secrets as paths."""
    if path.startswith(HOOKS):
        name, slash, _ = path[len(HOOKS) :].partition("/")
        path = f"{HOOKS}{name}{slash}…" if slash else path
    return path[:PATH_LIMIT].encode("unicode_escape").decode()
