"""Request bodies, read whole: no larger, no slower and not more of them at once than the process can hold."""

from __future__ import annotations

import asyncio

from hub.errors import HubError
from hub.web.reply import Receive, Reply, Scope, refusal

#: A sender that takes longer for its body is cut off, in seconds.
BODY_SECONDS = 10.0
#: Bodies that one process holds at once, in bytes.
HELD_BYTES = 128 * 1024 * 1024


class BodyError(HubError):
    """The body was not read; ``reply`` is the answer to it."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.body.decode())
        self.reply = reply


class GoneError(HubError):
    """The sender hung up; nobody waits for an answer."""


class Bodies:
    """Reads bodies and counts what it holds; give back with ``release`` what ``read`` returned."""

    def __init__(self, *, max_bytes: int, held_bytes: int = HELD_BYTES) -> None:
        self._max_bytes = max_bytes
        self._room = max(held_bytes, max_bytes)

    async def read(self, scope: Scope, receive: Receive) -> bytes:
        """The whole body. Raises ``BodyError`` with 413, 408 or 503, ``GoneError`` where the sender hung up."""
        declared = _declared_length(scope)
        if declared is not None and declared > self._max_bytes:
            raise self._too_large()
        chunks: list[bytes] = []
        try:
            async with asyncio.timeout(BODY_SECONDS):
                await self._collect(receive, chunks)
        except BaseException as error:
            self.release(sum(map(len, chunks)))
            if isinstance(error, TimeoutError):
                raise BodyError(refusal(408, "the body did not arrive in time", close=True)) from None
            raise
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def release(self, size: int) -> None:
        """A body of ``size`` bytes is not held any more."""
        self._room += size

    async def _collect(self, receive: Receive, chunks: list[bytes]) -> None:
        size, more = 0, True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise GoneError("the sender hung up")
            chunk = message.get("body", b"")
            more = message.get("more_body", False)
            size += len(chunk)
            if size > self._max_bytes:
                raise self._too_large()
            if len(chunk) > self._room:
                raise BodyError(refusal(503, "too much at once; send it again", retry_after=5, close=True))
            self._room -= len(chunk)
            chunks.append(chunk)

    def _too_large(self) -> BodyError:
        return BodyError(
            refusal(413, f"more than {self._max_bytes} bytes (HUB_WEBHOOK_MAX_BYTES)", close=True)
        )


def _declared_length(scope: Scope) -> int | None:
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() else None
    return None
