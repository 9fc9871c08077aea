"""A drain beside other processes, dead and alive."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any

import pytest

from hub.errors import RetryableError
from hub.loop.drain import Drain, DrainSummary
from hub.loop.sweep import sweep
from hub.records import GroupTally, Item, Page, PushResult, Record, Success
from hub.runtime import unheard
from hub.store import leases
from hub.testing.books import assert_tallies_are_the_rows
from tests.loop.hub_of_a_test import Connect, Hub, Script, Scripted

#: What is left of a dead process's lease, in microseconds, and the patience of a drain, which is shorter.
LEFT, WAIT = 1_500_000, timedelta(seconds=0.5)


@pytest.fixture
async def hub(hub_home: Any, database_url: str, script: Script) -> AsyncIterator[Hub]:
    """A hub whose connector needs no server."""
    hub = Hub(hub_home, database_url, scripted=Scripted.with_script(script, reports=False))
    yield hub
    assert_tallies_are_the_rows(hub.db)
    await hub.close()


async def drain(hub: Hub) -> DrainSummary:
    return await Drain(runtime=hub.make_runtime(), connection_id=hub.connection().id, wait=WAIT).run()


async def test_a_drain_outlasts_the_poll_of_a_process_that_was_killed(
    hub: Hub, connect_scripted: Connect, script: Script
) -> None:
    """However short its own patience is: nobody will ever give that lease back."""
    await connect_scripted()
    leases.acquire(hub.db, f"poll:{hub.connection().id}", holder="killed", duration=LEFT)

    summary = await drain(hub)

    assert summary.error is None
    assert len(script.asked["poll"]) == 1


async def test_a_process_without_the_broker_leaves_no_bell_that_nobody_hears(
    hub: Hub, connect_scripted: Connect, script: Script
) -> None:
    """A fleet's sweeper rings for what it has taken in, and for what it saw was due, without waiting until a bell is old."""
    await connect_scripted()
    alone = hub.make_runtime()
    alone.ring = unheard(hub.db)
    script.poll = lambda _: Page(records=[Record(stream="price", key="a", payload={})])

    outcome = await hub.poll(runtime=alone)
    swept = await sweep(alone)

    assert (outcome.taken_in, swept.rung, hub.bells()) == (1, 1, [])
    assert (await hub.sweep()).rung == 1


async def test_a_drain_does_not_end_well_while_a_group_cannot_be_closed(
    hub: Hub, connect_scripted: Connect, script: Script
) -> None:
    """Its records are in, and what its connector does for it at the end is missing: it says which and why."""

    def close_group(_: GroupTally) -> None:
        raise RetryableError("the disk is full")

    pages = [Page(seals=["file"], poll_after=timedelta(0))]
    script.poll = lambda _: pages.pop() if pages else Page()
    script.close_group = close_group
    await connect_scripted()

    summary = await drain(hub)

    assert summary.error == "the group file could not be closed yet: the disk is full"
    assert not summary.drained

    script.close_group = lambda _: None
    assert (await drain(hub)).drained


async def test_a_drain_closes_what_a_process_was_killed_over(
    hub: Hub, connect_scripted: Connect, script: Script
) -> None:
    """That one had begun while this drain pushed the last record."""
    await connect_scripted()
    price = Record(stream="price", key="a", payload={}, group="file")
    pages = [Page(records=[price], seals=["file"], poll_after=timedelta(0))]
    script.poll = lambda _: pages.pop() if pages else Page()

    def push(items: Sequence[Item]) -> Sequence[PushResult]:
        leases.acquire(hub.db, f"close:{hub.connection().id}", holder="killed", duration=LEFT)
        return [Success() for _ in items]

    script.push = push

    summary = await drain(hub)

    assert summary.drained
    assert [tally.name for tally in script.asked["close_group"]] == ["file"]


async def test_a_drain_waits_for_what_the_source_still_works_on(
    hub: Hub, connect_scripted: Connect, script: Script
) -> None:
    """However often it has to look, and with no patience of its own: there is nothing else to wait for."""
    price = Record(stream="price", key="a", payload={})
    soon = timedelta(milliseconds=50)
    at_work = [Page(cursor={"operation": 1}, poll_after=soon, unfinished=True) for _ in range(3)]
    pages = [*at_work, Page(records=[price], cursor={}, poll_after=timedelta(0))]
    script.poll = lambda _: pages.pop(0) if pages else Page()
    script.push = lambda items: [Success() for _ in items]
    await connect_scripted()

    runtime = hub.make_runtime()
    summary = await Drain(runtime=runtime, connection_id=hub.connection().id, wait=timedelta(0)).run()

    assert not pages
    assert (summary.polled, summary.succeeded, summary.drained) == (1, 1, True)


async def test_a_drain_without_patience_works_what_is_due(
    hub: Hub, connect_scripted: Connect, script: Script
) -> None:
    """It need not be at work with it when it first looks: here the only slice is, with another record, until it looks again."""
    await connect_scripted(delivery={"slice_size": 1, "parallel_slices": 1})
    prices = [Record(stream="price", key=key, payload={}) for key in "ab"]
    script.poll = lambda _: Page(records=prices)
    await hub.poll()
    script.poll = lambda _: Page()
    looks, looked_again = 0, asyncio.Event()

    def look(_: DrainSummary) -> None:
        nonlocal looks
        looks += 1
        if looks > 2:  # after the poll, once while everything waits, and then
            looked_again.set()

    async def push(items: Sequence[Item]) -> Sequence[PushResult]:
        await looked_again.wait()
        return [Success() for _ in items]

    script.push = push
    told = {"connection_id": hub.connection().id, "wait": timedelta(0), "on_progress": look}
    summary = await Drain(runtime=hub.make_runtime(), **told).run()

    assert (summary.succeeded, summary.drained) == (2, True)


async def test_a_drain_gives_up_where_others_take_the_lease_again_and_again(
    hub: Hub, connect_scripted: Connect, script: Script
) -> None:
    """They live, and it never gets its turn."""
    await connect_scripted()
    name = f"poll:{hub.connection().id}"

    async def poll_in_turns() -> None:
        while True:
            with hub.db.transaction() as tx:
                hub.db.execute(
                    tx,
                    "INSERT INTO lease (name, holder, fence, expires_at) VALUES (:name, 'other', 1, :until) "
                    "ON CONFLICT (name) DO UPDATE SET fence = lease.fence + 1, expires_at = :until",
                    name=name,
                    until=hub.db.now(tx) + 60_000_000,
                )
            await asyncio.sleep(0.01)

    others = asyncio.create_task(poll_in_turns())
    await asyncio.sleep(0)
    summary = await drain(hub)
    others.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await others

    assert summary.error == "waited 0.5 seconds: another process keeps polling"
    assert "poll" not in script.asked
