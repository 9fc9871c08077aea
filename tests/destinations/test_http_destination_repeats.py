"""The HTTP destination against the destination that remembers: repetitions come under the same idempotency keys."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from connectors.destinations.http import HttpDestination
from hub.connector import Ports
from hub.records import Item, Rejected, Success
from hub.testing.destination import SIMULATOR
from hub.testing.simulator import Running


@pytest.fixture
async def erp() -> AsyncIterator[Running]:
    async with SIMULATOR.running(refuse=["sku-3"]) as running:
        yield running


@pytest.mark.parametrize(
    "settings",
    (
        {"external_id": "id"},
        {"batch": 4, "results": {"items": "results", "error": "error", "external_id": "id"}},
    ),
)
async def test_a_repeated_slice_is_recognised(
    erp: Running, ports: Ports, item: Callable[..., Item], *, settings: Any
) -> None:
    """Record by record, whether it comes alone or in a batch, and in another batch than before."""
    destination = HttpDestination(
        HttpDestination.Settings.model_validate({"url": erp.url, **settings}),  # type: ignore[arg-type]
        HttpDestination.Credentials(),  # type: ignore[arg-type]
        ports,
    )
    items = [item(number) for number in range(10)]

    first = await destination.push(items)
    second = await destination.push(items[::-1])

    assert [type(result) for result in first] == [Rejected if one == 3 else Success for one in range(10)]
    assert [getattr(result, "external_id", None) for result in second[::-1]] == [
        getattr(result, "external_id", None) for result in first
    ]
    seen = erp.app.platform.summary()
    assert (seen["records"], seen["repeated"]) == (9, 9)
    assert (seen["doubled"], seen["changed"], seen["without_key"]) == (0, 0, 0)
