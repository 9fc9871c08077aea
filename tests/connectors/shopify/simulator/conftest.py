"""A Shopify that runs, and an app that talks to it over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import httpx
import pytest

from connectors.shopify.simulator import SIMULATOR
from connectors.shopify.simulator.platform import ShopifySimulator
from hub.testing.simulator import Running

TOKEN = "shpat_simulator"


class App:
    """An app with a token of the shop."""

    def __init__(self, running: Running, client: httpx.AsyncClient, token: str | None = TOKEN) -> None:
        self.url, self.client, self.token = running.url, client, token
        self.platform: ShopifySimulator = running.platform

    async def post(self, query: str, /, *, version: str = "2026-10", **variables: Any) -> httpx.Response:
        """The answer to a query as it came."""
        headers = {} if self.token is None else {"X-Shopify-Access-Token": self.token}
        url = f"{self.url}/admin/api/{version}/graphql.json"
        return await self.client.post(url, json={"query": query, "variables": variables}, headers=headers)

    async def ask(self, query: str, /, **variables: Any) -> Any:
        """The whole body of an answer 200."""
        answer = await self.post(query, **variables)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def data(self, query: str, /, **variables: Any) -> Any:
        """The data of an answer without errors."""
        body = await self.ask(query, **variables)
        assert "errors" not in body, body["errors"]
        return body["data"]

    async def tell(self, command: str, **arguments: Any) -> Any:
        """A command, over the control path."""
        answer = await self.client.post(f"{self.url}/_simulator/{command}", json=arguments)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def summary(self) -> Any:
        """The counters."""
        return (await self.client.get(f"{self.url}/_simulator/summary")).json()


Serve = Callable[..., AbstractAsyncContextManager[App]]


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=20, trust_env=False, verify=False) as client:
        yield client


@pytest.fixture
def serve(client: httpx.AsyncClient) -> Serve:
    """Runs a simulator of the test's own; its clock stands still, so that no point comes back by itself."""

    @asynccontextmanager
    async def serve(**options: Any) -> AsyncIterator[App]:
        async with SIMULATOR.running(**options) as running:
            running.platform.clock.told({"stopped": True})
            yield App(running, client)

    return serve


@pytest.fixture(scope="module")
async def server() -> AsyncIterator[Running]:
    async with SIMULATOR.running(products=30, locations=4, collections=6) as running:
        yield running


@pytest.fixture
async def app(server: Running, client: httpx.AsyncClient) -> App:
    """A shop of thirty products as it is at its start; its clock stands still."""
    server.app.reset()
    server.platform.clock.told({"stopped": True})
    return App(server, client)
