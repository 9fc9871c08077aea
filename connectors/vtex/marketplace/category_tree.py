"""A marketplace's category tree as VTEX Mapper wants it (MAP, "Send category mapping"), and what is found in it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from hub import codec
from hub.marketplace import Attribute, Category
from hub.records import JSON

#: Levels that are documented; deeper ones are sent in the same shape.
LEVELS: Final = 3


def tree(categories: Sequence[Category]) -> JSON:
    """The body to send."""
    return {"categories": [_category(one, 1) for one in categories]}


def fingerprint(body: JSON) -> str:
    """Equal for equal trees."""
    return codec.fingerprint(body)


def paths(categories: Sequence[Category], above: Sequence[str] = ()) -> Iterator[tuple[str, str]]:
    """Every category's id with its names from the root down."""
    for one in categories:
        names = (*above, one.name)
        yield one.id, " > ".join(names)
        yield from paths(one.children, names)


def _category(category: Category, level: int) -> JSON:
    children: Any = [_category(one, level + 1) for one in category.children]
    found: JSON = {"id": category.id, "name": category.name, "children": children or _none(level)}
    if level > 1 or category.attributes:
        found["specifications"] = [_specification(one) for one in category.attributes]
    return found


def _none(level: int) -> list[Any] | None:
    """The last level that is documented has null for an empty list."""
    return None if level >= LEVELS else []


def _specification(attribute: Attribute) -> Mapping[str, Any]:
    return {
        "attributeName": attribute.name,
        "required": attribute.required,
        "attributeValues": [{"valueName": value} for value in attribute.values],
    }
