"""A hub with Acme's plugin installed, served over HTTP, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.fixtures.plugins import install
from tests.web.driver import Hub, serving


@pytest.fixture(scope="session")
def acme(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where Acme's plugin and a clumsy one are installed, on this process's path and on that of its children."""
    folder = install(tmp_path_factory.mktemp("plugins"), "acme_plugin", "clumsy_plugin")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        patch.setenv("PYTHONPATH", str(folder))
        yield folder


@pytest.fixture
async def hub(acme: Path, database_url: str, tmp_path: Path) -> AsyncIterator[Hub]:
    """A hub without a connection."""
    async with serving(database_url, tmp_path) as hub:
        yield hub
