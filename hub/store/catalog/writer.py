"""Writing the catalog: a batch of entities, inside the transaction in which their records settle."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from sqlalchemy import Connection

from hub.catalog import Effect, Entity, Written, shapes
from hub.store.catalog import clock, owners, table
from hub.store.catalog.drafts import Draft, columns_of, drafts_of
from hub.store.catalog.kinds import KINDS
from hub.store.catalog.links import Links
from hub.store.catalog.merge import Row, laid_over, same
from hub.store.catalog.walk import Writing
from hub.store.database import Database

#: A row that was never written.
_NOTHING = Row()


@dataclass(kw_only=True)
class StoredCatalogWriter:
    """``hub.catalog.CatalogWriter``: one transaction's writes, by one connection.

    Writers of one tenant take turns, by a lock on its row: what is merged is what is there. It is taken before the
    lock of any connection, so that the ledger need not wait while the catalog is written.
    """

    db: Database
    tx: Connection
    tenant_id: int
    connection_id: int
    #: Whether something may have come that records wait for: see ``waking``.
    brought_categories: bool = False

    def write(self, entities: Sequence[Entity]) -> Sequence[Written]:
        """Upsert or delete a batch, in order; one answer for each."""
        self._lock_tenant()
        rules = owners.others_than(self.db, self.tx, self.tenant_id, self.connection_id)
        keys = {one.key for one in entities if isinstance(one, shapes.Category)}
        categories = self._load("category", keys)
        links = Links.of(self._writing(rules), entities, categories)
        effects = [_Effects() for _ in entities]
        ready: list[tuple[int, Draft]] = []
        for place, entity in enumerate(entities):
            effects[place].unknown = links.awaited(place, entity)
            effects[place].errors = links.faults(place)
            if not effects[place].unknown and not effects[place].errors:
                effects[place].warnings = links.warnings(place, entity)
                ready += ((place, draft) for draft in drafts_of(entity))
        self._write(entities, ready, effects, rules, categories)
        return [one.written() for one in effects]

    def _load(self, kind: str, keys: Collection[str]) -> Mapping[str, Row]:
        return table.load(self.db, self.tx, self.tenant_id, kind, keys)

    def _writing(self, rules: owners.Owners) -> Writing:
        source = str(self.connection_id)
        return Writing(db=self.db, tx=self.tx, tenant_id=self.tenant_id, source=source, rules=rules)

    def _lock_tenant(self) -> None:
        self.db.execute(self.tx, f"SELECT id FROM tenant WHERE id = :id{self.db.row_lock}", id=self.tenant_id)

    def _write(
        self,
        entities: Sequence[Entity],
        ready: Sequence[tuple[int, Draft]],
        effects: Sequence[_Effects],
        rules: owners.Owners,
        categories: Mapping[str, Row],
    ) -> None:
        by_kind: Mapping[str, list[tuple[int, Draft]]] = defaultdict(list)
        for place, draft in ready:
            by_kind[draft.kind].append((place, draft))
        for kind in KINDS:
            drafts: Sequence[tuple[int, Draft]] = [
                one for one in by_kind[kind] if not effects[one[0]].product_left
            ]
            if kind == "variant":
                places = {place for place, _ in by_kind["product"] if not effects[place].product_left}
                drafts = self._with_disappearing(entities, sorted(places), drafts)
            if drafts:
                keys = {draft.key for _, draft in drafts}
                before = categories if kind == "category" else self._load(kind, keys)
                self._write_kind(kind, drafts, before, effects, rules)

    def _with_disappearing(
        self, entities: Sequence[Entity], places: Sequence[int], drafts: Sequence[tuple[int, Draft]]
    ) -> Sequence[tuple[int, Draft]]:
        """Before the variants of each product those that leave it: of a deleted one all, of one with a complete list
        those that it does not name."""
        products = {
            place: entity for place in places if isinstance(entity := entities[place], shapes.Product)
        }
        complete = {one.key for one in products.values() if one.all_variants or one.operation == "delete"}
        if not complete:
            return drafts
        own: Mapping[int, list[Draft]] = defaultdict(list)
        for place, draft in drafts:
            own[place].append(draft)
        there = table.keys_of_variants(self.db, self.tx, self.tenant_id, sorted(complete))
        ordered: list[tuple[int, Draft]] = []
        for place, product in products.items():
            known = there.setdefault(product.key, [])
            ordered += ((place, draft) for draft in _leaving(product, known))
            ordered += ((place, draft) for draft in own[place])
            known += (draft.key for draft in own[place] if draft.key not in known)
        return ordered

    def _write_kind(
        self,
        kind: str,
        drafts: Sequence[tuple[int, Draft]],
        before: Mapping[str, Row],
        effects: Sequence[_Effects],
        rules: owners.Owners,
    ) -> None:
        source, now = str(self.connection_id), self._now
        after: dict[str, Row] = {}
        columns: dict[str, Mapping[str, Any]] = {}
        for place, draft in drafts:
            row = after.get(draft.key) or before.get(draft.key, _NOTHING)
            if draft.leaves is not None and row.identity.get("product_key") != draft.leaves:
                continue  # it has moved to another product
            admitted, left = rules.admit(draft, row)
            effects[place].left |= left
            if admitted is None:
                effects[place].product_left |= kind == "product"
                continue
            new = laid_over(row, admitted, source=source, now=now)
            effects[place].note(draft, row, new)
            if new is not row:
                after[draft.key] = new
                columns[draft.key] = columns_of(admitted, new.identity, new.content)
        self._store(kind, before, after, columns)
        if kind == "variant":
            self._stamp_products_that_lost(before, after)

    def _stamp_products_that_lost(self, before: Mapping[str, Row], after: Mapping[str, Row]) -> None:
        """Whoever follows a product hears that a variant went to another one."""
        lost = {
            row.identity["product_key"]
            for key, row in before.items()
            if key in after
            and row.there
            and row.identity["product_key"] != after[key].identity["product_key"]
        }
        if lost:
            table.touch(self.db, self.tx, self._stamp, "product", sorted(lost))

    def _store(
        self,
        kind: str,
        before: Mapping[str, Row],
        after: Mapping[str, Row],
        columns: Mapping[str, Mapping[str, Any]],
    ) -> None:
        new = {key: (row, columns[key]) for key, row in after.items() if key not in before}
        known = {key: row for key, row in after.items() if key in before}
        changed = {key: (row, columns[key]) for key, row in known.items() if not same(before[key], row)}
        quiet = {
            key: row
            for key, row in known.items()
            if key not in changed and row.sources != before[key].sources
        }
        table.note_sources(self.db, self.tx, self.tenant_id, kind, quiet)
        if new or changed:
            table.insert(self.db, self.tx, self._stamp, kind, new)
            table.update(self.db, self.tx, self._stamp, kind, changed)
        if kind == "category":
            self.brought_categories |= any(row.there for row, _ in (*new.values(), *changed.values()))

    @cached_property
    def _now(self) -> int:
        return self.db.now(self.tx)

    @cached_property
    def _stamp(self) -> table.Stamp:
        return table.Stamp(
            tenant_id=self.tenant_id,
            connection_id=self.connection_id,
            now=self._now,
            number=clock.number(self.db, self.tx),
        )


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


@dataclass(kw_only=True)
class _Effects:
    """What one entity's drafts come to. ``product_left``: it is not the writer's, and nothing below it is written."""

    created: bool = False
    changed: bool = False
    unknown: Sequence[str] = ()
    errors: Sequence[str] = ()
    warnings: Sequence[str] = ()
    left: dict[str, str] = field(default_factory=dict)
    product_left: bool = False

    def note(self, draft: Draft, old: Row, new: Row) -> None:
        if new is not old and not (old.exists and same(old, new)):
            self.changed = True
            self.created |= draft.main and not old.there and new.there

    def written(self) -> Written:
        effect: Effect = "created" if self.created else "updated" if self.changed else "unchanged"
        return Written(
            effect=effect,
            unknown=self.unknown,
            left=self.left,
            warnings=self.warnings,
            errors=self.errors,
        )
