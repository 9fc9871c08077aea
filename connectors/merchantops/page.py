"""From the text of a page to the texts of its items, so that one broken item does not spoil the others."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

import msgspec

from hub import codec
from hub.errors import BadPageError

#: Strings are matched whole, so that a bracket in a product's name counts for nothing. One that never ends is matched
#: to the end of the page: trying again at each of its quotes would take the square of its length.
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|[\[\]{},]', re.DOTALL)
_COLON = re.compile(rb"\s*:\s*")
_BLANK = b" \t\r\n"

_envelope = msgspec.json.Decoder(dict[str, msgspec.Raw])
_array = msgspec.json.Decoder(list[msgspec.Raw])


def split_items(page: bytes) -> Sequence[bytes]:
    """The raw text of every element of the page's ``items``; what is inside of them is not judged.

    Raises ``BadPageError`` when the page is no JSON object, or has no list under ``items``.
    """
    try:
        return [bytes(item) for item in _array.decode(_items_of(page))]
    except (msgspec.DecodeError, RecursionError) as error:
        items = _split_by_brackets(page)
        if items is None:
            raise BadPageError(f"the page is not JSON: {error}", raw=page) from error
        return items


def _items_of(page: bytes) -> msgspec.Raw:
    try:
        envelope = _envelope.decode(page)
    except msgspec.ValidationError as error:
        raise BadPageError(f"the page is no JSON object: {error}", raw=page) from error
    items = envelope.get("items")
    if items is None:
        raise BadPageError("the page has no items", raw=page)
    if not bytes(items).startswith(b"["):
        raise BadPageError("the items of the page are no list", raw=page)
    return items


def _split_by_brackets(page: bytes) -> Sequence[bytes] | None:
    """The same for a page that holds something JSON does not know, a bare NaN say; None if it is past mending.

    What is around the items has to be JSON nonetheless.
    """
    start = _start_of_items(page)
    if start is None:
        return None
    bounds = list(_bounds(page, start))
    if not bounds:
        return None
    end = bounds[-1]
    try:
        codec.loads(page[:start] + b"]" + page[end + 1 :])
    except (ValueError, ArithmeticError, RecursionError):
        return None
    cuts = [start - 1, *bounds]
    items = [page[left + 1 : right].strip(_BLANK) for left, right in pairwise(cuts)]
    return [] if items == [b""] else items


def _start_of_items(page: bytes) -> int | None:
    """Where the list of the top-level ``items`` begins, behind its bracket."""
    depth = 0
    for token in _TOKEN.finditer(page):
        text = token[0]
        colon = _COLON.match(page, token.end()) if depth == 1 and text == b'"items"' else None
        if colon is not None:
            return colon.end() + 1 if page[colon.end() : colon.end() + 1] == b"[" else None
        depth += _step(text)
    return None


def _bounds(page: bytes, start: int) -> Iterator[int]:
    """Where the commas between the items are, and the bracket that ends the list; nothing if it never ends."""
    depth, found = 0, []
    for token in _TOKEN.finditer(page, start):
        text = token[0]
        if depth == 0 and text in {b",", b"]"}:
            found.append(token.start())
        depth += _step(text)
        if depth < 0:
            yield from found
            return


def _step(token: bytes) -> int:
    """How a token changes the depth of nesting."""
    if token in {b"[", b"{"}:
        return 1
    return -1 if token in {b"]", b"}"} else 0
