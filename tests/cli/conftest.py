"""The command line in this process, with a source and a destination that answer from a thread beside it."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import structlog
from typer.testing import CliRunner, Result

from connectors.merchantops.simulator import SIMULATOR as MERCHANTOPS
from hub.cli.app import app
from hub.secrets import new_key
from hub.testing.destination import SIMULATOR as DESTINATION
from hub.testing.simulator import Simulator, SimulatorApp, running

#: The credential of every connection here. Nothing that is printed may hold it.
SECRET = "s3cr3t-k3y-of-merchantops"

CONNECTION = """
connector = "merchantops"
[settings]
base_url = "{source}"
target_key = "custom"
[credentials]
api_key = "{secret}"
[destination]
name = "http"
settings = {{ url = "{destination}/prices", method = "POST", external_id = "id" }}
mapping = {{ record = "record_key", price = "amount", currency = "currency" }}
"""


@dataclass(kw_only=True)
class Served:
    """A simulator that answers at ``url``; ``app`` is it."""

    url: str
    app: SimulatorApp

    @property
    def platform(self) -> Any:
        return self.app.platform


@dataclass(kw_only=True)
class Hub:
    """Runs commands as ``hub …`` does, and never lets a secret through."""

    home: Path
    folder: Path
    secrets: list[str]
    runner: CliRunner = field(default_factory=CliRunner)

    def __call__(self, *arguments: str) -> Result:
        result = self.runner.invoke(app, arguments)
        for secret in self.secrets:
            assert secret not in result.output
        return result

    def ok(self, *arguments: str) -> str:
        """What a command that has to succeed prints."""
        result = self(*arguments)
        assert result.exit_code == 0, result.output
        return result.stdout

    def json(self, *arguments: str) -> Any:
        """The document that a command that has to succeed prints."""
        return json.loads(self.ok(*arguments, "--json"))

    def refused(self, *arguments: str, code: int = 2) -> str:
        """The one line that a command which has to be refused says."""
        result = self(*arguments)
        assert (result.exit_code, result.stdout) == (code, ""), result.output
        lines = result.stderr.splitlines()
        assert len(lines) == 1, result.stderr
        assert lines[0].startswith("error: ")
        return lines[0].removeprefix("error: ")

    def write(self, text: str, name: str = "connection.toml") -> str:
        """A file with this text; gives its path."""
        path = self.folder / name
        path.write_text(text, "utf-8")
        return str(path)


@pytest.fixture
def own_logging() -> Iterator[None]:
    """A command sets up logging for its process, which here is everybody's."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


@pytest.fixture
def hub(
    hub_home: Path, sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_logging: None
) -> Hub:
    """A hub without a connection, which may call this machine.

    Its embedded store is there already (``sqlite_url``): all migrations take longer than most tests here.
    """
    monkeypatch.setenv("HUB_HOME", str(hub_home))
    monkeypatch.setenv("HUB_ALLOW_PRIVATE_HOSTS", "true")
    key = new_key()
    monkeypatch.setenv("HUB_SECRET_KEYS", key)
    return Hub(home=hub_home, folder=tmp_path, secrets=[SECRET, key])


@contextmanager
def serving(simulator: Simulator, **options: Any) -> Iterator[Served]:
    """A simulator on a thread and event loop of its own."""
    simulated = simulator.app(**options)
    ready, done = threading.Event(), threading.Event()
    found: list[str] = []

    async def serve() -> None:
        async with running(simulated) as url:
            found.append(url)
            ready.set()
            await asyncio.to_thread(done.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert ready.wait(20)
    try:
        yield Served(url=found[0], app=simulated)
    finally:
        done.set()
        thread.join()


@pytest.fixture
def source() -> Iterator[Served]:
    """MerchantOps with twenty pending records."""
    with serving(MERCHANTOPS, records=20, batch_size=10, api_key=SECRET) as served:
        yield served


@pytest.fixture
def destination() -> Iterator[Served]:
    """An ERP-like destination that takes everything."""
    with serving(DESTINATION, identity="record") as served:
        yield served


@pytest.fixture
def connection_file(hub: Hub, source: Served, destination: Served) -> Callable[..., str]:
    """Writes a connection file, with parts of its text replaced; gives its path."""

    def write(replaced: str = "", by: str = "", *, name: str = "connection.toml") -> str:
        text = CONNECTION.format(source=source.url, destination=destination.url, secret=SECRET)
        assert replaced in text
        return hub.write(text.replace(replaced, by) if replaced else text, name)

    return write


@pytest.fixture
def acme(hub: Hub) -> str:
    """A tenant."""
    hub.ok("tenant", "add", "acme")
    return "acme"


@pytest.fixture
def prices(hub: Hub, acme: str, connection_file: Callable[..., str]) -> str:
    """The connection ``prices`` of the tenant ``acme``."""
    hub.ok("connection", "add", "prices", "--tenant", "acme", "--config", connection_file())
    return "prices"
