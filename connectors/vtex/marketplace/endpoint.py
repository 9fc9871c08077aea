"""What VTEX asks a marketplace connection over HTTP, as raw ASGI: logs, the category tree, and the mapping that it posts.

Below ``/c/{connection}``, the secret where there is one, and the account where somebody writes it (VTEX's guide has log URLs
with and without it).
"""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from connectors.vtex.marketplace.category_map import CategoryMap
from connectors.vtex.marketplace.category_payload import UnreadMappingError, read
from connectors.vtex.marketplace.log_answer import LogAnswer
from connectors.vtex.marketplace.logs import Logs
from connectors.vtex.web import (
    JSON_TYPE,
    Receive,
    RefusedError,
    Scope,
    Send,
    behind_secret,
    body_of,
    header,
    refuse,
    respond,
    segments,
)
from hub import codec
from hub.connector import Clock, Documents, Log
from hub.errors import ConfigurationError, HubError, ServiceUnavailableError
from hub.excerpt import excerpt
from hub.records import JSON

#: A request has this long, in seconds; a log begins within it and then takes as long as it is.
DEADLINE: Final = 20.0
#: Bytes of a mapping; of what the mapper tells of a tree; and of a mapping that was not understood, as it is kept.
MOST_MAPPING, MOST_TOLD, MOST_KEPT = 16 * 1024 * 1024, 64 * 1024, 64 * 1024
#: The document that has the mapping that was not understood.
UNREAD: Final = "mapping-unread"
#: The category tree is asked for once in this time, in seconds: a marketplace may take long to tell it.
TREE_SECONDS: Final = 60.0
#: Requests that are under way at once.
MOST_AT_ONCE: Final = 32

_READ: Final = ("GET", "HEAD")
_Handler = Callable[[Scope, Receive, Send], Awaitable[None]]


class MarketplaceEndpoint:
    """One for each connection and process. ``tree`` gives the category tree as ``category_tree.tree`` makes it, None where
    the marketplace has none; ``processed`` is told what the mapper says of one."""

    def __init__(
        self,
        *,
        account: str,
        secret: str | None,
        logs: Logs,
        categories: CategoryMap,
        tree: Callable[[], Awaitable[JSON | None]],
        processed: Callable[[Any], Awaitable[None]],
        documents: Documents,
        clock: Clock,
        log: Log,
    ) -> None:
        self._account, self._secret = account, secret
        self._log_answer = LogAnswer(logs, clock)
        self._categories, self._tree, self._processed = categories, tree, processed
        self._documents, self._clock, self._log = documents, clock, log
        self._under_way = 0
        self._known_tree: tuple[float, bytes] | None = None
        self._asking = asyncio.Lock()
        self._routes: dict[tuple[str, ...], tuple[Sequence[str], _Handler]] = {
            ("logs",): (_READ, self._log_answer),
            ("api", "categories"): (_READ, self._show_tree),
            ("api", "mapping"): (("POST",), self._take_mapping),
            ("api", "categories", "processed"): (("POST",), self._take_processed),
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if self._under_way >= MOST_AT_ONCE:
            await refuse(send, RefusedError(503, "too much at once; ask again"))
            return
        self._under_way += 1
        try:
            await self._handler(scope)(scope, receive, send)
        except RefusedError as refused:
            await refuse(send, refused, head=scope["method"] == "HEAD")
        except ServiceUnavailableError:
            await refuse(send, RefusedError(503, "the store cannot be reached; ask again"))
        except ConnectionResetError:
            return
        finally:
            self._under_way -= 1

    def _handler(self, scope: Scope) -> _Handler:
        """Whom path and method name. Raises ``RefusedError``."""
        parts = behind_secret(scope, segments(scope), self._secret)
        route = tuple(part.lower() for part in parts)
        if route not in self._routes and route[1:] in self._routes:
            if route[0].partition(".")[0] != self._account:
                raise RefusedError(
                    404,
                    f"the account {excerpt(parts[0])} is not the one of this connection, which is {self._account}",
                )
            route = route[1:]
        if route not in self._routes:
            known = ", ".join("/".join(one) for one in self._routes)
            raise RefusedError(404, f"there is no such endpoint; there are: {known}")
        methods, handler = self._routes[route]
        if scope["method"] not in methods:
            raise RefusedError(
                405,
                f"only {' and '.join(methods)} is answered here",
                [(b"allow", ", ".join(methods).encode())],
            )
        return handler

    async def _show_tree(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await self._current_tree()
        headers = [JSON_TYPE, (b"vary", b"accept-encoding")]
        if _takes_gzip(header(scope, b"accept-encoding")):
            body = await asyncio.to_thread(gzip.compress, body, mtime=0)
            headers.append((b"content-encoding", b"gzip"))
        await respond(send, 200, body, headers, head=scope["method"] == "HEAD")

    async def _current_tree(self) -> bytes:
        async with self._asking:  # one asks, and the others have it too
            now = asyncio.get_running_loop().time()
            if self._known_tree is None or now - self._known_tree[0] > TREE_SECONDS:
                self._known_tree = (now, await self._asked_tree())
            return self._known_tree[1]

    async def _asked_tree(self) -> bytes:
        try:
            async with asyncio.timeout(DEADLINE):
                found = await self._tree()
        except ServiceUnavailableError:
            raise
        except (HubError, TimeoutError) as error:
            self._log.warning("the marketplace's category tree cannot be read", error=str(error))
            raise RefusedError(
                503, "the marketplace does not tell its category tree now; ask again"
            ) from None
        if found is None:
            raise RefusedError(404, "this marketplace has no category tree: no category has to be mapped")
        return codec.dumps(found)

    async def _take_mapping(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await body_of(scope, receive, MOST_MAPPING)
        try:
            found = await asyncio.to_thread(read, body)
        except UnreadMappingError as error:
            await _in_time(self._keep_unread(body, str(error)))
            raise RefusedError(400, str(error)) from None
        changed = await _in_time(self._categories.put(found.pairs))
        if found.unread:
            await _in_time(self._keep_unread(body, f"{found.unread} objects in it hold half a pair"))
        self._log.info(
            "a category mapping has arrived",
            mapped=len(found.pairs),
            changed=len(changed),
            unread=found.unread,
        )
        told = {"mapped": len(found.pairs), "changed": len(changed), "unread": found.unread}
        await respond(send, 200, codec.dumps(told), [JSON_TYPE])

    async def _keep_unread(self, body: bytes, why: str) -> None:
        """The last one, as it came, with the warning once for each."""
        mark = codec.fingerprint([why, body[:MOST_KEPT].decode("utf-8", "replace")])
        known = await self._documents.get(UNREAD)
        if known is not None and known["mark"] == mark:
            return
        raw = body[:MOST_KEPT].decode("utf-8", "replace")
        at = self._clock.now().isoformat()
        kept = {"mark": mark, "at": at, "why": why, "bytes": len(body), "raw": raw}
        await self._documents.put(UNREAD, kept)
        self._log.warning(
            "a category mapping was not understood in full; it is kept as the document mapping-unread",
            why=why,
            begins=excerpt(raw, 300),
        )

    async def _take_processed(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Nothing follows from it, so that whatever it says is taken."""
        body = await body_of(scope, receive, MOST_TOLD)
        try:
            told = codec.loads(body) if body else None
        except (codec.DecodeError, RecursionError):
            told = body.decode("utf-8", "replace")
        await _in_time(self._processed(told))
        await respond(send, 200, b"{}", [JSON_TYPE])


async def _in_time(doing: Awaitable[Any]) -> Any:
    """What the store does, which may hang. Raises ``RefusedError`` with 503."""
    try:
        async with asyncio.timeout(DEADLINE):
            return await doing
    except TimeoutError:
        raise RefusedError(503, "the store does not answer; ask again") from None
    except ConfigurationError as error:
        raise RefusedError(400, str(error)) from None


def _takes_gzip(accepted: bytes) -> bool:
    for one in accepted.decode("latin-1").lower().split(","):
        name, _, quality = one.partition(";")
        if name.strip() in ("gzip", "*"):
            return quality.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False
