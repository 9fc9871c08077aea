"""How well a limit is used that nobody told the hub: time taken against the least there could be, and the share of 429s.

    python -m benchmarks.pacing [--processes 1] [--requests 5100] [--rate 400] [--burst 100] [--rounds 3]

A simulated VTEX account, a process of its own, limits its catalog; clients that share a real Valkey, 32 requests at a time
each, ask for one SKU after the other. What is refused is asked for again. The least time is (requests - burst) / rate.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.figures import Figure, finish, middle, note
from connectors.vtex.access import VtexCredentials, headers
from connectors.vtex.simulator.options import Options
from hub.connector import Bucket
from hub.errors import NotNowError
from hub.event_loop import run
from hub.http import HttpPool
from hub.policy.redis_circuit import RedisCircuit
from hub.policy.redis_limiter import RedisLimiter
from hub.policy.redis_link import RedisLink
from hub.testing.servers import Valkey

CONCURRENCY = 32
PATH = "/api/catalog_system/pvt/sku/stockkeepingunitbyid/2000001"


async def client(url: str, redis_url: str, requests: int) -> None:
    """So many answers that are none of 429, from the word on; prints when it began and ended, and the answers of 429."""
    link, pool, statuses = RedisLink.to(redis_url), HttpPool(allow_private_hosts=True), Counter[int | None]()
    http = pool.for_connection(
        side="source",
        tenant="benchmark",
        circuit_key="vtex",
        default_bucket=Bucket(key="vtex"),
        limiter=RedisLimiter(link),
        circuit=RedisCircuit(link),
        concurrency=CONCURRENCY,
        observe=lambda call: statuses.update([call.status]),
    )
    key = headers(VtexCredentials.model_validate(Options().model_dump(include={"app_key", "app_token"})))
    left = iter(range(requests))

    async def caller() -> None:
        for _ in left:
            while True:
                try:
                    await http.request("GET", url + PATH, headers=key, accept=(404,))
                    break
                except NotNowError as error:
                    await asyncio.sleep(error.wait.total_seconds())

    print("ready", flush=True)
    sys.stdin.readline()
    begin = time.time()
    await asyncio.gather(*(caller() for _ in range(CONCURRENCY)))
    print(begin, time.time(), statuses[429])
    await pool.close()
    await link.close()


@contextmanager
def simulator(limit: str) -> Iterator[str]:
    """The account; gives its URL."""
    command = [sys.executable, "-m", "hub", "simulate", "vtex", "--limit", f"catalog={limit}"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        yield process.stdout.readline().split()[-1]
    finally:
        process.terminate()
        process.wait()


def measured(limit: str, processes: int, requests: int) -> tuple[float, int]:
    """Seconds, and answers of 429."""
    with tempfile.TemporaryDirectory() as folder, Valkey(Path(folder)) as valkey, simulator(limit) as url:
        command = [sys.executable, "-m", "benchmarks.pacing", "--client", url, valkey.url]
        command += ["--requests", str(requests // processes)]
        pipe = subprocess.PIPE
        clients = [subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) for _ in range(processes)]
        for one in clients:
            assert one.stdout
            one.stdout.readline()
        for one in clients:
            assert one.stdin
            one.stdin.write("go\n")
            one.stdin.flush()
        seen = [one.communicate()[0].splitlines()[-1].split() for one in clients]
        begins, ends, refused = zip(*seen, strict=True)
        return max(map(float, ends)) - min(map(float, begins)), sum(map(int, refused))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    for name, default in (("processes", 1), ("requests", 5100), ("rate", 400), ("burst", 100), ("rounds", 3)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--client", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.client:
        url, redis_url = options.client
        run(client(url, redis_url, options.requests))
        return
    found = []
    for turn in range(options.rounds):
        found.append(measured(f"{options.rate}/{options.burst}", options.processes, options.requests))
        note(f"round {turn + 1} of {options.rounds}: {found[-1][0]:.2f} s, {found[-1][1]} answers of 429")
    least = (options.requests - options.burst) / options.rate
    took, refused = middle([one[0] for one in found]), middle([one[1] for one in found])
    title = f"a limit that nobody told, {options.processes} processes"
    finish(
        [
            Figure(
                figure=title,
                value=took,
                unit="s",
                against="the least time",
                ratio=least / took,
                rounds=options.rounds,
                goal=0.8,
            ),
            Figure(
                figure=f"{title}: 429",
                value=refused,
                unit="answers",
                against="requests",
                ratio=refused / options.requests,
                rounds=options.rounds,
                goal=0.01,
                at_most=True,
            ),
        ]
    )


if __name__ == "__main__":
    main()
