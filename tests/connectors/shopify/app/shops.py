"""A hub that serves, with connections to simulated shops and webhooks as the platform sends them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, ClassVar

import httpx

from connectors.shopify.settings import ShopifyCredentials, ShopifySettings
from connectors.shopify.simulator.webhook_delivery import sign
from connectors.shopify.webhooks import ShopifyWebhooks
from hub import codec, connection_file, connection_save
from hub.connector import CheckResult, Connector, Stream
from hub.loop import work as working
from hub.loop.admission import admit_page
from hub.loop.errands import work_off
from hub.records import JSON, BadRecord, Page, Record
from hub.runtime import Runtime
from hub.store import connections, history
from hub.store.connections import StoredConnection
from hub.store.database import Database
from tests.web.driver import rows

SHOP, OTHER = "north.myshopify.com", "south.myshopify.com"
SECRET = "secret-of-the-public-app"


class Shop(ShopifyWebhooks, Connector[ShopifySettings, ShopifyCredentials]):
    """What the webhooks of a shop need of the connector, and nothing that asks the shop."""

    name = "shopify"
    Settings = ShopifySettings
    Credentials = ShopifyCredentials
    app_credentials = ("client_secret",)
    streams: ClassVar[Sequence[Stream]] = tuple(
        Stream(name=name, read_anew=True)
        for name in ("locations", "collections", "products", "stock", "customers")
    )
    uses_destination = True
    voided: ClassVar[list[str]] = []
    granted: ClassVar[dict[str, list[str]]] = {}

    async def check(self) -> CheckResult:
        granted = self.granted.get(self.settings.shop)
        return CheckResult(facts={} if granted is None else {"scopes": granted})

    async def revoke(self) -> bool:
        if self.credentials.access_token is not None:
            self.voided.append(self.credentials.access_token.get_secret_value())
        return True


@dataclass(kw_only=True)
class Shops:
    """``client`` talks to the web process, which runs on ``runtime``."""

    runtime: Runtime
    client: httpx.AsyncClient
    known: set[str] = field(default_factory=set)

    @property
    def db(self) -> Database:
        return self.runtime.db

    async def connect(
        self, name: str, *, tenant: str, shop: str = SHOP, secret: str = SECRET, token: str | None = "shpat_1"
    ) -> StoredConnection:
        """A connection that was let into a shop (or not: without a token)."""
        if tenant not in self.known:
            await self.db.run(connections.add_tenant, self.db, tenant)
            self.known.add(tenant)
        written: JSON = {
            "connector": "shopify",
            "settings": {"shop": shop, "client_id": "app"},
            "credentials": {"client_secret": secret} | ({"access_token": token} if token else {}),
            "destination": {"name": "catalog"},
        }
        file = connection_file.parse(written)
        exists = {one.name for one in await self.db.run(connections.list_connections, self.db)}
        await connection_save.save(
            self.runtime, tenant=tenant, name=name, file=file, check=False, replace=name in exists
        )
        return await self.connection(name)

    async def connection(self, name: str) -> StoredConnection:
        return await self.db.run(connections.get_connection, self.db, name)

    async def send(
        self,
        topic: str,
        body: Any,
        *,
        shop: str = SHOP,
        secret: str = SECRET,
        webhook_id: str | None = None,
        at: datetime | None = None,
        address: str = "/apps/shopify/webhooks",
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        """A webhook as the platform sends it."""
        raw = body if isinstance(body, bytes) else codec.dumps(body)
        sent = {
            "x-shopify-topic": topic,
            "x-shopify-shop-domain": shop,
            "x-shopify-webhook-id": webhook_id or str(uuid.uuid4()),
            "x-shopify-triggered-at": (at or datetime.now(UTC)).isoformat(),
            "x-shopify-hmac-sha256": sign(raw, secret),
        }
        return await self.client.post(address, content=raw, headers=sent | (headers or {}))

    async def settled(self) -> None:
        """Until every errand is done."""
        while await self.table("errand"):
            await work_off(self.runtime)

    async def table(self, name: str) -> list[dict[str, Any]]:
        return await self.db.run(rows, self.db, name)

    async def records(self, connection: StoredConnection) -> list[tuple[str, JSON]]:
        """Key and payload of a connection's records."""
        return [
            (row["key"], codec.loads(row["payload"]))
            for row in await self.table("record")
            if row["connection_id"] == connection.id
        ]

    async def lines(self, name: str) -> list[str]:
        """What happened to a connection, oldest first."""
        return [row["what"] for row in reversed(await self.db.run(history.of_connection, self.db, name))]

    async def bring(
        self, connection: StoredConnection, *records: Record, bad: Sequence[BadRecord] = (), work: bool = True
    ) -> None:
        """Records as a poll would bring them, worked into the catalog."""
        pipeline = await self.runtime.pipeline(connection.id, revision=connection.revision)
        page = Page(records=records, bad=bad)
        await self.db.run(admit_page, self.db, pipeline, page, kind="poll")
        while work and (await working.work(self.runtime, connection.id)).records:
            pass


def install(runtime: Runtime) -> None:
    """Make the connector known to a runtime."""
    registry = replace(runtime.registry, connectors={**runtime.registry.connectors, "shopify": Shop})
    runtime.registry = registry
    runtime._parts = replace(runtime._parts, registry=registry)
