"""Slices: pushed over real HTTP, settled, reported."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from hub.records import Item, Page, Record, Skipped, Success
from hub.testing.simulator import Running
from tests.loop.hub_of_a_test import Connect, Harm, Hub, Offer, Script


def outcomes(merchantops: Running) -> dict[str, Any]:
    """What was reported, by key."""
    records = merchantops.platform.state()["targets"][0]["records"]
    return {key: record["outcome"] for key, record in records.items() if record["outcome"] is not None}


def price(key: str, **fields: Any) -> dict[str, Any]:
    return {
        "record_key": key,
        "variant_key": key,
        "amount": 1,
        "currency": "EUR",
        "batch_key": "pb-1",
        **fields,
    }


async def test_what_is_pushed_is_settled_and_reported_in_one_go(
    hub: Hub, connect: Connect, offer: Offer, merchantops: Running, erp: Running
) -> None:
    """With the id that the destination gave, once."""
    keys = offer(count=5)
    await connect(delivery={"slice_size": 3})
    await hub.poll()
    slices = [await hub.work() for _ in range(3)]

    assert [dict(one.states) for one in slices] == [
        {"success": 3, "reported": 3},
        {"success": 2, "reported": 2},
        {},
    ]
    told = outcomes(merchantops)
    assert set(told) == set(keys)
    assert {outcome["status"] for outcome in told.values()} == {"success"}
    assert {outcome["external_id"] for outcome in told.values()} == {f"erp-{n}" for n in range(1, 6)}
    assert erp.platform.summary()["accepted"] == 5
    assert hub.claims() == []


async def test_one_bad_record_is_rejected_alone(
    hub: Hub, connect: Connect, offer: Offer, merchantops: Running, erp: Running
) -> None:
    """With what the destination said; the slice goes on."""
    erp.platform.commands()["refuse"]({"refuse": ["b"]})
    offer(price("a"), price("b"), price("c"))
    await connect()
    await hub.poll()
    await hub.work()

    assert hub.states() == {"a": "success", "b": "rejected", "c": "success"}
    told = outcomes(merchantops)["b"]
    assert (told["status"], told["response_code"], told["attempts"]) == ("failed", 422, 1)
    assert "is refused" in told["error"]


async def test_a_record_that_cannot_be_mapped_is_rejected_without_a_call(
    hub: Hub, connect: Connect, offer: Offer, merchantops: Running, erp: Running
) -> None:
    """Nothing is left out silently."""
    record = price("a")
    del record["currency"]
    offer(record)
    await connect()
    await hub.poll()
    await hub.work()

    assert hub.states() == {"a": "rejected"}
    assert "currency" in outcomes(merchantops)["a"]["error"]
    assert erp.platform.summary()["calls"] == 0


async def test_a_push_is_tried_again_with_backoff_until_it_is_dead_and_reported_failed_once(
    hub: Hub, connect: Connect, offer: Offer, merchantops: Running, erp: Running, harm: Harm
) -> None:
    """Ten attempts, each kept; the same idempotency key every time. 408 opens no circuit."""
    (key,) = offer(count=1)
    await connect()
    await hub.poll()
    harm(erp, error=1, error_status=408)
    for attempt in range(1, 11):
        assert hub.row(key)["attempts"] == attempt - 1
        assert (await hub.work()).records == 1
        waits = (hub.row(key)["due_at"] - hub.row(key)["admitted_at"]) / 1e6
        assert attempt == 10 or waits > 0.5
        assert (await hub.work()).records == 0, "it is not due"
        hub.pass_time(61)

    row = hub.row(key)
    assert (row["state"], row["attempts"], row["response_code"]) == ("dead", 10, 408)
    assert erp.app.faults.injected["error"] == 10
    told = outcomes(merchantops)[key]
    assert (told["status"], told["attempts"], told["response_code"]) == ("failed", 10, 408)
    assert merchantops.platform.summary()["outcomes"] == 1


async def test_a_dead_record_that_is_replayed_reports_success_with_all_its_attempts(
    hub: Hub, connect: Connect, offer: Offer, merchantops: Running, erp: Running, harm: Harm
) -> None:
    """Under the idempotency key that it always had."""
    (key,) = offer(count=1)
    await connect(delivery={"attempts": 2})
    await hub.poll()
    harm(erp, lose=1)
    for _ in range(2):
        await hub.work()
        hub.pass_time(61)
    assert hub.states() == {key: "dead"}
    harm(erp)

    assert hub.replay(key) == "push"
    await hub.work()

    told = outcomes(merchantops)[key]
    assert (told["status"], told["attempts"]) == ("success", 3)
    assert merchantops.platform.summary()["changed_outcomes"] == 1
    (written,) = erp.platform.state()["keys"].values()
    assert written["seen"] == 3
    assert hub.stats().reported == 1


async def test_a_throttled_slice_waits_as_long_as_it_is_told_without_an_attempt(
    hub: Hub, connect: Connect, offer: Offer, erp: Running, harm: Harm
) -> None:
    """The whole stream is held back: others would be turned away as well."""
    keys = offer(count=20)
    await connect(delivery={"slice_size": 10})
    await hub.poll()
    harm(erp, throttle=1, retry_after=30)
    await hub.work()

    assert hub.states() == dict.fromkeys(keys, "waiting")
    assert {row["total_attempts"] for row in hub.rows()} == {0}
    assert (await hub.work()).records == 0
    calls = sum(erp.app.faults.injected.values())
    harm(erp)
    hub.pass_time(31)
    assert (await hub.work(runtime=hub.make_runtime())).states["success"] == 10
    assert calls <= 10


async def test_an_open_circuit_holds_records_back_without_an_attempt(
    hub: Hub, connect: Connect, offer: Offer, erp: Running, harm: Harm
) -> None:
    """After five failures in a row nobody calls; they spent one attempt each, the others none."""
    offer(count=12)
    await connect(delivery={"slice_size": 6, "concurrency": 1})
    await hub.poll()
    harm(erp, error=1, error_status=503)
    await hub.work()

    assert erp.app.faults.injected["error"] == 5
    assert sorted(row["total_attempts"] for row in hub.rows()) == [0] * 7 + [1] * 5
    assert set(hub.states().values()) == {"waiting"}
    assert (await hub.work()).records == 0
    held_back = [row for row in hub.rows() if row["total_attempts"] == 0 and row["error"]]
    assert len(held_back) == 1
    assert "circuit" in held_back[0]["error"]
    harm(erp)
    hub.pass_time(31)
    fresh = hub.make_runtime()
    while (await hub.work(runtime=fresh)).records:
        hub.pass_time(31)
    assert set(hub.states().values()) == {"success"}
    assert {row["attempts"] for row in hub.rows()} == {1, 2}


async def test_a_push_whose_answer_was_lost_is_repeated_under_the_same_key(
    hub: Hub, connect: Connect, offer: Offer, erp: Running, harm: Harm
) -> None:
    """The destination has it by then, and says so."""
    (key,) = offer(count=1)
    await connect()
    await hub.poll()
    harm(erp, lose=1)
    await hub.work()
    harm(erp)
    hub.pass_time(5)
    await hub.work()

    found = erp.platform.summary()
    assert (found["accepted"], found["repeated"], found["doubled"]) == (2, 1, 0)
    assert (hub.row(key)["state"], hub.row(key)["total_attempts"]) == ("success", 2)


async def test_another_version_of_a_record_has_another_idempotency_key(
    hub: Hub, connect: Connect, offer: Offer, erp: Running
) -> None:
    """It is another write."""
    await connect()
    for amount in (1, 2):
        offer(price("a", amount=amount))
        await hub.poll()
        await hub.work()

    keys = erp.platform.state()["keys"]
    assert [written["contents"][0]["price"] for written in keys.values()] == [1, 2]


async def test_only_as_many_requests_as_allowed_are_in_flight(
    hub: Hub, connect: Connect, offer: Offer, erp: Running, harm: Harm
) -> None:
    """Two slices of one process share ``concurrency``."""
    offer(count=20)
    await connect(delivery={"slice_size": 10, "concurrency": 3})
    await hub.poll()
    harm(erp, latency_ms=10)
    erp.app.watch.begin("POST")
    await asyncio.gather(hub.work(), hub.work())

    assert erp.app.watch.seen()["most_at_once"] == 3
    assert set(hub.states().values()) == {"success"}


async def test_streams_take_turns(hub: Hub, connect_scripted: Connect, script: Script) -> None:
    """One with a long backlog does not hold up the other."""
    prices = [Record(stream="price", key=f"p{number}", payload={}) for number in range(4)]
    script.poll = lambda _: Page(records=[*prices, Record(stream="stock", key="s", payload={})])
    script.push = lambda items: [Success() for _ in items]
    await connect_scripted(delivery={"slice_size": 1})
    await hub.poll()
    for _ in range(3):
        await hub.work()

    assert "stock" in [items[0].stream for items in script.asked["push"]]


async def test_records_are_hydrated_before_they_are_transformed(
    hub: Hub, connect_scripted: Connect, script: Script
) -> None:
    """``fetch`` may change payloads; the ledger keeps what came in."""

    def fetch(items: Any) -> list[Item]:
        return [
            Item(id=item.id, stream=item.stream, key=item.key, payload={"fetched": item.key})
            for item in items
        ]

    def push(items: Any) -> list[Any]:
        return [Skipped(reason=item.body["fetched"]) for item in items]

    script.poll = lambda _: Page(records=[Record(stream="price", key="a", payload={"id": 1})])
    script.fetch, script.push = fetch, push
    await connect_scripted()
    await hub.poll()
    await hub.work()

    assert (hub.row("a")["state"], hub.row("a")["error"]) == ("skipped", "a")
    assert hub.row("a")["payload"] == '{"id":1}'


async def test_a_claim_that_is_beaten_for_outlives_its_lease(
    hub: Hub, connect_scripted: Connect, script: Script
) -> None:
    """A slow push is not taken for a dead worker."""
    hub.settings.claim_lease /= 200  # 300 ms

    async def push(items: Any) -> list[Any]:
        for _ in range(12):
            await asyncio.sleep(0.1)
            assert (await hub.sweep()).lost_claims == 0
        return [Success() for _ in items]

    script.poll = lambda _: Page(records=[Record(stream="price", key="a", payload={})])
    script.push = push
    await connect_scripted()
    await hub.poll()

    assert (await hub.work()).states == {"success": 1, "reported": 1}


@pytest.mark.parametrize("reported", (False, True))
async def test_a_slice_whose_claim_was_lost_changes_nothing_any_more(
    hub: Hub, connect_scripted: Connect, script: Script, reported: bool
) -> None:
    """Whoever took over has done it, or will."""
    other = hub.make_runtime()

    async def push(items: Any) -> list[Any]:
        if len(script.asked["push"]) == 1:
            hub.pass_time(hub.settings.claim_lease.total_seconds() + 1)
            assert (await hub.sweep()).lost_claims == 1
            if reported:
                await hub.work(runtime=other)
        return [Success(external_id=str(len(script.asked["push"]))) for _ in items]

    script.poll = lambda _: Page(records=[Record(stream="price", key="a", payload={})])
    script.push = push
    await connect_scripted()
    await hub.poll()
    outcome = await hub.work()

    assert (outcome.lost, outcome.states) == (1, {})
    assert hub.states() == {"a": "success" if reported else "waiting"}
    assert hub.stats().reported == int(reported)
    assert [len(script.asked.get("report", ()))] == [int(reported)]
