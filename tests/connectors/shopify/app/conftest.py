"""A hub with the webhooks of Shopify's app, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.connectors.shopify.app.shops import Shops, install
from tests.web.driver import serving


@pytest.fixture
async def shops(database_url: str, tmp_path: Path) -> AsyncIterator[Shops]:
    async with serving(database_url, tmp_path) as hub:
        install(hub.runtime)
        yield Shops(runtime=hub.runtime, client=hub.client)
