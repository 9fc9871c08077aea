"""What docs/connectors/vtex-seller.md has people try by hand: a shop's goods reach a marketplace through the catalog."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from connectors.shopify.connector import Shopify
from connectors.shopify.simulator import SIMULATOR as SHOP
from connectors.vtex.seller.connector import VtexSeller
from connectors.vtex.simulator import SIMULATOR as MARKETPLACE
from hub.records import JSON
from tests.connectors.shopify.conftest import Import
from tests.loop.hub_of_a_test import Hub

PAGE = (Path(__file__).parents[4] / "docs/connectors/vtex-seller.md").read_text(encoding="utf-8")
_, SHOP_FILE, MARKET_FILE = (
    tomllib.loads(text) for text in re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
)


async def test_a_simulated_shops_goods_are_all_suggested(hub_home: Path, sqlite_url: str) -> None:
    """None is refused for what the page's file leaves out."""
    hub = Hub(hub_home, sqlite_url, shopify=Shopify, **{"vtex-seller": VtexSeller})
    async with SHOP.running() as shop, MARKETPLACE.running(approve="manual", seller_id="acme") as market:
        await hub.connect(at(SHOP_FILE, shop.url), name="shop")
        await Import(hub, shop).polls()
        await hub.connect(at(MARKET_FILE, market.url), name="market")
        while (await hub.poll("market")).full:
            pass
        await hub.work_off("market")
        states = hub.states("market")
        await hub.close()

    assert set(states.values()) == {"awaiting", "skipped"}
    assert len(market.platform.state()["suggestions"]) == list(states.values()).count("awaiting") > 50
    assert {states[sku] for sku in re.findall(r"SKU-[\d-]+", PAGE)} == {"awaiting"}


def at(file: JSON, url: str) -> JSON:
    """The same at the simulator of this test."""
    return {**file, "settings": {**file["settings"], "endpoint": url}}
