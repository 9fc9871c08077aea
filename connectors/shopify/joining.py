"""What hangs below an object, put into it as a list: from the connections of a page, or the lines of a bulk result."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from connectors.shopify.client import ShopifyClient
from hub.errors import RetryableError
from hub.records import JSON

#: Connections by their field: what the joined object calls them, and the document that reads what a page left out.
_OF_PRODUCT: Final[Mapping[str, tuple[str, str]]] = {
    "variants": ("variants", "rest_variants"),
    "media": ("media", "rest_media"),
    "metafields": ("metafields", "rest_metafields"),
    "collections": ("collections", "rest_collections"),
}
_OF_CUSTOMER: Final[Mapping[str, tuple[str, str]]] = {"addressesV2": ("addresses", "rest_addresses")}

#: Lists without which an object says nothing about them.
_DISPENSABLE: Final = frozenset({"collections", "addressesV2"})

#: Lines of a bulk result by their type: the list that they belong to.
LISTS: Final[Mapping[str, str]] = {
    "ProductVariant": "variants",
    "MediaImage": "media",
    "Video": "media",
    "ExternalVideo": "media",
    "Model3d": "media",
    "Metafield": "metafields",
    "InventoryLevel": "levels",
    "MailingAddress": "addresses",
    "Product": "products",
}
#: The lists that an object has even where nothing hangs below it.
_EMPTY: Final[Mapping[str, Sequence[str]]] = {
    "Product": ("variants", "media", "metafields"),
    "ProductVariant": ("media",),
    "InventoryItem": ("variants", "levels"),
    "Customer": ("addresses",),
}


class IncompleteError(RetryableError):
    """The shop answered, but with something missing: who takes that for all there is would delete the rest."""


async def joined(
    client: ShopifyClient, resource: str, node: JSON, denied: Sequence[Sequence[str]] = ()
) -> list[JSON]:
    """An object of a page with all that hangs below it; for stock those variants that it stands for.

    ``denied`` are paths of fields that were refused: of those, lists that a mapping can do without may be missing. Raises
    ``IncompleteError`` where anything else is.
    """
    names = {path[-1] for path in denied if path} & _DISPENSABLE
    match resource:
        case "products":
            whole = await _whole(client, node, _OF_PRODUCT, names)
            for variant in whole["variants"]:
                variant["media"] = nodes(variant.get("media"))
            return [whole]
        case "customers":
            return [await _whole(client, node, _OF_CUSTOMER, names)]
        case "stock" if "variants" in node:
            variants = await _all(client, str(node.get("id")), node["variants"], "rest_stock")
            return [await _stocked(client, variant) for variant in variants]
        case "stock":
            return [await _stocked(client, node)]
        case _:
            return [node]


def assembled(line: JSON, children: Sequence[JSON]) -> JSON:
    """An object of a bulk result with its children, each of them assembled."""
    kind = str(line.get("__typename"))
    whole: JSON = {name: value for name, value in line.items() if name not in ("__typename", "__parentId")}
    whole |= {name: [] for name in _EMPTY.get(kind, ())}
    for child in children:
        name = child.pop("list", None)
        if name is not None:
            whole.setdefault(name, []).append(child)
    return whole


def nodes(connection: Any) -> list[JSON]:
    """What stands on this page of a connection. Raises ``IncompleteError`` where anything of it is not there."""
    found, missing = readable(connection)
    if missing:
        raise IncompleteError(f"{missing} objects of a page are null")
    return found


def readable(connection: Any) -> tuple[list[JSON], int]:
    """What stands on this page of a connection, and how many objects of it are null. Raises ``IncompleteError``."""
    found = connection.get("nodes") if isinstance(connection, dict) else None
    if not isinstance(found, list):
        raise IncompleteError("a page is null")
    there = [one for one in found if isinstance(one, dict)]
    return there, len(found) - len(there)


def onward(connection: Any, after: str | None = None) -> str | None:
    """Where the page behind the one that began at ``after`` begins; None at the end, and where that was not asked.

    Raises ``IncompleteError`` where there is another page and it cannot be told where.
    """
    if "pageInfo" not in connection:
        return None
    info = connection["pageInfo"]
    if not isinstance(info, dict) or not isinstance(info.get("hasNextPage"), bool):
        raise IncompleteError("a page does not say whether it is the last one")
    if not info["hasNextPage"]:
        return None
    if not info.get("endCursor") or str(info["endCursor"]) == after:
        raise IncompleteError("a page does not say where the next one begins")
    return str(info["endCursor"])


async def _whole(
    client: ShopifyClient, node: JSON, connections: Mapping[str, tuple[str, str]], denied: Collection[str]
) -> JSON:
    whole = {name: value for name, value in node.items() if name not in connections}
    for field, (name, document) in connections.items():
        if field in node and not (node[field] is None and field in denied):
            whole[name] = await _all(client, str(node.get("id")), node[field], document)
    return whole


async def _stocked(client: ShopifyClient, variant: JSON) -> JSON:
    item = dict(variant.get("inventoryItem") or {})
    if not item:
        raise IncompleteError(f"{variant.get('id')} has no inventory item")
    item["levels"] = await _all(client, str(item.get("id")), item.pop("inventoryLevels", None), "rest_levels")
    return {**variant, "inventoryItem": item}


async def _all(client: ShopifyClient, owner: str, connection: Any, document: str) -> list[JSON]:
    found, after = nodes(connection), onward(connection)
    while after is not None:
        answer = await client.ask(document, id=owner, after=after)
        rest = (answer.data.get("owner") or {}).get("rest")
        found += nodes(rest)
        after = onward(rest, after)
    return found
