"""An account that runs, those who call it over real HTTP, and those whom it calls."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any

import httpx
import pytest

from connectors.vtex.simulator import SIMULATOR
from connectors.vtex.simulator.platform import VtexSimulator
from hub import codec
from hub.testing.asgi import Receive, Scope, Send, read_body, respond_json
from hub.testing.simulator import Running, running

HEADERS = {
    "X-VTEX-API-AppKey": "vtexappkey-simulated",
    "X-VTEX-API-AppToken": "simulator-token",
    "Accept": "application/json",
    "Content-Type": "application/json",
}
CHANGED = "/api/catalog_system/pvt/skuseller/changenotification/seller"
SUGGESTIONS = "/simulated/suggestions"


class Account:
    """A client with a key of the account."""

    def __init__(self, running: Running, client: httpx.AsyncClient) -> None:
        self.url, self.client = running.url, client
        self.platform: VtexSimulator = running.platform

    async def ask(self, method: str, path: str, body: Any = None, **given: Any) -> httpx.Response:
        """The answer as it came."""
        content = None if body is None else codec.dumps(body)
        return await self.client.request(method, path, content=content, **given)

    async def get(self, path: str, **given: Any) -> Any:
        """The body of an answer 200."""
        answer = await self.ask("GET", path, **given)
        assert answer.status_code == 200, answer.text
        return codec.loads(answer.content)

    async def tell(self, command: str, **arguments: Any) -> Any:
        """A command, over the control path."""
        answer = await self.ask("POST", f"/_simulator/{command}", arguments)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def suggest(self, sku: str = "A-1", **fields: Any) -> httpx.Response:
        """PUT a suggestion."""
        return await self.ask("PUT", f"{SUGGESTIONS}/seller/{sku}", suggestion(**fields))

    async def simulate(self, *skus: int | str, private: bool = True, quantity: int = 1, **body: Any) -> Any:
        """The answer 200 to a simulation of these SKUs."""
        host = "fulfillment/pvt" if private else "checkout/pub"
        items = [{"id": str(sku), "quantity": quantity, "seller": "1"} for sku in skus]
        answer = await self.ask("POST", f"/api/{host}/orderForms/simulation?sc=1", {"items": items, **body})
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def summary(self) -> Any:
        """The counters."""
        return await self.get("/_simulator/summary")

    async def state(self) -> Any:
        """All there is."""
        return await self.get("/_simulator/state")


class Listener:
    """An HTTP server that keeps what it is sent and answers as it is told."""

    def __init__(self) -> None:
        self.url = ""
        self.requests: list[tuple[str, Mapping[str, str], Any]] = []
        self.status, self.answer, self.wait = 200, {}, 0.0
        self.at_once = self.most_at_once = 0
        self.asked = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await read_body(receive)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        target = f"{scope['path']}?{scope['query_string'].decode()}"
        self.requests.append((target, headers, codec.loads(body)))
        self.asked.set()
        await asyncio.sleep(self.wait)
        self.at_once -= 1
        answer = self.answer(codec.loads(body)) if callable(self.answer) else self.answer
        await respond_json(send, self.status, answer)


def suggestion(**fields: Any) -> dict[str, Any]:
    """A body as the schema has it."""
    return {
        "ProductName": "Lamp",
        "ProductId": "P-1",
        "ProductDescription": "<p>Gives light.</p>",
        "BrandName": "Aurora",
        "SkuName": "Lamp, blue",
        "SellerId": "seller",
        "Height": 10,
        "Width": 10,
        "Length": 10,
        "Weight": 800,
        "Updated": None,
        "RefId": "R-1",
        "CategoryFullPath": "Home/Lamps",
        "Images": [{"imageName": "front", "imageUrl": "https://images.example/1.jpg"}],
        "EAN": ["7891000100103"],
        "AvailableQuantity": 5,
        "Pricing": {"Currency": "BRL", "SalePrice": 12990, "CurrencySymbol": "R$"},
    } | fields


def offered(body: Any, *, price: int = 9990, stock: int = 7) -> dict[str, Any]:
    """What a seller answers, as the schema has it."""
    items = [
        {
            "id": one["id"],
            "listPrice": price,
            "measurementUnit": "un",
            "merchantName": None,
            "offerings": [],
            "price": price,
            "priceTags": [],
            "priceValidUntil": None,
            "quantity": min(one["quantity"], stock),
            "requestIndex": index,
            "seller": one["seller"],
            "unitMultiplier": 1,
        }
        for index, one in enumerate(body["items"])
    ]
    logistics = [
        {
            "itemIndex": index,
            "quantity": min(one["quantity"], stock),
            "shipsTo": ["BRA"],
            "slas": [],
            "stockBalance": stock,
            "deliveryChannels": [{"id": "delivery", "stockBalance": stock}],
        }
        for index, one in enumerate(body["items"])
    ]
    address = {name: body.get(name) for name in ("country", "postalCode")}
    return {"items": items, "logisticsInfo": logistics, **address}


Serve = Callable[..., AbstractAsyncContextManager[Account]]


@pytest.fixture
def account() -> Serve:
    """Runs an account of the test's own."""

    @asynccontextmanager
    async def serve(**options: Any) -> AsyncIterator[Account]:
        async with AsyncExitStack() as stack:
            one = await stack.enter_async_context(SIMULATOR.running(**options))
            client = httpx.AsyncClient(
                base_url=one.url, headers=HEADERS, timeout=20, trust_env=False, verify=False
            )
            try:
                yield Account(one, await stack.enter_async_context(client))
            finally:
                one.app.reset()
                await one.platform.idle()

    return serve


@pytest.fixture
async def listener() -> AsyncIterator[Listener]:
    """Whom the account calls."""
    one = Listener()
    async with running(one) as url:
        one.url = url
        yield one
