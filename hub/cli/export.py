"""`hub export`."""

from __future__ import annotations

from typing import Annotated

import typer

from hub.cli import run
from hub.cli.output import Json


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
    run.to_the_end(name, wait=wait, processes=1, as_json=as_json, full_pass=full)
