"""`hub connectors`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from hub import registry
from hub.cli import output
from hub.cli.fields import fields
from hub.cli.output import Json
from hub.connector import Connector, Plugin
from hub.errors import NotFoundError

app = typer.Typer(add_completion=False, help="Connectors and destinations that are installed.")

PluginClass = type[Plugin[Any, Any]]


@app.command("list")
def list_(as_json: Json = False) -> None:
    """List what is installed, and what is installed but broken, with the reason."""
    installed = registry.load()
    found = {
        "connectors": [_line(name, plugin) for name, plugin in installed.connectors.items()],
        "destinations": [_line(name, plugin) for name, plugin in installed.destinations.items()],
        "broken": dict(installed.broken),
    }
    output.show(found, as_json, lambda: _print_list(found))


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="A connector or a destination.")], as_json: Json = False
) -> None:
    """Show what a connector or destination can be set to."""
    installed = registry.load()
    kinds: dict[str, Mapping[str, PluginClass]] = {
        "connector": installed.connectors,
        "destination": installed.destinations,
    }
    found = [
        {"kind": kind, **_whole(name, plugins[name])} for kind, plugins in kinds.items() if name in plugins
    ]
    if not found:
        raise _unknown(name, installed)
    output.show(found[0] if len(found) == 1 else found, as_json, lambda: _print_plugins(found))


def _unknown(name: str, installed: registry.Registry) -> NotFoundError:
    for group in (registry.CONNECTORS, registry.DESTINATIONS):
        reason = installed.broken.get(f"{group}:{name}")
        if reason is not None:
            return NotFoundError(f"{name} is installed but could not be loaded ({reason})", field="name")
    known = ", ".join([*installed.connectors, *installed.destinations])
    return NotFoundError(f"there is no {name!r}; there are: {known}", field="name")


def _line(name: str, plugin: PluginClass) -> dict[str, Any]:
    return {"name": name, "title": plugin.title}


def _whole(name: str, plugin: PluginClass) -> dict[str, Any]:
    own: dict[str, Any] = {}
    if issubclass(plugin, Connector):
        own = {
            "streams": [stream.name for stream in plugin.streams],
            "polls": plugin.polls,
            "reports": plugin.reports,
            "uses_destination": plugin.uses_destination,
        }
    described = {"settings": fields(plugin.Settings), "credentials": fields(plugin.Credentials)}
    return {**_line(name, plugin), **own, **described}


def _print_list(found: dict[str, Any]) -> None:
    for kind in ("connectors", "destinations"):
        output.table(kind, ["name", "title"], found[kind])
        output.say("")
    broken = [{"plugin": name, "reason": reason} for name, reason in found["broken"].items()]
    if broken:
        output.table("broken", ["plugin", "reason"], broken)


def _print_plugins(found: list[dict[str, Any]]) -> None:
    for plugin in found:
        output.say(f"{plugin['kind']} {plugin['name']}: {plugin['title']}")
        own = {
            name: plugin[name]
            for name in ("streams", "polls", "reports", "uses_destination")
            if name in plugin
        }
        for name, value in own.items():
            shown = ", ".join(value) if isinstance(value, list) else output.cell(value)
            output.say(f"  {name.replace('_', ' ')}: {shown}")
        for part in ("settings", "credentials"):
            output.say("")
            output.table(part, ["name", "type", "required", "default", "description"], plugin[part])
