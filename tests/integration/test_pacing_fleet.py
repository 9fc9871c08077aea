"""A limit that nobody told, over real HTTP: by one process, and by two that share one Valkey."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from connectors.vtex.simulator import SIMULATOR

MEMBER = Path(__file__).with_name("pacing_member.py")
RATE, BURST, REQUESTS = 60, 15, 400


async def started(redis_url: str) -> asyncio.subprocess.Process:
    """A process that is ready."""
    pipe = subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(MEMBER), redis_url, stdin=pipe, stdout=pipe
    )
    assert process.stdout
    assert await process.stdout.readline() == b"ready\n"
    return process


async def asked(process: asyncio.subprocess.Process, url: str, requests: int) -> Any:
    """What it saw."""
    out, _ = await process.communicate(json.dumps({"url": url, "requests": requests}).encode() + b"\n")
    return json.loads(out)


@pytest.mark.parametrize("processes", (1, 2))
async def test_few_requests_are_refused_and_little_time_is_lost(redis_url: str, processes: int) -> None:
    """The least time is six and a half seconds; the blocks of the two refusals that it takes are two more."""
    async with SIMULATOR.running(limit=[f"catalog={RATE}/{BURST}"]) as vtex:
        members = [await started(redis_url) for _ in range(processes)]
        seen = await asyncio.gather(*(asked(one, vtex.url, REQUESTS // processes) for one in members))

    took = max(one["end"] for one in seen) - min(one["begin"] for one in seen)
    assert all(one["passed"] == REQUESTS // processes for one in seen)
    assert sum(one["refused"] for one in seen) <= 0.1 * REQUESTS
    assert took <= 2.5 * (REQUESTS - BURST) / RATE
