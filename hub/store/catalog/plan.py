"""What a batch comes to: read, merged and not yet written. Whether it still holds can be asked later, at little cost."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import msgspec
from sqlalchemy import Connection

from hub.catalog import Effect, Entity, Written, shapes
from hub.store.catalog import links, owners, table
from hub.store.catalog.drafts import Draft, drafts_of
from hub.store.catalog.kinds import KINDS
from hub.store.catalog.links import Links
from hub.store.catalog.merge import Row, laid_over, same
from hub.store.catalog.tree import asking_ancestry, parents
from hub.store.catalog.walk import Writing
from hub.store.database import Database
from hub.store.together import Statement

#: A row that was never written.
_NOTHING = Row()


@dataclass(frozen=True, kw_only=True)
class KindPlan:
    """The rows of one kind as they were read, by their keys, and as they are to be."""

    kind: str
    keys: Collection[str]
    before: Mapping[str, Row]
    after: Mapping[str, Row]

    @cached_property
    def met(self) -> Collection[str]:
        """The keys of what was there, or is not to be there: of all but what is written for the first time."""
        return [key for key in self.keys if key in self.before or key not in self.after]


class Plan:
    """Made when it is created. Writes nothing and locks nothing."""

    def __init__(
        self, db: Database, tx: Connection, *, tenant_id: int, connection_id: int, entities: Sequence[Entity]
    ) -> None:
        self._db, self._tx, self._tenant_id = db, tx, tenant_id
        self._connection_id, self._source = connection_id, str(connection_id)
        #: When it was made, in microseconds.
        self.now = db.now(tx)
        self._entities = entities
        self._rules = owners.others_than(db, tx, tenant_id, connection_id)
        self._effects = [_Effects() for _ in entities]
        #: Entities whose product is not the writer's: nothing below it is written.
        self._left: set[int] = set()
        self._variants: Mapping[str, Sequence[str]] = {}
        #: What is to be written, in the order in which it has to be.
        self.kinds: list[KindPlan] = []
        keys = {one.key for one in entities if isinstance(one, shapes.Category)}
        self._categories = self._load("category", keys)
        self._links = self._read_links()
        self._make()

    @property
    def written(self) -> Sequence[Written]:
        """One answer for each entity, once all of it is written."""
        return [one.written() for one in self._effects]

    def asking(self) -> Sequence[Statement]:
        """Asks for what ``still_holds`` takes."""
        db, tenant_id, linked = self._db, self._tenant_id, sorted(links.linked(self._entities))
        return [
            owners.asking(tenant_id, self._connection_id),
            *([asking_ancestry(db, tenant_id, linked)] if linked else ()),
            *([table.asking_variants(db, tenant_id, self._variants)] if self._variants else ()),
            *(table.asking_versions(db, tenant_id, plan.kind, plan.met) for plan in self._met),
        ]

    def still_holds(self, found: Sequence[Sequence[Any]]) -> bool:
        """Whether everything that it was made of is as it was, of a batch without categories. ``found`` was read under the
        lock, so that it stays so.

        What is written for the first time is not looked for: it cannot be written where somebody else has done so.
        """
        rest = iter(found)
        if owners.Owners.of(next(rest)) != self._rules:
            return False
        if links.linked(self._entities) and parents(next(rest)) != self._links.there:
            return False
        if self._rules.others and self._read_links() != self._links:
            return False
        if self._variants and table.variants_by_product(self._variants, next(rest)) != self._variants:
            return False
        return all(
            {row.key: row.version for row in rows} == {key: row.version for key, row in plan.before.items()}
            for plan, rows in zip(self._met, rest, strict=True)
        )

    @property
    def _met(self) -> Sequence[KindPlan]:
        return [plan for plan in self.kinds if plan.met]

    def _read_links(self) -> Links:
        writing = Writing(
            db=self._db, tx=self._tx, tenant_id=self._tenant_id, source=self._source, rules=self._rules
        )
        return Links.of(writing, self._entities, self._categories)

    def _read_variants(self, products: Collection[str]) -> Mapping[str, Sequence[str]]:
        return table.keys_of_variants(self._db, self._tx, self._tenant_id, sorted(products))

    def _load(self, kind: str, keys: Collection[str]) -> Mapping[str, Row]:
        return table.load(self._db, self._tx, self._tenant_id, kind, keys)

    def _make(self) -> None:
        by_kind: Mapping[str, list[tuple[int, Draft]]] = defaultdict(list)
        for place, entity in enumerate(self._entities):
            for draft in self._drafts(place, entity):
                by_kind[draft.kind].append((place, draft))
        for kind in KINDS:
            drafts: Sequence[tuple[int, Draft]] = [one for one in by_kind[kind] if one[0] not in self._left]
            if kind == "variant":
                places = {place for place, _ in by_kind["product"] if place not in self._left}
                drafts = self._with_disappearing(sorted(places), drafts)
            if drafts:
                self.kinds.append(self._merged(kind, drafts))

    def _drafts(self, place: int, entity: Entity) -> Sequence[Draft]:
        effect = self._effects[place]
        effect.unknown = self._links.awaited(place, entity)
        effect.errors = self._links.faults(place)
        if effect.unknown or effect.errors:
            return ()
        effect.warnings = self._links.warnings(place, entity)
        return drafts_of(entity)

    def _with_disappearing(
        self, places: Sequence[int], drafts: Sequence[tuple[int, Draft]]
    ) -> Sequence[tuple[int, Draft]]:
        """Before the variants of each product those that leave it: of a deleted one all, of one with a complete list
        those that it does not name."""
        products = {
            place: entity for place in places if isinstance(entity := self._entities[place], shapes.Product)
        }
        complete = {one.key for one in products.values() if one.all_variants or one.operation == "delete"}
        if not complete:
            return drafts
        own: Mapping[int, list[Draft]] = defaultdict(list)
        for place, draft in drafts:
            own[place].append(draft)
        self._variants = self._read_variants(complete)
        there = {product: list(keys) for product, keys in self._variants.items()}
        ordered: list[tuple[int, Draft]] = []
        for place, product in products.items():
            known = there.setdefault(product.key, [])
            ordered += ((place, draft) for draft in _leaving(product, known))
            ordered += ((place, draft) for draft in own[place])
            known += (draft.key for draft in own[place] if draft.key not in known)
        return ordered

    def _merged(self, kind: str, drafts: Sequence[tuple[int, Draft]]) -> KindPlan:
        keys = {draft.key for _, draft in drafts}
        before = self._categories if kind == "category" else self._load(kind, keys)
        after: dict[str, Row] = {}
        for place, draft in drafts:
            row = after.get(draft.key) or before.get(draft.key, _NOTHING)
            if draft.leaves is not None and row.identity.get("product_key") != draft.leaves:
                continue  # it has moved to another product
            admitted, left = self._rules.admit(draft, row)
            effect = self._effects[place]
            if left:
                effect.left |= left
            if admitted is None:
                if kind == "product":
                    self._left.add(place)
                continue
            new = laid_over(row, admitted, source=self._source, now=self.now)
            if new is row:
                continue
            after[draft.key] = new
            if not (row.exists and same(row, new)):
                effect.changed = True
                effect.created |= draft.main and not row.there and new.there
        return KindPlan(kind=kind, keys=keys, before=before, after=after)


def _leaving(product: shapes.Product, known: Sequence[str]) -> Iterator[Draft]:
    deleted = product.operation == "delete"
    if not deleted and not product.all_variants:
        return
    named = set() if deleted else {variant.key for variant in product.variants}
    for key in known:
        if key not in named:
            yield Draft(
                kind="variant", key=key, gone=True, source_id=key, leaves=product.key, with_product=deleted
            )


class _Effects(msgspec.Struct, kw_only=True):
    """What one entity's drafts come to."""

    created: bool = False
    changed: bool = False
    unknown: Sequence[str] = ()
    errors: Sequence[str] = ()
    warnings: Sequence[str] = ()
    left: dict[str, str] = {}

    def written(self) -> Written:
        effect: Effect = "created" if self.created else "updated" if self.changed else "unchanged"
        return Written(
            effect=effect,
            unknown=self.unknown,
            left=self.left,
            warnings=self.warnings,
            errors=self.errors,
        )
