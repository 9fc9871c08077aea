"""A tenant's catalog with connections that write it and follow it, on both databases."""

from __future__ import annotations

import pytest

from hub.store.database import Database
from tests.catalog.shelf import Shelf


@pytest.fixture
def shelf(db: Database) -> Shelf:
    """The catalog of a tenant; the connections ``shop`` and ``erp`` write it."""
    return Shelf(db, "acme", "shop", "erp")
