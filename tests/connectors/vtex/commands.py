"""`hub vtex …` on the hub of a test."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from typer.testing import CliRunner

from connectors.vtex.commands import app
from tests.loop.hub_of_a_test import Hub

#: Runs a command; what ``--json`` printed, or with ``as_json=False`` the text.
Run = Callable[..., Awaitable[Any]]


def commands(hub: Hub, monkeypatch: pytest.MonkeyPatch, *before: str) -> Run:
    """Those that begin with ``before``. What they raise is raised."""
    for name, value in hub.environment.items():
        monkeypatch.setenv(name, value)

    async def run(*arguments: str, as_json: bool = True) -> Any:
        told = [*before, *arguments, *(["--json"] if as_json else [])]
        result = await asyncio.to_thread(CliRunner().invoke, app, told)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout) if as_json else result.output

    return run
