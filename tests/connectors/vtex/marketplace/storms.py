"""What goes wrong around a hub, and how it works on meanwhile and afterwards."""

from __future__ import annotations

import asyncio
import random
from typing import Any, Final

import httpx

from hub.loop.sweep import keep_house
from hub.testing.simulator import Running
from tests.connectors.vtex.marketplace.market_world import NAME, MarketWorld

#: Seconds that pass between two rounds: circuits and backoff have their time.
ROUND: Final = 70.0


async def harm(simulator: Running, **faults: Any) -> None:
    """What goes wrong from now on; nothing without any."""
    async with httpx.AsyncClient(base_url=simulator.url, trust_env=False) as client:
        answer = await client.put("/_simulator/faults", json=faults)
        answer.raise_for_status()


async def rounds(world: MarketWorld, count: int, dice: random.Random | None = None) -> None:
    """A process after the other works, each of them killed at a bad moment where there are ``dice``."""
    for _ in range(count):
        runtime = world.hub.make_runtime()
        polled = await world.hub.poll(NAME, runtime=runtime)
        assert polled.result in {"ok", "failed", "paused"}
        work = asyncio.create_task(world.hub.work(NAME, runtime=runtime))
        if dice is None:
            while (await work).records:
                work = asyncio.create_task(world.hub.work(NAME, runtime=runtime))
        else:
            await asyncio.wait([work], timeout=dice.uniform(0, 0.08))
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
        world.hub.pass_time(ROUND)
        await world.hub.sweep()
        await keep_house(world.hub.runtime)


async def until_settled(world: MarketWorld) -> None:
    """All is well again, and in time all is done."""
    for _ in range(40):
        await rounds(world, 1)
        if {row["state"] for row in world.hub.rows(NAME)} <= {"success", "skipped", "superseded"}:
            return
    raise AssertionError([(row["key"], row["state"], row["error"]) for row in world.hub.rows(NAME)])
