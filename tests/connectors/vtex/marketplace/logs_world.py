"""A connection of vtex-marketplace whose records come and go as a test says, its web process, and VTEX with its mapper."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from prometheus_client import CollectorRegistry

from connectors.vtex.marketplace.connector import VtexMarketplace
from connectors.vtex.simulator import SIMULATOR
from hub.loop.admission import admit_page
from hub.marketplace import Standing
from hub.records import JSON, Item, Page, PollRequest, PushResult, Record
from hub.store.plugin_ports import StoredDocuments, StoredIdMap
from hub.testing.simulator import Running, running
from hub.web.app import make_app
from hub.web.metrics import WebMetrics
from tests.connectors.vtex.marketplace.bazaar import Bazaar
from tests.connectors.vtex.recorder import Recorder
from tests.loop.hub_of_a_test import Hub

NAME, TENANT, ACCOUNT = "channel", "acme", "simulated"
KEYS = {"app_key": "vtexappkey-simulated", "app_token": "simulator-token"}


class Plain(VtexMarketplace):
    """It reads nothing of VTEX: what a record says is what is pushed, and a test says what comes of it."""

    async def poll(self, request: PollRequest) -> Page:
        news = await self.categories.news(request.cursor.get("mapping", 0))
        return Page(wakes=news.wakes, cursor={"mapping": news.revision})

    async def fetch(self, items: Sequence[Item]) -> Sequence[Item]:
        return items

    def transform(self, item: Item) -> Any:
        return item.payload


class World:
    """One account of VTEX and one marketplace. ``asked`` are requests to VTEX as they went over the wire."""

    def __init__(self, hub: Hub, vtex: Running, client: httpx.AsyncClient, asked: Recorder) -> None:
        self.hub, self.vtex, self.client, self.asked = hub, vtex, client, asked
        self.bazaar = hub.registry.destinations["bazaar"]
        self.base = f"/c/{NAME}"

    async def connect(self, *, secret: str | None = None, **settings: Any) -> None:
        told = {
            "account": ACCOUNT,
            "endpoint": self.vtex.url,
            "sales_channel": 1,
            "currency": "BRL",
            **settings,
        }
        credentials = {**KEYS, **({"endpoint_secret": secret} if secret else {})}
        await self.hub.connect(
            {
                "connector": "vtex-marketplace",
                "settings": told,
                "credentials": credentials,
                "destination": {"name": "bazaar"},
            },
            name=NAME,
            tenant=TENANT,
        )

    async def work(self, results: dict[str, PushResult], **payload: Any) -> None:
        """Records of these SKUs, each of which comes to its result."""
        self.bazaar.answers = results  # type: ignore[attr-defined]
        await self.admit(results, **payload)
        await self.hub.work_off(NAME)

    async def admit(self, skus: Iterable[str], **payload: Any) -> None:
        """Records that wait."""
        told = {"changed": ["content"], "date": "2026-03-01", **payload}
        records = [Record(stream="offers", key=sku, payload={"sku": sku, **told}) for sku in skus]
        pipeline = await self.hub.runtime.pipeline(self.hub.connection(NAME).id)
        admit_page(self.hub.db, pipeline, Page(records=records), kind="test")

    async def connect_listing(self, sku: str, standing: Standing) -> None:
        """The marketplace has it."""
        await self.ids.put("listing", {sku: standing.text()})

    async def logs(self, query: str = "", path: str = "/logs/") -> list[JSON]:
        """The messages of an answer 200."""
        answer = await self.client.get(f"{self.base}{path}{query}")
        assert answer.status_code == 200, answer.text
        found: list[JSON] = answer.json()["Messages"]
        return found

    @property
    def ids(self) -> StoredIdMap:
        connection = self.hub.connection(NAME)
        return StoredIdMap(self.hub.db, tenant_id=connection.tenant_id, connection_id=connection.id)

    @property
    def documents(self) -> StoredDocuments:
        connection = self.hub.connection(NAME)
        return StoredDocuments(self.hub.db, tenant_id=connection.tenant_id, connection_id=connection.id)

    async def plugin(self) -> VtexMarketplace:
        """The connector of this process."""
        found: VtexMarketplace = (await self.hub.runtime.pipeline(self.hub.connection(NAME).id)).connector  # type: ignore[assignment]
        return found


@asynccontextmanager
async def world(home: Path, database_url: str, **options: Any) -> AsyncIterator[World]:
    """All of it, over HTTP; ``options`` are the simulator's."""
    bazaar = type("Bazaar", (Bazaar,), {"answers": {}, "__doc__": Bazaar.__doc__})
    asked, app_of_vtex, front = Recorder(), SIMULATOR.app(**options), _Front()
    async with (
        running(asked.before(app_of_vtex)) as vtex_url,
        running(front) as url,
        httpx.AsyncClient(base_url=url, timeout=20) as client,
    ):
        hub = Hub(
            home,
            database_url,
            settings={"public_url": url},
            destinations={"bazaar": bazaar},
            **{"vtex-marketplace": Plain},
        )
        registry = CollectorRegistry()
        metrics = WebMetrics(registry)
        front.app = make_app(hub.runtime, registry=registry, metrics=metrics, broker_answers=_no_broker)
        try:
            yield World(hub, Running(url=vtex_url, app=app_of_vtex), client, asked)
        finally:
            await front.app.close()
            await hub.close()


class _Front:
    """Its address is known before there is anybody behind it."""

    app: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)


async def _no_broker() -> bool:
    return False
