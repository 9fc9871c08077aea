"""uvicorn's HTTP, but that an answer's head goes out together with its body: half the system calls, on both ends."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

#: Asks for the body, and is no answer whose body would follow.
_GO_ON = b"HTTP/1.1 100 "


class WholeAnswers(HttpToolsProtocol):
    """uvicorn writes the head as soon as it is told; ASGI lets a server wait with it for the first of the body."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client has come."""
        self._joining = _Joining(transport)
        super().connection_made(cast("asyncio.Transport", self._joining))

    def on_response_complete(self) -> None:
        """What is written next is a head again."""
        self._joining.before_head = True
        super().on_response_complete()


class _Joining:
    """A transport that keeps what is written ``before_head`` until more is written, or until it is closed."""

    __slots__ = ("_head", "_transport", "before_head", "is_closing")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport, self.is_closing = transport, transport.is_closing
        self._head = b""
        self.before_head = True

    def write(self, data: bytes) -> None:
        if self.before_head and not data.startswith(_GO_ON):
            self.before_head = False
            self._head = data
            return
        if self._head:
            data, self._head = self._head + data, b""
        self._transport.write(data)

    def close(self) -> None:
        if self._head:
            self.write(b"")
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
