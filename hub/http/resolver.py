"""Names are resolved past the guard, at the moment of connecting."""

from __future__ import annotations

import socket

from aiohttp.abc import AbstractResolver, ResolveResult

from hub.http.guard import is_private_host, refuse


class GuardedResolver(AbstractResolver):
    """Resolves names at the moment of connecting, and refuses those that lead to a private address.

    What is checked is what is connected to, so a name that changes its address in between (DNS rebinding) gains nothing.
    """

    def __init__(self, inner: AbstractResolver) -> None:
        self._inner = inner

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses of a name. Raises ``ConfigurationError`` if one of them is private."""
        results = await self._inner.resolve(host, port, family)
        if any(is_private_host(result["host"]) for result in results):
            refuse(host)
        return results

    async def close(self) -> None:
        """Let go of the inner one."""
        await self._inner.close()
