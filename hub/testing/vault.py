"""Credentials that renew themselves, in memory: for tests of a plugin without a hub."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any


class MemoryVault:
    """Satisfies ``hub.connector.Vault``. ``is_superseded`` is what it says of other connections."""

    def __init__(self, credentials: Mapping[str, Any], *, is_superseded: bool = False) -> None:
        self.credentials = dict(credentials)
        self.is_superseded = is_superseded
        self.renewals = 0
        self._turn = asyncio.Lock()

    async def current(self) -> Mapping[str, Any]:
        """See ``hub.connector.Vault``."""
        return dict(self.credentials)

    async def renew(
        self, held: Mapping[str, Any], obtain: Callable[[Mapping[str, Any]], Awaitable[Mapping[str, Any]]]
    ) -> Mapping[str, Any]:
        """See ``hub.connector.Vault``."""
        async with self._turn:
            if all(self.credentials.get(name) == value for name, value in held.items()):
                self.credentials |= await obtain(dict(self.credentials))
                self.renewals += 1
            return dict(self.credentials)

    async def superseded(self, *, same: Collection[str], by: str) -> bool:
        """See ``hub.connector.Vault``."""
        return self.is_superseded
