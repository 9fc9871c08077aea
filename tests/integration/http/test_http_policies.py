"""What answers do to the requests that follow."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from hub import errors
from hub.connector import Bucket, each
from hub.policy.circuit import MemoryCircuit
from hub.records import Rejected, Released, Retry, Success

Serve, Wire, Request = Any, Any, Any
Reply = Callable[..., bytes]


async def push(http: Any, url: str, paths: list[str]) -> list[Any]:
    """As a connector would push a slice."""

    async def one(path: str) -> Success:
        answer = await http.request("POST", f"{url}/{path}", json={"path": path})
        return Success(response_code=answer.status_code)

    async with http.slice(len(paths)):
        return list(await each(paths, one))


async def test_one_bad_record_fails_alone(serve: Serve, wire: Wire, reply: Reply) -> None:
    """And the circuit takes no notice."""
    server = await serve(lambda request: reply(422 if "bad" in request.target else 200))

    results = await push(wire.connection(), server.url, ["a", "bad", "bad", "bad", "bad", "bad", "b"])

    assert [type(result) for result in results] == [Success, *[Rejected] * 5, Success]
    assert await wire.circuit.snapshot() == []


async def test_five_failures_spare_the_rest_of_the_slice(serve: Serve, wire: Wire, reply: Reply) -> None:
    """What was not sent spends no attempt."""
    server = await serve(lambda _: reply(503))

    results = await push(wire.connection(concurrency=1), server.url, ["x"] * 20)

    assert [type(result) for result in results] == [Retry] * 5 + [Released] * 15
    assert len(server.requests) == 5
    assert timedelta(seconds=29) < results[-1].after <= timedelta(seconds=30)
    assert [call.error for call in wire.calls] == ["RetryableError"] * 5 + ["CircuitOpenError"] * 15


async def test_lost_connections_open_the_circuit_too(wire: Wire) -> None:
    """Nobody is there."""
    results = await push(wire.connection(concurrency=1), "http://127.0.0.1:1", ["x"] * 7)

    assert [type(result) for result in results] == [Retry] * 5 + [Released] * 2


async def test_an_accepted_failure_is_none(serve: Serve, wire: Wire, reply: Reply) -> None:
    """The plugin knows what that 500 means."""
    server = await serve(lambda _: reply(500))
    http = wire.connection()

    for _ in range(6):
        await http.request("GET", server.url, accept=(500,))

    assert await wire.circuit.snapshot() == []


async def test_a_429_spares_the_rest_of_the_slice(serve: Serve, wire: Wire, reply: Reply) -> None:
    """Nothing more is sent until then, in this slice or by another connection of the tenant; the circuit stays closed."""
    server = await serve(lambda _: reply(429, retry_after="30"))

    results = await push(wire.connection(concurrency=1), server.url, ["x"] * 10)

    assert [type(result) for result in results] == [Released] * 10
    assert all(timedelta(seconds=29) < result.after <= timedelta(seconds=30) for result in results)
    assert len(server.requests) == 1
    assert await wire.circuit.snapshot() == []
    with pytest.raises(errors.ThrottledError):
        await wire.connection().request("GET", server.url)
    assert len(server.requests) == 1


async def test_a_refusal_that_took_long_was_one_when_it_got_there(
    serve: Serve, wire: Wire, reply: Reply
) -> None:
    """Ten answers in no time, then a 429 that takes 0.6 seconds: the guess is of ten in no time."""

    async def late() -> bytes:
        await asyncio.sleep(0.6)
        return reply(429, retry_after="1")

    server = await serve(lambda request: late() if "late" in request.target else reply())
    http = wire.connection()
    for _ in range(10):
        await http.request("GET", server.url)
    with pytest.raises(errors.ThrottledError):
        await http.request("GET", f"{server.url}/late")

    grant = await wire.limiter.take(Bucket(key="acme:test"), 1)
    assert 10 / 0.6 < grant.rate < 10 / 0.35


async def test_another_bucket_goes_on(serve: Serve, wire: Wire, reply: Reply) -> None:
    """The platform counts its routes apart."""
    server = await serve(
        lambda request: reply(429, retry_after="30") if "prices" in request.target else reply()
    )
    http = wire.connection()
    with pytest.raises(errors.ThrottledError):
        await http.request("POST", f"{server.url}/prices", bucket=Bucket(key="prices"))

    assert (await http.request("GET", f"{server.url}/stock", bucket=Bucket(key="stock"))).status_code == 200


async def test_what_remains_is_not_exceeded(serve: Serve, wire: Wire, reply: Reply) -> None:
    """By what the answers themselves say."""
    left = iter(range(4, -1, -1))
    server = await serve(lambda _: reply(200, x_ratelimit_remaining=str(next(left)), x_ratelimit_reset="60"))

    results = await push(wire.connection(concurrency=1), server.url, ["x"] * 10)

    assert [type(result) for result in results] == [Success] * 5 + [Released] * 5
    assert len(server.requests) == 5


async def test_a_wait_for_the_rate_is_observed(serve: Serve, wire: Wire, reply: Reply) -> None:
    """Apart from the time on the wire."""
    server = await serve(lambda _: reply())
    http = wire.connection(default_bucket=Bucket(key="slow", rate=10.0, burst=1))

    await asyncio.gather(http.request("GET", server.url), http.request("GET", server.url))

    waited = sorted(call.waited_seconds for call in wire.calls)
    assert waited[0] < 0.05 < waited[1] < 1


async def test_a_cancelled_probe_is_another_ones(serve: Serve, wire: Wire, reply: Reply) -> None:
    """So that a worker that is stopped does not hold up the others."""
    now = time.monotonic()
    wire.circuit = MemoryCircuit(lambda: now)
    await wire.circuit.record("acme:host", failures=5)
    now += 30
    arrived, never = asyncio.Event(), asyncio.Event()

    async def hang(_: Request) -> bytes:
        arrived.set()
        await never.wait()
        return reply()

    server = await serve(hang)
    task = asyncio.ensure_future(wire.connection().request("GET", server.url))
    await arrived.wait()
    assert (await wire.circuit.allow("acme:host", 3)).allowed == 2
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert (await wire.circuit.allow("acme:host", 3)).allowed == 1
    assert wire.calls[-1].error == "CancelledError"
