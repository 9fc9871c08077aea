"""A category tree with attributes: branches of three leaves each."""

from __future__ import annotations

from collections.abc import Sequence

from hub.records import JSON

#: Leaves of a branch.
_WIDTH = 3
_COLOURS = ("black", "blue", "green", "red", "white")


def tree(leaves: int) -> Sequence[JSON]:
    """The roots; leaf ``n`` has the id ``c{n}`` and asks for a colour, every other one for a material too."""
    branches = range(0, leaves, _WIDTH)
    return [
        {
            "id": f"b{number // _WIDTH + 1}",
            "name": f"Department {number // _WIDTH + 1}",
            "attributes": [],
            "children": [_leaf(one + 1) for one in range(number, min(number + _WIDTH, leaves))],
        }
        for number in branches
    ]


def _leaf(number: int) -> JSON:
    colour = {"name": "colour", "required": number % 2 == 0, "values": list(_COLOURS)}
    material = {"name": "material", "required": False, "values": []}
    return {
        "id": f"c{number}",
        "name": f"Category {number}",
        "attributes": [colour, material] if number % 2 == 0 else [colour],
        "children": [],
    }
