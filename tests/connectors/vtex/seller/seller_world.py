"""A marketplace on VTEX, a hub whose catalog is offered there, and the web process that the marketplace asks back."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

import httpx
from prometheus_client import CollectorRegistry

from connectors.vtex.seller.connector import VtexSeller
from connectors.vtex.seller.standing import KIND
from connectors.vtex.simulator import SIMULATOR
from hub import codec
from hub.records import JSON
from hub.settings import Settings
from hub.store import connections
from hub.store.plugin_ports import StoredIdMap
from hub.testing.asgi import App
from hub.testing.simulator import Running, running
from hub.web.app import WebApp, make_app
from hub.web.metrics import WebMetrics
from hub.web.process import make_server
from tests.catalog.shelf import Shelf
from tests.connectors.vtex.recorder import Recorder
from tests.connectors.vtex.seller.goods import product
from tests.loop.hub_of_a_test import Hub

NAME, SELLER, TENANT = "market", "seller", "acme"
KEYS = {"app_key": "vtexappkey-simulated", "app_token": "simulator-token"}
CATEGORIES = (
    {"kind": "category", "key": "shoes", "translations": [{"language": "en", "name": "Shoes"}]},
    {
        "kind": "category",
        "key": "sneakers",
        "parent": "shoes",
        "translations": [{"language": "en", "name": "Sneakers"}],
    },
)
SHIPPING = [{"country": "BRA", "slas": [{"id": "normal", "price": "9.90", "estimate": "3bd"}]}]


class Before(Protocol):
    """What stands before a server."""

    def before(self, app: App) -> App:
        """The server with this before it."""
        ...


class SellerWorld:
    """One marketplace, one connection. ``shelf`` writes the catalog as an importing connection does."""

    def __init__(self, hub: Hub, vtex: Running, url: str, client: httpx.AsyncClient) -> None:
        self.hub, self.vtex, self.url, self.client = hub, vtex, url, client
        self.shelf = Shelf(hub.db, TENANT, "shop")
        self.shelf.write("shop", *CATEGORIES)

    async def connect(
        self,
        *,
        name: str = NAME,
        tenant: str = TENANT,
        credentials: JSON | None = None,
        delivery: JSON | None = None,
        **settings: Any,
    ) -> None:
        """Write the connection down, and tell the marketplace where the seller answers."""
        told = {
            "account": self.vtex.platform.options.account,
            "endpoint": self.vtex.url,
            "seller_id": SELLER,
            "currency": "BRL",
            "shipping": SHIPPING,
            "follow_seconds": 1,
            **settings,
        }
        await self.hub.connect(
            {
                "connector": "vtex-seller",
                "settings": told,
                "credentials": {**KEYS, **(credentials or {})},
                "delivery": delivery or {},
            },
            name=name,
            tenant=tenant,
        )
        secret = (credentials or {}).get("endpoint_secret")
        endpoint = f"{self.url}/c/{name}{f'/{secret}' if secret else ''}/api"
        self.tell("sellers", seller_id=told["seller_id"], endpoint=endpoint)

    def offer(self, *keys: str, **fields: Any) -> None:
        """Products with one variant each, of the same key with ``-v``."""
        self.shelf.write("shop", *(goods(key, **fields) for key in keys))

    def price(self, key: str, amount: str) -> None:
        """Another price of a product's variant."""
        body = {"kind": "price", "variant": f"{key}-v", "currency": "BRL", "amount": amount}
        self.shelf.write("shop", codec.loads(codec.dumps(body)) | {"amount": codec.loads(amount.encode())})

    def stock(self, key: str, on_hand: int) -> None:
        """Another stock level."""
        self.shelf.write("shop", {"kind": "stock", "variant": f"{key}-v", "on_hand": on_hand})

    async def sync(self, name: str = NAME) -> None:
        """Poll until nothing is new, push all that is due, and let the marketplace ask back."""
        while True:
            outcome = await self.hub.poll(name)
            assert outcome.result == "ok", outcome.error
            await self.hub.work_off(name)
            if not outcome.full:
                break
        await self.vtex.platform.idle()

    async def later(self, seconds: float, name: str = NAME) -> None:
        """So much later, at the marketplace as well, everything due is done."""
        self.tell("clock", advance=seconds)
        self.hub.pass_time(seconds)
        await self.hub.work_off(name)
        await self.vtex.platform.idle()

    def tell(self, command: str, **arguments: Any) -> Any:
        """A command to the marketplace."""
        return self.vtex.platform.commands()[command](arguments)

    @property
    def market(self) -> JSON:
        """All that the marketplace knows."""
        state: JSON = self.vtex.platform.state()
        return state

    async def standing(self, sku: str, name: str = NAME) -> JSON:
        """What the hub keeps of a SKU at the marketplace."""
        found: JSON = codec.loads((await self._ids(name).get(KIND, [sku]))[sku].encode())
        return found

    async def put_standing(self, sku: str, standing: JSON, name: str = NAME) -> None:
        """As if it had become so."""
        await self._ids(name).put(KIND, {sku: codec.dumps(standing).decode()})

    def rewind(self, name: str = NAME) -> None:
        """The next poll begins a full pass."""
        connections.rewind(self.hub.db, name, full_pass=True)

    def _ids(self, name: str) -> StoredIdMap:
        connection = self.hub.connection(name)
        return StoredIdMap(self.hub.db, tenant_id=connection.tenant_id, connection_id=connection.id)

    def row(self, key: str, stream: str = "catalog", name: str = NAME) -> JSON:
        """The newest record of an SKU."""
        rows = [one for one in self.hub.rows(name) if (one["key"], one["stream"]) == (f"{key}-v", stream)]
        return rows[-1]

    async def simulate(self, *ids: str, name: str = NAME, path: str = "", **body: Any) -> httpx.Response:
        """Ask for SKUs, one of each."""
        items = [{"id": one, "quantity": 1, "seller": "1"} for one in ids]
        return await self.client.post(
            f"/c/{name}{path}/api/pvt/orderForms/simulation", json={"items": items, **body}
        )


def goods(key: str, **fields: Any) -> JSON:
    """A product with one variant."""
    document = product(key=key, **fields)
    (variant,) = document["variants"]
    return {**document, "variants": [{**variant, "key": f"{key}-v", "sku": f"SKU-{key}"}]}


@asynccontextmanager
async def selling(
    home: Path,
    database_url: str,
    *,
    asked: Before | None = None,
    answered: Recorder | None = None,
    **options: Any,
) -> AsyncIterator[SellerWorld]:
    """All of it, over HTTP. ``asked`` keeps what the marketplace is asked, ``answered`` what the hub's web process is."""
    hub = Hub(home, database_url, **{"vtex-seller": VtexSeller})
    registry = CollectorRegistry()
    app = make_app(hub.runtime, registry=registry, metrics=WebMetrics(registry), broker_answers=_no_broker)
    market = SIMULATOR.app(**options)
    try:
        async with (
            running(asked.before(market) if asked else market) as market_url,
            running(answered.before(app)) if answered else served(app, hub.settings) as url,
            httpx.AsyncClient(base_url=url, timeout=10, verify=False) as client,
        ):
            yield SellerWorld(hub, Running(url=market_url, app=market), url, client)
    finally:
        await app.close()
        await hub.close()


@asynccontextmanager
async def served(app: WebApp, settings: Settings) -> AsyncIterator[str]:
    """As `hub web` serves it; gives the URL."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = make_server(app, settings)
        task = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await task


async def _no_broker() -> bool:
    return False
