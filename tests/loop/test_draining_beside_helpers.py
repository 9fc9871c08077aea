"""A drain that has helpers: who polls leaves the slices to them as long as they keep up, and to none that were killed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest

from hub.loop.drain import Drain, DrainSummary
from hub.loop.slices import LOOK_EVERY
from hub.records import Page, PollRequest, Record
from hub.telemetry import Polled, Worked
from hub.testing.books import assert_tallies_are_the_rows
from tests.loop.hub_of_a_test import Hub, Script, Scripted

#: With one helper, one slice at once in each process, and one record in a slice, so many are not too many.
ENOUGH = 10
#: Seconds in which a process that may work has worked.
PATIENCE = 20.0


class Killed:
    """A helper that nobody will hear of again."""

    number = 1

    def begin(
        self, connection_id: int, *, at_once: int, on_done: Callable[[Mapping[str, int]], None]
    ) -> None: ...

    async def end(self) -> None: ...

    def hurry(self) -> None: ...


@pytest.fixture
async def hub(hub_home: Any, database_url: str, script: Script) -> AsyncIterator[Hub]:
    """A hub with a connection from a script into the catalog."""
    feeding = Scripted.with_script(script, uses_destination=True, reports=False)
    hub = Hub(hub_home, database_url, scripted=feeding)
    await hub.connect(
        {
            "connector": "scripted",
            "destination": {"name": "catalog"},
            "delivery": {"slice_size": 1, "parallel_slices": 2},
        }
    )
    yield hub
    assert_tallies_are_the_rows(hub.db)
    await hub.close()


async def drain(hub: Hub) -> DrainSummary:
    connection_id = hub.connection().id
    return await Drain(
        runtime=hub.make_runtime(), connection_id=connection_id, wait=timedelta(0), helpers=Killed()
    ).run()


def polls(script: Script, *pages: Callable[[], Awaitable[Page]]) -> None:
    """Page after page, and nothing new after the last."""
    left = list(pages)

    async def nothing() -> Page:
        return Page()

    def poll(_: PollRequest) -> Awaitable[Page]:
        return (left.pop(0) if left else nothing)()

    script.poll = poll


def page(count: int, **more: Any) -> Callable[[], Awaitable[Page]]:
    """So many new products."""

    async def give() -> Page:
        keys = [f"p{number}" for number in range(count)]
        records = [
            Record(stream="price", key=key, payload={"kind": "product", "key": key, "brand": "a"})
            for key in keys
        ]
        return Page(records=records, **{"poll_after": timedelta(0), **more})

    return give


def worked(hub: Hub) -> int:
    return sum(isinstance(event, Worked) for event in hub.told)


async def test_who_polls_leaves_the_slices_to_its_helpers(hub: Hub, script: Script) -> None:
    """As long as no more waits than they can be expected to take; what they did not take is worked in the end."""

    async def slow() -> Page:
        await asyncio.sleep(6 * LOOK_EVERY)  # in which it could have worked
        return Page()

    polls(script, page(ENOUGH), slow)

    summary = await drain(hub)

    order = [type(event) for event in hub.told if isinstance(event, Polled | Worked)]
    assert order == [Polled, Polled, *[Worked] * ENOUGH]
    assert (summary.succeeded, summary.drained) == (ENOUGH, True)


async def test_who_polls_works_what_its_helpers_leave(hub: Hub, script: Script) -> None:
    """More waits than they can be expected to take: they are slow, or were killed."""

    async def after_work() -> Page:
        for _ in range(round(PATIENCE / LOOK_EVERY)):
            if worked(hub):
                return Page()
            await asyncio.sleep(LOOK_EVERY)
        raise AssertionError("nothing was worked")

    polls(script, page(ENOUGH + 1), after_work)

    summary = await drain(hub)

    assert (summary.succeeded, summary.drained) == (ENOUGH + 1, True)


async def test_who_waits_for_the_source_works_meanwhile(hub: Hub, script: Script) -> None:
    """It has nothing else to do, and its helpers may have been killed."""
    soon = timedelta(seconds=LOOK_EVERY)
    looks = 0

    async def at_work() -> Page:
        nonlocal looks
        looks += 1
        more = not worked(hub) and looks < PATIENCE / LOOK_EVERY
        return Page(cursor={"look": looks}, poll_after=soon, unfinished=True) if more else Page()

    polls(script, page(1, poll_after=soon), *[at_work] * round(PATIENCE / LOOK_EVERY))

    summary = await drain(hub)

    order = [type(event) for event in hub.told if isinstance(event, Polled | Worked)]
    assert order.index(Worked) < len(order) - 1
    assert (summary.succeeded, summary.drained) == (1, True)


async def test_what_was_claimed_for_helpers_waits_again_after_a_drain_that_was_stopped(
    hub: Hub, script: Script
) -> None:
    """Nobody has taken it, and nobody is going to."""
    stopping = asyncio.Event()

    async def forever() -> Page:
        stopping.set()
        await asyncio.Event().wait()
        raise AssertionError("nobody waits for ever")

    polls(script, page(3), page(ENOUGH), forever)
    one = Drain(
        runtime=hub.make_runtime(),
        connection_id=hub.connection().id,
        wait=timedelta(0),
        helpers=Killed(),
    )
    draining = asyncio.create_task(one.run())
    await asyncio.wait_for(stopping.wait(), PATIENCE)

    one.stop()
    summary = await asyncio.wait_for(draining, PATIENCE)

    left = [row for row in hub.rows() if row["state"] != "success"]
    assert {(row["state"], row["lost_claims"]) for row in left} == {("waiting", 0)}
    assert len(left) == summary.waiting
    assert hub.claims() == []
