"""One pool of connections a process, and from it what each connection is handed."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Collection
from datetime import timedelta
from importlib.metadata import version
from typing import Self

from aiohttp.abc import AbstractResolver

from hub.connector import Bucket
from hub.http.call import Observe, Side, nobody
from hub.http.connection import ConnectionHttp
from hub.http.pace import Pace
from hub.http.redact import Redactor
from hub.http.transport import Transport
from hub.policy.circuit import Circuit
from hub.policy.limiter import Limiter
from hub.settings import Settings

#: Requests of one side of a connection in flight at once, unless it says otherwise.
CONCURRENCY = 32


class HttpPool:
    """The pooled connections of a process. They belong to the event loop of the first call.

    ``transport`` can carry an ``httpx.AsyncClient`` for a library that wants one; nothing paces or counts its calls.
    """

    def __init__(
        self,
        *,
        timeout: timedelta = timedelta(seconds=30),
        max_connections: int = 256,
        max_response_bytes: int = 32 * 1024 * 1024,
        allow_private_hosts: bool = False,
        resolver: AbstractResolver | None = None,
        verify: ssl.SSLContext | bool = True,
    ) -> None:
        self.transport = Transport(
            timeout=timeout,
            max_connections=max_connections,
            max_response_bytes=max_response_bytes,
            allow_private_hosts=allow_private_hosts,
            user_agent=f"connector-hub/{version('connector-hub')}",
            resolver=resolver,
            verify=verify,
        )

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """As the operator set it."""
        return cls(
            timeout=settings.http_timeout,
            max_connections=settings.max_connections,
            max_response_bytes=settings.max_response_bytes,
            allow_private_hosts=settings.allow_private_hosts,
        )

    def for_connection(
        self,
        *,
        side: Side,
        tenant: str,
        circuit_key: str | Callable[[], str],
        default_bucket: Bucket,
        limiter: Limiter,
        circuit: Circuit,
        concurrency: int = CONCURRENCY,
        secrets: Collection[str] = (),
        observe: Observe = nobody,
    ) -> ConnectionHttp:
        """What one side of a connection calls with. Buckets and circuits are the tenant's, whatever their keys."""
        pace = Pace(tenant=tenant, circuit_key=circuit_key, limiter=limiter, circuit=circuit)
        return ConnectionHttp(
            self.transport,
            pace,
            side=side,
            default_bucket=default_bucket,
            concurrency=concurrency,
            redact=Redactor(secrets),
            observe=observe,
        )

    async def close(self) -> None:
        """Close all connections; closing twice does nothing."""
        await self.transport.aclose()
