"""How deep a record is nested: what is deeper than the stack cannot be encoded, and no record needs to be."""

from __future__ import annotations

from typing import Any

#: So many objects and arrays lie within each other at most; Merchstack's own records have six.
MAX_DEPTH = 100

TOO_DEEP = f"is nested too deeply; a record has {MAX_DEPTH} levels at most"


def may_be_too_deep(text: bytes) -> bool:
    """A first look at the JSON of a value: where there are few brackets, few can lie within each other."""
    return text.count(b"{") + text.count(b"[") > MAX_DEPTH


def is_too_deep(value: Any) -> bool:
    """Whether more than ``MAX_DEPTH`` objects and arrays lie within each other. Goes by level, without recursion."""
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(MAX_DEPTH):
        if not level:
            return False
        level = [
            inner
            for each in level
            for inner in (each.values() if isinstance(each, dict) else each)
            if isinstance(inner, dict | list)
        ]
    return bool(level)
