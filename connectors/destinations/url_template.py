"""A URL with fields of the record in its path or query, each quoted so that it stays one value."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from string import Formatter
from typing import Any
from urllib.parse import quote, urlsplit

from hub.errors import RejectedError
from hub.exact import exact, plain
from hub.excerpt import excerpt
from hub.records import Item

_ORIGIN = re.compile(r"https?://[^/?#{}\s@\\]+(?=[/?]|$)", re.IGNORECASE)
_BODY = "body."


class UrlTemplate:
    """``https://erp.example/items/{body.sku}``: fields are ``{key}``, ``{stream}`` and ``{body.…}``.

    With ``names`` the fields are those instead, and are filled by ``fill``.
    """

    def __init__(self, text: str, *, names: Collection[str] | None = None) -> None:
        """Raises ``ValueError`` with the remedy for what can never be a URL."""
        self.text = text
        self._parts = [_part(*piece, names=names) for piece in Formatter().parse(text)]
        self.fields = frozenset(field for _, field in self._parts if field)
        self.origin = _origin(text)

    @property
    def host(self) -> str:
        """Host and port; never a field, so that one connection has one host."""
        return urlsplit(self.origin).netloc.lower()

    @property
    def root(self) -> str:
        """The part of the URL before its first field and its query, for a look at the server."""
        return re.split(r"[{?]", self.text, maxsplit=1)[0]

    def render(self, item: Item) -> str:
        """The URL for one record. Raises ``RejectedError`` if a field is missing, empty or no single value."""
        return self.fill({field: _value(field, item) for field in self.fields})

    def fill(self, given: Mapping[str, Any]) -> str:
        """The URL with these values for its fields. Raises as ``render`` does."""
        values = {field: _text(field, given[field]) for field in self.fields}
        url = "".join(literal + values.get(field, "") for literal, field in self._parts)
        if self.fields and not {".", ".."}.isdisjoint(urlsplit(url).path.split("/")):
            # Clients and servers take such a segment out, and the call would hit another address.
            raise RejectedError(
                f"the URL {excerpt(url)} has a path segment . or ..; correct the record's field"
            )
        return url


def _part(
    literal: str,
    field: str | None,
    spec: str | None,
    conversion: str | None,
    *,
    names: Collection[str] | None,
) -> tuple[str, str]:
    if "{" in literal or "}" in literal:
        raise ValueError("braces stand for fields only; write %7B and %7D for the characters themselves")
    if field is None:
        return literal, ""
    if spec or conversion or not (_is_field(field) if names is None else field in names):
        known = ("key", "stream", "body.NAME") if names is None else sorted(names)
        raise ValueError(f"there is no field {{{field}}}; there are {_listed(known)}")
    return literal, field


def _listed(names: Sequence[str]) -> str:
    braced = [f"{{{name}}}" for name in names]
    return " and ".join(filter(None, [", ".join(braced[:-1]), braced[-1]])) if braced else "none"


def _is_field(field: str) -> bool:
    return field in ("key", "stream") or (field.startswith(_BODY) and all(field.split(".")))


def _origin(text: str) -> str:
    found = _ORIGIN.match(text)
    if found is None:
        raise ValueError(
            "write it as https://host/…: scheme and host are fixed, and credentials belong to auth"
        )
    if "#" in text:
        raise ValueError("it must not have a fragment (#…): servers never see one")
    urlsplit(found[0]).port  # noqa: B018 a port that is no number raises ValueError
    return found[0]


def _value(field: str, item: Item) -> Any:
    if not field.startswith(_BODY):
        return getattr(item, field)
    value = item.body
    for name in field.split(".")[1:]:
        if not isinstance(value, Mapping) or name not in value:
            raise RejectedError(
                f"the URL needs {{{field}}}, which the record lacks; map it or change the url"
            )
        value = value[name]
    return value


def _text(field: str, value: Any) -> str:
    match value:
        case bool():
            text = "true" if value else "false"
        case str():
            text = value
        case int() | Decimal() | float():
            number = exact(value)
            text = "" if number is None else plain(number)
        case _:
            text = ""
    try:
        quoted = quote(text, safe="")
    except UnicodeEncodeError:
        quoted = ""
    if not quoted:
        raise RejectedError(
            f"the URL needs a text or number for {{{field}}}, not {excerpt(value)}; correct the record"
        )
    return quoted
