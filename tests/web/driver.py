"""A hub's web process to talk to over HTTP, with its store at hand."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import json
import socket
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
from cryptography.fernet import Fernet
from prometheus_client import CollectorRegistry

from hub import connection_file, connection_save, registry
from hub.connector import Connector
from hub.http import HttpPool
from hub.metrics import Metrics
from hub.policy.circuit import MemoryCircuit
from hub.policy.limiter import MemoryLimiter
from hub.runtime import Runtime
from hub.secrets import SecretBox
from hub.settings import Settings
from hub.store import connections
from hub.store.database import Database
from hub.store.ledger.bells import Bell
from hub.web.app import make_app
from hub.web.metrics import WebMetrics
from hub.web.process import make_server
from hub.web.ringer import Ringer

SECRET = "the-secret-of-webhooks"
FERNET_KEY = Fernet.generate_key().decode()


def count(seq: int, sku: str = "A-1", quantity: int = 5) -> dict[str, Any]:
    """One stock count, as Acme sends it."""
    return {"seq": seq, "sku": sku, "quantity": quantity}


def signed(*counts: Any, secret: str = SECRET, delivery: str | None = None) -> dict[str, Any]:
    """A webhook of Acme as arguments for httpx."""
    return signed_body(json.dumps({"counts": counts}).encode(), secret=secret, delivery=delivery)


def signed_body(body: bytes, *, secret: str = SECRET, delivery: str | None = None) -> dict[str, Any]:
    """Any body, signed as Acme signs."""
    headers = {"x-acme-signature": hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}
    if delivery is not None:
        headers["x-acme-delivery"] = delivery
    return {"content": body, "headers": headers}


@dataclass(kw_only=True)
class Hub:
    """A hub in this process, served on a free port. ``rung`` are the bells that its web process rang."""

    runtime: Runtime
    url: str
    client: httpx.AsyncClient
    shelf: Path
    rung: list[Bell] = field(default_factory=list)

    async def add(
        self,
        name: str,
        *,
        tenant: str = "north",
        connector: str = "acme_live",
        secret: str = SECRET,
        **settings: Any,
    ) -> int:
        """Add a connection, and its tenant where it is new."""
        db = self.runtime.db
        if tenant not in {one["name"] for one in await db.run(connections.list_tenants, db)}:
            await db.run(connections.add_tenant, db, tenant)
        file = connection_file.parse(file_of(self.shelf, connector=connector, secret=secret, **settings))
        saved = await connection_save.save(self.runtime, tenant=tenant, name=name, file=file, check=False)
        return saved.id

    async def replace(self, name: str, *, secret: str, **settings: Any) -> None:
        """Give a connection another webhook secret."""
        file = connection_file.parse(file_of(self.shelf, secret=secret, **settings))
        await connection_save.save(
            self.runtime, tenant="north", name=name, file=file, check=False, replace=True
        )

    async def post(self, name: str, *counts: Any, path: str = "", **how: Any) -> httpx.Response:
        """Send a signed webhook."""
        return await self.client.post(f"/hooks/{name}{path}", **signed(*counts, **how))

    async def metric(self, sample: str) -> float:
        """A sample of ``/metrics``, labels included, as it is written there; 0 where there is none."""
        lines = (await self.client.get("/metrics")).text.splitlines()
        found = [line.removeprefix(sample) for line in lines if line.startswith(f"{sample} ")]
        return float(found[0]) if found else 0.0

    async def until(self, sample: str, least: float) -> None:
        """Return when a sample of ``/metrics`` is as large as that."""
        async with asyncio.timeout(20):
            while await self.metric(sample) < least:  # noqa: ASYNC110 - it is another's to know when
                await asyncio.sleep(0.01)

    async def until_waiting(self, webhooks: int) -> None:
        """Return when so many webhooks wait for the store."""
        await self.until("hub_webhooks_waiting", webhooks)

    async def know(self, name: str) -> None:
        """Have the web process look a connection up."""
        assert (await self.client.get(f"/hooks/{name}", params={"challenge": "1"})).text == "1"

    async def table(self, name: str) -> list[dict[str, Any]]:
        """All rows of a table."""
        return await self.runtime.db.run(rows, self.runtime.db, name)

    async def keys(self) -> list[str]:
        """The keys of all records in the ledger, sorted."""
        return sorted(row["key"] for row in await self.table("record"))


def file_of(
    shelf: Path, *, connector: str = "acme_live", secret: str = SECRET, **settings: Any
) -> dict[str, Any]:
    """A connection file for one of Acme's connectors."""
    credentials = {"token": "acme-token"} if connector == "acme" else {"webhook_secret": secret}
    return {
        "connector": connector,
        "settings": settings,
        "credentials": credentials,
        "destination": {"name": "acme_shelf", "settings": {"folder": str(shelf)}},
    }


def rows(db: Database, table: str) -> list[dict[str, Any]]:
    """All rows of a table."""
    with db.transaction() as tx:
        return [dict(row) for row in db.execute(tx, f"SELECT * FROM {table}").mappings()]


@contextlib.contextmanager
def locked(db: Database, connection_id: int) -> Iterator[None]:
    """Nobody else's transaction on this connection goes on inside of the block."""
    with db.engine.begin() as tx:
        db.execute(tx, f"SELECT id FROM connection WHERE id = :id{db.row_lock}", id=connection_id)
        yield


def open_runtime(
    settings: Settings, ring: Any, connectors: Mapping[str, type[Connector[Any, Any]]] | None = None
) -> Runtime:
    """A runtime without Redis."""
    assert settings.database_url
    known = registry.load()
    return Runtime(
        settings=settings,
        db=Database(settings.database_url.get_secret_value()),
        registry=replace(known, connectors={**known.connectors, **(connectors or {})}),
        secrets=SecretBox([FERNET_KEY]),
        pool=HttpPool.of(settings),
        limiter=MemoryLimiter(),
        circuit=MemoryCircuit(),
        ring=ring,
    )


@contextlib.asynccontextmanager
async def serving(
    database_url: str,
    home: Path,
    *,
    connectors: Mapping[str, type[Connector[Any, Any]]] | None = None,
    **settings: Any,
) -> AsyncIterator[Hub]:
    """A hub over this store, served by the server of `hub web` on a free port of this machine.

    ``connectors`` are there besides those that are installed.
    """
    shelf = home / "shelf"
    shelf.mkdir(exist_ok=True)
    rung: list[Bell] = []
    ringer = Ringer(rung.extend)
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        told = {"public_url": url, "allow_private_hosts": True, "shutdown_timeout": 5} | settings
        chosen = Settings(home=home, database_url=database_url, **told)
        runtime = open_runtime(chosen, ringer.ring, connectors)
        registered = CollectorRegistry()
        runtime.observe = Metrics(registered).observe
        app = make_app(
            runtime, registry=registered, metrics=WebMetrics(registered), broker_answers=_no_broker
        )
        server = make_server(app, chosen)
        task = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            async with httpx.AsyncClient(base_url=url, timeout=30, limits=_MANY, verify=False) as client:
                yield Hub(runtime=runtime, url=url, client=client, shelf=shelf, rung=rung)
        finally:
            server.should_exit = True
            await task
            await app.close()
            await ringer.close()
            await runtime.close()


async def all_at_once(calls: Sequence[Any]) -> list[httpx.Response]:
    """The answers of calls that are made together, in their order."""
    return list(await asyncio.gather(*calls))


async def _no_broker() -> bool:
    return False


_MANY = httpx.Limits(max_connections=300, max_keepalive_connections=300)
