"""A hub on SQLite whose importing connector has a clock that can be turned."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, MutableMapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from hub.testing.books import assert_tallies_are_the_rows
from tests.loop.hub_of_a_test import Hub
from tests.merchstack.shop import Inbox, TurnedMerchstack


@pytest.fixture(autouse=True)
def logs() -> Iterator[list[MutableMapping[str, Any]]]:
    """What is logged, instead of printing it."""
    with capture_logs() as entries:
        yield entries


@pytest.fixture
async def hub(hub_home: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Hub]:
    """A hub whose counts have to be right in the end."""
    monkeypatch.setattr(TurnedMerchstack, "turned", timedelta(0))
    hub = Hub(hub_home, sqlite_url, merchstack=TurnedMerchstack)
    yield hub
    assert_tallies_are_the_rows(hub.db)
    await hub.close()


@pytest.fixture
async def inbox(hub: Hub, tmp_path: Path) -> Inbox:
    """A connection that imports from an empty folder."""
    return await Inbox.connect(hub, tmp_path / "inbox")
