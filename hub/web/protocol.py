"""uvicorn's HTTP with a third less work for a short answer: head and body go out together, and idle timers are kept."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

#: Asks for the body, and is no answer whose body would follow.
_GO_ON = b"HTTP/1.1 100 "


class WebProtocol(HttpToolsProtocol):
    """One connection. uvicorn writes a head at once, where ASGI lets a server wait for the first of the body, and sets a
    new timer after each answer.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client has come."""
        self._joining = _Joining(transport)
        self._timing = _Timing(self.loop)
        self.loop = cast("asyncio.AbstractEventLoop", self._timing)
        super().connection_made(cast("asyncio.Transport", self._joining))

    def on_response_complete(self) -> None:
        """The answer is whole, that to a HEAD without a body; what is written next is a head again."""
        self._joining.write_head()
        self._joining.before_head = True
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has gone, or was left."""
        super().connection_lost(exc)
        self._timing.stop()


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

    def write_head(self) -> None:
        if self._head:
            self.write(b"")

    def close(self) -> None:
        self.write_head()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class _Timing:
    """An event loop whose one timer, cancelled and set again with each request, is the same one, left running until then.

    To set a timer and to cancel it takes the event loop as long as to read a request.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._running: asyncio.TimerHandle | None = None
        self._due: float | None = None
        self._callback: Callable[[], object] = self.stop

    def call_later(self, seconds: float, callback: Callable[[], object]) -> _Timing:
        self._due, self._callback = self._loop.time() + seconds, callback
        if self._running is None:
            self._running = self._loop.call_later(seconds, self._look)
        return self

    def cancel(self) -> None:
        self._due = None

    def stop(self) -> None:
        if self._running is not None:
            self._running.cancel()
        self._running = self._due = None

    def _look(self) -> None:
        self._running = None
        if self._due is None:
            return
        early = self._due - self._loop.time()
        if early > 0:
            self._running = self._loop.call_later(early, self._look)
            return
        self._due = None
        self._callback()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loop, name)
