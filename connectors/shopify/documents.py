"""The GraphQL documents of the connector: package data, each complete with the fragments that it uses."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final

_FRAGMENTS: Final = "fragments"
_SPREAD: Final = re.compile(r"\.\.\.(?!\s*on\b)\s*(\w+)", re.ASCII)
_HEAD: Final = re.compile(r"^fragment (\w+) on ", re.ASCII | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Document:
    """One operation and its text."""

    name: str
    text: str


@cache
def document(name: str) -> Document:
    """The document ``queries/NAME.graphql``."""
    text = _read(name)
    return Document(name, "\n".join([text, *(_fragments()[one] for one in _used(text))]))


def names() -> Sequence[str]:
    """Of all documents, in order."""
    folder = resources.files(__package__).joinpath("queries")
    found = (
        path.name.removesuffix(".graphql") for path in folder.iterdir() if path.name.endswith(".graphql")
    )
    return sorted(name for name in found if name != _FRAGMENTS)


def _read(name: str) -> str:
    return resources.files(__package__).joinpath("queries", f"{name}.graphql").read_text(encoding="utf-8")


@cache
def _fragments() -> Mapping[str, str]:
    text = _read(_FRAGMENTS)
    heads = list(_HEAD.finditer(text))
    ends = [*(head.start() for head in heads[1:]), len(text)]
    return {head[1]: text[head.start() : end].rstrip() for head, end in zip(heads, ends, strict=True)}


def _used(text: str) -> Sequence[str]:
    """The fragments that a text needs, with those that they need."""
    used: dict[str, None] = {}
    left = _SPREAD.findall(text)
    while left:
        name = left.pop()
        if name not in used:
            used[name] = None
            left += _SPREAD.findall(_fragments()[name])
    return sorted(used)
