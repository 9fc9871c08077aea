"""An account of VTEX, a marketplace that sells its goods, and the hub between them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import httpx
from prometheus_client import CollectorRegistry

from connectors.marketplace.simulator import ROUTES
from connectors.marketplace.simulator import SIMULATOR as MARKETPLACE
from connectors.vtex.marketplace.connector import VtexMarketplace
from connectors.vtex.simulator import SIMULATOR as VTEX
from hub import codec
from hub.records import JSON
from hub.store import connections
from hub.store.catalog.reader import StoredCatalog
from hub.store.plugin_ports import StoredIdMap
from hub.testing.simulator import Running, running
from hub.web.app import make_app
from hub.web.metrics import WebMetrics
from tests.loop.hub_of_a_test import Hub

NAME, TENANT = "vtex", "acme"
KEYS: Final = {"app_key": "vtexappkey-simulated", "app_token": "simulator-token"}
#: A marketplace without categories, so that none has to be mapped.
TREELESS: Final = {name: route for name, route in ROUTES.items() if name != "categories"}


class MarketWorld:
    """``vtex`` and ``market`` are simulators; the hub's web process takes what VTEX notifies."""

    def __init__(self, hub: Hub, vtex: Running, market: Running, url: str, client: httpx.AsyncClient) -> None:
        self.hub, self.vtex, self.market, self.url, self.client = hub, vtex, market, url, client

    async def connect(
        self,
        *,
        name: str = NAME,
        tenant: str = TENANT,
        credentials: JSON | None = None,
        destination: JSON | None = None,
        delivery: JSON | None = None,
        routes: Mapping[str, Any] | None = None,
        mapped: bool = False,
        replace: bool = False,
        **settings: Any,
    ) -> None:
        """Write the connection down, and tell VTEX where it is notified. ``mapped``: the marketplace has categories.

        ``replace``: it is there already.
        """
        options = self.vtex.platform.options
        told = {
            "account": options.account,
            "endpoint": self.vtex.url,
            "sales_channel": options.sales_channel,
            "affiliate_id": options.affiliate_id,
            "currency": "BRL",
            **settings,
        }
        sold = {
            "title": "Simulated Market",
            "base_url": self.market.url,
            "auth": "bearer",
            **(routes or (ROUTES if mapped else TREELESS)),
        }
        await self.hub.connect(
            {
                "connector": "vtex-marketplace",
                "settings": told,
                "credentials": {**KEYS, **(credentials or {})},
                "destination": destination
                or {"name": "marketplace", "settings": sold, "credentials": {"token": "marketplace-token"}},
                "delivery": delivery or {},
            },
            name=name,
            tenant=tenant,
            replace=replace,
        )
        self.secret = secret = (credentials or {}).get("endpoint_secret")
        self.hooks = f"{self.url}/hooks/{name}{f'/{secret}' if secret else ''}"
        self.tell("affiliates", id=options.affiliate_id, endpoint=f"{self.hooks}/api/notification/")

    def tell(self, command: str, **arguments: Any) -> Any:
        """A command to VTEX."""
        return self.vtex.platform.commands()[command](arguments)

    def tell_market(self, command: str, **arguments: Any) -> Any:
        """A command to the marketplace."""
        return self.market.platform.commands()[command](arguments)

    async def change(self, *skus: str, **fields: Any) -> None:
        """Something changes in VTEX, which tells of it, and the hub does what follows."""
        self.tell("change", skus=[int(sku) for sku in skus], **fields)
        await self.vtex.platform.idle()
        await self.work()

    async def sync(self, name: str = NAME) -> None:
        """Poll until nothing is new, and push all that is due."""
        while True:
            outcome = await self.hub.poll(name)
            assert outcome.result == "ok", outcome.error
            await self.hub.work_off(name)
            if not outcome.full:
                break

    async def work(self, name: str = NAME) -> None:
        """Push all that is due."""
        await self.hub.work_off(name)

    async def notify(self, **payload: Any) -> httpx.Response:
        """What VTEX could send."""
        told = {"An": self.vtex.platform.options.account, "DateModified": "2026-01-01T00:00:00Z", **payload}
        return await self.client.post(f"{self.hooks}/api/notification/", json=told)

    async def map(self, category: str, theirs: str | None) -> None:
        """What VTEX Mapper sends when a merchant has mapped a category."""
        told = [{"categoryId": category, "marketplaceCategoryId": theirs}]
        answer = await self.client.post(f"/c/{NAME}/api/mapping", json=told)
        assert answer.status_code in {200, 204}, answer.text

    def rewind(self, name: str = NAME) -> None:
        """The next poll begins a load."""
        connections.rewind(self.hub.db, name, full_pass=True)

    def go_to(self, name: str = NAME, **place: Any) -> None:
        """The next poll finds itself there."""
        cursor = codec.loads(self.hub.schedule(name)["cursor"])
        connections.rewind(self.hub.db, name, cursor={**cursor, **place})

    @property
    def skus(self) -> list[str]:
        """All that the account has in the sales channel."""
        catalog = self.vtex.platform.catalog
        return [
            str(sku) for sku in catalog.listed(self.vtex.platform.options.sales_channel, only_assigned=True)
        ]

    @property
    def offers(self) -> dict[str, JSON]:
        """What the marketplace sells, by SKU."""
        state: JSON = self.market.platform.state()
        offers: dict[str, JSON] = state["offers"]
        return offers

    @property
    def asked(self) -> dict[str, int]:
        """How often VTEX was asked for each route."""
        found: dict[str, int] = self.vtex.platform.summary()["by_route"]
        return dict(found)

    @property
    def told(self) -> dict[str, int]:
        """How often the marketplace was told each call."""
        return dict(self.market.platform.requests)

    def row(self, sku: str, name: str = NAME) -> JSON:
        """The newest record of an SKU."""
        rows = [one for one in self.hub.rows(name) if one["key"] == sku]
        return rows[-1]

    async def logs(self, sku: str) -> list[JSON]:
        """What VTEX is told of an SKU, the newest first."""
        secret = f"/{self.secret}" if self.secret else ""
        account = self.vtex.platform.options.account
        answer = await self.client.get(f"/c/{NAME}{secret}/{account}/logs/", params={"status": "all"})
        assert answer.status_code == 200, answer.text
        messages: list[JSON] = answer.json()["Messages"]
        return [one for one in messages if codec.loads(one["ContentSource"])["sku"] == sku]

    async def variants(self, name: str = NAME) -> dict[str, JSON]:
        """What the hub's own catalog has of the SKUs."""
        connection = self.hub.connection(name)
        catalog = StoredCatalog(self.hub.db, tenant_id=connection.tenant_id, connection_id=connection.id)
        return dict(await catalog.read("variant", self.skus))

    def ids(self, name: str = NAME) -> StoredIdMap:
        """The connection's id map."""
        connection = self.hub.connection(name)
        return StoredIdMap(self.hub.db, tenant_id=connection.tenant_id, connection_id=connection.id)


@asynccontextmanager
async def market_world(
    home: Path, database_url: str, *, market: JSON | None = None, **options: Any
) -> AsyncIterator[MarketWorld]:
    """All of it; ``options`` are those of the simulator of VTEX, ``market`` those of the marketplace's."""
    hub = Hub(home, database_url, **{"vtex-marketplace": VtexMarketplace})
    registry = CollectorRegistry()
    app = make_app(hub.runtime, registry=registry, metrics=WebMetrics(registry), broker_answers=_no_broker)
    try:
        async with (
            VTEX.running(**options) as vtex,
            MARKETPLACE.running(**(market or {})) as sold_at,
            running(app) as url,
            httpx.AsyncClient(base_url=url, timeout=10, verify=False) as client,
        ):
            yield MarketWorld(hub, vtex, sold_at, url, client)
    finally:
        await app.close()
        await hub.close()


async def _no_broker() -> bool:
    return False
