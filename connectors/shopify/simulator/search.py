"""The search syntax, as far as an import needs it: terms that all have to hold (shopify facts, "Rate limits and errors").

A field that cannot be searched is left out of the query, so that everything is found; the answer carries a warning.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

Node = dict[str, Any]

_TERM = re.compile(
    r"""\s*(?:(?P<word>AND)\s+)?(?P<minus>-)?(?:(?P<field>[A-Za-z_.]+):)?"""
    r"""(?P<op>>=|<=|>|<)?(?:'(?P<single>[^']*)'|"(?P<double>[^"]*)"|(?P<bare>[^\s()]+))"""
)
_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "": lambda have, told: bool(have == told),
    ">": lambda have, told: bool(have > told),
    ">=": lambda have, told: bool(have >= told),
    "<": lambda have, told: bool(have < told),
    "<=": lambda have, told: bool(have <= told),
}
#: Fields that hold a time, and where they stand in an object.
_TIMES = {"updated_at": "updatedAt", "created_at": "createdAt", "published_at": "publishedAt"}
#: Fields that hold a text or an enum.
_TEXTS = {
    "status": "status",
    "vendor": "vendor",
    "title": "title",
    "product_type": "productType",
    "handle": "handle",
    "sku": "sku",
    "barcode": "barcode",
    "email": "email",
    "state": "state",
    "operation_type": "type",
    "name": "name",
}


@dataclass(frozen=True)
class Term:
    """One condition: ``value`` is a comparable text, or a number where the field is ``id``."""

    field: str
    operator: str
    value: str | int
    negated: bool

    def holds(self, have: Any) -> bool:
        """Whether an object whose field is ``have`` is found."""
        return have is not None and _OPERATORS[self.operator](have, self.value) != self.negated


@dataclass(frozen=True)
class Search:
    """A parsed query."""

    terms: Sequence[Term]
    ignored: Sequence[str]

    def finds(self, node: Node) -> bool:
        """Whether all terms hold."""
        return all(term.holds(_have(term.field, node)) for term in self.terms)

    @property
    def by_time_alone(self) -> bool:
        """Whether the time of the last change decides: an object need not be made to be found."""
        return all(term.field == "updated_at" for term in self.terms)

    def finds_time(self, updated_at: str) -> bool:
        """The same for ``by_time_alone``."""
        return all(term.holds(updated_at.removesuffix("Z")) for term in self.terms)


def parse(text: str | None, fields: Collection[str]) -> Search:
    """The terms of a query over ``fields``. Raises ``ValueError`` for what the simulator does not know, such as OR."""
    terms, ignored, at, text = [], [], 0, (text or "").strip()
    while at < len(text):
        found = _TERM.match(text, at)
        if found is None or found["bare"] in {"OR", "NOT"}:
            raise ValueError(f"the simulator cannot read this search: {text[at : at + 40]}")
        at, field = found.end(), found["field"] or "default"
        value = next(one for one in (found["single"], found["double"], found["bare"]) if one is not None)
        if field not in fields:
            ignored.append(field)
        elif value != "*":
            terms.append(Term(field, found["op"] or "", _comparable(field, value), bool(found["minus"])))
    return Search(terms, ignored)


def _comparable(field: str, value: str) -> str | int:
    if field == "id":
        digits = value.rpartition("/")[2]
        if not digits.isdigit():
            raise ValueError(f"no id: {value}")
        return int(digits)
    if field in _TIMES:
        return _time(value)
    return value.upper() if field in {"status", "state", "operation_type"} else value


def _time(value: str) -> str:
    """As the objects write it, without the Z, so that texts compare as times do."""
    at = datetime.fromisoformat(value)
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    return at.replace(tzinfo=None).isoformat()


def _have(field: str, node: Node) -> Any:
    if field == "id":
        digits = str(node["id"]).partition("?")[0].rpartition("/")[2]
        return int(digits) if digits.isdigit() else None
    if field in _TIMES:
        at = node.get(_TIMES[field])
        return at.removesuffix("Z") if at else None
    if field == "email":
        email = node.get("defaultEmailAddress")
        return email["emailAddress"] if email else None
    return node.get(_TEXTS[field])
