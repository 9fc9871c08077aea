"""Simulators that hold requests until they are told, and count what is in flight."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from hub.testing.destination import SIMULATOR
from hub.testing.simulator import Running
from hub.testing.simulator_process import simulator

HOLD = {"stall": 1, "stall_seconds": 600, "match": "POST /prices"}


@pytest.fixture
async def erp() -> AsyncIterator[Running]:
    async with SIMULATOR.running() as destination:
        yield destination


@pytest.fixture
async def client(erp: Running) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=erp.url, timeout=10, verify=False) as client:
        yield client


@pytest.fixture
async def seen(client: httpx.AsyncClient) -> Callable[[], Awaitable[dict[str, Any]]]:
    async def seen() -> dict[str, Any]:
        return (await client.get("/_simulator/watch")).json()

    return seen


def push(client: httpx.AsyncClient, key: str) -> asyncio.Task[httpx.Response]:
    return asyncio.create_task(client.post("/prices", json={"sku": key}, headers={"Idempotency-Key": key}))


async def until_in_flight(seen: Callable[[], Awaitable[dict[str, Any]]], number: int) -> None:
    for _ in range(1000):
        if (await seen())["in_flight"] == number:
            return
        await asyncio.sleep(0.01)
    pytest.fail(f"not {number} requests in flight")


async def test_what_is_held_goes_on_when_the_faults_are_replaced(
    client: httpx.AsyncClient, seen: Callable[[], Awaitable[dict[str, Any]]]
) -> None:
    """So a test decides when, and waits for nothing else."""
    await client.put("/_simulator/watch", json={"match": "POST /prices"})
    await client.put("/_simulator/faults", json=HOLD)
    pushes = [push(client, "a"), push(client, "b")]
    await until_in_flight(seen, 2)
    assert (await client.get("/_simulator/summary")).json()["records"] == 0

    await client.delete("/_simulator/faults")

    assert [(await one).status_code for one in pushes] == [200, 200]
    found = await seen()
    assert (found["requests"], found["in_flight"], found["most_at_once"], found["most_in_a_second"]) == (
        2,
        0,
        2,
        2,
    )


async def test_what_is_held_over_a_reset_is_cut_and_changes_nothing(
    client: httpx.AsyncClient, seen: Callable[[], Awaitable[dict[str, Any]]]
) -> None:
    """Otherwise one test would write into the next."""
    await client.put("/_simulator/watch", json={"match": "POST /prices"})
    await client.put("/_simulator/faults", json=HOLD)
    held = push(client, "a")
    await until_in_flight(seen, 1)

    await client.post("/_simulator/reset")

    with pytest.raises(httpx.TransportError):
        await held
    assert (await client.get("/_simulator/summary")).json()["records"] == 0
    assert (await seen())["match"] is None


async def test_only_what_matches_is_counted_and_from_the_time_of_asking(
    client: httpx.AsyncClient, seen: Callable[[], Awaitable[dict[str, Any]]]
) -> None:
    """Nothing is counted before."""
    await push(client, "a")
    assert (await seen())["requests"] == 0
    await client.put("/_simulator/watch", json={"match": "POST /stock"})
    await push(client, "b")
    await client.post("/stock", json={"sku": "c"})

    assert (await seen())["requests"] == 1
    assert (await client.put("/_simulator/watch", json={"what": 1})).status_code == 422


def test_a_simulator_in_a_process_of_its_own_is_told_the_same(tmp_path: Path) -> None:
    """Options are flags there, lists repeat theirs, and what it refuses is said."""
    with simulator("destination", {"refuse": ["x", "y"], "identity": "sku"}, folder=tmp_path) as erp:
        answers = [httpx.post(f"{erp.url}/prices", json={"sku": sku}).status_code for sku in ("x", "y", "z")]
        assert answers == [422, 422, 200]
        assert erp.summary()["records"] == 1
        with pytest.raises(AssertionError, match="knows reset"):
            erp.command("dance")

    with (
        pytest.raises(AssertionError, match="latency_ms"),
        simulator("destination", {"latency_ms": "x"}, folder=tmp_path),
    ):
        pass
