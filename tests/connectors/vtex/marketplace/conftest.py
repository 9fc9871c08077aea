"""An account of VTEX that is connected to a marketplace, on SQLite."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from hub.records import JSON
from tests.connectors.vtex.marketplace.market_world import MarketWorld, market_world

Join = Callable[..., Awaitable[MarketWorld]]


@pytest.fixture
async def join(hub_home: Path, sqlite_url: str) -> AsyncIterator[Join]:
    """Makes one with these settings of the connection, options of the marketplace, and options of VTEX."""
    async with AsyncExitStack() as stack:

        async def make(
            settings: JSON | None = None, market: JSON | None = None, **options: Any
        ) -> MarketWorld:
            given = {"skus": 6, **options}
            world = await stack.enter_async_context(
                market_world(hub_home, sqlite_url, market=market, **given)
            )
            await world.connect(**(settings or {}))
            return world

        yield make
