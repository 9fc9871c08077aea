"""Finds plugins through entry points; one that is broken is reported by name and never stops the others.

A plugin is imported when it is asked for: what a process does not use neither takes its time nor can harm it.

Where two distributions claim one name, the hub does not guess whom to hand credentials to: its own plugin is used, or
else neither.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
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


class Plugins(Mapping[str, Any]):
    """The plugins of one group by name, those that can be loaded. Who goes over them loads them all."""

    def __init__(self, group: Iterable[EntryPoint], base: type | None = None) -> None:
        self._base = base
        self._entries: dict[str, EntryPoint] = {}
        self._loaded: dict[str, Any] = {}
        self._broken: dict[str, str] = {}
        for entries in _by_name(group):
            entry = _undisputed(entries)
            if len(entries) > 1:
                self._broken[entries[0].name] = _dispute(entries, entry)
            if entry is not None:
                self._entries[entry.name] = entry

    def __getitem__(self, name: str) -> Any:
        self._load(name)
        return self._loaded[name]

    def __iter__(self) -> Iterator[str]:
        return (name for name in [*self._entries] if name in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def trouble(self, name: str) -> str:
        """Why this plugin could not be loaded, or who else claims its name. Raises ``KeyError`` if it is sound."""
        self._load(name)
        return self._broken[name]

    def troubled(self) -> Sequence[str]:
        """The plugins that ``trouble`` has something to say of."""
        for name in [*self._entries]:
            self._load(name)
        return [*self._broken]

    def _load(self, name: str) -> None:
        """What failed once is not tried again: a module that was half imported would fail with another reason."""
        entry = self._entries.get(name)
        if entry is None or name in self._loaded:
            return
        try:
            plugin = entry.load()
            _require(plugin, self._base, entry)
        except (Exception, SystemExit) as error:
            # Whatever a stranger's module does when it is imported, the others must go on.
            self._broken[name] = f"{type(error).__name__}: {error}"
            self._entries.pop(name, None)
        else:
            self._loaded[name] = plugin


class Broken(Mapping[str, str]):
    """By ``group:name`` why a plugin could not be loaded. Who goes over them loads all plugins."""

    def __init__(self, groups: Mapping[str, Plugins]) -> None:
        self._groups = groups

    def __getitem__(self, place: str) -> str:
        group, _, name = place.partition(":")
        return self._groups[group].trouble(name)

    def __iter__(self) -> Iterator[str]:
        for group, plugins in self._groups.items():
            yield from (f"{group}:{name}" for name in plugins.troubled())

    def __len__(self) -> int:
        return sum(1 for _ in self)


@dataclass(frozen=True, kw_only=True)
class Registry:
    """What is installed. ``broken`` says by ``group:name`` why a plugin could not be loaded."""

    connectors: Mapping[str, type[Connector[Any, Any]]]
    destinations: Mapping[str, type[Destination[Any, Any]]]
    simulators: Mapping[str, Any]
    commands: Mapping[str, Any]
    broken: Mapping[str, str]

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


def load() -> Registry:
    """The plugins that are installed in this environment."""
    installed = entry_points()
    bases = {CONNECTORS: Connector, DESTINATIONS: Destination, SIMULATORS: None, COMMANDS: None}
    groups = {group: Plugins(installed.select(group=group), base) for group, base in bases.items()}
    return Registry(
        connectors=groups[CONNECTORS],
        destinations=groups[DESTINATIONS],
        simulators=groups[SIMULATORS],
        commands=groups[COMMANDS],
        broken=Broken(groups),
    )


def _by_name(group: Iterable[EntryPoint]) -> Iterator[Sequence[EntryPoint]]:
    """The entry points of a group, those that claim one name together."""
    ordered = sorted(group, key=lambda entry: entry.name)
    for _, entries in groupby(ordered, key=lambda entry: entry.name):
        rivals = list(entries)
        # Whose it is stands in a long file that is read anew each time; only where names are disputed it matters.
        yield sorted(rivals, key=_distribution) if len(rivals) > 1 else rivals


def _undisputed(entries: Sequence[EntryPoint]) -> EntryPoint | None:
    if len(entries) == 1:
        return entries[0]
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
