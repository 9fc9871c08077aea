"""While one store has 5,000 SKUs waiting: how soon another store's price change is at its marketplace.

    python -m benchmarks.two_stores [--skus 5000] [--probes 30]

As in production, on PostgreSQL with `hub up`: two tenants, each with an account of VTEX and a marketplace that takes 100 ms for
every answer. A probe is a price that changes in VTEX, from there until the marketplace has it:
while nothing else happens, and while the first store's SKUs load.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.command import options, scratch
from benchmarks.figures import Figure, finish, middle, note
from benchmarks.freshness import spread
from benchmarks.store import Stage, Store, stage, store
from benchmarks.world import wait
from hub.store import connections

LATENCY_MS = 100
#: The goal, in seconds, where twice the idle time is less.
SERVED_WITHIN = 0.5
#: The first store is loaded again when fewer of its SKUs wait.
LEAST_WAITING = 500
#: Longest pause before a probe, in seconds: at any moment of whatever goes on.
PAUSE = 0.3
DICE = random.Random(5)

OTHER = "other"


def connect_other(one: Stage, folder: Path, other: Store) -> None:
    """The second store, in a tenant of its own."""
    file = folder / "other.json"
    file.write_text(json.dumps(other.written))
    one.hub.said("tenant", "add", OTHER)
    one.hub.said("connection", "add", OTHER, "--tenant", OTHER, "--config", str(file))
    other.vtex.command("affiliates", id="HBB", endpoint=one.notified_at(OTHER))


def told(other: Store, sku: int, cents: int) -> float:
    """Seconds until the marketplace has a new price."""
    time.sleep(DICE.uniform(0, PAUSE))
    before = writes(other)
    began = time.monotonic()
    other.vtex.command("change", skus=[sku], price=cents)
    return wait(lambda: writes(other) > before, f"the price of {sku}", every=0.005) - began


def writes(other: Store) -> int:
    """Prices that the second marketplace was told."""
    found: dict[str, int] = other.market.summary()["requests"]
    return found.get("PUT /offers/{}/price", 0)


def waiting(one: Stage) -> int:
    """SKUs of the first store that have not been worked."""
    with one.hub.db.transaction() as tx:
        asked = "SELECT count(*) FROM record WHERE connection_id = 1 AND state IN ('waiting', 'working')"
        return int(one.hub.db.execute(tx, asked).scalar_one())


def measure(folder: Path, skus: int, probes: int) -> Sequence[Figure]:
    """One round."""
    numbers = [2_000_001 + number for number in range(probes)]
    with (
        stage(folder / "first", vtex={"skus": skus}, market={"latency_ms": LATENCY_MS}) as one,
        store(folder / "second", vtex={"skus": probes}, market={"latency_ms": LATENCY_MS}) as other,
    ):
        connect_other(one, folder, other)
        wait(lambda: other.market.summary()["offers"] >= probes, "the second store to be sold")
        idle = [told(other, sku, 1001) for sku in numbers]
        note(f"idle: {spread(idle)}")
        one.hub.go()
        wait(lambda: waiting(one) > LEAST_WAITING, "the first store's SKUs to wait")
        loaded = []
        for sku in numbers:
            if waiting(one) < LEAST_WAITING:
                connections.rewind(one.hub.db, one.hub.name, full_pass=True)
                wait(lambda: waiting(one) > LEAST_WAITING, "the first store's SKUs to wait again")
            loaded.append(told(other, sku, 1002))
        note(f"loaded: {spread(loaded)}; {waiting(one)} of the first store still wait")
    allowed = max(2 * middle(idle), SERVED_WITHIN)
    return [
        Figure(
            figure="another store's price is at its marketplace, median, while SKUs load",
            value=middle(loaded),
            unit="s",
            against=f"{allowed:.3f} s: twice its idle {middle(idle):.3f} s, or {SERVED_WITHIN} s",
            ratio=middle(loaded) / allowed,
            goal=1.0,
            at_most=True,
            rounds=probes,
        )
    ]


def main() -> None:
    """See the module."""
    given = options(__doc__, skus=5000, probes=30)
    with scratch() as folder:
        found = measure(folder, given.skus, given.probes)
    finish(found)


if __name__ == "__main__":
    main()
