"""`hub vtex categories` and `hub vtex logs`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from connectors.vtex.marketplace.logs import SkuInfo
from connectors.vtex.marketplace.messages import coded
from hub.errors import ConfigurationError
from hub.records import Parked, Rejected, Success
from hub.store import connections
from tests.connectors.vtex.commands import Run, commands
from tests.connectors.vtex.marketplace.conftest import MakeWorld
from tests.connectors.vtex.marketplace.logs_world import NAME, World

ENTRY_POINTS = "[hub.destinations]\nbazaar = tests.connectors.vtex.marketplace.bazaar:Bazaar\n"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[World], Run]:
    """Commands of a world's hub, in which the bazaar is installed as a stranger's plugin is."""
    info = tmp_path / "plugins" / "bazaar-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: bazaar\nVersion: 1\n")
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    monkeypatch.syspath_prepend(str(info.parent))

    def of(world: World) -> Run:
        monkeypatch.setenv("HUB_PUBLIC_URL", world.hub.settings.web_url)
        return commands(world.hub, monkeypatch)

    return of


def parked(category: str) -> Parked:
    return Parked(wake_key=f"category:{category}", reason="E4: not mapped")


async def test_categories_are_listed_with_those_that_are_waited_for_first(
    make_world: MakeWorld, run: Callable[[World], Run]
) -> None:
    """With names, and how many SKUs wait."""
    world = await make_world()
    plugin = await world.plugin()
    await plugin.categories.put({"2": "home", "10": "garden"})
    await plugin.categories.remember_names({"2": "Casa", "9": "Casa > Luz"})
    await world.ids.put("sku", {"15": SkuInfo(name="Lamp", category="Other").text()})
    await world.work({"15": parked("9"), "16": parked("9")})
    hub = run(world)

    rows = await hub("categories", "list", NAME)

    assert [(row["category"], row["path"], row["marketplace_category"], row["waiting"]) for row in rows] == [
        ("9", "Casa > Luz", None, 2),
        ("2", "Casa", "home", 0),
        ("10", None, "garden", 0),
    ]
    assert {sku["sku"]: sku["name"] for sku in rows[0]["skus"]} == {"15": "Lamp", "16": None}
    shown = await hub("categories", "list", NAME, as_json=False)
    assert "not mapped" in shown
    assert "Casa > Luz" in shown


async def test_a_category_is_mapped_by_hand_and_its_skus_go_on_at_once(
    make_world: MakeWorld, run: Callable[[World], Run]
) -> None:
    """Without waiting for a poll; those of other categories stay."""
    world = await make_world()
    await world.work({"15": parked("9"), "16": parked("8")})
    world.hub.pass_time(world.hub.settings.bell_age.total_seconds())

    done = await run(world)("categories", "map", NAME, "9", "lamps")
    said = await run(world)("categories", "map", NAME, "9", "lamps", as_json=False)

    assert done == {
        "category": "9",
        "marketplace_category": "lamps",
        "path": "Home > Lamps",
        "changed": True,
        "woken": 1,
        "status": "live",
    }
    assert "9 was mapped already to lamps (Home > Lamps)" in said
    assert world.hub.states(NAME) == {"15": "waiting", "16": "parked"}
    assert (await world.hub.sweep()).rung == 1
    world.bazaar.answers = {"15": Success()}  # type: ignore[attr-defined]
    await world.hub.work_off(NAME)
    assert world.hub.states(NAME)["15"] == "success"


async def test_what_wakes_in_a_paused_connection_waits(
    make_world: MakeWorld, run: Callable[[World], Run]
) -> None:
    """And is said to."""
    world = await make_world()
    await world.work({"15": parked("9")})
    connections.set_paused(world.hub.db, NAME, True)
    rung = len(world.hub.bells(NAME))

    said = await run(world)("categories", "map", NAME, "9", "lamps", as_json=False)

    assert "1 SKU(s) that waited for it go on once the connection runs: it is paused" in said
    assert len(world.hub.bells(NAME)) == rung


@pytest.mark.parametrize(
    ("ids", "text"),
    (
        (("shoes", "lamps"), 'VTEX_ID: "shoes" is no id of a VTEX category, which is a number'),
        (("9", "Lamps"), 'The Bazaar has no category "Lamps"; categories called so: lamps, desk'),
        (("9", "nothing"), "take an id out of its category tree"),
        (("9", " "), "MARKETPLACE_ID: is no id"),
    ),
)
async def test_ids_that_are_none_are_refused(
    make_world: MakeWorld, run: Callable[[World], Run], ids: tuple[str, str], text: str
) -> None:
    """Nothing is mapped then."""
    world = await make_world()

    with pytest.raises(ConfigurationError, match=text):
        await run(world)("categories", "map", NAME, *ids)

    assert await run(world)("categories", "list", NAME) == []


async def test_the_tree_is_pushed_by_command(make_world: MakeWorld, run: Callable[[World], Run]) -> None:
    """Also where the mapper has it already."""
    world = await make_world()
    hub = run(world)

    first = await hub("categories", "push", NAME)
    again = await hub("categories", "push", NAME)

    assert first == again == {"id": first["id"], "categories": 4, "response_code": 204}
    assert world.vtex.platform.summary()["mapper_trees"] == 2
    assert first["id"] in await hub("categories", "push", NAME, as_json=False)


async def test_logs_are_shown_by_command(make_world: MakeWorld, run: Callable[[World], Run]) -> None:
    """A day's, by status, with codes and whole messages."""
    world = await make_world()
    refused = Rejected(errors=coded("E1", "name: too long; shorten it"))
    await world.work({"15": refused, "16": Success(created=True, external_id="M16")})
    hub = run(world)

    rows = await hub("logs", NAME)

    assert sorted((row["sku"], row["code"], row["Status"]) for row in rows) == [
        ("15", "E1", "Error"),
        ("16", "S1", "Success"),
    ]
    assert [row["sku"] for row in await hub("logs", NAME, "--status", "alert,error")] == ["15"]
    assert len(await hub("logs", NAME, "--limit", "1")) == 1
    assert await hub("logs", NAME, "--date", "2020-01-01") == []
    assert "name: too long; shorten it" in await hub("logs", NAME, as_json=False)
    for option, value in (("--date", "today"), ("--status", "good")):
        with pytest.raises(ConfigurationError, match=f"{option}: "):
            await hub("logs", NAME, option, value)
