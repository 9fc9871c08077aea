"""Rows of the catalog by their keys, or by whose they are."""

from __future__ import annotations

from hub.store.database import Database


def found_by(db: Database, table: str, column: str) -> str:
    """A FROM item: the rows ``t`` of ``:tenant`` whose ``column`` is one of ``:keys``, a rowset of ``key`` (``v``)."""
    return db.found("keys", table, "t", f"t.tenant_id = :tenant AND t.{column} = v.key", key="text")
