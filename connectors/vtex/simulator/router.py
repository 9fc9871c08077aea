"""Which route a path belongs to: one dictionary for each segment, so that the number of routes does not matter."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import unquote

from connectors.vtex.simulator.web import Route

#: Stands for a variable segment.
_ANY = "{}"


class Router:
    """The routes of all hosts. Segments are compared without case; a variable one is handed on as it was sent."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._root = _Node()
        for route in routes:
            self._add(route)

    def find(self, method: str, raw_path: bytes) -> tuple[Route | None, list[str], bool]:
        """The route, its variable segments, and whether the path exists for any method at all."""
        node, names = self._root, []
        for segment in raw_path.decode("latin-1").strip("/").split("/"):
            below = node.below.get(segment.lower())
            if below is None:
                below = node.below.get(_ANY)
                if below is None or not segment:
                    return None, [], False
                names.append(unquote(segment) if "%" in segment else segment)
            node = below
        return node.routes.get(method), names, bool(node.routes)

    def _add(self, route: Route) -> None:
        node = self._root
        for segment in route.path.strip("/").split("/"):
            key = _ANY if segment.startswith("{") else segment.lower()
            node = node.below.setdefault(key, _Node())
        node.routes[route.method] = route


class _Node:
    __slots__ = ("below", "routes")

    def __init__(self) -> None:
        self.below: dict[str, _Node] = {}
        self.routes: dict[str, Route] = {}
