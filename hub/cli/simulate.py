"""`hub simulate`: everything behind the name belongs to the simulator."""

from __future__ import annotations

from typing import Annotated

import typer

from hub import registry
from hub.cli import output
from hub.cli.output import Json
from hub.errors import NotFoundError

app = typer.Typer(add_completion=False)


@app.command(
    add_help_option=False, context_settings={"allow_extra_args": True, "ignore_unknown_options": True}
)
def simulate(
    options: typer.Context,
    name: Annotated[str | None, typer.Argument(help="A simulator; without it they are listed.")] = None,
    as_json: Json = False,
) -> None:
    """Serve a platform's simulator on this machine until SIGINT or SIGTERM."""
    installed = registry.load()
    simulators = installed.simulators
    if name in {None, "--help"}:
        rows = [{"name": one, "title": simulator.title} for one, simulator in simulators.items()]
        output.show(rows, as_json, lambda: _list(rows))
    elif name not in simulators:
        broken = installed.broken.get(f"{registry.SIMULATORS}:{name}")
        why = f"it could not be loaded ({broken})" if broken else f"there are: {', '.join(simulators)}"
        raise NotFoundError(f"there is no {name!r}; {why}", field="simulator")
    else:
        simulators[name].main(options.args, program=f"hub simulate {name}")


def _list(rows: list[dict[str, str]]) -> None:
    output.table("simulators", ["name", "title"], rows)
    output.say("")
    output.say(
        "hub simulate NAME [--host HOST] [--port PORT] … serves one; hub simulate NAME --help lists its options"
    )
