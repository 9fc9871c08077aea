"""A server that answers whatever a test wants, byte for byte, and the hub's side of the wire."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

import pytest

from hub.connector import Bucket
from hub.http import ConnectionHttp, HttpCall, HttpPool
from hub.policy.circuit import MemoryCircuit
from hub.policy.limiter import MemoryLimiter

BUCKET = Bucket(key="test")


@dataclass(frozen=True, kw_only=True)
class Request:
    """What came in; header names are lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


Answer = bytes | Awaitable[bytes]
Handler = Callable[[Request], Answer]


def _reply(status: int = 200, body: bytes = b"", **headers: str) -> bytes:
    """A whole answer; header names as keyword arguments, with underscores."""
    named = {"content_length": str(len(body)), **headers}
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in named.items() if value]
    return "\r\n".join([f"HTTP/1.1 {status} Said", *lines, "", ""]).encode() + body


@dataclass(kw_only=True)
class Server:
    """One that listens on a free port of this machine. It closes a connection after an empty answer."""

    handler: Handler
    url: str = ""
    requests: list[Request] = field(default_factory=list)
    busy: int = 0
    most_busy: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer until the other side has enough."""
        while (request := await _read(reader)) is not None:
            self.requests.append(request)
            writer.write(answer := await self._answer(request))
            await writer.drain()
            if not answer:
                break

    async def _answer(self, request: Request) -> bytes:
        self.busy += 1
        self.most_busy = max(self.most_busy, self.busy)
        try:
            answer = self.handler(request)
            return answer if isinstance(answer, bytes) else await answer
        finally:
            self.busy -= 1


async def _read(reader: asyncio.StreamReader) -> Request | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {
        name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)
    }
    method, target, _ = first.split(" ")
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Request(method=method, target=target, headers=headers, body=body)


class Serve(Protocol):
    """Starts a server for the time of the test."""

    async def __call__(self, handler: Handler) -> Server: ...


@pytest.fixture
def reply() -> Callable[..., bytes]:
    """Writes a whole answer."""
    return _reply


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    listeners: list[asyncio.Server] = []
    tasks: set[asyncio.Task[None]] = set()

    async def start(handler: Handler) -> Server:
        server = Server(handler=handler)

        async def serve_and_close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with suppress(ConnectionError):
                try:
                    await server.serve(reader, writer)
                finally:
                    writer.close()
                    await writer.wait_closed()

        def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.ensure_future(serve_and_close(reader, writer))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

        listener = await asyncio.start_server(connected, "127.0.0.1", 0)
        listeners.append(listener)
        server.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
        return server

    yield start
    for listener in listeners:
        listener.close()
    for task in (left := tuple(tasks)):
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)


@dataclass(kw_only=True)
class Wire:
    """A pool, the policies and what was observed."""

    pool: HttpPool
    limiter: MemoryLimiter
    circuit: MemoryCircuit
    calls: list[HttpCall] = field(default_factory=list)

    def connection(self, **options: Any) -> ConnectionHttp:
        """What a plugin is handed."""
        defaults = {
            "side": "destination",
            "tenant": "acme",
            "circuit_key": "host",
            "default_bucket": BUCKET,
            "limiter": self.limiter,
            "circuit": self.circuit,
            "observe": self.calls.append,
        }
        return self.pool.for_connection(**{**defaults, **options})


@pytest.fixture
async def make_wire() -> AsyncIterator[Callable[..., Wire]]:
    wires: list[Wire] = []

    def make(**options: Any) -> Wire:
        pool = HttpPool(**{"allow_private_hosts": True, **options})
        wires.append(Wire(pool=pool, limiter=MemoryLimiter(), circuit=MemoryCircuit()))
        return wires[-1]

    yield make
    for wire in wires:
        await wire.pool.close()


@pytest.fixture
def wire(make_wire: Callable[..., Wire]) -> Wire:
    return make_wire()


@pytest.fixture
def http(wire: Wire) -> ConnectionHttp:
    return wire.connection()
