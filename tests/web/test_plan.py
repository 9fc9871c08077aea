"""A connector says what a run would change."""

from __future__ import annotations

import pytest

from hub.errors import ConfigurationError, NotFoundError
from hub.loop.plan import plan
from tests.web.driver import Hub


async def test_a_plan_comes_from_the_connector(hub: Hub) -> None:
    """With counts, a sample and a hash to hold the run to."""
    await hub.add("north-1")

    planned = await plan(hub.runtime, "north-1")

    assert planned.counts == {"create": 1}
    assert planned.sample == [{"sku": "A-1", "change": "create"}]
    assert planned.hash


async def test_a_connector_without_a_plan_says_so(hub: Hub) -> None:
    """By name, as an unknown connection does."""
    await hub.add("polled", connector="acme", base_url="http://127.0.0.1:9")

    with pytest.raises(ConfigurationError, match="the connector acme has no plan"):
        await plan(hub.runtime, "polled")
    with pytest.raises(NotFoundError, match="unknown"):
        await plan(hub.runtime, "unknown")
