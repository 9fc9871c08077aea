"""A limit that nobody told, over real HTTP: by one process, and by two that share one Valkey."""

from __future__ import annotations

import pytest

from connectors.vtex.simulator import SIMULATOR
from tests.integration.test_policy_fleet import Member

RATE, BURST, REQUESTS = 60, 15, 400


@pytest.mark.parametrize("processes", (1, 2))
async def test_few_requests_are_refused_and_little_time_is_lost(redis_url: str, processes: int) -> None:
    """The least time is six and a half seconds; the blocks of the two refusals that it takes are two more."""
    async with SIMULATOR.running(limit=[f"catalog={RATE}/{BURST}"]) as vtex:
        members = [Member(redis_url) for _ in range(processes)]
        for member in members:
            member.start("ask", url=vtex.url, requests=REQUESTS // processes)
        seen = [await member.answered() for member in members]

    took = max(one["end"] for one in seen) - min(one["begin"] for one in seen)
    assert all(one["passed"] == REQUESTS // processes for one in seen)
    assert sum(one["refused"] for one in seen) <= 0.1 * REQUESTS
    assert took <= 2.5 * (REQUESTS - BURST) / RATE
