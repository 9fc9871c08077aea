"""What a plugin sees of the wire."""

from __future__ import annotations

import asyncio
import gzip
import os
import ssl
import time
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import aiohttp
import httpx
import pytest
from aiohttp import client_exceptions, http_exceptions

from hub import errors
from hub.http import ConnectionHttp
from hub.http.transport import EXCEPTIONS, as_httpx

Serve, Wire, Request = Any, Any, Any
Reply = Callable[..., bytes]


async def test_an_answer_is_an_httpx_response(serve: Serve, http: ConnectionHttp, reply: Reply) -> None:
    """With all that httpx has to offer, its request included, but for the headers that were sent."""
    server = await serve(lambda _: reply(200, b'{"a": 1.10}', content_type="application/json", x_id="7"))

    answer = await http.request(
        "get", f"{server.url}/a b", params={"q": "x&y", "n": 2}, headers={"X-Key": "k"}
    )

    assert answer.json() == {"a": 1.10}
    assert answer.raise_for_status().headers["x-id"] == "7"
    assert str(answer.url) == f"{server.url}/a%20b?q=x%26y&n=2"
    assert (answer.request.method, answer.request.headers.get("x-key")) == ("GET", None)
    assert answer.elapsed > timedelta(0)
    assert (server.requests[0].method, server.requests[0].target) == ("GET", "/a%20b?q=x%26y&n=2")
    assert server.requests[0].headers["x-key"] == "k"
    assert server.requests[0].headers["user-agent"].startswith("connector-hub/")


async def test_json_keeps_every_digit(serve: Serve, http: ConnectionHttp, reply: Reply) -> None:
    """And has its content type, unless the plugin names another."""
    server = await serve(lambda _: reply())

    await http.request("POST", server.url, json={"amount": Decimal("32.850")})
    await http.request("PUT", server.url, json=[], headers={"content-type": "application/x"})
    await http.request("PATCH", server.url, content=b"raw")

    assert [request.body for request in server.requests] == [b'{"amount":32.850}', b"[]", b"raw"]
    types = [request.headers["content-type"] for request in server.requests]
    assert types[:2] == ["application/json", "application/x"]


async def test_params_come_after_those_of_the_url(serve: Serve, http: ConnectionHttp, reply: Reply) -> None:
    """And what was quoted stays quoted."""
    server = await serve(lambda _: reply())

    await http.request("GET", f"{server.url}/items/a%2Fb?x=1%2B1", params={"y": "2 + 2"})

    assert server.requests[0].target == "/items/a%2Fb?x=1%2B1&y=2+%2B+2"


async def test_an_accepted_status_comes_back(serve: Serve, http: ConnectionHttp, reply: Reply) -> None:
    """Any other raises what the table says."""
    server = await serve(lambda _: reply(404, b"gone"))

    answer = await http.request("GET", server.url, accept=(404,))

    assert (answer.status_code, answer.text) == (404, "gone")
    with pytest.raises(errors.RejectedError, match="HTTP 404: gone"):
        await http.request("GET", server.url)


@pytest.mark.parametrize(
    ("status", "kind"),
    (
        (401, errors.ReauthorizationError),
        (422, errors.RejectedError),
        (429, errors.ThrottledError),
        (503, errors.RetryableError),
        (302, errors.RejectedError),
    ),
)
async def test_a_status_raises_its_error(
    serve: Serve, wire: Wire, reply: Reply, status: int, kind: type[errors.HubError]
) -> None:
    """It names the call without its query, and is observed."""
    server = await serve(lambda _: reply(status, location="https://other.example/x"))

    with pytest.raises(kind, match=rf"^POST 127\.0\.0\.1:\d+/prices: HTTP {status}") as raised:
        await wire.connection().request("POST", f"{server.url}/prices?token=abc")

    assert "abc" not in str(raised.value)
    (call,) = wire.calls
    assert (call.side, call.host, call.method) == ("destination", "127.0.0.1", "POST")
    assert (call.status, call.error) == (status, kind.__name__)
    assert call.duration_seconds > 0


async def test_no_cookie_is_kept(serve: Serve, wire: Wire, reply: Reply) -> None:
    """One pool serves all tenants."""
    server = await serve(lambda _: reply(200, set_cookie="session=of-a-tenant; Path=/"))

    for tenant in ("one", "two"):
        await wire.connection(tenant=tenant).request("GET", server.url.replace("127.0.0.1", "localhost"))
        await wire.connection(tenant=tenant).request("GET", server.url)

    assert [request.headers.get("cookie") for request in server.requests] == [None] * 4


async def test_neither_proxy_nor_netrc_is_taken_from_the_environment(
    serve: Serve, make_wire: Callable[..., Wire], reply: Reply, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    """What an operator's shell has is no tenant's business."""
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password hunter2")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    server = await serve(lambda _: reply())

    await make_wire().connection().request("GET", server.url)

    assert "authorization" not in server.requests[0].headers


async def test_connections_are_pooled(serve: Serve, http: ConnectionHttp, reply: Reply) -> None:
    """Two requests, one connection; after a close it opens a new one."""
    server = await serve(lambda _: reply())
    served = server.serve
    connections = 0

    async def counted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await served(reader, writer)

    server.serve = counted
    await http.request("GET", server.url)
    await http.request("GET", server.url)
    assert connections == 1

    await http._transport().aclose()
    await http._transport().aclose()
    await http.request("GET", server.url)
    assert connections == 2


async def test_no_more_than_its_concurrency_is_in_flight(serve: Serve, wire: Wire, reply: Reply) -> None:
    """However many are asked for at once."""
    full = asyncio.Event()

    async def answer(_: Request) -> bytes:
        if server.busy == 3:
            full.set()
        await full.wait()
        return reply()

    server = await serve(answer)
    http = wire.connection(concurrency=3)
    await asyncio.gather(*(http.request("GET", server.url) for _ in range(20)))

    assert server.most_busy == 3


@pytest.mark.parametrize("chunked", (False, True))
async def test_an_answer_that_is_too_large_is_refused(
    serve: Serve, make_wire: Callable[..., Wire], reply: Reply, *, chunked: bool
) -> None:
    """It would be as large the next time; the text names the setting."""
    whole = reply(200, b"x" * 2000)
    if chunked:
        whole = (
            reply(200, b"", content_length="", transfer_encoding="chunked")
            + b"7d0\r\n"
            + b"x" * 2000
            + b"\r\n"
        )
    server = await serve(lambda _: whole)
    http = make_wire(max_response_bytes=1000).connection()

    with pytest.raises(errors.RejectedError, match="HUB_MAX_RESPONSE_BYTES"):
        await http.request("GET", server.url)


async def test_an_answer_of_just_the_limit_is_read(
    serve: Serve, make_wire: Callable[..., Wire], reply: Reply
) -> None:
    """To the last byte, plain and compressed."""
    body = os.urandom(500) * 2
    server = await serve(
        lambda request: (
            reply(200, gzip.compress(body), content_encoding="gzip")
            if request.target == "/gzip"
            else reply(200, body)
        )
    )
    http = make_wire(max_response_bytes=1000).connection()

    for path in ("/", "/gzip"):
        answer = await http.request("GET", server.url + path)
        assert answer.content == body
        assert "content-encoding" not in answer.headers


async def test_a_small_answer_that_unpacks_to_a_large_one_is_refused(
    serve: Serve, make_wire: Callable[..., Wire], reply: Reply
) -> None:
    """What counts is what would be held in memory."""
    bomb = gzip.compress(b"\0" * 50_000_000)
    server = await serve(lambda _: reply(200, bomb, content_encoding="gzip"))
    http = make_wire(max_response_bytes=100_000).connection()

    with pytest.raises(errors.RejectedError, match="too large"):
        await http.request("GET", server.url)


@pytest.mark.parametrize(
    ("answer", "text"),
    (
        (b"", "the connection broke"),
        (b"garbage\r\n\r\n", "no valid HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", "the connection broke"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Encoding: gzip\r\n\r\nhalf", "content encoding is damaged"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "no valid HTTP"),
    ),
)  # fmt: skip
async def test_a_broken_answer_is_retried(
    serve: Serve, http: ConnectionHttp, answer: bytes, text: str
) -> None:
    """It may have been broken on its way."""
    server = await serve(lambda _: b"")

    async def answer_and_close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    server.serve = answer_and_close
    with pytest.raises(errors.RetryableError, match=text):
        await http.request("POST", server.url)


async def test_nobody_there_is_retried(http: ConnectionHttp) -> None:
    """With the reason that the system gives."""
    with pytest.raises(errors.RetryableError, match=r"GET 127\.0\.0\.1:1/x: no connection \(.*refused"):
        await http.request("GET", "http://127.0.0.1:1/x?secret=abc")


async def test_a_slow_answer_ends_at_the_deadline(
    serve: Serve, make_wire: Callable[..., Wire], reply: Reply
) -> None:
    """The deadline holds for the whole call, also when bytes keep dripping in."""
    never = asyncio.Event()

    async def hang(_: Request) -> bytes:
        await never.wait()
        return reply()

    server = await serve(hang)
    http = make_wire(timeout=timedelta(seconds=0.1)).connection()
    begin = time.monotonic()
    with pytest.raises(errors.RetryableError, match="in time"):
        await http.request("GET", server.url)
    assert 0.1 <= time.monotonic() - begin < 5

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"x")
            await asyncio.sleep(0.01)

    server.serve = drip
    async with asyncio.timeout(10):
        with pytest.raises(errors.RetryableError, match="in time"):
            await http.request("GET", server.url)


@pytest.mark.parametrize(
    ("url", "headers", "text"),
    (
        ("http://[::1", {}, "no valid URL"),
        ("http://a:99999/", {}, "no valid URL"),
        ("ftp://127.0.0.1/", {}, "only http and https"),
        ("/relative", {}, "only http and https|no valid URL"),
        ("http://u:p@{host}/", {"X": "a\r\nY: b"}, "no valid HTTP request"),
        ("http://u:p@{host}/", {"Authorization": "x"}, "no valid HTTP request"),
    ),
)
async def test_a_request_that_cannot_be_made_is_rejected(
    serve: Serve, http: ConnectionHttp, url: str, headers: dict[str, str], text: str
) -> None:
    """It could not be made the next time either; nothing of it is in the text."""
    server = await serve(lambda _: b"")

    with pytest.raises(errors.RejectedError, match=text) as raised:
        await http.request("GET", url.format(host=server.url.removeprefix("http://")), headers=headers)

    assert server.requests == []

    assert "u:p" not in str(raised.value)


def test_every_exception_of_aiohttp_becomes_one_of_httpx() -> None:
    """All that its modules define, and what the system raises through it."""
    kinds = [
        *vars(client_exceptions).values(),
        *vars(http_exceptions).values(),
        OSError,
        TimeoutError,
        ValueError,
    ]
    raised = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Exception)]

    for kind in (*raised, ssl.SSLError, ssl.SSLCertVerificationError, ConnectionResetError):
        if issubclass(kind, TypeError):  # a programming error, left as it is
            continue
        found = as_httpx(kind.__new__(kind))
        assert isinstance(found, httpx.RequestError | httpx.InvalidURL), kind
    assert {kind for kind in EXCEPTIONS if kind.__module__.startswith("aiohttp.client")} <= set(raised)


async def test_it_is_a_transport_for_any_httpx_client(serve: Serve, wire: Wire, reply: Reply) -> None:
    """A library that wants a client gets the same pool, guard and limits."""
    server = await serve(lambda request: reply(200, request.body, content_type="text/plain"))
    client = httpx.AsyncClient(transport=wire.pool.transport)

    answer = await client.post(server.url, content=b"hello", headers={"X-A": "b"})
    refused = client.get("http://127.0.0.1:1/")

    assert answer.text == "hello"
    assert server.requests[0].headers["x-a"] == "b"
    with pytest.raises(httpx.ConnectError):
        await refused


async def test_a_cancelled_request_leaves_the_pool_whole(
    serve: Serve, http: ConnectionHttp, reply: Reply
) -> None:
    """Its slot is free again."""
    arrived, never = asyncio.Event(), asyncio.Event()

    async def hang(request: Request) -> bytes:
        if request.target == "/hang":
            arrived.set()
            await never.wait()
        return reply()

    server = await serve(hang)
    task = asyncio.ensure_future(http.request("GET", f"{server.url}/hang"))
    await arrived.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert (await http.request("GET", server.url)).status_code == 200
    assert isinstance(http._transport()._session, aiohttp.ClientSession)
