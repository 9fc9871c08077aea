"""A local Shopify: GraphQL Admin API, bulk operations, OAuth and webhooks, over a shop of any size."""

from __future__ import annotations

from connectors.shopify.simulator.platform import SIMULATOR

__all__ = ["SIMULATOR"]
