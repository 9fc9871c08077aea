"""An import whose process is killed again and again ends as one that nobody disturbed."""

from __future__ import annotations

import asyncio
import random
from multiprocessing.synchronize import Event
from pathlib import Path

from pydantic import SecretStr

from connectors.shopify.connector import Shopify
from hub.secrets import secret_box
from hub.store import connections
from hub.testing.member import forkserver
from tests.connectors.shopify.conftest import NAME, Import, Serve, counts
from tests.loop.hub_of_a_test import Hub

KILLS = 3
#: Seconds that something may take which takes a few at rest.
PATIENCE = 120.0
OPTIONS = {"products": 120, "locations": 3, "collections": 6, "customers": 120, "bulk_seconds": 0.3}
KINDS = ("location", "category", "product", "stock", "customer")


def _worker(home: Path, database_url: str, key: str, ready: Event) -> None:
    """A process that polls and works until no pass is under way, as a worker does."""

    async def work() -> None:
        hub = Hub(home, database_url, shopify=Shopify)
        hub.settings = hub.settings.model_copy(update={"secret_keys": SecretStr(key)})
        hub.secrets = secret_box(hub.settings)
        hub.runtime = hub.make_runtime()
        ready.set()
        while True:
            outcome = await hub.poll("shop")
            await hub.work_off("shop")
            if outcome.result == "ok" and not outcome.full:
                break
            if outcome.result == "lost":
                await asyncio.sleep(0.05)
        await hub.close()

    asyncio.run(work())


async def _work(shop: Import, home: Path, seconds: float) -> bool:
    """Let a process work for so long and kill it; whether it came to the end."""
    hub = shop.hub
    assert hub.settings.secret_keys is not None
    ready = forkserver().Event()
    key = hub.settings.secret_keys.get_secret_value()
    child = forkserver().Process(target=_worker, args=(home, str(hub.db.engine.url), key, ready))
    child.start()
    assert await asyncio.to_thread(ready.wait, PATIENCE)
    await asyncio.to_thread(child.join, seconds)
    if child.exitcode is None:
        child.kill()
        child.join()
        # What it held is held until it has expired.
        hub.pass_time(600)
        await hub.sweep()
        return False
    assert child.exitcode == 0
    return True


async def test_an_import_that_is_killed_ends_as_one_that_is_not(importing: Serve, hub_home: Path) -> None:
    """By bulk operations, which are found again and not started twice."""
    chance = random.Random(4)
    async with importing({"pages_up_to": 0, "full_every_hours": 1000}, **OPTIONS) as shop:
        connections.rewind(shop.hub.db, NAME, full_pass=True)
        kills = 0
        while not await _work(shop, hub_home, chance.uniform(0.2, 1.5) if kills < KILLS else PATIENCE):
            kills += 1
        await shop.hub.work_off(NAME)
        operations = shop.counters["bulk_operations"]
        killed = {kind: await shop.catalog(kind) for kind in KINDS}
        await shop.connect(name="calm", tenant="calm", pages_up_to=0)
        await shop.run("calm")
        calm = {kind: await shop.catalog(kind, "calm") for kind in KINDS}
        again = counts(await shop.run())

    assert killed == calm
    assert operations == 4
    assert all(one[0] == one[3] for one in again.values()), again
