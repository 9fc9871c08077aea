"""A process that stops hands back what it does not finish in time, and begins nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from hub.records import Page, Record, Success
from hub.store import schedule
from tests.loop.hub_of_a_test import Connect, Hub, Script


class Hanging:
    """Never answers, and says when it was asked."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()

    async def __call__(self, _: Any) -> Any:
        self.asked.set()
        await asyncio.Event().wait()


@pytest.fixture
def admit(hub: Hub, connect_scripted: Connect, script: Script) -> Callable[[], Awaitable[None]]:
    """Two records that wait."""

    async def admit() -> None:
        script.poll = lambda _: Page(records=[Record(stream="price", key=key, payload={}) for key in "ab"])
        await connect_scripted()
        await hub.poll()

    return admit


async def stop_in(hub: Hub, step: Awaitable[Any], hanging: Hanging, *, grace: float) -> Any:
    """Begin ``step``, ask the process to stop once the plugin hangs, and see it end."""
    task = asyncio.ensure_future(step)
    await asyncio.wait_for(hanging.asked.wait(), 5)
    hub.runtime.stop(grace=grace)
    return await asyncio.wait_for(task, 5)


async def test_a_slice_that_hangs_is_handed_back_when_its_grace_is_over(
    hub: Hub, admit: Callable[[], Awaitable[None]], script: Script
) -> None:
    """Due at once for somebody else, with no attempt spent and nothing lost."""
    script.push = Hanging()
    await admit()
    outcome = await stop_in(hub, hub.work(), script.push, grace=0.05)

    assert outcome.states == {"waiting": 2}
    assert hub.claims() == []
    assert {(row["total_attempts"], row["lost_claims"]) for row in hub.rows()} == {(0, 0)}
    script.push = lambda items: [Success() for _ in items]
    assert (await hub.work(runtime=hub.make_runtime())).states == {"success": 2, "reported": 2}


async def test_a_slice_that_ends_in_its_grace_is_settled_and_reported(
    hub: Hub, admit: Callable[[], Awaitable[None]], script: Script
) -> None:
    """Nothing is thrown away that is nearly done."""

    async def push(items: Any) -> list[Any]:
        hub.runtime.stop(grace=5)
        await asyncio.sleep(0.05)
        return [Success() for _ in items]

    script.push = push
    await admit()

    assert (await hub.work()).states == {"success": 2, "reported": 2}


async def test_a_report_that_hangs_is_handed_back_and_its_push_is_kept(
    hub: Hub, admit: Callable[[], Awaitable[None]], script: Script
) -> None:
    """Somebody else tells the source."""
    script.push = lambda items: [Success() for _ in items]
    script.report = Hanging()
    await admit()
    outcome = await stop_in(hub, hub.work(), script.report, grace=0.05)

    assert outcome.states == {"success": 2}
    assert hub.claims() == []
    assert {(row["report_state"], row["report_attempts"]) for row in hub.rows()} == {("waiting", 0)}
    script.report = None
    assert (await hub.report(runtime=hub.make_runtime())).states == {"reported": 2}
    assert len(script.asked["push"]) == 1


async def test_a_poll_that_hangs_is_left_to_somebody_else_at_once(
    hub: Hub, connect_scripted: Connect, script: Script
) -> None:
    """Its lease is free, it is due, and it has not failed."""
    script.poll = Hanging()
    await connect_scripted()
    assert list(schedule.fire_due(hub.db, lost_after=10**9)) == [hub.connection().id]
    outcome = await stop_in(hub, hub.poll(), script.poll, grace=0.05)

    assert outcome.result == "paused"
    assert hub.schedule()["failed_polls"] == 0
    assert list(schedule.fire_due(hub.db, lost_after=10**9)) == [hub.connection().id]
    script.poll = None
    assert (await hub.poll(runtime=hub.make_runtime())).result == "ok"


async def test_a_process_that_stops_begins_no_poll(
    hub: Hub, connect_scripted: Connect, script: Script
) -> None:
    """The one that it was sent for is due for the others."""
    await connect_scripted()
    assert list(schedule.fire_due(hub.db, lost_after=10**9)) == [hub.connection().id]
    hub.runtime.stop(grace=5)

    assert (await hub.poll()).result == "paused"
    assert "poll" not in script.asked
    assert list(schedule.fire_due(hub.db, lost_after=10**9)) == [hub.connection().id]


async def test_a_poll_that_takes_too_long_has_failed_when_nobody_stops(
    hub: Hub, connect_scripted: Connect, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Anything over a minute is a handle in the cursor."""
    from datetime import timedelta

    from hub.loop import poll

    monkeypatch.setattr(poll, "POLL_TIMEOUT", timedelta(milliseconds=50))
    script.poll = Hanging()
    await connect_scripted()
    outcome = await hub.poll()

    assert outcome.result == "failed"
    assert "longer than" in (outcome.error or "")
    assert hub.schedule()["failed_polls"] == 1
