"""`hub`: knows the names of all commands and loads the one that is called, so that its help is there at once."""

from __future__ import annotations

import importlib
import os
import sys
from importlib.metadata import entry_points, version
from typing import Annotated, Any

import typer
import typer.main
from typer.core import TyperCommand, TyperGroup

from hub.cli import exit_codes

#: The entry-point group of plugins that bring commands (``hub.registry.COMMANDS``, which takes long to import).
PLUGINS = "hub.commands"

#: Where each command stands, and what the help says of it.
COMMANDS = {
    "up": (
        "hub.cli.processes:up",
        "Everything in one command: scheduler, worker and web, with embedded services.",
    ),
    "demo": (
        "hub.cli.demo:demo",
        "See the hub at work against simulators, with proof at the end.",
    ),
    "tenant": ("hub.cli.tenant:app", "Organisations or stores."),
    "connectors": ("hub.cli.connectors:app", "Connectors and destinations that are installed."),
    "connection": ("hub.cli.connection:app", "A tenant's configured use of a connector."),
    "run": ("hub.cli.run:run", "Run a connection in the foreground until nothing is left to do."),
    "import": (
        "hub.cli.imports:import_",
        "Bring in all that a source has, or say first what would come.",
    ),
    "export": ("hub.cli.export:export", "Run an exporting connection to its end in the foreground."),
    "catalog": ("hub.cli.catalog:app", "What connectors brought of a tenant's goods."),
    "records": ("hub.cli.records:app", "The ledger: every record and what became of it."),
    "dead": ("hub.cli.dead:app", "Dead letters: pushes and reports whose attempts are spent."),
    "runs": ("hub.cli.runs:app", "Polls that brought something, and imports."),
    "quarantine": ("hub.cli.quarantine:app", "What a source sent that is no record."),
    "secrets": ("hub.cli.secrets:app", "The keys that credentials are encrypted with."),
    "db": ("hub.cli.db:app", "The store and its migrations."),
    "worker": ("hub.cli.processes:worker", "Poll, push and report."),
    "scheduler": ("hub.cli.processes:scheduler", "Fire what is due; any number may run."),
    "web": ("hub.cli.processes:web", "Webhooks, connectors' endpoints and authorization."),
    "simulate": ("hub.cli.simulate:app", "A local server that behaves like a platform."),
}


class HubGroup(TyperGroup):
    """The commands above and those of plugins. Every error that leaves a command becomes one line and a code."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for plugin in sorted({entry.name for entry in entry_points(group=PLUGINS)} - set(COMMANDS)):
            self.commands[plugin] = TyperCommand(
                plugin, help=f"Commands of the plugin {plugin}.", callback=None
            )
        built_in = {name: TyperCommand(name, help=text) for name, (_, text) in COMMANDS.items()}
        self.commands = {**built_in, **self.commands}

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """What is called is loaded; what is only listed is not."""
        name = args[0]
        if name in COMMANDS:
            return name, _built_in(COMMANDS[name][0]), args[1:]
        if name in self.commands:
            return name, _of_plugin(name), args[1:]
        return super().resolve_command(ctx, args)

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run, and end as ``exit_codes`` says."""
        try:
            return super().main(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - a person is shown one line, whatever it was
            from hub.cli import failure

            sys.exit(failure.report(error))


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(version("connector-hub"))
        raise typer.Exit


app = typer.Typer(
    cls=HubGroup,
    name="hub",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    epilog=exit_codes.HELP,
)


@app.callback()
def hub(
    *,
    _version: Annotated[
        bool, typer.Option("--version", help="Show the version.", is_eager=True, callback=_show_version)
    ] = False,
    parent: Annotated[int | None, typer.Option("--parent", hidden=True)] = None,
    nice: Annotated[int, typer.Option("--nice", min=0, max=19, hidden=True)] = 0,
) -> None:
    """Moves records between systems that do not talk to each other, without losing or doubling one.

    Settings are environment variables named HUB_…; without any, everything is kept under .hub.
    """
    os.nice(nice)
    if parent is not None:
        from hub.cli.environment import follow_parent

        follow_parent(parent)


def main() -> None:
    """The console script."""
    app()


def _built_in(place: str) -> Any:
    module, _, name = place.partition(":")
    command = getattr(importlib.import_module(module), name)
    if isinstance(command, typer.Typer):
        return typer.main.get_command(command)
    alone = typer.Typer(add_completion=False, rich_markup_mode="markdown")
    alone.command()(command)
    return typer.main.get_command(alone)


def _of_plugin(name: str) -> Any:
    from hub import registry
    from hub.errors import ConfigurationError

    installed = registry.load()
    command = installed.commands.get(name)
    if not isinstance(command, typer.Typer):
        reason = installed.broken.get(f"{registry.COMMANDS}:{name}", "it is no Typer application")
        raise ConfigurationError(f"the plugin's commands could not be loaded ({reason})", field=name)
    return typer.main.get_group(command)
