"""Importing a shop by bulk operations into the catalog, on PostgreSQL, beside what COPY can do at best.

    python -m benchmarks.import_shopify [--rounds 3] [--products 20000]

Each round imports a simulated shop of two variants a product into an empty hub, `hub import`, and then COPYs every row that
the hub has left behind, ledger included, into empty tables beside it. What the simulator takes to generate the same
results, fetched and thrown away, is taken off the hub's time. Requests are held against the fewest that would do.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from benchmarks import peers
from benchmarks.command import options, scratch
from benchmarks.figures import Figure, finish, middle, note
from benchmarks.world import PATIENCE, hub
from connectors.shopify import documents
from connectors.shopify.resources import ALL
from hub.store import connections
from hub.testing.simulator_process import SimulatorProcess, simulator

TOKEN = "shpat_simulator"
#: How often it is looked at here, in seconds.
LOOK_EVERY = 0.02
#: What a shop holds besides its products, and limits that are not what is measured.
SHOP: Mapping[str, Any] = {
    "locations": 2,
    "collections": 6,
    "customers": 100,
    "variants": 2,
    "bucket": 1_000_000,
    "restore": 1_000_000,
}


@dataclass(frozen=True, kw_only=True)
class Round:
    """Seconds, requests, and what the hub's process took at most, in MB."""

    hub: float
    generation: float
    ceiling: float
    requests: int
    least: int
    memory: float


def measure(folder: Path, products: int) -> Round:
    """One round."""
    folder.mkdir(parents=True)
    folder.chmod(0o755)  # PostgreSQL runs as a user of its own
    with simulator("shopify", {**SHOP, "products": products}, folder=folder) as shop:
        with hub(folder / "hub", connection(shop.url)) as one:
            connections.set_paused(one.db, one.name, False)
            before = shop.summary()["requests"]
            said = one.said("import", one.name)
            requests = shop.summary()["requests"] - before
            ceiling = peers.copied(folder, one.env["HUB_DATABASE_URL"])
        generation = asyncio.run(generated(shop))
        least = least_requests(products)
    return Round(
        hub=said["seconds"],
        generation=generation,
        ceiling=ceiling,
        requests=requests,
        least=least,
        memory=said["memory"],
    )


def connection(url: str) -> dict[str, Any]:
    """From the simulated shop into the catalog, with a token that never expires."""
    return {
        "connector": "shopify",
        "settings": {"shop": "simulated.myshopify.com", "endpoint": url},
        "credentials": {"access_token": TOKEN},
        "destination": {"name": "catalog"},
    }


def least_requests(products: int) -> int:
    """The shop and its counts, a page of what fits into one, and for the rest bulk operations: all are started by one
    request, one sees that they have ended, and each result is fetched."""
    counts = {
        "locations": SHOP["locations"],
        "collections": SHOP["collections"],
        "products": products,
        "stock": products * SHOP["variants"],
        "customers": SHOP["customers"],
    }
    large = sum(counts[name] > one.size for name, one in ALL.items())
    return 2 + len(ALL) + (2 if large else 0)


async def generated(shop: SimulatorProcess) -> float:
    """Seconds that the simulator takes to answer the large bulk operations, whose results nobody reads."""
    started = time.monotonic()
    async with httpx.AsyncClient(base_url=shop.url, timeout=PATIENCE, trust_env=False) as client:
        for resource in ALL.values():
            if resource.bulk is not None and resource.name in ("products", "stock"):
                url = await _result(client, resource.bulk)
                async with client.stream("GET", url) as answer:
                    async for _ in answer.aiter_bytes():
                        pass
    return time.monotonic() - started


async def _result(client: httpx.AsyncClient, bulk: str) -> str:
    run = (
        "mutation Run($query: String!) { bulkOperationRunQuery(query: $query, groupObjects: false) "
        "{ bulkOperation { id } userErrors { message } } }"
    )
    begun = await _ask(client, run, query=documents.document(bulk).text)
    gid = begun["bulkOperationRunQuery"]["bulkOperation"]["id"]
    look = "query Look($id: ID!) { bulkOperation(id: $id) { status url } }"
    for _ in range(round(PATIENCE / LOOK_EVERY)):
        state = (await _ask(client, look, id=gid))["bulkOperation"]
        if state["status"] == "COMPLETED":
            return str(state["url"])
        await asyncio.sleep(LOOK_EVERY)
    raise SystemExit(f"{bulk} does not end")


async def _ask(client: httpx.AsyncClient, document: str, **variables: Any) -> Any:
    answer = await client.post(
        "/admin/api/2026-10/graphql.json",
        json={"query": document, "variables": variables},
        headers={"X-Shopify-Access-Token": TOKEN},
    )
    told = answer.json()
    if told.get("data") is None:
        raise SystemExit(f"the simulator refuses: {answer.text[:500]}")
    return told["data"]


def figures(rounds: Sequence[Round], products: int) -> Sequence[Figure]:
    """What the rounds come to."""
    count = len(rounds)
    mine = [one.hub - one.generation for one in rounds]
    memory = max(one.memory for one in rounds)
    return [
        Figure(
            figure="hub, import of a shop by bulk operations",
            value=products / middle(mine),
            unit="products/s",
            against=f"COPY of the same rows: {products / middle([one.ceiling for one in rounds]):.0f} products/s",
            ratio=middle([one.ceiling / own for one, own in zip(rounds, mine, strict=True)]),
            goal=0.3,
            rounds=count,
        ),
        Figure(
            figure="requests of an import",
            value=middle([float(one.requests) for one in rounds]),
            unit="requests",
            against=f"the least possible: {rounds[0].least}",
            ratio=middle([one.requests / one.least for one in rounds]),
            goal=1.1,
            at_most=True,
            rounds=count,
        ),
        Figure(
            figure="peak memory of an import",
            value=memory,
            unit="MB",
            against="300 MB",
            ratio=memory / 300,
            goal=1.0,
            at_most=True,
            rounds=count,
        ),
    ]


def main() -> None:
    """See the module."""
    given = options(__doc__, rounds=3, products=20_000)
    rounds: list[Round] = []
    with scratch() as folder:
        for turn in range(given.rounds):
            rounds.append(measure(folder / str(turn), given.products))
            note(f"round {turn + 1}: {rounds[-1]}")
    finish(figures(rounds, given.products))


if __name__ == "__main__":
    main()
