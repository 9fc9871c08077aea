"""Pages of a connection: sizes, cursors and their limits (shopify facts, "Rate limits and errors")."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from graphql import GraphQLError

from connectors.shopify.simulator.listing import Key, Listing, some
from hub import codec

Node = dict[str, Any]

#: The largest page, but for the variants of one product asked for at the root.
MAX_PAGE = 250
#: Objects that can be reached by pages; whoever wants more takes a bulk operation.
MAX_REACHED = 25_000


def page(listing: Listing, arguments: Mapping[str, Any]) -> Node:
    """``nodes``, ``edges`` and ``pageInfo`` for first/after or last/before, and reverse."""
    backward = arguments.get("first") is None
    size = int(arguments["last" if backward else "first"])
    key, position = _read(arguments.get("before" if backward else "after"))
    if position + size > MAX_REACHED and position:
        raise GraphQLError(
            f"Pagination is limited to {MAX_REACHED} objects; use a bulk operation",
            extensions={"code": "BAD_REQUEST"},
        )
    against = backward != bool(arguments.get("reverse"))
    keys = some(listing, size + 1, key, backward=against)
    more, keys = len(keys) > size, keys[:size]
    places = list(range(position + 1, position + len(keys) + 1))
    if backward:
        keys, places = keys[::-1], places[::-1]
    nodes = [listing.node(one) for one in keys]
    cursors = [_write(one, place) for one, place in zip(keys, places, strict=True)]
    return {
        "nodes": nodes,
        "edges": [{"cursor": cursor, "node": node} for cursor, node in zip(cursors, nodes, strict=True)],
        "pageInfo": {
            "hasNextPage": key is not None if backward else more,
            "hasPreviousPage": more if backward else key is not None,
            "startCursor": cursors[0] if cursors else None,
            "endCursor": cursors[-1] if cursors else None,
        },
    }


def _write(key: Key, position: int) -> str:
    return base64.urlsafe_b64encode(codec.dumps([list(key), position])).decode()


def _read(cursor: str | None) -> tuple[Key | None, int]:
    if cursor is None:
        return None, 0
    try:
        key, position = codec.loads(base64.urlsafe_b64decode(cursor))
        return tuple(key), int(position)
    except (ValueError, TypeError, binascii.Error):
        raise GraphQLError(f"Invalid cursor for current pagination sort: {cursor}.") from None
