"""Links to categories: which ones nobody knows, and whether a category would become its own ancestor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from hub.catalog import Entity
from hub.catalog.shapes import Category, Product
from hub.excerpt import excerpt
from hub.store.database import Database, rowset

#: Deeper trees are a mistake.
MAX_DEPTH = 100


@dataclass(frozen=True, kw_only=True)
class Links:
    """What a batch's links lead to: by key the parent of every category that is there or comes with the batch."""

    known: Mapping[str, str | None]

    @classmethod
    def of(cls, db: Database, tx: Connection, tenant_id: int, entities: Sequence[Entity]) -> Links:
        """Look up everything that a batch's links lead to, up to the roots."""
        categories = [one for one in entities if isinstance(one, Category) and one.operation == "upsert"]
        wanted = {key for one in categories for key in (one.key, *_links(one))}
        wanted |= {key for one in entities if isinstance(one, Product) for key in _links(one)}
        known = ancestry(db, tx, tenant_id, sorted(wanted)) if wanted else {}
        return cls(known=_with_batch(known, categories))

    def awaited(self, entity: Entity) -> Sequence[str]:
        """Categories that an entity is to wait for."""
        waits = isinstance(entity, Category) and entity.wait_for_parent
        waits = waits or (isinstance(entity, Product) and entity.wait_for_categories)
        return self._unknown(entity) if waits else ()

    def warnings(self, entity: Entity) -> Sequence[str]:
        """Links that are kept though nobody knows where they lead."""
        if self.awaited(entity):
            return ()
        field = "parent" if isinstance(entity, Category) else "categories"
        return [
            f"{field}: nobody knows the category {excerpt(key)} yet; the link holds as soon as it comes"
            for key in self._unknown(entity)
        ]

    def faults(self, entity: Entity) -> Sequence[str]:
        """A category must not stand above itself."""
        if not isinstance(entity, Category) or not isinstance(entity.parent, str):
            return ()
        above: str | None = entity.parent
        for _ in range(MAX_DEPTH):
            if above is None:
                return ()
            if above == entity.key:
                return (f"parent: {excerpt(entity.parent)} would make this category its own ancestor",)
            above = self.known.get(above)
        return (f"parent: the tree is deeper than {MAX_DEPTH} levels",)

    def _unknown(self, entity: Entity) -> Sequence[str]:
        return [key for key in _links(entity) if key not in self.known]


def _links(entity: Entity) -> Sequence[str]:
    if entity.operation == "delete":
        return ()
    if isinstance(entity, Product):
        return entity.categories if isinstance(entity.categories, list) else ()
    if isinstance(entity, Category) and isinstance(entity.parent, str):
        return (entity.parent,)
    return ()


def _with_batch(known: Mapping[str, str | None], categories: Sequence[Category]) -> Mapping[str, str | None]:
    """Also those that the batch brings, unless they have to wait themselves."""
    found = dict(known)
    left = list(categories)
    while True:
        entering = [
            one for one in left if not one.wait_for_parent or all(key in found for key in _links(one))
        ]
        if not entering:
            return found
        for one in entering:
            parent = one.parent if isinstance(one.parent, str) else None
            given = isinstance(one.parent, str) or one.parent is None
            found[one.key] = parent if given else found.get(one.key)
        entered = {id(one) for one in entering}
        left = [one for one in left if id(one) not in entered]


def ancestry(db: Database, tx: Connection, tenant_id: int, keys: Sequence[str]) -> dict[str, str | None]:
    """By key the parent of these categories and of all above them; those that nobody knows are left out."""
    rows = db.execute(
        tx,
        "WITH RECURSIVE up(key, parent_key) AS ("
        f"SELECT c.key, c.parent_key FROM {db.rows('keys', key='text')} CROSS JOIN catalog_category c "
        "WHERE c.tenant_id = :tenant AND c.key = v.key AND c.gone_at IS NULL "
        "UNION SELECT c.key, c.parent_key FROM catalog_category c JOIN up ON c.key = up.parent_key "
        "WHERE c.tenant_id = :tenant AND c.gone_at IS NULL) SELECT key, parent_key FROM up",
        keys=rowset([{"key": key} for key in keys]),
        tenant=tenant_id,
    )
    return {row.key: row.parent_key for row in rows}
