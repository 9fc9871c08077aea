"""An answer that is read while it comes: what ``request`` does for a plugin holds for it as well."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from hub import errors
from hub.http import ConnectionHttp

Serve, Wire = Any, Any
Reply = Callable[..., bytes]

SECRET = "s3cret-token"


async def _all(http: ConnectionHttp, url: str, *, came: bytearray | None = None, **options: Any) -> bytes:
    """The whole body; ``came`` has what there was of it before it broke off."""
    came = bytearray() if came is None else came
    async with http.stream("GET", url, **options) as answer:
        async for piece in answer.chunks():
            came += piece
    return bytes(came)


async def _many(http: ConnectionHttp, url: str) -> None:
    for _ in range(100):
        with suppress(errors.RetryableError):
            await _all(http, url)


async def test_an_answer_comes_in_pieces_however_large_it_is(
    serve: Serve, make_wire: Callable[..., Wire], reply: Reply
) -> None:
    """Status and headers first; no limit of what is read in full applies."""
    body = bytes(range(256)) * 16_384
    server = await serve(lambda _: reply(200, body, x_id="7"))
    http = make_wire(max_response_bytes=1000).connection()

    async with http.stream("get", f"{server.url}/a?b=1", headers={"X-Key": "k"}) as answer:
        pieces = [piece async for piece in answer.chunks()]

    assert (answer.status, answer.headers["X-ID"], answer.headers["x-id"]) == (200, "7", "7")
    assert b"".join(pieces) == body
    assert len(pieces) > 1
    assert all(pieces)
    assert (server.requests[0].method, server.requests[0].target) == ("GET", "/a?b=1")
    assert server.requests[0].headers["x-key"] == "k"


async def test_it_is_decompressed(serve: Serve, http: ConnectionHttp, reply: Reply) -> None:
    """As it comes."""
    server = await serve(lambda _: reply(200, gzip.compress(b"line\n" * 50_000), content_encoding="gzip"))

    assert await _all(http, server.url) == b"line\n" * 50_000


@pytest.mark.parametrize(
    ("status", "kind"),
    (
        (401, errors.ReauthorizationError),
        (404, errors.RejectedError),
        (429, errors.ThrottledError),
        (503, errors.RetryableError),
    ),
)
async def test_a_status_raises_its_error(
    serve: Serve, wire: Wire, reply: Reply, status: int, kind: type[errors.HubError]
) -> None:
    """With what the answer says; and the call is observed once."""
    server = await serve(lambda _: reply(status, b'{"error": "no luck"}'))

    with pytest.raises(kind, match=rf"^GET 127\.0\.0\.1:\d+/a: HTTP {status}: no luck") as raised:
        await _all(wire.connection(), f"{server.url}/a?signature=abc")

    assert "abc" not in str(raised.value)
    (call,) = wire.calls
    assert (call.status, call.error) == (status, kind.__name__)


async def test_an_accepted_status_comes_back(serve: Serve, http: ConnectionHttp, reply: Reply) -> None:
    """With its body."""
    server = await serve(lambda _: reply(416, b"too far"))

    async with http.stream("GET", server.url, accept=(416,)) as answer:
        assert answer.status == 416
        assert [piece async for piece in answer.chunks()] == [b"too far"]


async def test_an_answer_that_breaks_off_can_be_tried_again(serve: Serve, wire: Wire, reply: Reply) -> None:
    """What came before is there; the circuit and whoever observes learn of it."""
    server = await serve(lambda _: b"")

    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(reply(200, b"half", content_length="8"))
        await writer.drain()

    server.serve = cut
    came = bytearray()
    with pytest.raises(
        errors.RetryableError, match=r"^GET 127\.0\.0\.1:\d+/a: the connection broke"
    ) as raised:
        await _all(wire.connection(), f"{server.url}/a?signature=abc", came=came)

    assert came == b"half"
    assert "abc" not in str(raised.value)
    (call,) = wire.calls
    assert (call.status, call.error) == (200, "RetryableError")


async def test_answers_that_break_off_open_the_circuit(serve: Serve, wire: Wire, reply: Reply) -> None:
    """As unanswered requests do."""
    server = await serve(lambda _: b"")

    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(reply(200, b"half", content_length="8"))
        await writer.drain()

    server.serve = cut
    http = wire.connection()

    with pytest.raises(errors.CircuitOpenError):
        await _many(http, server.url)


async def test_nothing_for_too_long_is_the_end(
    serve: Serve, make_wire: Callable[..., Wire], reply: Reply
) -> None:
    """A stall; a whole that takes long is none."""
    server = await serve(lambda _: b"")

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        writer.write(reply(200, b"", content_length="6"))
        for _ in range(6):
            await writer.drain()
            await asyncio.sleep(0.2)
            writer.write(b"x")
            if b"stall" in head:
                await asyncio.sleep(20)

    server.serve = slow
    http = make_wire(timeout=timedelta(seconds=0.8)).connection()

    assert await _all(http, f"{server.url}/slow") == b"xxxxxx"
    with pytest.raises(errors.RetryableError, match="no answer in time"):
        await _all(http, f"{server.url}/stall")


async def test_leaving_early_ends_it(serve: Serve, wire: Wire, reply: Reply) -> None:
    """The connection is closed, the slot is free again, and nothing has failed."""
    server = await serve(lambda _: reply(200, b"x" * 10_000_000))
    http = wire.connection(concurrency=1)

    async with http.stream("GET", server.url) as answer:
        async for _ in answer.chunks():
            break
    with pytest.raises(ValueError, match="of the reader"):
        async with http.stream("GET", server.url):
            raise ValueError("of the reader")
    await http.request("GET", server.url)

    assert [(call.status, call.error) for call in wire.calls] == [(200, None)] * 3


async def test_it_holds_one_of_the_connections_slots(serve: Serve, wire: Wire, reply: Reply) -> None:
    """Until it ends."""
    server = await serve(lambda _: reply(200, b"x" * 10_000_000))
    http = wire.connection(concurrency=1)

    async with http.stream("GET", server.url):
        waiting = asyncio.ensure_future(http.request("GET", server.url))
        await asyncio.sleep(0.1)
        assert not waiting.done()
    await waiting


async def test_a_redirect_is_followed_without_what_may_be_a_credential(
    serve: Serve, http: ConnectionHttp, reply: Reply
) -> None:
    """To another host; the answer there is streamed."""
    there = await serve(lambda _: reply(200, b"body"))
    here = await serve(lambda _: reply(302, location=f"{there.url.replace('127.0.0.1', 'localhost')}/b"))

    assert await _all(http, here.url, headers={"X-Token": SECRET}) == b"body"

    assert "x-token" not in there.requests[0].headers


async def test_a_private_host_is_refused_where_it_may_not_be_reached(
    make_wire: Callable[..., Wire], serve: Serve, reply: Reply
) -> None:
    """As for any other request."""
    server = await serve(lambda _: reply(200, b"inside"))
    http = make_wire(allow_private_hosts=False).connection()

    with pytest.raises(errors.ConfigurationError, match="private address"):
        await _all(http, server.url)

    assert server.requests == []
