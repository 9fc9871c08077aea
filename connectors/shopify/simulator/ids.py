"""Global ids, and the numbers behind them (shopify facts, "Data model")."""

from __future__ import annotations

import re

#: First number of each kind, so that no two kinds share one.
PRODUCT = 8_000_000_000_000
VARIANT = 44_000_000_000_000
ITEM = 46_000_000_000_000
COLLECTION = 480_000_000_000
LOCATION = 66_000_000_000
CUSTOMER = 7_000_000_000_000
LEVEL = 143_000_000_000

#: Variants of a product stand this far apart from those of the next; the platform's limit is half of it.
VARIANT_STRIDE = 4096

_FIRST = {
    "Product": PRODUCT,
    "ProductVariant": VARIANT,
    "InventoryItem": ITEM,
    "Collection": COLLECTION,
    "Location": LOCATION,
    "Customer": CUSTOMER,
    "InventoryLevel": LEVEL,
}
_GID = re.compile(r"gid://shopify/([A-Za-z0-9]+)/([^?]+)(?:\?inventory_item_id=([0-9]+))?")


def gid(kind: str, number: int) -> str:
    """The global id of an object of the shop by the number that it has here."""
    return f"gid://shopify/{kind}/{_FIRST[kind] + number}"


def level_gid(item: int, location: int) -> str:
    """An inventory level's: its number repeats for every item at the location, the item stands in the query."""
    return f"gid://shopify/InventoryLevel/{LEVEL + location}?inventory_item_id={ITEM + item}"


def parse(text: str) -> tuple[str, str, str | None] | None:
    """Kind, number and the item of an inventory level; None for what is no global id."""
    found = _GID.fullmatch(text)
    return (found[1], found[2], found[3]) if found else None


def number_of(text: str, kind: str) -> int | None:
    """The number here of an object of that kind, None for anything else."""
    found = parse(text)
    if found is None or found[0] != kind or not found[1].isascii() or not found[1].isdigit():
        return None
    return int(found[1]) - _FIRST[kind]


def level_of(text: str) -> tuple[int, int] | None:
    """Item and location of an inventory level."""
    location = number_of(text, "InventoryLevel")
    found = parse(text)
    if location is None or found is None or found[2] is None:
        return None
    return int(found[2]) - ITEM, location
