"""Worlds to order."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.connectors.vtex.marketplace.logs_world import World, world

MakeWorld = Callable[..., Awaitable[World]]


@pytest.fixture
async def make_world(hub_home: Path, sqlite_url: str) -> AsyncIterator[MakeWorld]:
    """A connected account of VTEX and a marketplace, on SQLite; arguments are settings, ``vtex`` the simulator's options."""
    async with AsyncExitStack() as stack:

        async def make(vtex: dict[str, Any] | None = None, **settings: Any) -> World:
            made = await stack.enter_async_context(world(hub_home, sqlite_url, **(vtex or {})))
            await made.connect(**settings)
            return made

        yield make
