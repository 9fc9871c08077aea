"""What the links of a batch come to: a batch is gone through as it will be written, and what counts is what is written."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from hub.catalog import Entity
from hub.catalog.shapes import Category, Product
from hub.excerpt import excerpt
from hub.store.catalog import table
from hub.store.catalog.merge import Row
from hub.store.catalog.tree import Tree, ancestry, below
from hub.store.catalog.walk import Walk, Writing


@dataclass(kw_only=True)
class Links:
    """What becomes of each entity's links, by its place in the batch.

    ``waiting`` and ``errors`` are of categories that are not written; ``linkless`` are entities whose links are not
    written, because those are another system's. ``there`` are the categories that are there in the end.
    """

    there: Collection[str] = ()
    waiting: Collection[int] = ()
    errors: Mapping[int, str] = field(default_factory=dict)
    linkless: Collection[int] = ()

    @classmethod
    def of(cls, writing: Writing, entities: Sequence[Entity], rows: Mapping[str, Row]) -> Links:
        """``rows`` are those of the batch's categories."""
        categories = {place: one for place, one in enumerate(entities) if isinstance(one, Category)}
        tree = _tree(writing, entities, list(categories.values()), rows)
        links = _settled(writing, categories, rows, tree) if categories else cls(there=tree)
        links.linkless = {*links.linkless, *_products_without(writing, entities, links.there)}
        return links

    def awaited(self, place: int, entity: Entity) -> Sequence[str]:
        """Categories that an entity is to wait for."""
        if place in self.waiting:
            return _links(entity)
        waits = isinstance(entity, Product) and entity.wait_for_categories
        return self._unknown(place, entity) if waits else ()

    def faults(self, place: int) -> Sequence[str]:
        """A category must not stand above itself, nor too deep."""
        return (self.errors[place],) if place in self.errors else ()

    def warnings(self, place: int, entity: Entity) -> Sequence[str]:
        """Links that are kept though nobody knows where they lead."""
        if self.awaited(place, entity):
            return ()
        name = "parent" if isinstance(entity, Category) else "categories"
        return [
            f"{name}: nobody knows the category {excerpt(key)} yet; the link holds as soon as it comes"
            for key in self._unknown(place, entity)
        ]

    def _unknown(self, place: int, entity: Entity) -> Sequence[str]:
        return [] if place in self.linkless else [key for key in _links(entity) if key not in self.there]


def linked(entities: Sequence[Entity]) -> set[str]:
    """The categories that a batch names as parents, or as where its products stand."""
    return {key for one in entities for key in _links(one)}


def _links(entity: Entity) -> Sequence[str]:
    if entity.operation == "delete":
        return ()
    if isinstance(entity, Product):
        return entity.categories if isinstance(entity.categories, list) else ()
    if isinstance(entity, Category) and isinstance(entity.parent, str):
        return [entity.parent]
    return ()


def _tree(
    writing: Writing, entities: Sequence[Entity], categories: Sequence[Category], rows: Mapping[str, Row]
) -> Mapping[str, str | None]:
    """All that the batch's links lead to, up to the roots, and what stands below the categories that it moves."""
    wanted = linked(entities) | {one.key for one in categories if one.operation == "upsert"}
    moved = _moved(categories, rows)
    db, tx, tenant_id = writing.db, writing.tx, writing.tenant_id
    under = below(db, tx, tenant_id, sorted(moved)) if moved else {}
    return {**under, **ancestry(db, tx, tenant_id, sorted(wanted))} if wanted else {}


def _moved(categories: Sequence[Category], rows: Mapping[str, Row]) -> set[str]:
    """Those that may stand below another one afterwards; what is deleted may come back in the same batch."""
    deleted = {one.key for one in categories if one.operation == "delete"}
    stand = {key: row.content.get("parent") for key, row in rows.items() if row.there and key not in deleted}
    return {one.key for one in categories if _links(one) and stand.get(one.key) != one.parent}


def _settled(
    writing: Writing,
    categories: Mapping[int, Category],
    rows: Mapping[str, Row],
    parents: Mapping[str, str | None],
) -> Links:
    """Who waits changes what is written, and what is written changes who waits: until nobody else has to.

    Somebody may be left waiting for a category that comes in after all; it is woken as soon as that is there.
    """
    there = {*parents, *(one.key for one in categories.values() if one.operation == "upsert")}
    waiting = _held_up(categories, there, set(), rows)
    while True:
        walk = _walked(writing, categories, rows, parents, waiting)
        ready = {place: one for place, one in categories.items() if place not in walk.linkless}
        more = _held_up(ready, walk.tree.keys(), {*waiting, *walk.errors}, rows)
        if not more:
            waits = {place for place in waiting if place not in walk.linkless}
            return Links(there=walk.tree.keys(), waiting=waits, errors=walk.errors, linkless=walk.linkless)
        waiting |= more


def _walked(
    writing: Writing,
    categories: Mapping[int, Category],
    rows: Mapping[str, Row],
    parents: Mapping[str, str | None],
    waiting: Collection[int],
) -> Walk:
    """Again until no circle is left: all links of one that come at once are refused."""
    refused: set[int] = set()
    while True:
        walk = Walk(writing, Tree(parents), rows, waiting, refused)
        for place, category in categories.items():
            walk.step(place, category)
        if walk.in_circles <= refused:
            return walk
        refused |= walk.in_circles


def _held_up(
    categories: Mapping[int, Category], there: set[str], known: Collection[int], rows: Mapping[str, Row]
) -> set[int]:
    """Those that have to wait beside the ``known`` ones: for what is not ``there``, or not without them."""
    left = {
        place: (one.key, one.parent)
        for place, one in categories.items()
        if one.wait_for_parent and _links(one) and place not in known
    }
    held: set[int] = set()
    while more := [place for place, (_, parent) in left.items() if parent not in there]:
        held.update(more)
        for place in more:
            key, _ = left.pop(place)
            if key not in rows or not rows[key].there:
                there.discard(key)
    return held


def _products_without(writing: Writing, entities: Sequence[Entity], there: Collection[str]) -> Iterator[int]:
    """Products whose categories are not written: those are another's, or the product is, and is not there."""
    others = writing.rules.others
    if not others.keys() & {"assignments", "products"}:
        return
    products = {
        place: one
        for place, one in enumerate(entities)
        if isinstance(one, Product) and any(key not in there for key in _links(one))
    }
    if "assignments" in others:
        yield from products
        return
    keys = {one.key for one in products.values()}
    known = table.load(writing.db, writing.tx, writing.tenant_id, "product", keys)
    yield from (place for place, one in products.items() if one.key not in known or not known[one.key].there)
