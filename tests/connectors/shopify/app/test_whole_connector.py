"""The connector as it is shipped, against a shop that runs: connected, told of changes, disconnected."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from connectors.shopify.connector import Shopify
from connectors.shopify.simulator import SIMULATOR
from hub import connection_file, connection_save
from hub.loop import poll as polling
from hub.loop import work as working
from hub.loop.authorization import begin_authorization
from hub.loop.disconnect import disconnect
from hub.runtime import unheard
from hub.store import connections, history
from hub.testing.simulator import Running
from tests.connectors.shopify.app.shops import Shops
from tests.web.driver import Hub, serving


@pytest.fixture
async def shop() -> AsyncIterator[Running]:
    async with SIMULATOR.running(products=3, customers=2, locations=1, collections=1) as running:
        yield running


@pytest.fixture
async def hub(database_url: str, tmp_path: Path) -> AsyncIterator[Hub]:
    async with serving(database_url, tmp_path) as hub:
        registry = replace(
            hub.runtime.registry, connectors={**hub.runtime.registry.connectors, "shopify": Shopify}
        )
        hub.runtime.registry = registry
        hub.runtime.ring = unheard(hub.runtime.db)  # this test's own loop does the work
        hub.runtime._parts = replace(hub.runtime._parts, registry=registry)
        await hub.runtime.db.run(connections.add_tenant, hub.runtime.db, "a")
        yield hub


async def connect(hub: Hub, shop: Running) -> None:
    """Saved without a token, and let in by the shop's owner in a browser."""
    shop.platform.webhooks.url = f"{hub.url}/apps/shopify/webhooks"
    written = {
        "connector": "shopify",
        "settings": {
            "shop": "simulated.myshopify.com",
            "endpoint": shop.url,
            "client_id": "simulator-client",
        },
        "credentials": {"client_secret": "simulator-secret"},
        "destination": {"name": "catalog"},
    }
    file = connection_file.parse(written)
    await connection_save.save(hub.runtime, tenant="a", name="shop", file=file, check=False)
    assert (await stored(hub)).state == "inactive"
    await authorise(hub)


async def authorise(hub: Hub) -> None:
    hub.client.cookies.clear()
    began = await hub.client.get(await begin_authorization(hub.runtime, "shop"))
    granted = await hub.client.get(began.headers["location"])
    page = await hub.client.get(granted.headers["location"])
    assert page.status_code == 200, page.text


async def stored(hub: Hub) -> Any:
    return await hub.runtime.db.run(connections.get_connection, hub.runtime.db, "shop")


async def lines(hub: Hub) -> list[str]:
    found = await hub.runtime.db.run(history.of_connection, hub.runtime.db, "shop")
    return [row["what"] for row in reversed(found)]


async def imported(hub: Hub) -> None:
    """Polls and slices until an import is noted."""
    connection_id, before = (await stored(hub)).id, (await lines(hub)).count("imported")
    async with asyncio.timeout(60):
        while (await lines(hub)).count("imported") == before:
            await polling.poll(hub.runtime, connection_id, early=True)
            while (await working.work(hub.runtime, connection_id)).records:
                pass


async def status_with(shop: Running, token: str) -> int:
    """What the shop's API answers to a token."""
    async with httpx.AsyncClient() as client:
        answer = await client.post(
            f"{shop.url}/admin/api/2026-10/graphql.json",
            json={"query": "{ shop { name } }"},
            headers={"X-Shopify-Access-Token": token},
        )
    return answer.status_code


async def test_a_shop_over_its_life(hub: Hub, shop: Running) -> None:
    """Each step is noted; what was imported outlives the access, and a new access goes on."""
    await connect(hub, shop)
    await imported(hub)
    products = await hub.table("catalog_product")
    assert len(products) == 3
    connection = await stored(hub)
    assert connection.facts["shop"] == "simulated.myshopify.com"

    token = hub.runtime.file_of(connection).credentials["access_token"]
    assert await status_with(shop, token) == 200

    shops = Shops(runtime=hub.runtime, client=hub.client)
    gone = await disconnect(hub.runtime, connection.id)
    await shop.platform.webhooks.idle()
    await shops.settled()  # the platform tells of the uninstall as well

    assert gone is not None
    assert gone.revoked is True
    assert await status_with(shop, token) == 401
    assert set(hub.runtime.file_of(await stored(hub)).credentials) == {"client_secret"}
    assert await hub.table("catalog_product") == products

    await authorise(hub)
    went_on = await polling.poll(hub.runtime, connection.id, early=True)

    assert went_on.result == "ok"
    assert (await stored(hub)).state == "live"
    assert await lines(hub) == ["connected", "authorised", "imported", "disconnected", "authorised"]


async def test_a_change_in_the_shop_arrives_by_webhook(hub: Hub, shop: Running) -> None:
    """Read anew from the shop, seconds after it was made."""
    await connect(hub, shop)
    await imported(hub)
    connection = await stored(hub)
    answer = await hub.client.post(
        f"{shop.url}/_simulator/change",
        json={"resource": "products", "count": 1, "fields": {"vendor": "Told"}},
    )
    assert answer.status_code == 200, answer.text
    await shop.platform.webhooks.idle()

    while (await working.work(hub.runtime, connection.id)).records:
        pass

    assert sum("Told" in row["content"] for row in await hub.table("catalog_product")) == 1


async def test_the_owner_uninstalls_the_app(hub: Hub, shop: Running) -> None:
    """The connection is inactive, and its credentials are gone but for the app's."""
    await connect(hub, shop)

    await hub.client.post(f"{shop.url}/_simulator/uninstall", json={})
    await shop.platform.webhooks.idle()
    await Shops(runtime=hub.runtime, client=hub.client).settled()

    connection = await stored(hub)
    assert (connection.state, connection.state_reason) == (
        "inactive",
        "the app was uninstalled on the platform",
    )
    assert set(hub.runtime.file_of(connection).credentials) == {"client_secret"}
