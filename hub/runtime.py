"""What one process of the hub holds: store, pool, policies, plugins, and the connections that are at work in it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any

from hub import connection_file
from hub.connection_file import ConnectionFile
from hub.errors import ConfigurationError, HubError
from hub.http import HttpPool
from hub.pipeline import Parts, Pipeline, build
from hub.policy.circuit import Circuit
from hub.policy.limiter import Limiter
from hub.records import JSON
from hub.registry import Registry
from hub.secrets import SecretBox
from hub.settings import Settings
from hub.store import connections
from hub.store.connections import StoredConnection
from hub.store.database import Database
from hub.store.holds import Hold
from hub.store.ledger.bells import Bell, put_away
from hub.telemetry import Observe, ignore

#: After a change of settings the connection as it was is kept open this long, for what is under way with it.
RETIRED_FOR = timedelta(minutes=10)

HOW_TO_RECONNECT = "`hub connection authorize` or `hub connection set` gives it access again"

Ring = Callable[[Sequence[Bell]], None]


def unheard(db: Database) -> Ring:
    """Without a broker nobody would hear a bell: it is put away, or no sweeper would ring before it has grown old."""

    def ring(rung: Sequence[Bell]) -> None:
        if rung:
            put_away(db, *rung)

    return ring


class Runtime:
    """One a process, used from one event loop. Connections are put together when they are first worked."""

    def __init__(
        self,
        *,
        settings: Settings,
        db: Database,
        registry: Registry,
        secrets: SecretBox,
        pool: HttpPool,
        limiter: Limiter,
        circuit: Circuit,
        ring: Ring | None = None,
        observe: Observe = ignore,
        on_close: Sequence[Callable[[], Awaitable[None]]] = (),
    ) -> None:
        self.settings = settings
        self.db = db
        self.registry = registry
        self.secrets = secrets
        self.pool = pool
        self.limiter = limiter
        self.circuit = circuit
        self.ring = ring or unheard(db)
        self.observe = observe
        self._on_close = on_close
        #: Who holds claims and leases: unique for each process, also over a restart with the same process id.
        self.worker = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self._parts = Parts(
            db=db,
            registry=registry,
            pool=pool,
            limiter=limiter,
            circuit=circuit,
            secrets=secrets,
            observe=observe,
            allow_private_hosts=settings.allow_private_hosts,
            public_url=settings.web_url,
        )
        self._pipelines: dict[int, Pipeline] = {}
        self._retired: set[Pipeline] = set()
        self._closing: set[asyncio.Task[None]] = set()
        self._running: set[asyncio.Timeout] = set()
        self._stop_at: float | None = None

    @property
    def claim_lease(self) -> int:
        """How long a claim lives without a heartbeat, in microseconds."""
        return round(self.settings.claim_lease.total_seconds() * 1_000_000)

    @property
    def stopping(self) -> bool:
        """No new slice is begun."""
        return self._stop_at is not None

    async def warm_up(self) -> None:
        """Load now what the first message would wait for: the HTTP transport, and the plugins that connections have."""
        self.pool.warm_up()
        for stored in await self.db.run(connections.list_connections, self.db):
            destination = stored.config.get("destination")
            with contextlib.suppress(HubError):  # whoever works for the connection says so
                self.registry.connector(stored.connector)
                if destination:
                    self.registry.destination(destination["name"])

    async def pipeline(self, connection_id: int, *, revision: int | None = None) -> Pipeline:
        """The connection, put together; anew when ``revision`` says that it was changed.

        Raises ``NotFoundError`` or ``ConfigurationError``.
        """
        known = self._pipelines.get(connection_id)
        if known is not None and revision in (None, known.connection.revision):
            return known
        stored = await self.db.run(connections.get_connection_by_id, self.db, connection_id)
        pipeline = self.assemble(stored)
        self._pipelines[connection_id] = pipeline
        if known is not None:
            self._retire(known)
        return pipeline

    def leave(self, pipeline: Pipeline) -> None:
        """Its connection is not there any more: what goes on for it in this process ends in a while."""
        connection_id = pipeline.connection.id
        if self._pipelines.get(connection_id) is pipeline:
            del self._pipelines[connection_id]
            self._retire(pipeline)

    def assemble(self, stored: StoredConnection) -> Pipeline:
        """Put a stored connection together. Raises ``ConfigurationError``."""
        try:
            return build(self._parts, stored, self.file_of(stored))
        except ConfigurationError as error:
            if stored.status != "inactive":
                raise
            raise ConfigurationError(
                f"{stored.name} is disconnected: {HOW_TO_RECONNECT} ({error})"
            ) from error

    def assemble_file(self, name: str, tenant: str, file: ConnectionFile, *, tenant_id: int = 0) -> Pipeline:
        """Put a connection together that is not stored yet, to check it. Raises ``ConfigurationError``.

        Without ``tenant_id`` it finds an empty catalog, as if the tenant were new.
        """
        candidate = StoredConnection(
            id=0,
            tenant_id=tenant_id,
            tenant=tenant,
            name=name,
            connector=file.connector,
            config=file.public(),
            credentials="",
            poll_target=None,
            reports=False,
            status="inactive",
            status_reason=None,
            source_refused=None,
            destination_refused=None,
            paused=True,
            revision=0,
            created_at=0,
        )
        return build(self._parts, candidate, file)

    def hold_of(self, pipeline: Pipeline) -> Hold | None:
        """The account that a connection was let into, as it is kept."""
        if pipeline.account is None:
            return None
        key, secret = pipeline.account
        return Hold(app_key=key, secret=self.secrets.encrypt({"secret": secret}))

    def file_of(self, stored: StoredConnection) -> ConnectionFile:
        """The stored connection as its file, credentials decrypted."""
        secret: JSON = self.secrets.decrypt(stored.credentials)
        written: dict[str, Any] = {
            "connector": stored.connector,
            **stored.config,
            "credentials": secret["source"],
        }
        if written.get("destination"):
            written["destination"] = {**written["destination"], "credentials": secret["destination"]}
        return connection_file.ConnectionFile.model_validate(written)

    def _retire(self, pipeline: Pipeline) -> None:
        """Close it once nobody can be at work with it any more; slices and requests under way still are."""

        async def close_later() -> None:
            await asyncio.sleep(RETIRED_FOR.total_seconds())
            self._retired.discard(pipeline)
            await pipeline.close()

        self._retired.add(pipeline)
        task = asyncio.create_task(close_later())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    @contextlib.asynccontextmanager
    async def until_stopped(self) -> AsyncIterator[None]:
        """Raises ``TimeoutError`` inside the block when the process has to stop and its grace is over."""
        async with asyncio.timeout_at(self._stop_at) as timeout:
            self._running.add(timeout)
            try:
                yield
            finally:
                self._running.discard(timeout)

    def stop(self, *, grace: float) -> None:
        """Begin no new slice; what runs has ``grace`` seconds. Called on the event loop."""
        self._stop_at = asyncio.get_running_loop().time() + grace
        for timeout in self._running:
            timeout.reschedule(self._stop_at)

    async def close(self) -> None:
        """Close connections, pool, store, and what the policies are shared through."""
        for pipeline in (*self._pipelines.values(), *self._retired):
            await pipeline.close()
        self._retired.clear()
        self._pipelines.clear()
        await self.pool.close()
        for close in self._on_close:
            await close()
        self.db.close()
