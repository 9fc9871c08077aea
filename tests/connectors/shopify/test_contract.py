"""Shopify under the contract that every connector keeps."""

from __future__ import annotations

from hub.testing.contract import ContractSuite
from tests.connectors.shopify.shopify_world import ShopifyWorld


class TestShopify(ContractSuite):
    """One line."""

    world = ShopifyWorld()
