"""A MerchantOps that runs, and connectors that talk to it over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import structlog

from connectors.merchantops.connector import MerchantOps
from connectors.merchantops.simulator import SIMULATOR
from hub.connector import Bucket, Http, Ports
from hub.http import HttpPool
from hub.policy.circuit import MemoryCircuit
from hub.policy.limiter import MemoryLimiter
from hub.testing.simulator import Running

Make = Callable[..., MerchantOps]


class WatchedHttp:
    """Remembers the bucket of each call, and hands it on."""

    def __init__(self, http: Http) -> None:
        self._http = http
        self.buckets: list[Bucket | None] = []

    async def request(self, method: str, url: str, **told: Any) -> httpx.Response:
        self.buckets.append(told.get("bucket"))
        return await self._http.request(method, url, **told)


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


class NothingKept:
    """For the ports that this connector has no use for."""


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=5, verify=False) as client:
        yield client


@pytest.fixture
async def http() -> AsyncIterator[WatchedHttp]:
    """The hub's own way out, limiter and circuit included, without Redis."""
    pool = HttpPool(allow_private_hosts=True, timeout=timedelta(seconds=5))
    http = pool.for_connection(
        side="source",
        tenant="acme",
        circuit_key="merchantops",
        default_bucket=Bucket(key="default"),
        limiter=MemoryLimiter(),
        circuit=MemoryCircuit(),
        secrets=["simulator-key"],
    )
    yield WatchedHttp(http)
    await pool.close()


@pytest.fixture(scope="module")
async def merchantops_server() -> AsyncIterator[Running]:
    async with SIMULATOR.running(records=5, batch_size=3) as simulator:
        yield simulator


@pytest.fixture
def merchantops(merchantops_server: Running) -> Running:
    """A simulator with five records in two batches, as it is at its start."""
    merchantops_server.app.reset()
    return merchantops_server


@pytest.fixture
async def make(http: WatchedHttp, merchantops: Running) -> Make:
    """Builds the connector as the hub does, from what a connection file says; polls need not wait."""

    def make(api_key: str = "simulator-key", **settings: Any) -> MerchantOps:
        told = {"base_url": merchantops.url, "target_key": "custom", "polls_per_second": 1000} | settings
        nothing: Any = NothingKept()
        ports = Ports(
            http=http, ids=nothing, documents=nothing, clock=SystemClock(), log=structlog.get_logger()
        )
        return MerchantOps(
            MerchantOps.Settings.model_validate(told),
            MerchantOps.Credentials.model_validate({"api_key": api_key}),
            ports,
        )

    return make


@pytest.fixture
async def connector(make: Make) -> MerchantOps:
    return make()


@pytest.fixture
async def told(client: httpx.AsyncClient, merchantops: Running) -> Callable[..., Any]:
    """Tells the simulator something over its control path and returns the answer."""

    async def tell(method: str, name: str, arguments: Any = None) -> Any:
        answer = await client.request(method, f"{merchantops.url}/_simulator/{name}", json=arguments)
        answer.raise_for_status()
        return answer.json()

    return tell
