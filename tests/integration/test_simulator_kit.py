"""Faults, control path and runner that all simulators share."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import Field

from hub.errors import ConfigurationError
from hub.records import JSON
from hub.testing.asgi import Receive, Scope, Send, read_body, respond_json
from hub.testing.faults import FaultInjection, Faults
from hub.testing.simulator import Command, Running, Simulator, running, serve


class Options(Faults):
    start: int = Field(0, description="Where it begins to count.")
    tags: list[str] = Field([], description="Any number of texts.")


class CountingPlatform:
    """Counts what it is sent; the smallest platform there is."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.reset()

    def reset(self) -> None:
        self.count = self.options.start

    def summary(self) -> JSON:
        return {"count": self.count}

    def state(self) -> JSON:
        return {"count": self.count, "tags": self.options.tags}

    def commands(self) -> Mapping[str, Command]:
        return {"add": self._add}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.count += len(await read_body(receive)) or 1
        await respond_json(send, 200, {"count": self.count})

    def _add(self, arguments: JSON) -> JSON:
        self.count += int(arguments["number"])
        return {"count": self.count}


COUNTER = Simulator(name="counter", title="Counts requests", Options=Options, build=CountingPlatform)


@pytest.fixture(scope="module")
async def shared_counter() -> AsyncIterator[Running]:
    async with COUNTER.running() as simulator:
        yield simulator


@pytest.fixture
def counter(shared_counter: Running) -> Running:
    shared_counter.app.reset()
    return shared_counter


@pytest.fixture
async def client(counter: Running) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=counter.url, timeout=5, verify=False) as client:
        yield client


async def test_it_answers_and_shows_what_it_knows(client: httpx.AsyncClient) -> None:
    """A platform, its summary and its state."""
    assert (await client.get("/any/path")).json() == {"count": 1}
    assert (await client.get("/_simulator/summary")).json() == {"count": 1, "injected": {}}
    assert (await client.get("/_simulator/state")).json() == {"count": 1, "tags": []}


async def test_it_can_be_told_and_reset(client: httpx.AsyncClient) -> None:
    """A reset brings back records and faults of the start."""
    assert (await client.post("/_simulator/add", json={"number": 5})).json() == {"count": 5}
    await client.put("/_simulator/faults", json={"error": 1})
    await client.post("/_simulator/reset")

    assert (await client.get("/")).json() == {"count": 1}


@pytest.mark.parametrize(
    ("method", "name", "body", "status", "text"),
    (
        ("POST", "subtract", b"{}", 404, "knows reset, add"),
        ("GET", "add", b"", 404, "no control path"),
        ("POST", "add", b"[]", 422, "should be"),
        ("POST", "add", b"{", 422, "JSON"),
        ("POST", "add", b'{"number": "x"}', 422, "invalid literal"),
        ("PUT", "faults", b'{"latency": 3}', 422, "latency"),
        ("PUT", "faults", b'{"error": 3}', 422, "less than or equal to 1"),
        ("PUT", "faults", b"{", 422, ""),
    ),
)
async def test_what_it_is_told_wrongly_is_said(
    *, client: httpx.AsyncClient, method: str, name: str, body: bytes, status: int, text: str
) -> None:
    """And changes nothing."""
    answer = await client.request(method, f"/_simulator/{name}", content=body)

    assert answer.status_code == status
    assert text in answer.text
    assert (await client.get("/_simulator/faults")).json() == {"faults": [], "injected": {}}


async def test_faults_never_touch_the_control_path(client: httpx.AsyncClient) -> None:
    """Else nobody could end them."""
    await client.put("/_simulator/faults", json={"drop": 1})

    assert (await client.get("/_simulator/faults")).json()["faults"] == [{"drop": 1.0}]
    assert (await client.delete("/_simulator/faults")).json()["faults"] == []
    assert (await client.get("/")).status_code == 200


async def test_a_throttled_request_is_429_with_the_wait(client: httpx.AsyncClient) -> None:
    """Or without it, where a platform sends none."""
    await client.put("/_simulator/faults", json={"throttle": 1, "retry_after": 2.5})
    assert (await client.get("/")).headers["retry-after"] == "2.5"

    await client.put("/_simulator/faults", json={"throttle": 1, "retry_after": None})
    answer = await client.get("/")
    assert (answer.status_code, "retry-after" in answer.headers) == (429, False)


async def test_garbage_is_a_200_that_no_parser_takes(client: httpx.AsyncClient) -> None:
    """The platform has not seen the request."""
    await client.put("/_simulator/faults", json={"garbage": 1})
    answer = await client.get("/")

    assert answer.status_code == 200
    with pytest.raises(ValueError, match="Expecting value"):
        answer.json()
    assert (await client.get("/_simulator/summary")).json()["count"] == 0


@pytest.mark.parametrize(("kind", "handled"), (("drop", 0), ("lose", 7)))
async def test_a_connection_is_cut_before_or_after_the_request_is_handled(
    client: httpx.AsyncClient, kind: str, handled: int
) -> None:
    """The client cannot tell which; the platform can."""
    await client.put("/_simulator/faults", json={kind: 1})
    with pytest.raises(httpx.TransportError):
        await client.post("/", content=b"1234567")

    assert (await client.get("/_simulator/summary")).json() == {"count": handled, "injected": {kind: 1}}


async def test_a_stalled_request_hangs_and_others_go_on(client: httpx.AsyncClient, counter: Running) -> None:
    """It outlasts the client's patience."""
    await client.put("/_simulator/faults", json={"stall": 1, "stall_seconds": 60, "requests": 1})
    with pytest.raises(httpx.ReadTimeout):
        await client.get("/", timeout=0.2)

    assert (await client.get("/")).status_code == 200
    assert counter.app.faults.injected == {"stall": 1}


async def test_latency_delays_every_answer(client: httpx.AsyncClient) -> None:
    """Concurrent ones together, not one after the other."""
    await client.put("/_simulator/faults", json={"latency_ms": 200})
    loop = asyncio.get_running_loop()
    began = loop.time()
    await asyncio.gather(*(client.get("/") for _ in range(10)))

    assert 0.2 <= loop.time() - began < 1


async def test_without_faults_it_answers_at_once(client: httpx.AsyncClient) -> None:
    """A server that waits for the client's acknowledgement of each header takes 40 ms an answer, so 4 s here."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    for _ in range(100):
        await client.get("/")

    assert loop.time() - began < 2


async def test_faults_meet_the_requests_they_match_and_no_others(client: httpx.AsyncClient) -> None:
    """By method and path; the first set that matches counts."""
    sets = [{"error": 1, "error_status": 500, "match": "POST /records"}, {"error": 1, "match": "/records"}]
    await client.put("/_simulator/faults", json=sets)

    assert (await client.post("/records/1")).status_code == 500
    assert (await client.get("/records/1")).status_code == 503
    assert (await client.get("/other")).status_code == 200


async def test_faults_end_after_their_number_of_requests(client: httpx.AsyncClient) -> None:
    """So a test knows when the world is well again."""
    await client.put("/_simulator/faults", json={"error": 1, "requests": 2})

    assert [(await client.get("/")).status_code for _ in range(3)] == [503, 503, 200]
    assert (await client.get("/_simulator/faults")).json()["faults"] == []


async def test_faults_end_after_their_time() -> None:
    """Counted from when they were set, by a clock that the test turns."""
    times = iter([50.0, 50.1, 52.9, 53.0])
    set_of_faults = [Faults(error=1, seconds=3)]
    faults = FaultInjection(CountingPlatform(Options()), set_of_faults, clock=lambda: next(times))
    async with running(faults) as url, httpx.AsyncClient(base_url=url) as client:
        statuses = [(await client.get("/")).status_code for _ in range(3)]

    assert statuses == [503, 503, 200]


async def test_a_share_of_requests_is_that_share_and_the_same_one_each_time(
    client: httpx.AsyncClient,
) -> None:
    """The dice are seeded, so that a failing run can be repeated."""
    rounds = []
    for _ in range(2):
        async with (
            COUNTER.running(error=0.3) as simulator,
            httpx.AsyncClient(base_url=simulator.url) as other,
        ):
            rounds.append([(await other.get("/")).status_code for _ in range(200)])

    assert rounds[0] == rounds[1]
    assert 40 <= rounds[0].count(503) <= 80


async def test_options_set_faults_at_the_start(client: httpx.AsyncClient) -> None:
    """As a demo does."""
    async with COUNTER.running(error=1, error_status=500, start=3) as simulator:
        answer = await client.get(simulator.url)

    assert answer.status_code == 500
    assert simulator.platform.count == 3


@pytest.mark.parametrize("options", ({"start": "many"}, {"starts": 1}, {"error": 2}))
def test_a_wrong_option_is_named(options: dict[str, Any]) -> None:
    """When it is given, not when it matters."""
    with pytest.raises(ConfigurationError) as refused:
        COUNTER.app(**options)

    assert refused.value.field == next(iter(options))


def test_a_port_that_is_taken_is_named() -> None:
    """With the remedy."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None: ...

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(
            ConfigurationError, match=rf"port: cannot listen on 127\.0\.0\.1:{port} .* choose another"
        ):
            serve(app, host="127.0.0.1", port=port, title="counter")
    with pytest.raises(ConfigurationError, match=r"port: 99999 is no port; choose one of 1 to 65535"):
        serve(app, host="127.0.0.1", port=99999, title="counter")


async def test_only_our_own_server_can_cut_a_connection() -> None:
    """Another one is told so, instead of answering as if nothing were."""
    app = FaultInjection(CountingPlatform(Options()), [Faults(drop=1)])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as client:
        with pytest.raises(RuntimeError, match=r"hub\.testing\.simulator"):
            await client.get("/")


@pytest.mark.parametrize("module", ("connectors.merchantops.simulator", "hub.testing.destination"))
def test_a_simulator_runs_as_a_process_and_says_where(module: str) -> None:
    """One line once it answers; SIGTERM ends it."""
    command = [sys.executable, "-m", module, "--latency-ms", "1"]
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=root, env={**os.environ}
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.fullmatch(r"\w+ simulator ready at (http://127\.0\.0\.1:\d+)\n", line)
        try:
            assert found is not None
            assert httpx.get(f"{found[1]}/_simulator/faults").json()["faults"] == [{"latency_ms": 1.0}]
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(10) in {0, -signal.SIGTERM}
