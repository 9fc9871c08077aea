"""What `hub connection check` finds of an account."""

from __future__ import annotations

from typing import Any

import pytest

from hub.connector import CheckResult
from tests.connectors.vtex.marketplace.conftest import Join
from tests.connectors.vtex.marketplace.market_world import NAME, MarketWorld

SECRET = "s" * 16


async def checked(world: MarketWorld) -> CheckResult:
    pipeline = await world.hub.runtime.pipeline(world.hub.connection(NAME).id)
    return await pipeline.connector.check()


def notified_at(world: MarketWorld, secret: str) -> str:
    return f"{world.hub.settings.web_url}/hooks/{NAME}/{secret}/api/notification/"


async def test_addresses_are_shown_without_their_secret(join: Join) -> None:
    """The one that notifications go to, and that of the logs."""
    world = await join({"credentials": {"endpoint_secret": SECRET}})
    world.tell("affiliates", id="HBB", endpoint=notified_at(world, SECRET))

    found = await checked(world)

    assert found.warnings == []
    assert found.facts == {
        "account": "simulated",
        "sales channel": 1,
        "notification endpoint": notified_at(world, "SECRET"),
        "logs": f"{world.hub.settings.web_url}/c/{NAME}/SECRET/simulated/logs/",
    }


@pytest.mark.parametrize("endpoint", ("https://elsewhere.example", "SECRET"))
async def test_an_affiliate_that_tells_somebody_else_is_found(join: Join, endpoint: str) -> None:
    """With the address that it should have."""
    world = await join({"credentials": {"endpoint_secret": SECRET}})
    told = endpoint if ":" in endpoint else notified_at(world, endpoint)
    world.tell("affiliates", id="HBB", endpoint=told)

    [warning] = (await checked(world)).warnings

    assert (
        warning == f"the affiliate's search endpoint is another one; set it to {notified_at(world, 'SECRET')}"
    )


@pytest.mark.parametrize(
    ("settings", "vtex", "warned"),
    (
        ({"affiliate_id": "HCC"}, {}, "the account has no affiliate HCC; create it in its admin"),
        ({"affiliate_id": None}, {"skus": 0}, "VTEX lists no SKU in the sales channel 1: check"),
        ({"affiliate_id": None}, {}, "without credentials.endpoint_secret everybody may send notifications"),
    ),
)
async def test_what_is_amiss_is_said(
    join: Join, settings: dict[str, Any], vtex: dict[str, Any], warned: str
) -> None:
    """Each with what to do."""
    world = await join(settings, **vtex)

    warnings = (await checked(world)).warnings

    assert [one for one in warnings if one.startswith(warned)]
