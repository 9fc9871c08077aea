"""The tree of categories: what stands above what, and whether a link would close a circle or lead too deep."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from hub.store.database import Database, rowset
from hub.store.together import Statement, statement

#: Deeper trees are a mistake.
MAX_DEPTH = 100

#: Stands for the parent of a category that is not there; one that is there may have none.
_NOT_THERE = "\x00"


class Tree:
    """By key the parent of the categories that are there, as far as a batch reaches; it grows with what is written.

    A parent may be a key that is not there (yet): what stands below it stands there all the same.
    """

    def __init__(self, parents: Mapping[str, str | None]) -> None:
        self._parents: dict[str, str | None] = {}
        self._children: dict[str, set[str]] = defaultdict(set)
        for key, parent in parents.items():
            self.put(key, parent)

    def __contains__(self, key: str) -> bool:
        return key in self._parents

    def keys(self) -> set[str]:
        """The categories that are there."""
        return set(self._parents)

    def put(self, key: str, parent: str | None) -> None:
        """It stands below ``parent`` now."""
        self.take(key)
        self._parents[key] = parent
        if parent is not None:
            self._children[parent].add(key)

    def take(self, key: str) -> None:
        """It is gone; what stands below it keeps its link."""
        if (parent := self._parents.pop(key, None)) is not None:
            self._children[parent].discard(key)

    def stands_below(self, key: str, parent: str) -> bool:
        """Whether that is where it is."""
        return self._parents.get(key, _NOT_THERE) == parent

    def circle(self, key: str, parent: str) -> Sequence[str]:
        """``parent`` and all above it up to ``key``, if it would stand above itself; else nothing."""
        above: list[str] = []
        one: str | None = parent
        while one is not None and len(above) <= MAX_DEPTH:
            above.append(one)
            if one == key:
                return above
            one = self._parents.get(one)
        return ()

    def is_too_deep(self, key: str, parent: str) -> bool:
        """Whether the lowest of what stands below it would be deeper than a tree may be."""
        levels, one = self._levels_of(key), self._parents.get(parent)
        while one is not None and levels < MAX_DEPTH:
            levels, one = levels + 1, self._parents.get(one)
        return levels >= MAX_DEPTH

    def _levels_of(self, key: str) -> int:
        """How many levels it has with what stands below it; not counted further than a tree may be deep."""
        levels, level = 0, [key]
        while level and levels <= MAX_DEPTH:
            levels += 1
            level = [child for one in level for child in self._children.get(one, ())]
        return levels


def ancestry(db: Database, tx: Connection, tenant_id: int, keys: Sequence[str]) -> dict[str, str | None]:
    """By key the parent of these categories and of all above them; those that nobody knows are left out."""
    (rows,) = db.together(tx, asking_ancestry(db, tenant_id, keys))
    return parents(rows)


def asking_ancestry(db: Database, tenant_id: int, keys: Sequence[str]) -> Statement:
    """Asks for what ``parents`` takes: these categories and all above them."""
    return statement(
        "WITH RECURSIVE up(key, parent_key) AS ("
        f"SELECT c.key, c.parent_key FROM {db.rows('keys', key='text')} CROSS JOIN catalog_category c "
        "WHERE c.tenant_id = :tenant AND c.key = v.key AND c.gone_at IS NULL "
        "UNION SELECT c.key, c.parent_key FROM catalog_category c JOIN up ON c.key = up.parent_key "
        "WHERE c.tenant_id = :tenant AND c.gone_at IS NULL) SELECT key, parent_key FROM up",
        keys=rowset([{"key": key} for key in keys]),
        tenant=tenant_id,
    )


def below(db: Database, tx: Connection, tenant_id: int, keys: Sequence[str]) -> dict[str, str | None]:
    """By key the parent of all that stands below these keys, whether those are there or not."""
    rows = db.execute(
        tx,
        "WITH RECURSIVE down(key, parent_key) AS ("
        f"SELECT c.key, c.parent_key FROM {db.rows('keys', key='text')} CROSS JOIN catalog_category c "
        "WHERE c.tenant_id = :tenant AND c.parent_key = v.key AND c.gone_at IS NULL "
        "UNION SELECT c.key, c.parent_key FROM down CROSS JOIN catalog_category c "
        "WHERE c.tenant_id = :tenant AND c.parent_key = down.key AND c.gone_at IS NULL) "
        "SELECT key, parent_key FROM down",
        keys=rowset([{"key": key} for key in keys]),
        tenant=tenant_id,
    )
    return parents(rows)


def parents(rows: Iterable[Any]) -> dict[str, str | None]:
    """By key the parent of the categories that were read."""
    return {row.key: row.parent_key for row in rows}
