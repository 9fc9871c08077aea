"""The help, and what every command has in common."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from hub.cli import app as cli
from hub.cli import exit_codes, failure
from hub.errors import ConfigurationError, HubError, RejectedError, ServiceUnavailableError

DOCS = Path(__file__).parents[2] / "docs" / "commands.md"

#: Loads what `hub --help` loads, and says what else came along.
LIGHT = """
import sys
from hub.cli import main
sys.argv = ["hub", "--help"]
try:
    main()
finally:
    print([name for name in ("sqlalchemy", "pydantic", "httpx", "dramatiq") if name in sys.modules], file=sys.stderr)
"""

#: Loads more and more of the hub, and says what should not have come along so far.
LIGHTER = """
import importlib, sys
never = {"alembic", "connectors", "graphql", "sqlalchemy.orm", "sqlmodel"}
for modules, heavy in (
    (["hub.cli.runs", "hub.cli.tenant", "hub.cli.connection", "hub.cli.run"], never | {"aiohttp", "redis"}),
    (["hub.fleet.scheduler_process", "hub.fleet.actors", "hub.web.process"], never | {"aiohttp"}),
):
    for module in modules:
        importlib.import_module(module)
    print(*modules, sorted(heavy & set(sys.modules)))
"""


def commands(command: Any, path: Sequence[str]) -> Iterator[tuple[str, Any]]:
    """Every command with its full name."""
    inner = getattr(command, "commands", None)
    if not inner:
        yield " ".join(path), command
        return
    for name, one in inner.items():
        place = cli.COMMANDS.get(name)
        if len(path) == 1:
            yield from commands(cli._built_in(place[0]) if place else cli._of_plugin(name), [*path, name])
        else:
            yield from commands(one, [*path, name])


ALL = dict(commands(typer.main.get_command(cli.app), ["hub"]))


def test_the_help_is_there_at_once() -> None:
    """No command is loaded for it, nor what commands stand on."""
    done = subprocess.run([sys.executable, "-c", LIGHT], capture_output=True, text=True, check=True)

    assert done.stderr == "[]\n"
    assert all(name in done.stdout for name in cli.COMMANDS)


def test_a_process_loads_what_it_needs() -> None:
    """The models are for migrations, plugins for whom they are asked for, the client of Redis for where there is one."""
    done = subprocess.run([sys.executable, "-c", LIGHTER], capture_output=True, text=True, check=True)

    lines = done.stdout.splitlines()
    assert len(lines) == 2
    assert all(line.endswith(" []") for line in lines), done.stdout


def test_the_help_says_how_commands_end() -> None:
    """Every exit code."""
    printed = CliRunner().invoke(cli.app, ["--help"]).stdout
    codes = [value for name, value in vars(exit_codes).items() if name.isupper() and isinstance(value, int)]

    assert "Exit codes" in printed
    assert all(f"{code} " in printed.partition("Exit codes")[2] for code in codes)


def test_the_version_is_that_of_the_distribution() -> None:
    """`hub --version`."""
    from importlib.metadata import version

    assert CliRunner().invoke(cli.app, ["--version"]).stdout == f"{version('connector-hub')}\n"


@pytest.mark.parametrize("name", ALL)
def test_every_command_says_what_it_does(name: str) -> None:
    """And so does every option of it."""
    command = ALL[name]
    options = [option for option in command.params if isinstance(option, typer.core.TyperOption)]

    assert command.help
    assert all(option.help for option in options if not option.hidden)


@pytest.mark.parametrize("name", ALL)
def test_every_command_stands_in_the_documentation(name: str) -> None:
    """With an example."""
    assert f"{name} " in DOCS.read_text() or f"{name}\n" in DOCS.read_text()


def test_data_can_be_had_as_json_everywhere() -> None:
    """What prints none is a process, or the key that is made to be pasted."""
    without = {
        name for name, command in ALL.items() if not any("--json" in option.opts for option in command.params)
    }

    assert without == {"hub up", "hub worker", "hub scheduler", "hub web", "hub secrets new-key"}


def test_a_mistyped_command_is_no_riddle() -> None:
    """The nearest one is named."""
    result = CliRunner().invoke(cli.app, ["conection", "list"])

    assert result.exit_code == exit_codes.USAGE
    assert "'connection'" in result.stderr


@pytest.mark.parametrize(
    ("error", "code"),
    (
        (ConfigurationError("no"), exit_codes.USAGE),
        (ServiceUnavailableError("no"), exit_codes.UNAVAILABLE),
        (RejectedError("no"), exit_codes.TROUBLE),
        (HubError("no"), exit_codes.TROUBLE),
        (ZeroDivisionError("no"), exit_codes.FAULT),
    ),
)
def test_each_kind_of_error_has_its_exit_code(error: Exception, code: int) -> None:
    """So that scripts need not read texts."""
    assert failure.exit_code(error) == code


def test_an_unexpected_error_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without its further lines, and without what looks like a credential."""
    monkeypatch.delenv("HUB_LOG_LEVEL", raising=False)
    failure.report(ValueError("postgresql://hub:pa55word@db/hub\nand more"))

    assert capsys.readouterr().err == "error: ValueError: postgresql://hub:***@db/hub\n"


def test_a_traceback_is_there_for_whoever_asks(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """HUB_LOG_LEVEL=DEBUG, still without credentials."""
    monkeypatch.setenv("HUB_LOG_LEVEL", "DEBUG")
    failure.report(ValueError("postgresql://hub:pa55word@db/hub").with_traceback(_some_traceback()))
    printed = capsys.readouterr().err

    assert "Traceback" in printed
    assert "pa55word" not in printed


def _some_traceback() -> TracebackType | None:
    try:
        int("none")
    except ValueError as error:
        return error.__traceback__
    return None
