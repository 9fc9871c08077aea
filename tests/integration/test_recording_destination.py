"""The destination of tests, demo and benchmarks notices every record that comes twice under two keys."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from hub.testing.destination import SIMULATOR
from hub.testing.simulator import Running


@pytest.fixture(scope="module")
async def erp() -> AsyncIterator[Running]:
    async with SIMULATOR.running() as destination:
        yield destination


@pytest.fixture
async def client(erp: Running) -> AsyncIterator[httpx.AsyncClient]:
    erp.app.reset()
    async with httpx.AsyncClient(base_url=erp.url, timeout=5, verify=False) as client:
        yield client


async def push(client: httpx.AsyncClient, body: Any, key: str | None = None) -> httpx.Response:
    headers = {"Idempotency-Key": key} if key else {}
    return await client.post("/prices", json=body, headers=headers)


async def summary(client: httpx.AsyncClient) -> dict[str, Any]:
    return (await client.get("/_simulator/summary")).json()


async def test_the_same_key_is_answered_with_the_same_id_and_written_once(client: httpx.AsyncClient) -> None:
    """A repeat after a lost answer is no second record."""
    first = await push(client, {"sku": "a", "price": 1}, "key-1")
    again = await push(client, {"sku": "a", "price": 1}, "key-1")
    other = await push(client, {"sku": "b", "price": 1}, "key-2")

    assert first.json() == again.json() == {"id": "erp-1"}
    assert other.json() == {"id": "erp-2"}
    found = await summary(client)
    assert (found["calls"], found["records"], found["repeated"]) == (3, 2, 1)
    assert (found["doubled"], found["changed"], found["without_key"]) == (0, 0, 0)


async def test_one_record_under_two_keys_is_a_double(client: httpx.AsyncClient) -> None:
    """The breach that every fault test looks for."""
    await push(client, {"sku": "a", "price": 1}, "key-1")
    await push(client, {"price": 1, "sku": "a"}, "key-2")

    state = (await client.get("/_simulator/state")).json()
    assert list(state["doubled"].values()) == [["key-1", "key-2"]]


async def test_a_new_price_for_the_same_thing_is_no_double() -> None:
    """It is another version, and has another key."""
    async with SIMULATOR.running(identity="sku") as erp, httpx.AsyncClient(base_url=erp.url) as client:
        await push(client, {"sku": "a", "price": 1}, "key-1")
        await push(client, {"sku": "a", "price": 2}, "key-2")

        assert (await summary(client))["doubled"] == 0
        assert erp.platform.written["key-2"].identity == "a"


async def test_two_contents_under_one_key_are_noticed(client: httpx.AsyncClient) -> None:
    """A key stands for one version of one record."""
    await push(client, {"sku": "a", "price": 1}, "key-1")
    await push(client, {"sku": "a", "price": 2}, "key-1")

    state = (await client.get("/_simulator/state")).json()
    assert state["changed"] == ["key-1"]
    assert state["keys"]["key-1"]["contents"] == [{"sku": "a", "price": 1}, {"sku": "a", "price": 2}]


async def test_a_record_without_a_key_is_counted(client: httpx.AsyncClient) -> None:
    """Two of them are a double."""
    await push(client, {"sku": "a"})
    await push(client, {"sku": "a"})

    found = await summary(client)
    assert (found["without_key"], found["doubled"]) == (2, 1)


async def test_a_batch_is_answered_one_by_one(client: httpx.AsyncClient) -> None:
    """Each record under its own key, or the call's key and its place."""
    await client.post("/_simulator/refuse", json={"refuse": ["b"]})
    batch = [{"sku": "a", "idempotency_key": "key-a"}, {"sku": "b"}, {"sku": "c"}]
    answer = await push(client, batch, "call-1")
    again = await push(client, batch, "call-1")

    assert [list(one) for one in answer.json()["results"]] == [["id"], ["error"], ["id"]]
    assert again.json() == answer.json()
    state = (await client.get("/_simulator/state")).json()
    assert sorted(state["keys"]) == ["call-1#2", "key-a"]
    assert state["keys"]["key-a"]["contents"] == [{"sku": "a"}]
    assert state["refused_keys"] == {"call-1#1": 2}


async def test_chosen_records_are_refused_until_it_is_told_otherwise() -> None:
    """By any of their texts; a refused one is not written."""
    async with SIMULATOR.running(refuse=["a"]) as erp, httpx.AsyncClient(base_url=erp.url) as client:
        assert (await push(client, {"sku": "a"}, "key-1")).status_code == 422
        assert (await push(client, {"sku": "b"}, "key-2")).status_code == 200
        await client.post("/_simulator/refuse", json={})
        assert (await push(client, {"sku": "a"}, "key-1")).status_code == 200
        assert erp.platform.summary()["refused"] == 1


async def test_a_share_is_refused_for_good() -> None:
    """The same things each time, whatever their key."""
    rounds = []
    options = {"refuse_share": 0.2, "identity": "sku"}
    async with SIMULATOR.running(**options) as erp, httpx.AsyncClient(base_url=erp.url) as client:
        for call in ("first", "second"):
            batch = [{"sku": f"s{number}", "at": call} for number in range(100)]
            answers = (await push(client, batch, call)).json()["results"]
            rounds.append(["error" in answer for answer in answers])

    assert rounds[0] == rounds[1]
    assert 10 <= rounds[0].count(True) <= 35


@pytest.mark.parametrize("body", (b"", b"{", b"7", b'["a"]', b'{"a": 1e99999999999999999999}'))
async def test_what_is_no_record_is_malformed(client: httpx.AsyncClient, body: bytes) -> None:
    """400, and counted."""
    assert (await client.post("/prices", content=body)).status_code == 400
    assert (await summary(client))["malformed"] == 1


async def test_reading_is_not_writing(client: httpx.AsyncClient) -> None:
    """Only POST and PUT are."""
    assert (await client.get("/prices")).status_code == 405


async def test_a_lost_answer_and_its_repeat_are_one_record(client: httpx.AsyncClient) -> None:
    """The case that idempotency keys are for."""
    await client.put("/_simulator/faults", json={"lose": 1, "requests": 1})
    with pytest.raises(httpx.TransportError):
        await push(client, {"sku": "a"}, "key-1")
    await push(client, {"sku": "a"}, "key-1")

    found = await summary(client)
    assert (found["records"], found["repeated"], found["doubled"]) == (1, 1, 0)


async def test_many_writers_at_once_are_all_recorded(client: httpx.AsyncClient) -> None:
    """One id each."""
    answers = await asyncio.gather(*(push(client, {"sku": str(i)}, f"key-{i}") for i in range(100)))

    assert len({answer.json()["id"] for answer in answers}) == 100


async def test_a_reset_forgets_everything(client: httpx.AsyncClient) -> None:
    """Counters too."""
    await push(client, {"sku": "a"}, "key-1")
    await client.post("/_simulator/reset")

    found = await summary(client)
    assert (found["calls"], found["records"]) == (0, 0)
