"""What one request costs: httpx on its own transport, on that of httpx-aiohttp, and through ``hub.http``.

    python -m benchmarks.http_transport [--requests 2000] [--rounds 7]

All post the same small JSON body to one server (uvicorn, a process of its own), 32 at a time, in turn. ``hub.http``
comes with all that it does: limiter and circuit in a real Valkey, slices of 100, classification, redaction, metrics.
"""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import httpx
from httpx_aiohttp import AiohttpTransport

from benchmarks.command import options, scratch
from benchmarks.figures import Figure, finish, middle, note
from hub.connector import Bucket
from hub.event_loop import run
from hub.http import ConnectionHttp, HttpPool
from hub.policy.redis_circuit import RedisCircuit
from hub.policy.redis_limiter import RedisLimiter
from hub.policy.redis_link import RedisLink
from hub.testing.servers import Valkey

CONNECTIONS = 32
SLICE = 100
HEADERS = {"Authorization": "Bearer of-a-benchmark", "Idempotency-Key": "0123456789abcdef"}
BODY = b'{"sku":"A-1","price":12.50,"currency":"EUR"}'
ANSWER = b'{"id":"x-1234","detail":"an answer of the usual size"}'

Post = Callable[[], Awaitable[Any]]
#: Requests a second, and CPU seconds of the client a request.
Pace = tuple[float, float]


async def app(scope: Any, receive: Any, send: Any) -> None:
    """The server."""
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(ANSWER)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": ANSWER})


async def paced(post: Post, requests: int) -> Pace:
    """So many requests, as many at a time as there are connections."""
    left = iter(range(requests))

    async def caller() -> None:
        for _ in left:
            await post()

    started, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(caller() for _ in range(CONNECTIONS)))
    return requests / (time.perf_counter() - started), (time.process_time() - cpu) / requests


async def paced_in_slices(http: ConnectionHttp, url: str, requests: int) -> Pace:
    """The same through the hub, slice by slice."""
    post = lambda: http.request("POST", url, content=BODY, headers=HEADERS)  # noqa: E731
    started, cpu = time.perf_counter(), time.process_time()
    for _ in range(requests // SLICE):
        async with http.slice(SLICE):
            await paced(post, SLICE)
    return requests / (time.perf_counter() - started), (time.process_time() - cpu) / requests


async def measure(url: str, redis_url: str, requests: int, rounds: int) -> dict[str, list[Pace]]:
    """Each in turn, round after round; the first round warms up and is left out."""
    found: dict[str, list[Pace]] = {"default": [], "aiohttp": [], "hub": []}
    limits = httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS)
    async with (
        httpx.AsyncClient(limits=limits) as default,
        httpx.AsyncClient(transport=AiohttpTransport(limits=limits)) as aiohttp,
        hub(redis_url) as http,
    ):
        for turn in range(rounds + 1):
            note(f"round {turn} of {rounds}")
            paces = {
                name: await paced(
                    lambda client=client: client.post(url, content=BODY, headers=HEADERS), requests
                )
                for name, client in (("default", default), ("aiohttp", aiohttp))
            }
            paces["hub"] = await paced_in_slices(http, url, requests)
            if turn:
                for name, pace in paces.items():
                    found[name].append(pace)
    return found


@asynccontextmanager
async def hub(redis_url: str) -> AsyncIterator[ConnectionHttp]:
    """What a connector is handed."""
    link, pool = RedisLink.to(redis_url), HttpPool(allow_private_hosts=True)
    try:
        yield pool.for_connection(
            side="destination",
            tenant="benchmark",
            circuit_key="server",
            default_bucket=Bucket(key="server"),
            limiter=RedisLimiter(link),
            circuit=RedisCircuit(link),
            concurrency=CONNECTIONS,
            secrets=["of-a-benchmark"],
        )
    finally:
        await pool.close()
        await link.close()


@contextmanager
def server() -> Iterator[str]:
    """The server, listening on a socket that it inherits; gives its URL."""
    with socket.create_server(("127.0.0.1", 0), backlog=256) as listener:
        os.set_inheritable(listener.fileno(), True)
        command = [sys.executable, "-m", "uvicorn", "--log-level", "critical", "--no-access-log"]
        process = subprocess.Popen(
            [*command, "--fd", str(listener.fileno()), "benchmarks.http_transport:app"],
            pass_fds=[listener.fileno()],
        )
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/prices/a-1"
        finally:
            process.terminate()
            process.wait()


def figures(found: dict[str, list[Pace]]) -> list[Figure]:
    """Requests a second and CPU a request, each against what it replaces."""
    rate = {name: middle([pace[0] for pace in paces]) for name, paces in found.items()}
    cpu = {name: middle([pace[1] for pace in paces]) * 1e6 for name, paces in found.items()}

    def figure(name: str, unit: str, values: dict[str, float], of: str, against: str, **goal: Any) -> Figure:
        ratio = values[of] / values[against]
        return Figure(
            figure=name,
            value=values[of],
            unit=unit,
            against=against,
            ratio=ratio,
            rounds=len(found[of]),
            **goal,
        )

    return [
        figure("httpx on aiohttp", "requests/s", rate, "aiohttp", "default", goal=3.0),
        figure("hub.http", "requests/s", rate, "hub", "aiohttp", goal=0.8),
        figure("httpx on aiohttp: CPU", "us/request", cpu, "aiohttp", "default"),
        figure("hub.http: CPU", "us/request", cpu, "hub", "aiohttp", goal=1.25, at_most=True),
    ]


def main() -> None:
    """See the module."""
    given = options(__doc__, requests=2000, rounds=7)
    with scratch() as folder, Valkey(folder) as valkey, server() as url:
        found = run(measure(url, valkey.url, given.requests, given.rounds))
    finish(figures(found))


if __name__ == "__main__":
    main()
