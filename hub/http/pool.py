"""One pool of connections a process, and from it what each connection is handed."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Collection
from datetime import timedelta
from functools import cached_property
from importlib.metadata import version
from typing import TYPE_CHECKING, Self

from hub.connector import Bucket
from hub.http.call import Observe, Side, nobody
from hub.http.connection import ConnectionHttp
from hub.http.pace import Pace
from hub.http.redact import Redactor
from hub.policy.circuit import Circuit
from hub.policy.limiter import Limiter
from hub.settings import Settings

if TYPE_CHECKING:
    from aiohttp.abc import AbstractResolver

    from hub.http.transport import Transport

#: Requests of one side of a connection in flight at once, unless it says otherwise.
CONCURRENCY = 32


class HttpPool:
    """The pooled connections of a process. They belong to the event loop of the first call."""

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
        self._timeout = timeout
        self._max_connections = max_connections
        self._max_response_bytes = max_response_bytes
        self._allow_private_hosts = allow_private_hosts
        self._resolver = resolver
        self._verify = verify

    @cached_property
    def transport(self) -> Transport:
        """Can carry an ``httpx.AsyncClient`` for a library that wants one; nothing paces or counts its calls.

        Made when it is asked for: aiohttp and the authorities of TLS take a quarter of the time in which a command
        starts, and most commands call nobody.
        """
        from hub.http.transport import Transport  # noqa: PLC0415 - see above

        return Transport(
            timeout=self._timeout,
            max_connections=self._max_connections,
            max_response_bytes=self._max_response_bytes,
            allow_private_hosts=self._allow_private_hosts,
            user_agent=f"connector-hub/{version('connector-hub')}",
            resolver=self._resolver,
            verify=self._verify,
        )

    def warm_up(self) -> None:
        """Make the transport now, in a process that is going to need it: nothing waits for that later."""
        _ = self.transport

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
            lambda: self.transport,  # a connection between two stores calls nobody
            pace,
            side=side,
            default_bucket=default_bucket,
            concurrency=concurrency,
            redact=Redactor(secrets),
            observe=observe,
        )

    async def close(self) -> None:
        """Close all connections; closing twice does nothing."""
        if "transport" in vars(self):
            await self.transport.aclose()
