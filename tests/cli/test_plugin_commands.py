"""Commands that a plugin brings, mounted under `hub`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hub.cli import app as cli

MODULE = """
import typer
app = typer.Typer(help="Of a stranger.")

@app.command()
def greet(name: str) -> None:
    "Greets."
    print(f"hello {name}")
"""

Install = Callable[[str, str], None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Puts a distribution with one command into the environment: its module's text, and the command's name."""
    loaded = set(sys.modules)

    def put(text: str, name: str) -> None:
        (tmp_path / "stranger_commands.py").write_text(text)
        info = tmp_path / "stranger-1.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: stranger\nVersion: 1\n")
        (info / "entry_points.txt").write_text(f"[hub.commands]\n{name} = stranger_commands:app\n")
        monkeypatch.syspath_prepend(str(tmp_path))

    yield put
    for name in set(sys.modules) - loaded:
        if name.startswith("stranger"):
            del sys.modules[name]


def hub(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(cli.app, arguments)
    return result.exit_code, result.stdout, result.stderr


def test_a_plugins_commands_are_found_and_run(install: Install) -> None:
    """Without a change to the hub; a single command stays a command of its group."""
    install(MODULE, "stranger")

    assert hub("stranger", "greet", "you") == (0, "hello you\n", "")
    assert "stranger" in hub("--help")[1]


def test_a_plugin_that_cannot_be_loaded_is_named_when_it_is_called(install: Install) -> None:
    """And hinders nobody before."""
    install("raise RuntimeError('no luck')", "stranger")
    code, _, said = hub("stranger", "greet", "you")

    assert hub("--help")[0] == 0
    assert code == 2
    assert said.startswith("error: stranger: ")
    assert "no luck" in said


def test_a_plugin_cannot_take_the_place_of_a_command(install: Install) -> None:
    """The hub's own is called."""
    install(MODULE, "connectors")

    assert hub("connectors", "greet", "you")[0] == 2
    assert "merchantops" in hub("connectors", "list")[1]
