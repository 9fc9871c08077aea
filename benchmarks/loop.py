"""Records a second: the seed's minimal loop, the hub with one worker process, and bare HTTP, side by side.

    python -m benchmarks.loop [--records 2000] [--rounds 3] [--latency 20 0]

All three read records from one MerchantOps simulator, post each to one destination and post its outcome back; the
simulators are processes of their own. (a) does so one after the other, as the guide's minimal connector; (b) is the
hub on PostgreSQL with one worker process; (c) makes the same two calls with nothing kept, on bare httpx with the
aiohttp transport, at its best of 16, 32 and 64 connections, and so is b. All is measured for each latency, in milliseconds.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
from httpx_aiohttp import AiohttpTransport

from benchmarks.command import options, scratch
from benchmarks.figures import Figure, finish, middle, note
from benchmarks.world import API_KEY, Hub, hub, prices, process, reset, simulator, summary, wait
from hub.event_loop import run

CONNECTIONS = (16, 32, 64)
#: The minimal loop is slow; a share of the records is enough to know its pace.
MINIMAL_SHARE = 20
HEADERS = {"Authorization": f"Bearer {API_KEY}"}


def minimal_loop(source: str, destination: str, records: int) -> float:
    """(a) Records a second of the guide's loop: poll 50, push one, report one, and so on."""
    done = 0
    started = time.monotonic()
    with httpx.Client(base_url=source, headers=HEADERS, timeout=30.0) as client:
        while done < records:
            page = client.get("/api/pricing/pending-publishes", params={"target_key": "custom", "limit": 50})
            for record in page.json()["items"][: records - done]:
                answer = client.post(f"{destination}/prices", json=_price(record))
                outcome = {"target_key": "custom", "status": "success" if answer.is_success else "failed"}
                client.post(f"/api/pricing/records/{record['record_key']}/publish-outcome", json=outcome)
                done += 1
    return records / (time.monotonic() - started)


async def ceiling(source: str, destination: str, records: int, connections: int) -> float:
    """(c) Records a second of the same two calls with no state at all."""
    limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
    async with httpx.AsyncClient(transport=AiohttpTransport(limits=limits), timeout=30.0) as client:
        params = {"target_key": "custom", "limit": records}
        page = await client.get(f"{source}/api/pricing/pending-publishes", params=params, headers=HEADERS)
        waiting = iter(page.json()["items"])

        async def caller() -> None:
            for record in waiting:
                answer = await client.post(f"{destination}/prices", json=_price(record))
                outcome = {
                    "target_key": "custom",
                    "status": "success",
                    "response_code": answer.status_code,
                    "external_id": answer.json()["id"],
                }
                path = f"/api/pricing/records/{record['record_key']}/publish-outcome"
                await client.post(f"{source}{path}", json=outcome, headers=HEADERS)

        started = time.monotonic()
        await asyncio.gather(*(caller() for _ in range(connections)))
        return records / (time.monotonic() - started)


def hub_loop(hub: Hub, source: str, records: int, connections: int) -> float:
    """(b) Records a second of the hub, from the moment its connection may poll to the last outcome."""
    hub.set_delivery(concurrency=connections)
    with process("-m", "benchmarks.worker", env=hub.env) as worker:
        assert worker.stdout is not None
        worker.stdout.readline()  # "ready"
        started = time.monotonic()
        hub.go()
        ended = wait(lambda: summary(source)["outcomes"] >= records, "the outcomes")
        return records / (ended - started)


def _price(record: dict[str, Any]) -> dict[str, Any]:
    return {"sku": record["variant_key"], "price": record["amount"], "currency": record["currency"]}


def measure(folder: Path, records: int, rounds: int, latency_ms: int) -> Sequence[Figure]:
    """All three, interleaved, ``rounds`` times."""
    a: list[float] = []
    b: list[float] = []
    c: list[float] = []
    with (
        simulator(
            "connectors.merchantops.simulator", records=records, limit_cap=100_000, latency_ms=latency_ms
        ) as source,
        simulator("hub.testing.destination", latency_ms=latency_ms) as destination,
    ):
        for turn in range(rounds):
            reset(source)
            a.append(minimal_loop(source, destination, max(20, records // MINIMAL_SHARE)))
            best_b = best_c = 0.0
            for connections in CONNECTIONS:
                reset(source)
                best_c = max(best_c, run(ceiling(source, destination, records, connections)))
                reset(source)
                with hub(folder / f"{latency_ms}-{turn}-{connections}", prices(source, destination)) as one:
                    best_b = max(best_b, hub_loop(one, source, records, connections))
                assert summary(source)["repeated_outcomes"] == 0, summary(source)
            b.append(best_b)
            c.append(best_c)
            note(
                f"latency {latency_ms} ms, round {turn + 1}: a {a[-1]:.0f}, b {b[-1]:.0f}, c {c[-1]:.0f} records/s"
            )
    return _figures(a, b, c, latency_ms)


def _figures(a: list[float], b: list[float], c: list[float], latency_ms: int) -> Sequence[Figure]:
    where = f"at {latency_ms} ms latency" if latency_ms else "without latency"
    rounds = len(b)
    of_ceiling = middle([mine / most for mine, most in zip(b, c, strict=True)])
    of_minimal = middle([mine / least for mine, least in zip(b, a, strict=True)])
    return [
        Figure(
            figure=f"hub, one worker process, {where}",
            value=middle(b),
            unit="records/s",
            against=f"bare httpx on aiohttp: {middle(c):.0f} records/s",
            ratio=of_ceiling,
            goal=0.6 if latency_ms else 0.5,
            rounds=rounds,
        ),
        Figure(
            figure=f"hub, one worker process, {where}",
            value=middle(b),
            unit="records/s",
            against=f"the guide's minimal loop: {middle(a):.0f} records/s",
            ratio=of_minimal,
            goal=15 if latency_ms else None,
            rounds=rounds,
        ),
    ]


def main() -> None:
    """See the module."""
    given = options(__doc__, records=2000, rounds=3, latency=[20, 0])
    with scratch() as folder:
        figures = [
            figure
            for latency in given.latency
            for figure in measure(folder, given.records, given.rounds, latency)
        ]
    finish(figures)


if __name__ == "__main__":
    main()
