"""`hub vtex load`."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from hub import codec
from tests.connectors.vtex.marketplace.conftest import Join
from tests.connectors.vtex.marketplace.market_world import NAME, MarketWorld

RULES = {"gtin": {"required": True}}

Load = Callable[..., Awaitable[tuple[int, Any, str]]]


@pytest.fixture
def load() -> Load:
    """Runs the command in a process of its own: exit code, what was printed, what was said on standard error."""

    async def run(world: MarketWorld, *arguments: str, as_json: bool = True) -> tuple[int, Any, str]:
        process = await asyncio.create_subprocess_exec(
            *(
                sys.executable,
                "-m",
                "hub",
                "vtex",
                "load",
                NAME,
                *arguments,
                *(["--json"] if as_json else []),
            ),
            env={**os.environ, **world.hub.environment},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, said = await process.communicate()
        assert process.returncode is not None
        shown = json.loads(out) if as_json and out else out.decode()
        return process.returncode, shown, said.decode()

    return run


async def test_all_skus_are_read_anew_and_counted_by_what_became_of_them(join: Join, load: Load) -> None:
    """Also those that were loaded before and have not changed."""
    world = await join({"mapped": True, "rules": RULES}, skus=12, categories=2, no_ean=0.2)
    await world.sync()
    parked = [row for sku in world.skus if (row := world.row(sku))["state"] == "parked"]
    await world.map(parked[0]["wake_key"].removeprefix("category:"), "c1")
    await world.sync()
    asked, (dearer, *same) = world.asked, world.offers
    world.tell("change", skus=[int(dearer)], price=12345, notify=False)

    code, shown, said = await load(world)

    states = [world.row(sku)["state"] for sku in world.skus]
    assert (code, said.count("error")) == (0, 0), said
    assert (shown["load"]["ended"], shown["load"]["skus"]) == (True, 12)
    assert shown["load"]["states"] == {
        "success": 1,
        "unchanged": len(same),
        "rejected": states.count("rejected"),
        "parked": states.count("parked"),
    }
    assert same
    route = "GET /api/catalog_system/pvt/sku/stockkeepingunitidsbysaleschannel"
    assert world.asked[route] == 2 * asked[route]


async def test_people_are_told_what_the_states_mean_and_where_to_look(join: Join, load: Load) -> None:
    """In a table."""
    world = await join({"mapped": True}, skus=2)

    code, shown, _ = await load(world, as_json=False)

    assert code == 0
    assert "its category is not mapped" in shown
    assert f"`hub vtex logs {NAME}` says why" in shown


async def test_a_load_that_does_not_end_is_said_to(join: Join, load: Load) -> None:
    """An empty list of SKUs is no end; it is asked for at once when the command is run again."""
    world = await join(skus=3)
    world.vtex.platform.options.empty_first_page = True

    code, shown, said = await load(world)
    began = shown["load"]["began"]
    world.vtex.platform.options.empty_first_page = False
    again, ended, why = await load(world)

    assert (code, shown["load"]["ended"], shown["load"]["skus"]) == (1, False, 0)
    assert f"`hub vtex load {NAME}` goes on with it" in said
    assert (again, ended["load"]["ended"]) == (0, True), why
    assert ended["load"]["began"] > began
    assert ended["load"]["states"] == {"success": 3}


async def test_an_integration_that_is_switched_off_loads_nothing(join: Join, load: Load) -> None:
    """And says which setting that is."""
    world = await join({"selling": False}, skus=2)

    code, _, said = await load(world)

    assert (code, world.offers) == (2, {})
    assert said.startswith("error: settings.selling: is false")


async def test_a_load_that_is_under_way_is_gone_on_with(join: Join, load: Load) -> None:
    """Pages that were read are not read again."""
    world = await join({"page_size": 2}, skus=6)
    await world.hub.poll(NAME)
    began = codec.loads(world.hub.schedule(NAME)["cursor"])["load"]["began"]

    code, shown, said = await load(world)

    assert (code, shown["load"]["ended"]) == (0, True), said
    assert shown["load"]["began"] == began
    assert shown["load"]["states"] == {"success": 6}
