"""uvicorn's HTTP with less work for a short answer: head and body go out together, idle timers are kept, and what can be
answered at once is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Protocol, cast
from weakref import WeakKeyDictionary

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from hub.web.turns import Turns

#: Asks for the body, and is no answer whose body would follow.
_GO_ON = b"HTTP/1.1 100 "
#: What has come of a head, or of what follows a body, may be so long while it is not whole, in bytes. The parser keeps all of
#: it, and of short headers twenty times as much.
MOST_UNFINISHED = 64 * 1024
_TURNS: WeakKeyDictionary[ServerState, Turns] = WeakKeyDictionary()
_OK = b"HTTP/1.1 200 OK\r\n%bcontent-type: application/json\r\ncontent-length: %d\r\n\r\n"


class AnswersAtOnce(Protocol):
    """An ASGI application some of whose answers have to wait for nothing."""

    #: Paths that begin so may be answered at once.
    prefix_at_once: bytes

    def at_once(self, path: str, body: bytes) -> bytes | None:
        """The JSON of the answer (200) to a POST; None where the application is to be called. With the path comes its query."""


class WebProtocol(HttpToolsProtocol):
    """One connection. uvicorn writes a head at once, where ASGI lets a server wait for the first of the body, and sets a
    new timer after each answer. It begins a task for each request: for an answer that lies ready, that is most of the work.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client has come."""
        self._ready = cast("AnswersAtOnce", self.app) if hasattr(self.app, "at_once") else None
        #: The body of a request that may be answered at once, as far as it has come.
        self._held: bytes | None = None
        #: It is whole, and stands in line.
        self._whole = False
        #: The answer to it, until it is sent.
        self._answer = b""
        self._turns = _turns_of(self.server_state, self.loop)
        #: Bytes that have come since the last part of a request was whole.
        self._unfinished = 0
        #: What every answer begins with, and how it is spelled; the server replaces it every second.
        self._always: list[tuple[bytes, bytes]] = []
        self._always_sent = b""
        self._direct = transport
        self._joining = _Joining(transport)
        self._timing = _Timing(self.loop)
        self.loop = cast("asyncio.AbstractEventLoop", self._timing)
        super().connection_made(cast("asyncio.Transport", self._joining))

    def data_received(self, data: bytes) -> None:
        """A request, or some of it; a body that is not whole by now is left to the application."""
        self._unfinished += len(data)
        super().data_received(data)
        if self._direct.is_closing():
            return
        if self._unfinished > MOST_UNFINISHED:
            self.send_400_response("The head of the request is too long.")
        elif self._held is not None and not self._whole:
            self._begin()

    def on_message_begin(self) -> None:
        """A request comes; what an application is told of it is put together when one is called."""
        self._settle()
        self._unfinished = 0
        self.url = b""
        self.headers = []
        self.expect_100_continue = False

    def on_headers_complete(self) -> None:
        """A request's head is whole."""
        self._unfinished = 0
        if self._may_be_at_once():
            self._held = b""
        else:
            self._call()

    def on_body(self, body: bytes) -> None:
        """Some of its body has come."""
        self._unfinished = 0
        if self._held is None:
            super().on_body(body)
        else:
            self._held += body

    def on_message_complete(self) -> None:
        """All of it has come."""
        self._unfinished = 0
        if self._held is None:
            super().on_message_complete()
        else:
            self._whole = True
            self._turns.join(self)

    def prepare(self) -> None:
        """Its turn has come: make the answer, or call the application."""
        if not self._whole or self._held is None:
            return
        self._whole = False
        if self._direct.is_closing() or self._answered(self._held):
            self._held = None
            return
        self._begin()
        super().on_message_complete()

    def send(self) -> None:
        """What was made goes out."""
        answer, self._answer = self._answer, b""
        if answer:
            self._direct.write(answer)

    def eof_received(self) -> None:
        """The client says no more, and may still listen."""
        self._settle()
        super().eof_received()

    def shutdown(self) -> None:
        """The server ends: what has come is answered."""
        self._settle()
        super().shutdown()

    def on_response_complete(self) -> None:
        """The answer is whole, that to a HEAD without a body; what is written next is a head again."""
        self._joining.write_head()
        self._joining.before_head = True
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has gone, or was left."""
        self._held = None
        super().connection_lost(exc)
        self._timing.stop()

    def _may_be_at_once(self) -> bool:
        """A plain POST that nothing else on this connection has to wait for, or is waited for by."""
        cycle = cast("RequestResponseCycle | None", self.cycle)
        return (
            self._ready is not None
            and self.url.startswith(self._ready.prefix_at_once)
            and b"%" not in self.url
            and self.url.isascii()
            and self.parser.get_method() == b"POST"
            and self.parser.get_http_version() == "1.1"
            and self.parser.should_keep_alive()
            and not self.parser.should_upgrade()
            and not self.expect_100_continue
            and not self.flow.write_paused
            and (cycle is None or cycle.response_complete)
        )

    def _settle(self) -> None:
        """What stands in line is answered, now: whatever comes after it on this connection has to wait for that."""
        self.prepare()
        self.send()

    def _answered(self, body: bytes) -> bool:
        assert self._ready is not None  # noqa: S101 - for mypy; nothing is held otherwise
        answer = self._ready.at_once(self.url.decode("ascii"), body)
        if answer is None:
            return False
        always = self.server_state.default_headers
        if always is not self._always:
            self._always = always
            self._always_sent = b"".join(b"%b: %b\r\n" % header for header in always)
        self._answer = _OK % (self._always_sent, len(answer)) + answer
        self.server_state.total_requests += 1
        self.timeout_keep_alive_task = self.loop.call_later(
            self.timeout_keep_alive, self.timeout_keep_alive_handler
        )
        return True

    def _begin(self) -> None:
        """Call the application after all, with what has come of the body."""
        held, self._held = self._held, None
        self.expect_100_continue = False  # what says so behind the body is too late: nobody waits to be told
        self._call()
        if held:
            super().on_body(held)

    def _call(self) -> None:
        self._unset_keepalive_if_required()  # an answer before it, that lay ready, has begun to wait for the next request
        url, headers, waits = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, waits
        self.headers += headers
        super().on_headers_complete()


def _turns_of(server: ServerState, loop: asyncio.AbstractEventLoop) -> Turns:
    """Those of all connections of a server."""
    if server not in _TURNS:
        _TURNS[server] = Turns(loop)
    return _TURNS[server]


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
