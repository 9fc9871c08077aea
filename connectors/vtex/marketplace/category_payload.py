"""The category mapping as VTEX Mapper posts it. Its shape is not documented (VTEX facts, 5), so many are understood. Pure.

Pairs of a VTEX category's id (a number) and the marketplace's id are looked for in objects anywhere in it, under many names,
and in objects whose names are VTEX ids: ``{"mappings": [{"categoryId": 1, "marketplaceCategoryId": "A"}]}``, ``[{"vtexId": "1",
"to": {"id": "A"}}]``, ``{"1": "A"}``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from hub import codec

#: What the VTEX category may be called, letters and digits alone in lower case, the likelier first.
OURS: Final = (
    "vtexcategoryid",
    "vtexcategory",
    "vtexid",
    "idvtex",
    "sellercategoryid",
    "sourcecategoryid",
    "sourceid",
    "storecategoryid",
    "internalcategoryid",
    "fromcategoryid",
    "fromid",
    "categoryid",
    "idcategory",
    "category",
    "source",
    "from",
)
#: What the marketplace's may be called.
THEIRS: Final = (
    "marketplacecategoryid",
    "marketplacecategory",
    "mkpcategoryid",
    "mkpcategory",
    "mappedcategoryid",
    "mappedcategory",
    "mappedid",
    "externalcategoryid",
    "externalid",
    "channelcategoryid",
    "targetcategoryid",
    "targetid",
    "destinationcategoryid",
    "destinationid",
    "tocategoryid",
    "toid",
    "mappedto",
    "target",
    "destination",
    "to",
)
#: Only where the object names the marketplace's category as well.
_PLAIN: Final = ("id", "categoryid")

#: Pairs of one payload, and values that are looked at for them.
MOST_PAIRS: Final = 100_000
_MOST_LOOKED_AT: Final = 2_000_000
#: Characters of a marketplace's id.
_LONGEST: Final = 200
_OURS = re.compile(r"[1-9]\d{0,17}", re.ASCII)

EXPECTED: Final = (
    'a mapping of categories, such as {"mappings": [{"categoryId": "12", "marketplaceCategoryId": "A-7"}]}, with the VTEX '
    "category's id as a number; a marketplace id of null ends a mapping"
)


class UnreadMappingError(ValueError):
    """No mapping is found in it; the text says what was expected."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Mapped:
    """Ids of the marketplace's categories by VTEX id, None where a mapping ends. ``unread``: objects that hold half a pair."""

    pairs: Mapping[str, str | None]
    unread: int = 0


def read(body: bytes) -> Mapped:
    """All pairs that it holds; the last one counts. Raises ``UnreadMappingError``."""
    try:
        document = codec.loads(body)
    except (codec.DecodeError, RecursionError):
        raise UnreadMappingError(f"the body is no JSON; expected is {EXPECTED}") from None
    pairs: dict[str, str | None] = {}
    unread = 0
    for fields in _objects(document):
        found = list(_pairs(fields))
        pairs |= found
        unread += not found and _is_half(fields)
        if len(pairs) > MOST_PAIRS:
            raise UnreadMappingError(f"there are more than {MOST_PAIRS} pairs in it")
    if not pairs and not _is_empty(document):
        raise UnreadMappingError(f"no mapping is found in the body; expected is {EXPECTED}")
    return Mapped(pairs=pairs, unread=unread)


def _objects(document: Any) -> Iterator[Mapping[str, Any]]:
    """Every object in it, in order; without recursion, however deep it is."""
    todo, looked_at = [document], 0
    while todo:
        value = todo.pop()
        looked_at += 1
        if looked_at > _MOST_LOOKED_AT:
            raise UnreadMappingError("there is too much in it")
        if isinstance(value, dict):
            yield value
            todo += reversed([one for one in value.values() if isinstance(one, dict | list)])
        elif isinstance(value, list):
            todo += reversed([one for one in value if isinstance(one, dict | list)])


def _pairs(fields: Mapping[str, Any]) -> Iterator[tuple[str, str | None]]:
    named = {_plain(name): value for name, value in fields.items()}
    their_name = next((name for name in THEIRS if name in named), None)
    if their_name is not None:
        ours = _first(named, OURS) or _first(named, _PLAIN)
        theirs = named[their_name]
        if ours is not None and (theirs is None or _id(theirs) is not None):
            yield ours, _id(theirs)
        return
    if fields and all(_OURS.fullmatch(name) for name in fields):
        for name, value in fields.items():
            theirs = _id(value)
            if theirs is not None or value is None:
                yield name, theirs


def _first(named: Mapping[str, Any], names: Sequence[str]) -> str | None:
    found = (_id(named[name]) for name in names if name in named)
    return next((one for one in found if one is not None and _OURS.fullmatch(one)), None)


def _id(value: Any) -> str | None:
    """An id as text, be it a number or in an object of its own."""
    match value:
        case bool():
            return None
        case int() if abs(value) < 10**18:
            return str(value)
        case str():
            text = value.strip()
            return text if 0 < len(text) <= _LONGEST and text.isprintable() else None
        case dict():
            inner = {_plain(name): one for name, one in value.items() if isinstance(one, str | int)}
            return next((found for name in (*_PLAIN, *THEIRS) if (found := _id(inner.get(name)))), None)
        case _:
            return None


def _is_half(fields: Mapping[str, Any]) -> bool:
    return any(_plain(name) in THEIRS for name in fields)


def _is_empty(document: Any) -> bool:
    """A list without anything in it, by itself or as a field: nothing is mapped."""
    lists = document.values() if isinstance(document, dict) else [document]
    return any(isinstance(one, list) and not one for one in lists)


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
