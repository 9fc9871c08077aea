"""The categories of a batch, gone through in order: which links are written, and which are refused for the tree's sake."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from hub.catalog.shapes import Category
from hub.excerpt import excerpt
from hub.store.catalog import merge
from hub.store.catalog.drafts import Draft
from hub.store.catalog.merge import Row
from hub.store.catalog.owners import Owners
from hub.store.catalog.tree import MAX_DEPTH, Tree
from hub.store.database import Database


@dataclass(frozen=True, kw_only=True)
class Writing:
    """Whose batch it is: a connection of a tenant (``source``: its id), and what it may not write."""

    db: Database
    tx: Connection
    tenant_id: int
    source: str
    rules: Owners


class Walk:
    """Goes through the categories of a batch in order, and does to ``tree`` what writing does."""

    def __init__(
        self,
        writing: Writing,
        tree: Tree,
        rows: Mapping[str, Row],
        waiting: Collection[int],
        refused: Collection[int],
    ) -> None:
        self.tree = tree
        self.errors: dict[int, str] = {}
        self.linkless: set[int] = set()
        #: Links of this batch that would make a circle together.
        self.in_circles: set[int] = set()
        self._writing = writing
        self._rows = dict(rows)
        self._waiting, self._refused = waiting, refused
        self._moved_by: dict[str, int] = {}

    def step(self, place: int, category: Category) -> None:
        """The next one."""
        source, key = self._writing.source, category.key
        row = self._rows.get(key, Row())
        draft = _outline(category)
        admitted, _ = self._writing.rules.admit(draft, row)
        if admitted is None:
            self.linkless.add(place)
            return
        if isinstance(category.parent, str) and not draft.gone:
            if "parent" not in merge.allowed(row, draft, source):
                self.linkless.add(place)
            elif place in self._waiting or not self._may_move(place, key, category.parent):
                return
        self._write(key, merge.laid_over(row, draft, source=source, now=0))

    def _may_move(self, place: int, key: str, parent: str) -> bool:
        if self.tree.stands_below(key, parent):
            return True
        circle = self.tree.circle(key, parent)
        if circle or place in self._refused:
            self.errors[place] = f"parent: {excerpt(parent)} would make this category its own ancestor"
            if circle:
                others = {self._moved_by[one] for one in circle if one in self._moved_by and one != key}
                self.in_circles |= {place} | others
            return False
        if self.tree.is_too_deep(key, parent):
            self.errors[place] = f"parent: the tree is deeper than {MAX_DEPTH} levels"
            return False
        self._moved_by[key] = place
        return True

    def _write(self, key: str, row: Row) -> None:
        self._rows[key] = row
        if row.there:
            self.tree.put(key, row.content.get("parent"))
        else:
            self.tree.take(key)


def _outline(category: Category) -> Draft:
    """What of it says where it stands, and whose it is."""
    given = {"parent": category.parent, "managed": category.managed}
    return Draft(
        kind="category",
        key=category.key,
        fields={
            name: value for name, value in given.items() if value is None or isinstance(value, str | bool)
        },
        gone=category.operation == "delete",
        enriches=category.enriches,
        main=True,
        source_id=category.key,
    )
