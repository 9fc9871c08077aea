"""While one tenant's 5,000 SKUs are on their way to VTEX: how soon a change is answered with, and how soon others are served.

    python -m benchmarks.freshness [--skus 5000] [--probes 30]

Everything runs as in production, on PostgreSQL: `hub up`, and a simulated marketplace for each of two tenants; that of the
second one takes 100 ms for every answer. A probe of the first is a price from its commit until the fulfillment endpoint
answers with it; one of the second is a price from its commit until its marketplace is told. The second tenant is probed
while nothing else happens, and again while the first one's SKUs load; all the while the first one is probed, too.
"""

from __future__ import annotations

import contextlib
import json
import math
import random
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import httpx

from benchmarks.command import options, scratch
from benchmarks.figures import Figure, finish, middle, note
from benchmarks.shelf import Shelf, product
from benchmarks.simulation import ROUTE, free_port
from benchmarks.world import Hub, hub, process, wait
from hub.testing.simulator_process import SimulatorProcess, simulator

#: The second tenant's marketplace takes so long for every answer, in milliseconds.
LATENCY_MS = 100
#: Goals, in seconds.
FRESH_WITHIN, SERVED_WITHIN = 2.0, 0.5
#: Fewer have no 99th percentile.
LEAST_FRESH = 100
#: Seconds between two looks whether what is measured has come, and between two probes of the endpoint.
ASK_EVERY, PROBE_EVERY = 0.005, 0.1

#: More SKUs are written when no more than this share of a load is left.
ENOUGH_LEFT = 0.3
#: Longest pause before a probe of the second tenant, in seconds.
PAUSE = 0.5
DICE = random.Random(5)

OTHER = "other"
PROBE = "probe"


@dataclass(kw_only=True)
class Times:
    """Seconds of each probe."""

    idle: Sequence[float] = ()
    loaded: Sequence[float] = ()
    fresh: Sequence[float] = ()


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Two tenants, each with a catalog and a marketplace; the first one's endpoint is at ``endpoint``."""

    hub: Hub
    endpoint: str
    market: SimulatorProcess
    slow: SimulatorProcess

    @property
    def mine(self) -> Shelf:
        """The first tenant's catalog."""
        return Shelf(self.hub.db, self.hub.name)

    @property
    def others(self) -> Shelf:
        """The second one's."""
        return Shelf(self.hub.db, OTHER)


@contextlib.contextmanager
def stage(folder: Path, names: Sequence[str]) -> Iterator[Stage]:
    """Everything runs, and each marketplace has its probes; those of the second one are ``names``."""
    port = free_port()
    places = [folder / "market", folder / "slow"]
    for place in places:
        place.mkdir()
    endpoint = f"http://127.0.0.1:{port}/c/prices"
    with (
        simulator("vtex", {"seller_endpoint": f"{endpoint}/api"}, folder=places[0]) as market,
        simulator("vtex", {"latency_ms": LATENCY_MS}, folder=places[1]) as slow,
        hub(folder / "hub", seller(market.url)) as one,
    ):
        file = folder / "other.json"
        file.write_text(json.dumps(seller(slow.url)))
        one.said("tenant", "add", OTHER)
        one.said("connection", "add", OTHER, "--tenant", OTHER, "--config", str(file))
        made = Stage(hub=one, endpoint=endpoint + ROUTE, market=market, slow=slow)
        market.command("bind", skus=[PROBE])
        slow.command("bind", skus=list(names))
        made.mine.write([product(PROBE)])
        made.others.write([product(name) for name in names])
        with process(
            "-m", "hub", "up", env={**one.env, "HUB_WEB_PORT": str(port), "HUB_WEB_HOST": "127.0.0.1"}
        ):
            one.go()
            wait(lambda: market.summary()["notified_changed"] >= 1, "the first tenant's SKU to be told of")
            wait(
                lambda: slow.summary()["notified_changed"] >= len(names),
                "the second tenant's SKUs to be told of",
            )
            yield made


def seller(url: str) -> dict[str, Any]:
    """The connection file for a simulated marketplace."""
    return {
        "connector": "vtex-seller",
        "settings": {
            "account": "simulated",
            "seller_id": "seller",
            "currency": "BRL",
            "endpoint": url,
            "defaults": {
                "brand": "Acme",
                "category_path": ["Department", "Category"],
                "description": "A product",
                "image": "https://images.example/one.jpg",
                "length_mm": 100,
                "width_mm": 100,
                "height_mm": 100,
                "weight_grams": 100,
            },
        },
        "credentials": {"app_key": "vtexappkey-simulated", "app_token": "simulator-token"},
    }


class Load:
    """The first tenant's SKUs, ``skus`` at a time; when their marketplace has nearly all, as many again are written."""

    def __init__(self, one: Stage, skus: int) -> None:
        self._one, self._skus = one, skus
        self._written = 0
        self._writers = contextlib.ExitStack()

    def __enter__(self) -> Self:
        self.keep_on()
        return self

    def __exit__(self, *_: object) -> None:
        self._writers.close()

    @property
    def left(self) -> int:
        """SKUs that were written, or are being written, and that the marketplace has not got yet."""
        return self._written - int(self._one.market.summary()["suggestions_versions"])

    def keep_on(self) -> None:
        """Write more unless enough are on their way."""
        if self.left <= self._skus * ENOUGH_LEFT:
            command = [
                "-m",
                "benchmarks.shelf",
                self._one.hub.name,
                str(self._skus),
                "--first",
                str(self._written),
            ]
            self._writers.enter_context(process(*command, env=self._one.hub.env))
            self._written += self._skus


class Asker(threading.Thread):
    """Probes the endpoint until it is stopped; ``found`` are the seconds of each probe."""

    def __init__(self, one: Stage) -> None:
        super().__init__(daemon=True)
        self._one, self._shelf = one, one.mine
        self._stopped = threading.Event()
        self.found: list[float] = []

    def run(self) -> None:
        with httpx.Client(trust_env=False) as client:
            amount = 1000
            while not self._stopped.wait(PROBE_EVERY):
                amount += 1
                began = self._shelf.price(PROBE, amount)
                ended = wait(
                    lambda: asked(client, self._one.endpoint) == amount * 100,  # noqa: B023
                    "the endpoint",
                    every=ASK_EVERY,
                )
                self.found.append(ended - began)

    def stop(self) -> None:
        """After the present probe."""
        self._stopped.set()
        self.join()


def asked(client: httpx.Client, endpoint: str) -> int | None:
    """What the endpoint says of the probe's price, in cents; None where it says nothing."""
    try:
        answer = client.post(endpoint, json={"items": [{"id": PROBE, "quantity": 1, "seller": "1"}]})
    except httpx.TransportError:
        return None
    items = answer.json().get("items") if answer.status_code == 200 else None
    return int(items[0]["price"]) if items else None


def told(one: Stage, name: str, amount: int) -> float:
    """Seconds until the second marketplace is told of a new price."""
    # At any moment of the poll's cadence: right after a push would always be right after a poll.
    time.sleep(DICE.uniform(0, PAUSE))
    before = one.slow.summary()["notified_price"]
    began = one.others.price(name, amount)
    ended = wait(
        lambda: one.slow.summary()["notified_price"] > before, f"the price of {name}", every=ASK_EVERY
    )
    return ended - began


def measure(folder: Path, skus: int, probes: int) -> Times:
    """One round."""
    names = [f"other-{number}" for number in range(probes)]
    with stage(folder, names) as one:
        with httpx.Client(trust_env=False) as client:
            wait(lambda: asked(client, one.endpoint) == 100 * 100, "the endpoint")
        idle = [told(one, name, 200) for name in names]
        note(f"idle: another tenant's price is told after {spread(idle)}")
        asker = Asker(one)
        with Load(one, skus) as load:
            wait(lambda: load.left < skus, "the load to begin")
            asker.start()
            began = time.monotonic()
            loaded: list[float] = []
            while len(loaded) < probes or len(asker.found) < LEAST_FRESH:
                loaded.append(told(one, names[len(loaded) % probes], 300 + len(loaded)))
                if load.left <= 0 or not asker.is_alive():
                    raise SystemExit(
                        "the load was over before the probes were, or the endpoint never answered"
                    )
                load.keep_on()
            asker.stop()
            got = one.market.summary()["suggestions_versions"]
            note(f"{got} SKUs in {time.monotonic() - began:.0f} s; {load.left} on their way")
    note(f"loaded: another tenant's price is told after {spread(loaded)}")
    note(f"loaded: a change is answered with after {spread(asker.found)}")
    return Times(idle=idle, loaded=loaded, fresh=asker.found)


def percentile(values: Sequence[float], share: float) -> float:
    """The value that so large a share of them does not exceed."""
    return sorted(values)[math.ceil(share * len(values)) - 1]


def spread(values: Sequence[float]) -> str:
    """For people."""
    return f"{min(values):.3f} to {max(values):.3f} s, median {middle(values):.3f} s ({len(values)} probes)"


def figures(times: Times) -> Sequence[Figure]:
    """What the probes come to."""
    allowed, late = max(2 * middle(times.idle), SERVED_WITHIN), percentile(times.fresh, 0.99)
    return [
        Figure(
            figure="a change is answered with, 99th percentile, while SKUs load",
            value=late,
            unit="s",
            against=f"{FRESH_WITHIN} s",
            ratio=late / FRESH_WITHIN,
            goal=1.0,
            at_most=True,
            rounds=len(times.fresh),
        ),
        Figure(
            figure="another tenant's price is told, median, while SKUs load",
            value=middle(times.loaded),
            unit="s",
            against=f"{allowed:.3f} s: twice its idle {middle(times.idle):.3f} s, or {SERVED_WITHIN} s",
            ratio=middle(times.loaded) / allowed,
            goal=1.0,
            at_most=True,
            rounds=len(times.loaded),
        ),
    ]


def main() -> None:
    """See the module."""
    given = options(__doc__, skus=5000, probes=30)
    with scratch() as folder:
        times = measure(folder, given.skus, given.probes)
    finish(figures(times))


if __name__ == "__main__":
    main()
