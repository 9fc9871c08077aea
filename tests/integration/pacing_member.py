"""One process of a fleet, for ``test_pacing_fleet``: waits for a line on its standard input, then prints what it saw."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter
from typing import Any

from connectors.vtex.access import VtexCredentials, headers
from connectors.vtex.simulator.options import Options
from hub.connector import Bucket
from hub.errors import NotNowError
from hub.http import HttpPool
from hub.policy.redis_circuit import RedisCircuit
from hub.policy.redis_limiter import RedisLimiter
from hub.policy.redis_link import RedisLink

SKU = "/api/catalog_system/pvt/sku/stockkeepingunitbyid/2000001"


async def ask(link: RedisLink, *, url: str, requests: int) -> dict[str, Any]:
    """Send requests to a simulated VTEX, 32 at a time, and what is refused again, until all have passed."""
    pool, statuses, left = HttpPool(allow_private_hosts=True), Counter[int | None](), iter(range(requests))
    http = pool.for_connection(
        side="source",
        tenant="acme",
        circuit_key="vtex",
        default_bucket=Bucket(key="vtex"),
        limiter=RedisLimiter(link),
        circuit=RedisCircuit(link),
        concurrency=32,
        observe=lambda call: statuses.update([call.status]),
    )
    key = headers(VtexCredentials.model_validate(Options().model_dump(include={"app_key", "app_token"})))

    async def attempt() -> float:
        try:
            await http.request("GET", url + SKU, headers=key, accept=(404,))
        except NotNowError as error:
            return error.wait.total_seconds()
        return 0.0

    async def caller() -> None:
        for _ in left:
            wait = await attempt()
            while wait:
                await asyncio.sleep(wait)
                wait = await attempt()

    begin = time.monotonic()
    await asyncio.gather(*(caller() for _ in range(32)))
    end = time.monotonic()
    await pool.close()
    passed = statuses[200] + statuses[404]
    return {"begin": begin, "end": end, "passed": passed, "refused": statuses[429]}


async def main() -> None:
    """Ready, then wait for the word."""
    link = RedisLink.to(sys.argv[1])
    await link.redis.ping()
    print("ready", flush=True)  # noqa: T201
    order = json.loads(await asyncio.to_thread(sys.stdin.readline))
    answer = await ask(link, **order)
    await link.close()
    print(json.dumps(answer))  # noqa: T201


if __name__ == "__main__":
    asyncio.run(main())
