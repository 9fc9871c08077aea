"""`hub import` of a shop as an operator has it: killed, begun again, and run once more after changes."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event, text

from connectors.shopify.connector import Shopify
from connectors.shopify.simulator import SIMULATOR
from tests.connectors.shopify.conftest import NAME, Import, counts
from tests.forked import Forked
from tests.loop.hub_of_a_test import Hub

KILLS = 3
#: Fewer records than the shop has, so that each kill comes before the end.
MOST_SETTLED = 600
OPTIONS = {"products": 120, "largest": 64, "locations": 4, "collections": 6, "customers": 100}


class Command:
    """`hub import shop` in processes of their own."""

    def __init__(self, shop: Import) -> None:
        self.shop = shop
        self._environment = {**os.environ, **shop.hub.environment}

    async def begin(self, *options: str, first: Callable[[], None] = bool) -> Forked:
        command = ("import", NAME, "--json", *options)
        return await asyncio.to_thread(Forked, command, self._environment, apart=True, first=first)

    async def end(self, *options: str) -> Any:
        """What one prints that ends well."""
        with await self.begin(*options) as process:
            out, err = await asyncio.to_thread(process.communicate, 120)
        assert process.returncode == 0, err
        return json.loads(out)

    async def die_at(self, settled: int) -> None:
        """Begin one that ends by SIGKILL when so many records are about to have settled."""
        async with asyncio.timeout(120):
            with await self.begin(first=_DeadAt(settled)) as process:
                await asyncio.to_thread(process.wait)
                assert process.returncode == -signal.SIGKILL
                await asyncio.to_thread(process.kill, store=self.shop.hub.db)
        # What it held is held until it has expired.
        self.shop.hub.pass_time(600)


class _DeadAt:
    """Called in a process, it ends it with the commit after which so many records would have settled.

    By itself, so that no kill comes late and finds an import that has come to its end.
    """

    def __init__(self, settled: int) -> None:
        self._settled = settled

    def __call__(self) -> None:
        event.listen(Engine, "commit", self._die)

    def _die(self, connection: Connection) -> None:
        count = connection.execute(text("SELECT count(*) FROM record WHERE state = 'success'"))
        if count.scalar_one() >= self._settled:
            os.kill(os.getpid(), signal.SIGKILL)


@pytest.fixture
async def command(hub_home: Path, database_url: str) -> AsyncIterator[Command]:
    """A shop that is connected, and read by bulk operations; on both databases."""
    async with SIMULATOR.running(**OPTIONS, bulk_seconds=0.3) as running:
        hub = Hub(hub_home, database_url, shopify=Shopify)
        shop = Import(hub, running)
        # Small slices: a kill is to come between two of them, and not when all has been done at once.
        await shop.connect(pages_up_to=0, full_every_hours=1000, delivery={"slice_size": 25})
        yield Command(shop)
        await hub.close()


def moments(seed: int) -> Sequence[int]:
    """How many records have settled at each kill."""
    return sorted(random.Random(seed).sample(range(1, MOST_SETTLED), KILLS))


async def test_an_import_that_is_killed_and_begun_again_counts_exactly(command: Command) -> None:
    """One import in the end, of everything and once; then nothing is new, and then what was changed and nothing else."""
    shop = command.shop
    for settled in moments(12):
        await command.die_at(settled)
    first = await command.end()
    operations = shop.counters["bulk_operations"]
    again = await command.end()
    shop.tell("change", resource="products", count=20, webhooks=False)
    shop.tell("delete", resource="products", count=5, webhooks=False)
    shop.tell("add", resource="products", count=3, webhooks=False)
    preview = await command.end("--preview")
    changed = await command.end("--plan", preview["hash"])

    was, same, now = (counts(one["import"]) for one in (first, again, changed))
    assert {one["import"]["state"] for one in (first, again, changed)} == {"done"}
    assert all([one[0], one[0], 0, 0, 0, 0] == one for one in was.values()), was
    assert (was["products"][0], was["customers"][0]) == (120, 100)
    assert operations == 4
    assert all([one[0], 0, 0, one[0], 0, 0] == one for one in same.values()), same
    assert now["products"] == [118, 3, 20, 95, 5, 0]
    assert [preview["counts"][f"products.{verb}"] for verb in ("created", "changed", "gone")] == [3, 20, 5]
    assert now["customers"] == [100, 0, 0, 100, 0, 0]
    assert len(await shop.catalog("product")) == 118
