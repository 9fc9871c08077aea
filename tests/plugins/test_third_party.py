"""A stranger's plugin is installed, found, configured and run, and the hub does not change for it."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

PLUGIN = Path(__file__).parents[1] / "fixtures" / "acme_plugin" / "acme_plugin"
#: What a plugin may import of the hub.
PUBLIC = {"hub.codec", "hub.connector", "hub.errors", "hub.http", "hub.records", "hub.testing"}
COUNTS = 20

CONNECTION = """
connector = "acme"
[settings]
base_url = "{url}"
page_size = 7
[credentials]
token = "env:ACME_TOKEN"
[destination]
name = "acme_shelf"
settings = {{ folder = "{shelf}" }}
"""


class Shell:
    """Runs `hub` in the fresh environment, far from the checkout."""

    def __init__(self, binaries: Path, folder: Path) -> None:
        self.binaries = binaries
        self.folder = folder
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("HUB_", "PYTHON"))}
        self.environment = {
            **clean,
            "HUB_HOME": str(folder / "home"),
            "HUB_ALLOW_PRIVATE_HOSTS": "true",
            "ACME_TOKEN": "acme-token",
        }

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A command to its end."""
        return subprocess.run(
            [self.binaries / arguments[0], *arguments[1:]],
            check=False,
            capture_output=True,
            text=True,
            cwd=self.folder,
            env=self.environment,
        )

    def hub(self, *arguments: str) -> Any:
        """What `hub … --json` prints; it has to end well."""
        done = self.run("hub", *arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@pytest.fixture
def shell(fresh: Path, tmp_path: Path) -> Shell:
    """A hub of the test's own."""
    return Shell(fresh, tmp_path)


@pytest.fixture
def warehouse(shell: Shell) -> Iterator[str]:
    """`hub simulate acme`."""
    command = [shell.binaries / "hub", "simulate", "acme", "--counts", str(COUNTS)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=shell.folder, env=shell.environment
    ) as process:
        assert process.stdout
        ready = re.search(r"http://\S+", process.stdout.readline())
        assert ready
        yield ready[0]
        process.terminate()


def test_it_is_found_configured_and_run(shell: Shell, warehouse: str) -> None:
    """Connector, destination, simulator and command of the plugin; two counts are below zero and are refused."""
    shelf = shell.folder / "shelf"
    shelf.mkdir()
    file = shell.folder / "north.toml"
    file.write_text(CONNECTION.format(url=warehouse, shelf=shelf))
    shell.hub("tenant", "add", "north")

    saved = shell.hub("connection", "add", "north-1", "--tenant", "north", "--config", str(file))
    done = shell.hub("run", "north-1", "--drain")
    shown = shell.run("hub", "acme", "shelf", str(shelf))

    assert saved["checks"]["source"]["facts"] == {"warehouse": "Acme North"}
    told = {name: done[name] for name in ("polled", "pushed", "succeeded", "failed", "reported", "waiting")}
    assert told == {
        "polled": COUNTS,
        "pushed": COUNTS,
        "succeeded": COUNTS - 2,
        "failed": 2,
        "reported": COUNTS,
        "waiting": 0,
    }
    assert sorted(path.stem for path in shelf.iterdir()) == sorted(
        f"A-{seq}" for seq in range(1, COUNTS + 1) if seq % 10
    )
    assert "A-7 7" in shown.stdout.splitlines()


def test_the_hub_that_runs_it_is_the_installed_one(shell: Shell) -> None:
    """Not the checkout: else this would prove nothing."""
    asked = shell.run("python", "-c", "import hub, acme_plugin; print(hub.__file__, acme_plugin.__file__)")

    hub, plugin = asked.stdout.split()
    assert Path(hub).is_relative_to(shell.binaries.parent)
    assert Path(plugin).is_relative_to(shell.binaries.parent)


def test_broken_plugins_are_reported_by_name_and_stop_nobody(shell: Shell) -> None:
    """One that fails on import, ends the process, is no connector, has no streams, or takes a name that is taken."""
    found = shell.hub("connectors", "list")

    broken = found["broken"]
    assert {"acme", "acme_live", "merchantops"} <= {one["name"] for one in found["connectors"]}
    assert "acme_shelf" in {one["name"] for one in found["destinations"]}
    assert "RuntimeError: this module cannot be imported" in broken["hub.connectors:raises"]
    assert "SystemExit" in broken["hub.connectors:exits"]
    assert "ModuleNotFoundError" in broken["hub.connectors:missing"]
    assert "is no Connector class" in broken["hub.connectors:no_connector"]
    assert "is no Destination class" in broken["hub.destinations:no_destination"]
    assert "calls itself 'something_else'" in broken["hub.connectors:misnamed"]
    assert "declares no streams" in broken["hub.connectors:streamless"]
    assert "broken-plugin and rival-plugin all claim this name" in broken["hub.connectors:twice"]
    assert "that of connector-hub is used" in broken["hub.connectors:merchantops"]
    assert len(broken) == 9


def test_nobody_takes_the_place_of_a_connector_of_the_hub(shell: Shell) -> None:
    """A stranger under its name would be handed its credentials."""
    shown = shell.hub("connectors", "show", "merchantops")

    assert "api_key" in {one["name"] for one in shown["credentials"]}


def test_a_connection_to_a_broken_plugin_is_refused_with_the_reason(shell: Shell) -> None:
    """When it is saved."""
    file = shell.folder / "broken.toml"
    file.write_text('connector = "raises"\n')
    shell.hub("tenant", "add", "north")

    refused = shell.run("hub", "connection", "add", "north-1", "--tenant", "north", "--config", str(file))

    assert refused.returncode == 2
    assert "this module cannot be imported" in " ".join(refused.stderr.split())


@pytest.mark.parametrize("path", sorted(PLUGIN.glob("*.py")), ids=lambda path: path.name)
def test_the_plugin_imports_nothing_but_what_is_public(path: Path) -> None:
    """Else it would prove nothing either."""
    imported = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            imported |= {node.module, *(f"{node.module}.{one.name}" for one in node.names)} - {"hub"}
        elif isinstance(node, ast.Import):
            imported |= {one.name for one in node.names}
    of_the_hub = {name for name in imported if name and name.split(".")[0] in ("hub", "connectors")}

    assert {name for name in of_the_hub if ".".join(name.split(".")[:2]) not in PUBLIC} == set()
