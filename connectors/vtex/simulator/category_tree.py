"""A marketplace's category tree: whether it has what the mapper asks for (specs, mapper; vtex facts, section 6)."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from typing import Any

from hub import codec
from hub.records import JSON

#: Levels of a tree: a category, its children and theirs.
_DEEPEST = 3


def read_tree(body: bytes) -> JSON:
    """The object in the compressed body. Raises ``ValueError`` saying what is wrong with it."""
    try:
        tree = codec.loads(gzip.decompress(body))
    except (OSError, EOFError, zlib.error):
        raise ValueError("The body has to be compressed with gzip.") from None
    except (codec.DecodeError, RecursionError):
        raise ValueError("The body is no JSON.") from None
    wrong = next(_problems(tree), None)
    if wrong is not None:
        raise ValueError(wrong)
    found: JSON = tree
    return found


def count(categories: list[JSON]) -> int:
    """All categories of a tree that was read."""
    return sum(1 + count(one.get("children") or []) for one in categories)


def _problems(tree: Any) -> Iterator[str]:
    if not isinstance(tree, dict) or not isinstance(tree.get("categories"), list):
        yield "The Categories field is required."
        return
    for place, one in enumerate(tree["categories"]):
        yield from _of_category(one, f"categories[{place}]", 1)


def _of_category(one: Any, where: str, level: int) -> Iterator[str]:
    if not isinstance(one, dict):
        yield f"{where} has to be an object."
        return
    for name in ("id", "name"):
        if not isinstance(one.get(name), str) or not one[name]:
            yield f"{where}.{name} has to be text."
    children = one.get("children")
    if level < _DEEPEST and "children" not in one:
        yield f"{where}.children is required."
    if level > 1:
        yield from _of_specifications(one.get("specifications"), f"{where}.specifications")
    if children is not None and not isinstance(children, list):
        yield f"{where}.children has to be a list or null."
        return
    for place, child in enumerate(children or []):
        yield from _of_category(child, f"{where}.children[{place}]", level + 1)


def _of_specifications(some: Any, where: str) -> Iterator[str]:
    if not isinstance(some, list):
        yield f"{where} has to be a list."
        return
    for place, one in enumerate(some):
        good = (
            isinstance(one, dict)
            and isinstance(one.get("attributeName"), str)
            and isinstance(one.get("required"), bool)
            and isinstance(values := one.get("attributeValues"), list)
            and all(isinstance(value, dict) and isinstance(value.get("valueName"), str) for value in values)
        )
        if not good:
            yield f"{where}[{place}] has to have attributeName, required and attributeValues of valueName."
