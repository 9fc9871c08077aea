"""The loop over real HTTP: a MerchantOps, a destination, and a hub without a broker between them, on both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, MutableMapping
from typing import Any

import pytest
from structlog.testing import capture_logs

from connectors.merchantops.simulator import SIMULATOR as MERCHANTOPS
from hub.records import JSON
from hub.store.connections import StoredConnection
from hub.testing.books import assert_tallies_are_the_rows
from hub.testing.destination import SIMULATOR as DESTINATION
from hub.testing.faults import Faults
from hub.testing.simulator import Running
from tests.loop.hub_of_a_test import Connect, Harm, Hub, Offer, Script, Scripted


@pytest.fixture(autouse=True)
def logs() -> Iterator[list[MutableMapping[str, Any]]]:
    """What is logged, instead of printing it with all its tracebacks."""
    with capture_logs() as entries:
        yield entries


@pytest.fixture(scope="module")
async def merchantops_server() -> AsyncIterator[Running]:
    async with MERCHANTOPS.running(records=0, batch_size=1000) as simulator:
        yield simulator


@pytest.fixture(scope="module")
async def destination_server() -> AsyncIterator[Running]:
    async with DESTINATION.running() as simulator:
        yield simulator


@pytest.fixture
def merchantops(merchantops_server: Running) -> Running:
    """A MerchantOps without records."""
    merchantops_server.app.reset()
    return merchantops_server


@pytest.fixture
def erp(destination_server: Running) -> Running:
    """A destination without records."""
    destination_server.app.reset()
    return destination_server


@pytest.fixture
def offer(merchantops: Running) -> Offer:
    def offer(*items: JSON, count: int = 0, texts: tuple[str, ...] = ()) -> list[str]:
        told = {"items": list(items), "count": count, "texts": list(texts)}
        keys: list[str] = merchantops.platform.commands()["records"](told)["record_keys"]
        return keys

    return offer


@pytest.fixture
def harm() -> Harm:
    def harm(simulator: Running, **faults: Any) -> None:
        simulator.app.faults.set([Faults(**faults)])

    return harm


@pytest.fixture
def script() -> Script:
    """What the connector ``scripted`` does."""
    return Script()


@pytest.fixture
async def hub(hub_home: Any, database_url: str, script: Script) -> AsyncIterator[Hub]:
    """A hub of the test's own, whose counts have to be right in the end."""
    hub = Hub(hub_home, database_url, scripted=Scripted.with_script(script))
    yield hub
    assert_tallies_are_the_rows(hub.db)
    await hub.close()


@pytest.fixture
def connect(hub: Hub, merchantops: Running, erp: Running) -> Connect:
    """Connects MerchantOps to the destination; polls need not wait. ``delivery`` and settings may be given."""

    async def connect(
        name: str = "prices", *, delivery: JSON | None = None, **settings: Any
    ) -> StoredConnection:
        told = {"base_url": merchantops.url, "target_key": "custom", "polls_per_second": 1000, **settings}
        return await hub.connect(
            {
                "connector": "merchantops",
                "settings": told,
                "credentials": {"api_key": "simulator-key"},
                "destination": {
                    "name": "http",
                    "settings": {"url": f"{erp.url}/prices", "external_id": "id"},
                    "mapping": {
                        "sku": "variant_key",
                        "price": "amount",
                        "currency": {"path": "currency", "required": True},
                    },
                },
                "delivery": delivery or {},
            },
            name=name,
        )

    return connect


@pytest.fixture
def connect_scripted(hub: Hub) -> Connect:
    """Connects the connector ``scripted``, which pushes by itself."""

    async def connect(name: str = "prices", *, delivery: JSON | None = None) -> StoredConnection:
        return await hub.connect({"connector": "scripted", "delivery": delivery or {}}, name=name)

    return connect
