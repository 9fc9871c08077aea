"""The stage of VTEX's certification test: an account of VTEX, a marketplace, and the hub between them, each in processes of its own."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from benchmarks.simulation import free_port
from benchmarks.world import Hub, hub, process, wait
from connectors.marketplace.simulator import ROUTES
from hub.testing.simulator_process import SimulatorProcess, simulator

#: Worker processes: as many as an operator would have on two cores.
PROCESSES = 2
#: What is called. Nothing is read back, and the addresses of what is sold are not kept.
CALLS: Mapping[str, Any] = {
    **{name: ROUTES[name] for name in ("price", "stock", "block", "unblock")},
    "upsert": {**ROUTES["upsert"], "url": None},
}


@dataclass(frozen=True, kw_only=True)
class Store:
    """One account of VTEX (``vtex``) whose goods ``market`` sells."""

    vtex: SimulatorProcess
    market: SimulatorProcess
    written: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A hub that runs; its first connection, paused, is of ``store``."""

    hub: Hub
    store: Store
    port: int

    def is_ready(self) -> bool:
        """Web process, store and broker."""
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/readyz", timeout=5).status_code == 200
        except httpx.TransportError:
            return False

    def notified_at(self, name: str) -> str:
        """Where the affiliate of a connection is told of changes."""
        return f"http://127.0.0.1:{self.port}/hooks/{name}/api/notification/"


@contextlib.contextmanager
def store(
    folder: Path, *, vtex: Mapping[str, Any], market: Mapping[str, Any] | None = None
) -> Iterator[Store]:
    """Both sides, and the connection file between them."""
    places = [folder / "vtex", folder / "market"]
    for place in places:
        place.mkdir(parents=True)
    with (
        simulator("vtex", vtex, folder=places[0]) as account,
        simulator("marketplace", market or {}, folder=places[1]) as sold_at,
    ):
        yield Store(vtex=account, market=sold_at, written=written(account.url, sold_at.url))


def written(vtex: str, market: str) -> Mapping[str, Any]:
    """The connection file. Nothing is compared and read once more while it is measured."""
    return {
        "connector": "vtex-marketplace",
        "settings": {
            "account": "simulated",
            "endpoint": vtex,
            "sales_channel": 1,
            "affiliate_id": "HBB",
            "currency": "BRL",
            "recheck_seconds": None,
            "check_hours": None,
        },
        "credentials": {"app_key": "vtexappkey-simulated", "app_token": "simulator-token"},
        "destination": {
            "name": "marketplace",
            "settings": {"title": "Market", "base_url": market, "auth": "bearer", **CALLS},
            "credentials": {"token": "marketplace-token"},
        },
    }


@contextlib.contextmanager
def stage(
    folder: Path, *, vtex: Mapping[str, Any], market: Mapping[str, Any] | None = None
) -> Iterator[Stage]:
    """All of it, on PostgreSQL."""
    port = free_port()
    with store(folder, vtex=vtex, market=market) as one, hub(folder / "hub", dict(one.written)) as made:
        env = {
            **made.env,
            "HUB_WEB_PORT": str(port),
            "HUB_WEB_HOST": "127.0.0.1",
            "HUB_PROCESSES": str(PROCESSES),
        }
        with process("-m", "hub", "up", env=env):
            found = Stage(hub=made, store=one, port=port)
            wait(found.is_ready, "the hub to be ready")
            one.vtex.command("affiliates", id="HBB", endpoint=found.notified_at(made.name))
            yield found
