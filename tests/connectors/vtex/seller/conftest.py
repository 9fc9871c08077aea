"""A marketplace that answers what it is told, and a client that talks to it over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from connectors.vtex.access import VtexCredentials
from connectors.vtex.seller import following
from connectors.vtex.seller.client import SellerClient
from connectors.vtex.seller.settings import VtexSellerSettings
from hub.connector import Bucket, Http
from hub.http import HttpPool
from hub.policy.circuit import MemoryCircuit
from hub.policy.limiter import MemoryLimiter
from hub.records import JSON
from hub.testing.asgi import Receive, Scope, Send, read_body, respond
from hub.testing.simulator import running
from tests.connectors.vtex.seller.seller_world import SellerWorld, selling

MakeClient = Callable[..., SellerClient]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request as it came."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(kw_only=True)
class Marketplace:
    """Answers everything alike, and remembers what it was asked."""

    url: str = ""
    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)

    def answers(self, status: int, body: bytes = b"", **headers: str) -> None:
        """From now on."""
        self.status, self.body = status, body
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The answer."""
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        body = await read_body(receive)
        path = scope["raw_path"].decode()
        self.asked.append(Asked(method=scope["method"], path=path, headers=headers, body=body))
        given = [(name.encode(), value.encode()) for name, value in self.headers.items()]
        await respond(send, self.status, self.body, given)


class WatchedHttp:
    """Remembers the bucket of each call, and hands it on."""

    def __init__(self, http: Http) -> None:
        self._http = http
        self.buckets: list[Bucket] = []

    async def request(self, method: str, url: str, **told: Any) -> httpx.Response:
        self.buckets.append(told["bucket"])
        return await self._http.request(method, url, **told)

    def stream(self, method: str, url: str, **told: Any) -> Any:
        raise NotImplementedError


@pytest.fixture(scope="module")
async def marketplace_server() -> AsyncIterator[Marketplace]:
    app = Marketplace()
    async with running(app) as url:
        app.url = url
        yield app


@pytest.fixture
def marketplace(marketplace_server: Marketplace) -> Marketplace:
    """Answers 200 and nothing else, until it is told otherwise."""
    marketplace_server.answers(200)
    marketplace_server.asked.clear()
    return marketplace_server


@pytest.fixture
async def http() -> AsyncIterator[WatchedHttp]:
    """The hub's own way out, limiter and circuit included, without Redis."""
    pool = HttpPool(allow_private_hosts=True, timeout=timedelta(seconds=5))
    yield WatchedHttp(
        pool.for_connection(
            side="source",
            tenant="acme",
            circuit_key="vtex",
            default_bucket=Bucket(key="default"),
            limiter=MemoryLimiter(),
            circuit=MemoryCircuit(),
        )
    )
    await pool.close()


@pytest.fixture
def make_client(marketplace: Marketplace, http: WatchedHttp) -> MakeClient:
    """A client of the seller ``shop`` at the marketplace ``mystore``."""

    def make(**settings: Any) -> SellerClient:
        told = {"account": "mystore", "endpoint": marketplace.url, "seller_id": "shop", "currency": "BRL"}
        return SellerClient(
            http,
            VtexSellerSettings.model_validate(told | settings),
            VtexCredentials.model_validate({"app_key": "vtexappkey-x", "app_token": "token-of-vtex"}),
        )

    return make


Sell = Callable[..., Awaitable[SellerWorld]]


@pytest.fixture
async def sell(hub_home: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Sell]:
    """A marketplace with a connected seller, on SQLite. Memory is looked at for each question: told of a change without a
    broker and a network between, it may ask within what counts as fresh.
    """
    monkeypatch.setattr(following, "AHEAD", 0.0)
    monkeypatch.setattr(following, "FRESH", 0.0)
    async with AsyncExitStack() as stack:

        async def make(settings: JSON | None = None, **options: Any) -> SellerWorld:
            world = await stack.enter_async_context(selling(hub_home, sqlite_url, **options))
            await world.connect(**(settings or {}))
            return world

        yield make
