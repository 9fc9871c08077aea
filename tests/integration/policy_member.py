"""One process of a fleet, for ``test_policy_fleet``: does as the line on its standard input says, then prints what it saw."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

from hub.connector import Bucket
from hub.policy.redis_circuit import RedisCircuit
from hub.policy.redis_limiter import RedisLimiter
from hub.policy.redis_link import RedisLink


async def take(link: RedisLink, *, rate: float, burst: int, wanted: int, seconds: float) -> dict[str, Any]:
    """Take as fast as the limiter lets us, in lots."""
    limiter, bucket = RedisLimiter(link), Bucket(key="shared", rate=rate, burst=burst)
    begin, granted = time.monotonic(), 0
    while time.monotonic() < begin + seconds:
        grant = await limiter.take(bucket, wanted)
        granted += grant.granted
        await asyncio.sleep(grant.wait.total_seconds())
    return {"granted": granted, "begin": begin, "end": time.monotonic()}


async def fail(link: RedisLink, *, times: int) -> dict[str, Any]:
    """Count failures, one by one."""
    circuit = RedisCircuit(link)
    states = [(await circuit.record("host", failures=1)).state for _ in range(times)]
    return {"states": states}


async def allow(link: RedisLink, *, wanted: int) -> dict[str, Any]:
    """Ask for calls."""
    permit = await RedisCircuit(link).allow("host", wanted)
    return {"allowed": permit.allowed, "state": permit.state, "wait": permit.wait.total_seconds()}


async def main() -> None:
    """Ready, then wait for the word."""
    link = RedisLink.to(sys.argv[1])
    await link.redis.ping()
    print("ready", flush=True)  # noqa: T201
    order = json.loads(await asyncio.to_thread(sys.stdin.readline))
    answer = await {"take": take, "fail": fail, "allow": allow}[order.pop("do")](link, **order)
    await link.close()
    print(json.dumps(answer))  # noqa: T201


if __name__ == "__main__":
    asyncio.run(main())
