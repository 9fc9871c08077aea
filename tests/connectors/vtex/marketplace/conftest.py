"""An account of VTEX that is connected to a marketplace, on SQLite."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from hub.records import JSON
from tests.connectors.vtex.marketplace.logs_world import World, world
from tests.connectors.vtex.marketplace.market_world import MarketWorld, market_world

MakeWorld = Callable[..., Awaitable[World]]
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


@pytest.fixture
async def make_world(hub_home: Path, sqlite_url: str) -> AsyncIterator[MakeWorld]:
    """A connected account of VTEX and a marketplace, on SQLite; arguments are settings, ``vtex`` the simulator's options."""
    async with AsyncExitStack() as stack:

        async def make(vtex: dict[str, Any] | None = None, **settings: Any) -> World:
            made = await stack.enter_async_context(world(hub_home, sqlite_url, **(vtex or {})))
            await made.connect(**settings)
            return made

        yield make
