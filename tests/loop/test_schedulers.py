"""Schedulers: any number of them, each due poll fired once, and one of them sweeps."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import dramatiq
import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from hub.fleet.actors import declare
from hub.fleet.broker import NAMESPACE, make_broker
from hub.fleet.scheduler import LEADER, Scheduler
from hub.records import Page, Record, Success
from hub.store import connections
from hub.store.stats import leases_held
from hub.testing.servers import Valkey
from tests.loop.hub_of_a_test import Connect, Hub, Script

MakeScheduler = Callable[[], Scheduler]


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    client = Redis.from_url(redis_url)
    yield client
    await client.aclose()


@pytest.fixture
def make_scheduler(hub: Hub, redis: Redis, redis_url: str) -> MakeScheduler:
    """A scheduler that could run in a process of its own: it shares the store and the broker alone."""
    hub.settings.sweep_interval /= 1000

    def make() -> Scheduler:
        runtime = hub.make_runtime()
        declared = declare(make_broker(redis_url), lambda: runtime)
        runtime.ring = declared.ring
        return Scheduler(runtime=runtime, actors=declared, redis=redis)

    return make


async def fired(redis: Redis, queue: str = "poll") -> list[int]:
    """The connections of the messages that are out, first in first; they are taken."""
    found = []
    while (one := await redis.lpop(f"{NAMESPACE}:{queue}")) is not None:
        message = dramatiq.Message.decode(await redis.hget(f"{NAMESPACE}:{queue}.msgs", one))
        found.append(message.args[-1] if message.args else 0)
    return found


async def until(found: Callable[[], bool]) -> None:
    for _ in range(2000):
        if found():
            return
        await asyncio.sleep(0.01)
    pytest.fail("it takes too long")


async def test_each_due_poll_is_fired_once_by_however_many_schedulers(
    hub: Hub, connect_scripted: Connect, make_scheduler: MakeScheduler, redis: Redis
) -> None:
    """At the same time, on connections of their own."""
    schedulers = [make_scheduler() for _ in range(3)]
    await schedulers[0].tick()
    ids = [(await connect_scripted(f"c{number}")).id for number in range(10)]
    for _ in range(3):
        await asyncio.gather(*(scheduler.tick() for scheduler in schedulers))

    assert sorted(await fired(redis)) == sorted(ids)


async def test_a_poll_that_was_lost_is_fired_again_when_it_is_given_up(
    hub: Hub, connect_scripted: Connect, make_scheduler: MakeScheduler, redis: Redis
) -> None:
    """A worker may take it and die."""
    stored = await connect_scripted()
    scheduler = make_scheduler()
    await scheduler.tick()
    await scheduler.tick()
    assert await fired(redis) == [stored.id]

    hub.pass_time(hub.settings.poll_lease.total_seconds() + 1)
    await scheduler.tick()
    assert await fired(redis) == [stored.id]


async def test_nobody_is_polled_before_it_is_time_or_while_it_may_not_be(
    hub: Hub, connect_scripted: Connect, make_scheduler: MakeScheduler, redis: Redis
) -> None:
    """Paused, refused and failed connections are left alone."""
    scheduler = make_scheduler()
    for name in ("early", "paused", "refused", "failed", "ready"):
        await connect_scripted(name)
    await hub.poll("early")
    connections.set_paused(hub.db, "paused", True)
    connections.refuse_source(hub.db, hub.connection("refused").id, "revoked")
    connections.fail(hub.db, hub.connection("failed").id, "wrong account")
    await scheduler.tick()

    assert await fired(redis) == [hub.connection("ready").id]


async def test_one_leads_and_another_takes_over_when_it_falls_silent(
    hub: Hub, make_scheduler: MakeScheduler
) -> None:
    """For as long as the operator says; or at once when it ends in order."""
    hub.settings.leader_lease = timedelta(seconds=40)
    first, second, third = make_scheduler(), make_scheduler(), make_scheduler()
    led: list[str] = []
    first.on_tick = lambda leads: led.append("first") if leads else None
    second.on_tick = lambda leads: led.append("second") if leads else None
    third.on_tick = lambda leads: led.append("third") if leads else None
    for _ in range(2):
        await first.tick()
        await second.tick()
    assert set(led) == {"first"}

    led.clear()
    hub.pass_time(hub.settings.leader_lease.total_seconds() - 1)
    await second.tick()
    assert led == []
    hub.pass_time(2)
    await second.tick()
    await first.tick()
    assert led == ["second"]

    led.clear()
    second.stop()
    await second.run()
    assert leases_held(hub.db) == []
    await third.tick()
    assert led == ["third"]
    assert leases_held(hub.db) == [LEADER]


async def test_a_flushed_broker_is_noticed_and_everything_is_rung_and_fired_anew(
    hub: Hub, connect_scripted: Connect, make_scheduler: MakeScheduler, redis: Redis, script: Script
) -> None:
    """Seconds are lost, and no record."""
    stored, other = await connect_scripted(), await connect_scripted("other")
    script.poll = lambda _: Page(records=[Record(stream="price", key="a", payload={})])
    script.push = lambda items: [Success() for _ in items]
    scheduler = make_scheduler()
    await scheduler.tick()
    hub.runtime.ring = scheduler.runtime.ring
    await hub.poll()
    await scheduler.tick()
    assert await redis.llen(f"{NAMESPACE}:work") == 1
    await redis.flushall()

    await scheduler.tick()
    await scheduler.tick()

    assert await fired(redis) == [other.id]
    assert await fired(redis, "work") == [stored.id]
    await scheduler.tick()
    assert await fired(redis, "work") == [], "it is told once"


async def test_polls_that_could_not_be_sent_are_fired_again_as_soon_as_the_broker_is_back(
    hub: Hub, connect_scripted: Connect, own_valkey: Valkey
) -> None:
    """They are not taken for polls that are under way."""
    stored = await connect_scripted()
    runtime = hub.make_runtime()
    scheduler = Scheduler(
        runtime=runtime,
        actors=declare(make_broker(own_valkey.url), lambda: runtime),
        redis=Redis.from_url(own_valkey.url),
    )
    own_valkey.stop()
    for _ in ("it sweeps", "it fires"):
        with pytest.raises(RedisConnectionError):
            await scheduler.tick()
    own_valkey.start()
    await scheduler.tick()

    assert await fired(scheduler.redis) == [stored.id]
    await scheduler.redis.aclose()


async def test_neither_a_store_nor_a_broker_that_is_away_ends_a_scheduler(
    hub: Hub, connect_scripted: Connect, own_valkey: Valkey, logs: list[Any]
) -> None:
    """It says so and goes on."""
    await connect_scripted()
    hub.settings.schedule_interval /= 100
    runtime = hub.make_runtime()
    scheduler = Scheduler(
        runtime=runtime,
        actors=declare(make_broker(own_valkey.url), lambda: runtime),
        redis=Redis.from_url(own_valkey.url),
    )
    own_valkey.stop()
    running = asyncio.create_task(scheduler.run())
    await until(lambda: len(logs) >= 3)
    own_valkey.start()
    assert await scheduler.redis.blpop([f"{NAMESPACE}:poll"], timeout=20)
    scheduler.stop()
    await asyncio.wait_for(running, 10)
    await scheduler.redis.aclose()


async def test_housekeeping_is_asked_for_once_a_minute_by_the_leader(
    hub: Hub, make_scheduler: MakeScheduler, redis: Redis
) -> None:
    """As a message, so that a worker does it."""
    scheduler = make_scheduler()
    await scheduler.tick()
    assert await fired(redis, "sweep") == []
    scheduler._kept_house_at -= 61
    await scheduler.tick()
    await scheduler.tick()

    assert await fired(redis, "sweep") == [0]
