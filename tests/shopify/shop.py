"""A simulated shop and a connector that is authorised in it: what an import stands on, without the import."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx

from connectors.shopify.oauth import ShopifyAuthorization
from connectors.shopify.settings import ShopifyCredentials, ShopifySettings
from connectors.shopify.simulator.oauth import signature
from connectors.shopify.tokens import Tokens
from hub import connection_file, connection_save
from hub.connector import CheckResult, Connector, Ports, Stream
from hub.loop.authorization import begin_authorization
from hub.records import Page, PollRequest
from hub.store import connections
from hub.store.connections import StoredConnection
from hub.testing.simulator import Running
from tests.web.driver import Hub

SHOP = "simulated.myshopify.com"
SECRET = "simulator-secret"
ASKED = ("read_products", "read_inventory")


class Shop(ShopifyAuthorization, Connector[ShopifySettings, ShopifyCredentials]):
    """Asks the shop for its name at every poll."""

    name = "test-shop"
    Settings = ShopifySettings
    Credentials = ShopifyCredentials
    streams: ClassVar[Sequence[Stream]] = (Stream(name="products"),)

    def __init__(self, settings: ShopifySettings, credentials: ShopifyCredentials, ports: Ports) -> None:
        super().__init__(settings, credentials, ports)
        self.tokens = Tokens(settings, credentials, ports)

    async def poll(self, request: PollRequest) -> Page:
        await self._ask(await self.tokens.fresh_token())
        return Page()

    async def check(self) -> CheckResult:
        answer = await self._ask(await self.tokens.fresh_token())
        return CheckResult(facts={"account": answer.json()["data"]["shop"]["name"]})

    async def _ask(self, token: str) -> httpx.Response:
        return await self.ports.http.request(
            "POST",
            f"{self.settings.origin}/admin/api/2026-10/graphql.json",
            json={"query": "{ shop { name } }"},
            headers={"X-Shopify-Access-Token": token},
        )


async def connect(
    hub: Hub,
    at: Running,
    name: str = "north",
    *,
    tenant: str = "north",
    connector: str = "test-shop",
    **settings: Any,
) -> StoredConnection:
    """A connection that is not authorised yet."""
    db = hub.runtime.db
    if tenant not in {one["name"] for one in connections.list_tenants(db)}:
        connections.add_tenant(db, tenant)
    told = {"shop": SHOP, "client_id": "simulator-client", "scopes": list(ASKED), "endpoint": at.url}
    file = connection_file.parse(
        {
            "connector": connector,
            "settings": {**told, **settings},
            "credentials": {"client_secret": SECRET},
            "destination": {"name": "catalog"} if connector == "shopify" else None,
        }
    )
    await connection_save.save(hub.runtime, tenant=tenant, name=name, file=file, check=False)
    return connections.get_connection(db, name)


async def callback_of(
    hub: Hub, browser: httpx.AsyncClient, name: str = "north", **changes: str
) -> dict[str, str]:
    """Open the link in a browser and grant access; the parameters with which the shop sends it back."""
    started = await browser.get(await begin_authorization(hub.runtime, name))
    assert started.status_code == 303, started.text
    asked = httpx.URL(started.headers["location"]).copy_merge_params(changes)
    granted = await browser.get(asked)
    assert granted.status_code == 302, granted.text
    return dict(parse_qsl(urlsplit(granted.headers["location"]).query, keep_blank_values=True))


async def authorise(hub: Hub, name: str = "north") -> httpx.Response:
    """The whole way, in a browser of its own."""
    async with httpx.AsyncClient(base_url=hub.url, verify=False) as browser:
        return await come_back(browser, await callback_of(hub, browser, name))


async def come_back(
    browser: httpx.AsyncClient, query: Mapping[str, str] | Sequence[tuple[str, str]]
) -> httpx.Response:
    """Open the callback."""
    return await browser.get(f"/authorize/callback?{urlencode(query)}")


def signed(query: Mapping[str, str], *, secret: str = SECRET) -> dict[str, str]:
    """With the signature of whoever knows the secret."""
    rest = {name: value for name, value in query.items() if name != "hmac"}
    return rest | {"hmac": signature(rest, secret)}


def credentials_of(hub: Hub, name: str = "north") -> dict[str, Any]:
    """What is stored, decrypted."""
    return hub.runtime.file_of(connections.get_connection(hub.runtime.db, name)).credentials


def secrets_of(shop: Running) -> set[str]:
    """All that the shop has handed out, and the app's own."""
    tokens = shop.platform.tokens
    return {SECRET, *tokens._access, *tokens._refresh, *tokens._codes}
