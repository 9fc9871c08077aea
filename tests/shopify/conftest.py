"""A hub that is served over HTTP and a shop that runs, on both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, MutableMapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from connectors.shopify.simulator import SIMULATOR
from hub.testing.simulator import Running
from tests.shopify.shop import Shop
from tests.web.driver import Hub, serving


@pytest.fixture(autouse=True)
def logs() -> Iterator[list[MutableMapping[str, Any]]]:
    """What is logged."""
    with capture_logs() as entries:
        yield entries


@pytest.fixture(scope="module")
async def shop_server() -> AsyncIterator[Running]:
    async with SIMULATOR.running(products=3, customers=1, access_token="") as running:
        yield running


@pytest.fixture
def shop(shop_server: Running) -> Running:
    """A shop in which the app is not installed."""
    shop_server.app.reset()
    return shop_server


@pytest.fixture
async def hub(database_url: str, tmp_path: Path) -> AsyncIterator[Hub]:
    """A hub without a connection."""
    async with serving(database_url, tmp_path, connectors={"test-shop": Shop}) as hub:
        yield hub


@pytest.fixture
async def browser(hub: Hub) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody's browser, with its own cookies; it follows no redirect unless told."""
    async with httpx.AsyncClient(base_url=hub.url, timeout=30, verify=False) as client:
        yield client
