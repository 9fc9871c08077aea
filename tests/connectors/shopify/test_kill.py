"""An import whose process is killed again and again ends as one that nobody disturbed."""

from __future__ import annotations

import asyncio
import os
import random
import sys
from pathlib import Path

from hub.store import connections
from tests.connectors.shopify.conftest import NAME, Import, Serve, counts

KILLS = 3
OPTIONS = {"products": 120, "locations": 3, "collections": 6, "customers": 120, "bulk_seconds": 0.3}
KINDS = ("location", "category", "product", "stock", "customer")

#: Polls and works until no pass is under way, as a worker does.
WORKER = """
import asyncio, sys
from pathlib import Path
from connectors.shopify.connector import Shopify
from hub.secrets import secret_box
from pydantic import SecretStr
from tests.connectors.shopify.conftest import Import
from tests.loop.hub_of_a_test import Hub

async def work():
    hub = Hub(Path(sys.argv[1]), sys.argv[2], shopify=Shopify)
    hub.settings = hub.settings.model_copy(update={"secret_keys": SecretStr(sys.argv[3])})
    hub.secrets = secret_box(hub.settings)
    hub.runtime = hub.make_runtime()
    print("ready", flush=True)
    while True:
        outcome = await hub.poll("shop")
        await hub.work_off("shop")
        if outcome.result == "ok" and not outcome.full:
            break
        if outcome.result == "lost":
            await asyncio.sleep(0.05)
    await hub.close()

asyncio.run(work())
"""


async def _work(shop: Import, home: Path, seconds: float | None) -> bool:
    """Let a process work for so long and kill it; whether it came to the end."""
    hub = shop.hub
    assert hub.settings.secret_keys is not None
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        WORKER,
        str(home),
        str(hub.db.engine.url),
        hub.settings.secret_keys.get_secret_value(),
        cwd=Path(__file__).parents[3],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
        stdout=asyncio.subprocess.PIPE,
    )
    assert child.stdout is not None
    assert (await child.stdout.readline()) == b"ready\n"
    try:
        await asyncio.wait_for(child.wait(), seconds)
    except TimeoutError:
        child.kill()
        await child.wait()
        # What it held is held until it has expired.
        hub.pass_time(600)
        await hub.sweep()
        return False
    assert child.returncode == 0
    return True


async def test_an_import_that_is_killed_ends_as_one_that_is_not(importing: Serve, hub_home: Path) -> None:
    """By bulk operations, which are found again and not started twice."""
    chance = random.Random(4)
    async with importing({"pages_up_to": 0, "full_every_hours": 1000}, **OPTIONS) as shop:
        connections.rewind(shop.hub.db, NAME, full_pass=True)
        kills = 0
        while not await _work(shop, hub_home, chance.uniform(0.2, 1.5) if kills < KILLS else 120):
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
