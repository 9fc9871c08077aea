"""Several workers find the same group settled and close it at once: the files are those of one who closed it alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from connectors.merchstack.connector import Merchstack
from connectors.merchstack.export import MerchstackExport
from hub.connector import Connector
from hub.errors import RetryableError
from hub.records import GroupTally
from hub.store.ledger import groups
from tests.connectors.merchstack.import_world import product
from tests.loop.hub_of_a_test import Hub
from tests.merchstack.shop import Inbox, Outbox, work_to_the_end

#: How long each worker comes after the one before, in milliseconds: what meets what depends on it.
APART = (0, 3, 9, 15)

WORKERS, RECORDS, SLICE = 5, 100, 10
FILE = "product_export1_1.jsonl"


class Held(Connector[Any, Any]):
    """Closes nothing while its connection is ``held``."""

    held: ClassVar[set[str]] = set()

    async def close_group(self, tally: GroupTally) -> None:
        if self.ports.connection in self.held:
            raise RetryableError("the test holds it")
        await super().close_group(tally)


class HeldImport(Held, Merchstack):
    """Importing."""


class HeldExport(Held, MerchstackExport):
    """Exporting."""


@pytest.fixture
async def hub(hub_home: Path, sqlite_url: str) -> AsyncIterator[Hub]:
    """A hub whose connections to Merchstack can be held."""
    plugins: Any = {"merchstack": HeldImport, "merchstack-export": HeldExport}
    hub = Hub(hub_home, sqlite_url, **plugins)
    yield hub
    await hub.close()


@pytest.mark.parametrize("apart", APART)
async def test_an_export_is_whole(inbox: Inbox, tmp_path: Path, apart: int) -> None:
    """Nobody puts files out from what another has begun to clear away."""
    inbox.put(FILE, [product(f"p{each}", each, RECORDS) for each in range(1, RECORDS + 1)])
    await inbox.run()
    delivery = {"slice_size": SLICE}
    outbox = await Outbox.connect(
        inbox.hub, tmp_path / "out", name="out", tenant=inbox.tenant, delivery=delivery
    )
    await _close_at_once(inbox.hub, outbox.name, apart=apart)

    assert len(outbox.content()) == RECORDS
    assert _files(outbox.folder) == list(outbox.files())


@pytest.mark.parametrize("apart", APART)
async def test_an_imported_file_is_moved_once_and_reported_once(inbox: Inbox, apart: int) -> None:
    """Whoever comes second makes no second place for it."""
    inbox.put(FILE, [product("p1")])
    await _close_at_once(inbox.hub, inbox.name, apart=apart)

    assert _files(inbox.folder) == [FILE, f"{FILE}.report.json"]
    assert inbox.report(FILE)["counts"]["created"] == 1


async def _close_at_once(hub: Hub, name: str, *, apart: int) -> None:
    """Only when all has settled, and from as many processes as there are workers."""
    Held.held.add(name)
    await work_to_the_end(hub, name)
    Held.held.remove(name)
    connection = hub.connection(name).id
    connectors = [(await hub.make_runtime().pipeline(connection)).connector for _ in range(WORKERS)]
    (tally,) = groups.closable(hub.db, connection)
    await asyncio.gather(
        *(_close(connector, tally, place * apart) for place, connector in enumerate(connectors))
    )


async def _close(connector: Connector[Any, Any], tally: GroupTally, after: int) -> None:
    await asyncio.sleep(after / 1000)
    await connector.close_group(tally)


def _files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())
