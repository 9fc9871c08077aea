"""How answers go over the wire: whole, and over connections that are kept for as long as they are used."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator

import pytest
import uvicorn

from hub.web.protocol import WebProtocol
from hub.web.reply import App, Receive, Scope, Send
from hub.web.turns import A_TURN

#: How long an idle connection is kept, in seconds.
KEPT_FOR = 1
HEAD = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]}


class Client:
    """A socket; everything is waited for ten seconds at most."""

    def __init__(
        self, server: uvicorn.Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.server, self._reader, self._writer = server, reader, writer

    async def another(self) -> Client:
        """Another one of the same server, whose socket ends with the test."""
        return Client(self.server, *await asyncio.open_connection(*self._writer.get_extra_info("peername")))

    def ask(self, method: str = "GET", *, headers: str = "") -> None:
        """Send a request's head."""
        self._writer.write(f"{method} / HTTP/1.1\r\nhost: a\r\n{headers}\r\n".encode())

    def write(self, data: bytes) -> None:
        """Send more."""
        self._writer.write(data)

    def end(self) -> None:
        """Say that nothing more is sent."""
        self._writer.write_eof()

    def close(self) -> None:
        """Hang up."""
        self._writer.close()

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
        app,
        http=WebProtocol,
        lifespan="off",
        ws="none",
        log_config=None,
        proxy_headers=False,
        timeout_keep_alive=KEPT_FOR,
    )
    server = uvicorn.Server(told)
    server.capture_signals = contextlib.nullcontext  # type: ignore[assignment,method-assign] # they are the test's
    task = asyncio.create_task(server.serve(sockets=[listener]))
    reader, writer = await asyncio.open_connection(*listener.getsockname())
    try:
        yield Client(server, reader, writer)
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


class Ready:
    """Answers at once what has an even number of bytes; its application says what it was asked."""

    prefix_at_once = b"/ready/"

    def at_once(self, path: str, body: bytes) -> bytes | None:
        return None if len(body) % 2 else b"at once: %b %b" % (path.encode(), body)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message["type"] == "http.request" and message["more_body"]
        await asyncio.sleep(0.05)
        said = f"called: {scope['method']} {scope['path']} ".encode() + body
        length = [(b"content-length", b"%d" % len(said))]
        await send({"type": "http.response.start", "status": 200, "headers": length})
        await send({"type": "http.response.body", "body": said})


def asked(
    path: str = "/ready/x",
    body: str = "even",
    *,
    method: str = "POST",
    version: str = "1.1",
    headers: str = "",
) -> bytes:
    """A whole request."""
    head = f"{method} {path} HTTP/{version}\r\nhost: a\r\ncontent-length: {len(body)}\r\n{headers}"
    return f"{head}\r\n{body}".encode()


async def test_what_lies_ready_is_answered_without_the_application() -> None:
    """Whole, with a date, again and again, and the application is called where it is not ready."""
    async with served(Ready()) as client:
        answers = []
        for body in ("even", "odd", "more", ""):
            client.write(asked(body=body))
            answers.append(await client.read())

    heads, bodies = zip(*(one.split(b"\r\n\r\n", 1) for one in answers), strict=True)
    assert bodies == (
        b"at once: /ready/x even",
        b"called: POST /ready/x odd",
        b"at once: /ready/x more",
        b"at once: /ready/x ",
    )
    assert all(head.startswith(b"HTTP/1.1 200 OK\r\ndate: ") for head in heads)
    assert b"\r\ncontent-type: application/json\r\ncontent-length: 22" in heads[0]


@pytest.mark.parametrize(
    "request_",
    (
        asked(method="GET"),
        asked("/other/x"),
        asked("/ready/%78"),
        asked(version="1.0"),
        asked(headers="connection: close\r\n"),
    ),
)
async def test_whatever_is_not_plain_is_left_to_the_application(request_: bytes) -> None:
    """Though an answer would lie ready."""
    async with served(Ready()) as client:
        client.write(request_)
        answer = await client.read()

    assert b"called: " in answer
    assert answer.endswith(b" even")


async def test_a_body_that_comes_in_pieces_is_left_to_the_application() -> None:
    """All of it arrives there, whether it begins with the head or not, and who waits to be told to go on is told."""
    async with served(Ready()) as client:
        answers = []
        for first, rest in ((b"", b"even"), (b"ev", b"en")):
            client.write(asked()[:-4] + first)
            await asyncio.sleep(0.05)
            client.write(rest)
            answers.append(await client.read_to(b" even"))
        client.write(asked(headers="expect: 100-continue\r\n")[:-4])
        told = await client.read()
        client.write(b"even")
        answers.append(await client.read_to(b" even"))

    assert told == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert all(b"called: POST /ready/x" in one for one in answers)


async def test_requests_that_come_together_are_answered_in_their_order() -> None:
    """One that lies ready waits for those before it."""
    async with served(Ready()) as client:
        client.write(asked(body="odd") + asked(body="even") + asked(body="more") + asked(body="odd!!"))
        answers = await client.read_to(b" odd!!")

    found = [answers.index(said) for said in (b"x odd", b"x even", b"x more", b"x odd!!")]
    assert found == sorted(found)
    assert answers.count(b"HTTP/1.1 200 OK") == 4


@pytest.mark.parametrize("rest", (b"\0\0\0\0", b"POST", b"POST /ready/y HTTP/9.9\r\n\r\n"))
async def test_what_came_before_the_end_is_answered(rest: bytes) -> None:
    """Before whatever follows it, and also where nobody will ask again."""
    async with served(Ready()) as client:
        client.write(asked() + rest)
        client.end()
        answer = await client.read_to(b"x even")

    assert answer.startswith(b"HTTP/1.1 200 OK")


async def test_what_came_with_the_end_is_answered() -> None:
    """Both in one go, as an event loop may hand them out."""
    async with served(Ready()) as client:
        client.write(asked())
        await client.read()
        [one] = client.server.server_state.connections
        one.data_received(asked())  # type: ignore[union-attr]
        one.eof_received()
        one.transport.close()  # type: ignore[union-attr]
        answer = await client.read()

    assert answer.startswith(b"HTTP/1.1 200 OK")


async def test_what_came_before_the_server_ended_is_answered() -> None:
    """Though others were before it in the line."""

    def shutdown() -> None:
        for one in list(client.server.server_state.connections):
            one.shutdown()  # type: ignore[union-attr]

    class Ending(Ready):
        def at_once(self, path: str, body: bytes) -> bytes | None:
            asyncio.get_running_loop().call_soon(shutdown)
            return super().at_once(path, body)

    async with served(Ending()) as client:
        clients = [await client.another() for _ in range(2 * A_TURN)]
        await asyncio.sleep(0.05)  # all are connected
        for one in clients:
            one.write(asked())
        answers = [await one.read_to(b"x even") for one in clients]
        for one in clients:
            one.close()

    assert all(answer.startswith(b"HTTP/1.1 200 OK") for answer in answers)


async def test_nobody_is_answered_who_has_gone() -> None:
    """Neither is anybody else kept from it."""
    async with served(Ready()) as client:
        clients = [await client.another() for _ in range(2 * A_TURN)]
        for one in clients:
            one.write(asked())
            one.close()
        client.write(asked())
        answer = await client.read()

    assert answer.endswith(b" even")


@pytest.mark.parametrize(
    "begun",
    (
        b"POST /ready/x HTTP/1.1\r\n",
        b"POST /ready/x HTTP/1.1\r\nx: ",
        b"POST /ready/",
        b"POST /ready/x HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n3\r\nodd\r\n0\r\n",
        b"POST /ready/x HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n3;",
    ),
    ids=("headers", "a header", "a path", "trailers", "an extension"),
)
async def test_what_goes_on_without_an_end_is_refused(begun: bytes) -> None:
    """The parser would keep it all. Nobody has been let in by then."""
    more = b"a:b\r\n" * 1000 if begun.endswith(b"\n") else b"z" * 5000
    async with served(Ready()) as client:
        client.write(begun)
        reading = asyncio.create_task(client.read_to(b"too long."))
        while not reading.done():
            client.write(more)
            await asyncio.sleep(0.005)
        answer = await reading

    assert answer.startswith(b"HTTP/1.1 400")


async def test_a_long_head_and_a_long_body_are_none_of_that() -> None:
    """However they come."""
    headers, body = f"x: {'z' * 50_000}\r\n", "even" * 50_000
    whole = asked(body=body, headers=headers) * 2
    async with served(Ready()) as client:
        for start in range(0, len(whole), 7000):
            client.write(whole[start : start + 7000])
            await asyncio.sleep(0.001)
        for _ in range(2):
            answer = await client.read_to(b"eveneven")
            while not answer.endswith(b"even" * 50_000):
                answer += await client.read()
        client.write(asked())
        last = await client.read()

    assert last.endswith(b"at once: /ready/x even")


async def test_a_connection_whose_answers_lie_ready_is_kept_while_it_is_used() -> None:
    """And ends when it has been idle for as long as was said."""
    async with served(Ready()) as client:
        for _ in range(4):
            client.write(asked())
            assert (await client.read()).endswith(b" even")
            idle = time.monotonic()
            await asyncio.sleep(KEPT_FOR * 0.4)
        end = await client.read()

    assert end == b""
    assert KEPT_FOR * 0.9 < time.monotonic() - idle < KEPT_FOR * 5


async def test_a_slow_answer_behind_one_that_lay_ready_is_not_cut_off() -> None:
    """The connection is not idle, however long it takes, though both were asked for together."""

    class Slow(Ready):
        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            await asyncio.sleep(KEPT_FOR * 1.5)
            await super().__call__(scope, receive, send)

    async with served(Slow()) as client:
        client.write(asked() + asked(body="odd"))
        answers = await client.read_to(b"called: POST /ready/x odd")

    assert answers.startswith(b"HTTP/1.1 200 OK")


async def test_nobody_is_told_to_go_on_who_has_sent_it_all() -> None:
    """Whoever asks for that behind the body has not waited for it."""
    whole = b"POST /ready/x HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\nodd\r\n0\r\n"
    async with served(Ready()) as client:
        client.write(whole + b"expect: 100-continue\r\n\r\n")
        answer = await client.read_to(b" odd")

    assert answer.startswith(b"HTTP/1.1 200 OK")


async def test_what_is_no_request_is_told_so_after_an_answer_that_lay_ready() -> None:
    """And the connection ends."""
    async with served(Ready()) as client:
        client.write(asked() + b"nonsense\r\n\r\n")
        answer = await client.read_to(b"received.")
        end = await client.read()

    assert b"at once: /ready/x even" in answer
    assert b"HTTP/1.1 400" in answer
    assert end == b""
