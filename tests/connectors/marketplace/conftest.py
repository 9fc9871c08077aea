"""A connected marketplace on SQLite."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from hub.records import JSON
from tests.connectors.marketplace.marketplace_world import MarketplaceWorld, market_world

Sell = Callable[..., Awaitable[MarketplaceWorld]]


@pytest.fixture
async def sell(hub_home: Path, sqlite_url: str) -> AsyncIterator[Sell]:
    """Makes one, with these settings of the connection and options of the simulator."""
    async with AsyncExitStack() as stack:

        async def make(settings: JSON | None = None, **options: Any) -> MarketplaceWorld:
            world = await stack.enter_async_context(market_world(hub_home, sqlite_url, **options))
            await world.connect(**(settings or {}))
            return world

        yield make
