"""What docs/marketplaces.md and the simulator's page say is so."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from connectors.destinations.batch_results import BatchResults
from connectors.marketplace import routes
from connectors.marketplace.catalog import CatalogMarketplace, CatalogMarketplaceSettings
from connectors.marketplace.destination import MarketplaceDestination
from connectors.marketplace.settings import MarketplaceCredentials, MarketplaceSettings
from connectors.marketplace.simulator import ROUTES, SIMULATOR
from hub import codec
from hub.connection_file import validated
from hub.demo.marketplace import scene
from hub.marketplace import Listing
from hub.store import connections
from tests.connectors.marketplace.conftest import Sell
from tests.connectors.marketplace.marketplace_world import NAME, listing

DOCS = Path(__file__).parents[3] / "docs"
PAGE = (DOCS / "marketplaces.md").read_text(encoding="utf-8")
VTEX_PAGE = (DOCS / "connectors/vtex-marketplace.md").read_text(encoding="utf-8")
SIMULATOR_PAGE = (DOCS / "connectors/marketplace-simulator.md").read_text(encoding="utf-8")
EXAMPLES = [tomllib.loads(block) for block in re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)]
#: Those that call the simulator.
WHOLE = [
    one
    for one in (*EXAMPLES, *map(tomllib.loads, re.findall(r"```toml\n(.*?)```", VTEX_PAGE, re.DOTALL)))
    if one.get("destination", {}).get("name") == "marketplace"
]


def example(name: str) -> dict[str, Any]:
    """The connection file's part for a destination."""
    return next(dict(one["destination"]) for one in EXAMPLES if one["destination"].get("name") == name)


@pytest.mark.parametrize(
    "model",
    (
        MarketplaceSettings,
        routes.Route,
        routes.Lots,
        routes.OffersRoute,
        routes.CategoriesRoute,
        routes.Refresh,
        BatchResults,
        CatalogMarketplaceSettings,
    ),
)
def test_every_setting_stands_there_with_its_meaning(model: type[BaseModel]) -> None:
    """Word for word."""
    rows = set(re.findall(r"^\| `(\w+)` \| .+? \| (.+) \|$", PAGE, re.MULTILINE))

    assert {(name, field.description) for name, field in model.model_fields.items()} <= rows


def test_every_credential_stands_there() -> None:
    """Likewise."""
    rows = set(re.findall(r"^\| `(\w+)` \| ([^|]+) \|$", PAGE, re.MULTILINE))

    assert {(name, field.description) for name, field in MarketplaceCredentials.model_fields.items()} <= rows


@pytest.mark.parametrize("destination", (MarketplaceDestination, CatalogMarketplace))
def test_the_example_of_each_is_valid(destination: Any) -> None:
    """As it stands there."""
    part = example(destination.name)

    validated(destination.Settings, part["settings"], field="destination.settings")
    validated(destination.Credentials, part.get("credentials", {}), field="destination.credentials")


@pytest.mark.parametrize("told", (*WHOLE, scene.connection("http://vtex", "http://market")))
def test_the_simulator_is_called_alike_everywhere(told: dict[str, Any]) -> None:
    """By the pages, by the demo and by the tests; the demo takes nothing away."""
    settings = told["destination"]["settings"]
    there = [name for name in ROUTES if name in settings]

    assert set(ROUTES) - set(there) <= {"delete"}
    assert calls(settings, there) == calls(ROUTES, there)


def test_the_smaller_examples_are_valid() -> None:
    """Within the large one."""
    whole = example("marketplace")["settings"]
    parts = [one["destination"]["settings"] for one in EXAMPLES if "name" not in one["destination"]]

    assert len(parts) == 2
    for part in parts:
        ((name, told),) = part.items()
        MarketplaceSettings.model_validate({**whole, name: {**whole[name], **told}})


def test_the_example_of_a_listing_is_one() -> None:
    """With every field."""
    (block,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    body = codec.loads(block)

    assert Listing.of(body).body() == body
    assert set(body) == set(
        re.findall(r"^\| `(\w+)` \| ", PAGE.split("## What happens")[0], re.MULTILINE)
    ) - {
        "marketplace",
        "catalog-marketplace",
    }


async def test_the_connection_file_sells_at_the_simulator(sell: Sell) -> None:
    """Lots, renewal and all."""
    world = await sell()
    connections.remove_connection(world.hub.db, NAME)
    written = codec.dumps(example("marketplace")).decode()
    await world.connect_to(codec.loads(written.replace("http://127.0.0.1:9300", world.simulator.url)))
    world.simulator.platform.commands()["expire"]({})

    await world.sync(*(listing(str(number)) for number in range(5)))
    await world.settle()
    await world.sync(*(listing(str(number), active=False) for number in range(5)))
    await world.settle()

    assert set(world.hub.states(NAME).values()) == {"success"}
    assert {(one["active"], one["stock"]) for one in world.offers.values()} == {(False, 0)}
    assert await (await world.open()).categories()


def test_every_option_of_the_simulator_is_listed() -> None:
    """With its default and meaning."""
    rows = re.findall(r"^\| `--([a-z-]+)` \| (.+?) \| (.+) \|$", SIMULATOR_PAGE, re.MULTILINE)
    stated = {name.replace("-", "_"): (default.strip("`"), meaning) for name, default, meaning in rows}

    assert stated == {
        name: ("all" if name == "match" else shown(field.default), field.description)
        for name, field in SIMULATOR.Options.model_fields.items()
    }


def test_every_command_of_the_simulator_is_listed() -> None:
    """Besides what all simulators know."""
    stated = set(re.findall(r"^\| `POST (\w+)` ", SIMULATOR_PAGE, re.MULTILINE))

    assert stated == {"reset", *SIMULATOR.app().platform.commands()}


def shown(default: object) -> str:
    """A default as the table has it."""
    if isinstance(default, list) and default:
        return ", ".join(default)
    if default in ("", None) or default == []:
        return "none"
    return str(default).lower() if isinstance(default, bool) else str(default).removesuffix(".0")


def calls(written: Mapping[str, Any], names: Sequence[str]) -> list[Any]:
    """What settings make of these."""
    told = {name: written[name] for name in names}
    settings = MarketplaceSettings.model_validate({"title": "m", "base_url": "http://m", **told})
    return [getattr(settings, name) for name in names]
