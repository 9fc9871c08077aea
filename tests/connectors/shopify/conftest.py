"""A whole hub over real HTTP: a simulated shop, the connector, and the catalog that it is imported into."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, MutableMapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from connectors.shopify.connector import Shopify
from connectors.shopify.simulator import SIMULATOR
from connectors.shopify.tally import LAST
from hub import codec
from hub.loop.closing import close_groups
from hub.records import JSON
from hub.runtime import Runtime
from hub.store import connections
from hub.testing.simulator import Running
from tests.loop.hub_of_a_test import Hub

SHOP = "simulated.myshopify.com"
NAME = "shop"


class Import:
    """A shop and a hub that imports it."""

    def __init__(self, hub: Hub, shop: Running) -> None:
        self.hub, self.shop = hub, shop

    async def connect(
        self,
        *,
        name: str = NAME,
        tenant: str = "acme",
        delivery: dict[str, Any] | None = None,
        **settings: Any,
    ) -> None:
        """Write the connection down."""
        await self.hub.connect(
            {
                "connector": "shopify",
                "settings": {"shop": SHOP, "endpoint": self.shop.url, **settings},
                "credentials": {"access_token": "shpat_simulator"},
                "destination": {"name": "catalog"},
                "delivery": delivery or {},
            },
            name=name,
            tenant=tenant,
        )

    async def polls(self, name: str = NAME, *, runtime: Runtime | None = None, most: int = 2000) -> None:
        """Until no pass is under way."""
        for _ in range(most):
            outcome = await self.hub.poll(name, runtime=runtime)
            assert outcome.result == "ok", outcome.error
            if not outcome.full and not outcome.next_in.total_seconds() < 1:
                await self.hub.work_off(name)
                if "pass" not in self.cursor(name):
                    return
            await self.hub.work_off(name)
        raise AssertionError(f"the pass never ends: {self.cursor(name)}")

    async def run(self, name: str = NAME, *, full: bool = True, runtime: Runtime | None = None) -> JSON:
        """A pass from its beginning to its end; its report."""
        if full:
            connections.rewind(self.hub.db, name, full_pass=True)
        await self.polls(name, runtime=runtime)
        await close_groups(self.hub.runtime, self.hub.connection(name).id)
        return await self.report(name)

    async def report(self, name: str = NAME) -> JSON:
        """What ``import:last`` says."""
        pipeline = await self.hub.runtime.pipeline(self.hub.connection(name).id)
        document = await pipeline.connector.ports.documents.get(LAST)
        assert document is not None
        return document

    async def catalog(self, kind: str, name: str = NAME) -> dict[str, JSON]:
        """Everything of a kind that is there, by key."""
        pipeline = await self.hub.runtime.pipeline(self.hub.connection(name).id)
        catalog = pipeline.connector.ports.catalog
        assert catalog is not None
        keys, after = [], ""
        while some := await catalog.given(kind, after=after):
            keys += some
            after = some[-1]
        return dict(await catalog.read(kind, keys))

    def cursor(self, name: str = NAME) -> JSON:
        """Where the connection stands."""
        cursor: JSON = codec.loads(self.hub.schedule(name)["cursor"] or "{}")
        return cursor

    def tell(self, command: str, **arguments: Any) -> Any:
        """A command to the simulator."""
        return self.shop.platform.commands()[command](arguments)

    @property
    def counters(self) -> JSON:
        """What the simulator counted."""
        summary: JSON = self.shop.platform.summary()
        return summary


Serve = Callable[..., AbstractAsyncContextManager[Import]]


@pytest.fixture(autouse=True)
def logs() -> Iterator[list[MutableMapping[str, Any]]]:
    """What is logged, instead of printing it."""
    with capture_logs() as entries:
        yield entries


@pytest.fixture
async def importing(hub_home: Path, sqlite_url: str) -> AsyncIterator[Serve]:
    """Runs a shop of the test's own beside a hub, connected."""
    async with AsyncExitStack() as stack:

        @asynccontextmanager
        async def serve(settings: JSON | None = None, **options: Any) -> AsyncIterator[Import]:
            running = await stack.enter_async_context(SIMULATOR.running(**options))
            hub = Hub(hub_home, sqlite_url, shopify=Shopify)
            stack.push_async_callback(hub.close)
            one = Import(hub, running)
            await one.connect(**(settings or {}))
            yield one

        yield serve


Counted = Callable[[JSON], Awaitable[dict[str, dict[str, int]]]]
VERBS = ("read", "created", "updated", "unchanged", "gone", "rejected")


def counts(report: JSON) -> dict[str, list[int]]:
    """By resource: read, created, updated, unchanged, gone, rejected."""
    return {name: [one[verb] for verb in VERBS] for name, one in report["resources"].items()}
