"""The parts of a catalog, for each of which one connection may be the system of record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

#: Everything that can be owned. What nobody owns is written by whoever comes, the last one wins.
PARTS: Sequence[str] = (
    "products",
    "assignments",
    "translations",
    "media",
    "variants",
    "prices",
    "stock",
    "categories.managed",
    "categories.unmanaged",
    "locations",
    "customers",
)

#: Fields of a product that are a part of their own; its other fields belong to "products".
PRODUCT_FIELDS: Mapping[str, str] = {
    "categories": "assignments",
    "translations": "translations",
    "media": "media",
    "featured_medium": "media",
}
