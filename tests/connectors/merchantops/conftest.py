"""A MerchantOps that runs, and connectors that talk to it over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Mapping
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import structlog

from connectors.merchantops.connector import MerchantOps
from connectors.merchantops.simulator import SIMULATOR
from hub import codec
from hub.connector import Bucket, Ports
from hub.policy.classify import error_of, error_of_exception
from hub.testing.simulator import Running

Make = Callable[..., MerchantOps]


class DirectHttp:
    """``Http`` without limiter and circuit: a client, and the classification of its answers."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client
        self.buckets: list[Bucket | None] = []

    async def request(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, str | int] | None = None,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        content: bytes | None = None,
        bucket: Bucket | None = None,
        accept: Collection[int] = (),
    ) -> httpx.Response:
        self.buckets.append(bucket)
        body = content if json is None else codec.dumps(json)
        target = f"{method} {url}"
        try:
            answer = await self._client.request(method, url, params=params, headers=headers, content=body)
        except httpx.HTTPError as error:
            raise error_of_exception(error, target=target) from error
        error = error_of(answer, target=target, now=datetime.now(UTC))
        if error is not None and answer.status_code not in accept:
            raise error
        return answer


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


class NothingKept:
    """For the ports that this connector has no use for."""


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=5) as client:
        yield client


@pytest.fixture
async def http(client: httpx.AsyncClient) -> DirectHttp:
    return DirectHttp(client)


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
async def make(http: DirectHttp, merchantops: Running) -> Make:
    """Builds the connector as the hub does, from what a connection file says."""

    def make(api_key: str = "simulator-key", **settings: Any) -> MerchantOps:
        told = {"base_url": merchantops.url, "target_key": "custom"} | settings
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
