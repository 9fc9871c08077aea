"""Finds plugins through entry points; one that is broken is reported by name and never stops the others.

Where two distributions claim one name, the hub does not guess whom to hand credentials to: its own plugin is used, or
else neither.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from itertools import groupby
from typing import Any

from hub.connector import Connector, Destination
from hub.errors import NotFoundError

CONNECTORS = "hub.connectors"
DESTINATIONS = "hub.destinations"
SIMULATORS = "hub.simulators"
COMMANDS = "hub.commands"

#: The distribution whose plugins nobody can take the place of.
OWN = "connector-hub"


@dataclass(frozen=True, kw_only=True)
class Registry:
    """What is installed. ``broken`` says by ``group:name`` why a plugin could not be loaded."""

    connectors: Mapping[str, type[Connector[Any, Any]]]
    destinations: Mapping[str, type[Destination[Any, Any]]]
    simulators: Mapping[str, Any] = field(default_factory=dict)
    commands: Mapping[str, Any] = field(default_factory=dict)
    broken: Mapping[str, str] = field(default_factory=dict)

    def connector(self, name: str) -> type[Connector[Any, Any]]:
        """Raises ``NotFoundError`` that lists what there is."""
        plugin: type[Connector[Any, Any]] = _named(
            self.connectors, name, "connector", self.broken.get(f"{CONNECTORS}:{name}")
        )
        return plugin

    def destination(self, name: str) -> type[Destination[Any, Any]]:
        """Raises ``NotFoundError`` that lists what there is."""
        plugin: type[Destination[Any, Any]] = _named(
            self.destinations, name, "destination.name", self.broken.get(f"{DESTINATIONS}:{name}")
        )
        return plugin


def load(*groups: str) -> Registry:
    """Load the plugins that are installed in this environment: those of ``groups``, by default of all."""
    broken: dict[str, str] = {}

    def plugins(group: str, base: type | None = None) -> dict[str, Any]:
        return _load(group, base, broken) if not groups or group in groups else {}

    return Registry(
        connectors=plugins(CONNECTORS, Connector),
        destinations=plugins(DESTINATIONS, Destination),
        simulators=plugins(SIMULATORS),
        commands=plugins(COMMANDS),
        broken=broken,
    )


def _load(group: str, base: type | None, broken: dict[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for entries in _by_name(group):
        entry = _undisputed(entries)
        if len(entries) > 1:
            broken[f"{group}:{entries[0].name}"] = _dispute(entries, entry)
        if entry is None:
            continue
        try:
            plugin = entry.load()
            _require(plugin, base, entry)
        except (Exception, SystemExit) as error:
            # Whatever a stranger's module does when it is imported, the others must go on.
            broken[f"{group}:{entry.name}"] = f"{type(error).__name__}: {error}"
        else:
            found[entry.name] = plugin
    return found


def _by_name(group: str) -> Iterator[Sequence[EntryPoint]]:
    """The entry points of a group, those that claim one name together."""
    ordered = sorted(entry_points(group=group), key=lambda entry: (entry.name, _distribution(entry)))
    for _, entries in groupby(ordered, key=lambda entry: entry.name):
        yield list(entries)


def _undisputed(entries: Sequence[EntryPoint]) -> EntryPoint | None:
    own = [entry for entry in entries if _distribution(entry) == OWN]
    chosen = own or entries
    return chosen[0] if len(chosen) == 1 else None


def _dispute(entries: Sequence[EntryPoint], used: EntryPoint | None) -> str:
    rivals = " and ".join(map(_distribution, entries))
    outcome = f"that of {OWN} is used" if used is not None else "none of them is used"
    return f"{rivals} all claim this name, so {outcome}: uninstall what you do not need"


def _distribution(entry: EntryPoint) -> str:
    return entry.dist.name.replace("_", "-").lower() if entry.dist is not None else ""


def _require(plugin: Any, base: type | None, entry: EntryPoint) -> None:
    if base is None:
        return
    if not (isinstance(plugin, type) and issubclass(plugin, base)):
        raise TypeError(f"{entry.value} is no {base.__name__} class")
    if getattr(plugin, "name", None) != entry.name:
        raise TypeError(
            f"{entry.value} calls itself {getattr(plugin, 'name', None)!r}, its entry point {entry.name!r}"
        )
    if issubclass(plugin, Connector) and not getattr(plugin, "streams", None):
        raise TypeError(f"{entry.value} declares no streams")


def _named(plugins: Mapping[str, Any], name: str, field: str, broken: str | None) -> Any:
    if name in plugins:
        return plugins[name]
    if broken is not None:
        raise NotFoundError(
            f"the plugin {name!r} is installed but could not be loaded ({broken})", field=field
        )
    known = ", ".join(sorted(plugins)) or "none is installed"
    raise NotFoundError(f"there is no {name!r}; there are: {known}", field=field)
