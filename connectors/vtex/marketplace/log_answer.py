"""``GET …/logs/``: the answer is written while it is read, so that a day of any size takes no memory to speak of."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final
from urllib.parse import urlencode

from connectors.vtex.marketplace.log_query import Asked, BadQueryError, asked
from connectors.vtex.marketplace.logs import Lines, Logs
from connectors.vtex.web import JSON_TYPE, Receive, RefusedError, Scope, Send
from hub import codec
from hub.connector import Clock
from hub.errors import ConfigurationError

#: Logs that are written at once; each reads the store from page to page.
MOST_LOGS: Final = 8
#: A page has this long, in seconds.
PAGE_SECONDS: Final = 20.0

_BEGIN, _END = b'{"Messages":[', b"]}"


class LogAnswer:
    """The ASGI application of one connection's logs."""

    def __init__(self, logs: Logs, clock: Clock) -> None:
        self._logs, self._clock = logs, clock
        self._under_way = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Raises ``RefusedError`` and what the store does before anything is sent; afterwards it breaks off."""
        if self._under_way >= MOST_LOGS:
            raise RefusedError(503, "too many logs are read at once; ask again")
        wanted = self._asked(scope)
        self._under_way += 1
        try:
            await self._answer(wanted, scope, receive, send)
        finally:
            self._under_way -= 1

    def _asked(self, scope: Scope) -> Asked:
        query = scope.get("query_string", b"").decode("latin-1")
        try:
            return asked(query, zone=self._logs.zone, now=self._clock.now())
        except BadQueryError as error:
            raise RefusedError(400, str(error)) from None

    async def _answer(self, wanted: Asked, scope: Scope, receive: Receive, send: Send) -> None:
        async with contextlib.aclosing(self._logs.pages(wanted)) as pages:
            first = await self._first(pages)
            headers = [JSON_TYPE, *_next(wanted, first)]
            headers.append((b"cache-control", b"no-store"))
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            if scope["method"] == "HEAD":
                await send({"type": "http.response.body", "body": b""})
                return
            gone = asyncio.ensure_future(_gone(receive))
            try:
                await _write(first, pages, gone, send)
            finally:
                gone.cancel()

    async def _first(self, pages: AsyncIterator[Lines]) -> Lines:
        try:
            async with asyncio.timeout(PAGE_SECONDS):
                return await anext(pages)
        except TimeoutError:
            raise RefusedError(503, "the store does not answer; ask again") from None
        except ConfigurationError as error:
            raise RefusedError(400, str(error)) from None


async def _write(first: Lines, pages: AsyncIterator[Lines], gone: asyncio.Future[None], send: Send) -> None:
    """A record that settled meanwhile is met once more, and told once."""
    told: set[str] = set()
    page: Lines | None = first
    await send({"type": "http.response.body", "body": _BEGIN, "more_body": True})
    while page is not None and not gone.done():
        lines = [line for line in page.lines if line.id not in told]
        if lines:
            body = b",".join(codec.dumps(line.payload()) for line in lines)
            body = b"," + body if told else body
            told |= {line.id for line in lines}
            await send({"type": "http.response.body", "body": body, "more_body": True})
        async with asyncio.timeout(PAGE_SECONDS):
            page = await anext(pages, None)
    await send({"type": "http.response.body", "body": _END})


def _next(wanted: Asked, page: Lines) -> list[tuple[bytes, bytes]]:
    """Where a limit was asked for: how to go on with the same day and statuses (RFC 8288)."""
    if wanted.limit is None or page.cursor is None:
        return []
    query = {
        "DateAt": wanted.since.date().isoformat(),
        "status": ",".join(sorted(one.value.lower() for one in wanted.statuses)),
        "limit": wanted.limit,
        "after": page.cursor,
    }
    return [(b"link", f'<?{urlencode(query)}>; rel="next"'.encode())]


async def _gone(receive: Receive) -> None:
    """Until the client hangs up."""
    with contextlib.suppress(OSError):
        while (await receive())["type"] != "http.disconnect":
            pass
