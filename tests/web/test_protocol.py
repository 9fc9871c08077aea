"""How answers go over the wire: whole, and over connections that are kept for as long as they are used."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator

import uvicorn

from hub.web.protocol import WebProtocol
from hub.web.reply import App, Receive, Scope, Send

#: How long an idle connection is kept, in seconds.
KEPT_FOR = 1
HEAD = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]}


class Client:
    """A socket; everything is waited for ten seconds at most."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    def ask(self, method: str = "GET", *, headers: str = "") -> None:
        """Send a request's head."""
        self._writer.write(f"{method} / HTTP/1.1\r\nhost: a\r\n{headers}\r\n".encode())

    def write(self, data: bytes) -> None:
        """Send more."""
        self._writer.write(data)

    async def read(self) -> bytes:
        """What has come by now, or comes next; nothing at the end."""
        async with asyncio.timeout(10):
            return await self._reader.read(65536)

    async def read_to(self, end: bytes) -> bytes:
        """All up to there."""
        async with asyncio.timeout(10):
            return await self._reader.readuntil(end)


@contextlib.asynccontextmanager
async def served(app: App) -> AsyncIterator[Client]:
    """A connection to a server of this application."""
    listener = socket.create_server(("127.0.0.1", 0))
    told = uvicorn.Config(
        app, http=WebProtocol, lifespan="off", ws="none", log_config=None, timeout_keep_alive=KEPT_FOR
    )
    server = uvicorn.Server(told)
    server.capture_signals = contextlib.nullcontext  # type: ignore[assignment,method-assign] # they are the test's
    task = asyncio.create_task(server.serve(sockets=[listener]))
    reader, writer = await asyncio.open_connection(*listener.getsockname())
    try:
        yield Client(reader, writer)
    finally:
        writer.close()
        server.should_exit = True
        await task


async def slow(scope: Scope, receive: Receive, send: Send) -> None:
    """Its body comes some time after its head."""
    await send(HEAD)
    await asyncio.sleep(0.1)
    await send({"type": "http.response.body", "body": b"body"})


async def test_head_and_body_come_together() -> None:
    """Also for the next request on a connection."""
    async with served(slow) as client:
        answers = []
        for _ in range(3):
            client.ask()
            answers.append(await client.read())

    assert [(one[:15], one[-8:]) for one in answers] == [(b"HTTP/1.1 200 OK", b"\r\n\r\nbody")] * 3


async def test_an_answer_without_a_body_comes_as_well() -> None:
    """That to a HEAD."""
    async with served(slow) as client:
        client.ask("HEAD")
        first = await client.read()
        client.ask()
        second = await client.read()

    assert first.endswith(b"content-length: 4\r\n\r\n")
    assert second.endswith(b"\r\n\r\nbody")


async def test_pieces_of_a_body_come_as_they_are_sent() -> None:
    """The first with the head, and no other is kept."""
    go_on = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(HEAD)
        await send({"type": "http.response.body", "body": b"bo", "more_body": True})
        await go_on.wait()
        await send({"type": "http.response.body", "body": b"d", "more_body": True})
        await send({"type": "http.response.body", "body": b"y"})

    async with served(app) as client:
        client.ask()
        first = await client.read_to(b"bo")
        go_on.set()
        rest = await client.read_to(b"y")

    assert first.startswith(b"HTTP/1.1 200")
    assert rest == b"dy"


async def test_who_waits_to_be_told_to_go_on_is_told() -> None:
    """Before the body, and its answer comes whole."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        message = await receive()
        await send(HEAD)
        await send({"type": "http.response.body", "body": message["body"]})

    async with served(app) as client:
        client.ask("POST", headers="content-length: 4\r\nexpect: 100-continue\r\n")
        told = await client.read()
        client.write(b"mine")
        answer = await client.read_to(b"mine")

    assert told == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert answer.startswith(b"HTTP/1.1 200")


async def test_what_is_no_request_is_told_so() -> None:
    """And the connection ends."""
    async with served(slow) as client:
        client.write(b"nonsense\r\n\r\n")
        answer = await client.read_to(b"received.")
        end = await client.read()

    assert answer.startswith(b"HTTP/1.1 400")
    assert end == b""


async def test_a_connection_is_kept_while_it_is_used() -> None:
    """And ends when it has been idle for as long as was said, from its last answer on."""
    async with served(slow) as client:
        for _ in range(4):
            client.ask()
            assert (await client.read()).endswith(b"body")
            idle = time.monotonic()
            await asyncio.sleep(KEPT_FOR * 0.4)
        end = await client.read()

    assert end == b""
    assert KEPT_FOR * 0.9 < time.monotonic() - idle < KEPT_FOR * 5
