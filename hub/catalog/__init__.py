"""The hub's own catalog as a plugin sees it: shapes that are written, documents that are read, and changes.

What writes it stands in ``hub.store.catalog``; a plugin is handed ports and never sees that.
"""

from hub.catalog.parts import PARTS
from hub.catalog.ports import (
    Catalog,
    CatalogWriter,
    Change,
    Changes,
    Effect,
    Watch,
    WritesCatalog,
    Written,
    wake_key,
)
from hub.catalog.shapes import KINDS, Entity, ShapeError, parse

__all__ = [
    "KINDS",
    "PARTS",
    "Catalog",
    "CatalogWriter",
    "Change",
    "Changes",
    "Effect",
    "Entity",
    "ShapeError",
    "Watch",
    "WritesCatalog",
    "Written",
    "parse",
    "wake_key",
]
