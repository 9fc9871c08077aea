"""`hub export`."""

from __future__ import annotations

from typing import Annotated

import typer

from hub import event_loop
from hub.cli import run, session
from hub.cli.output import Json
from hub.connector import Imports
from hub.errors import ConfigurationError
from hub.store import connections


def export(
    name: Annotated[str, typer.Argument(help="A connection that exports.")],
    full: Annotated[
        bool, typer.Option("--full", help="Everything anew, not only what has changed since the last export.")
    ] = False,
    wait: run.Wait = 60.0,
    as_json: Json = False,
) -> None:
    """Export what has changed, in the foreground, until nothing is left: `hub run NAME --drain`, for exports.

    Ends as `hub run` does: with 0 when everything was drained, with 1 when something is left or dead.
    """
    event_loop.run(_refuse_an_import(name))
    run.to_the_end(name, wait=wait, processes=1, as_json=as_json, full_pass=full)


async def _refuse_an_import(name: str) -> None:
    """What goes into the catalog is no export. Raises ``ConfigurationError`` that says what to use instead."""
    async with session.runtime(session.begin()) as runtime:
        stored = await runtime.db.run(connections.get_connection, runtime.db, name)
        pipeline = await runtime.pipeline(stored.id)
        if pipeline.catalog is None:
            return
        imports = isinstance(pipeline.connector, Imports)
    command = f"hub import {name}" if imports else f"hub run {name} --drain"
    raise ConfigurationError(f"{name} imports into the catalog and exports nothing; `{command}` runs it")
