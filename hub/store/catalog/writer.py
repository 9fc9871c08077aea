"""Writing the catalog: a batch of entities, inside the transaction in which their records settle."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from sqlalchemy import Connection

from hub.catalog import Entity, Written, shapes
from hub.store.catalog import clock, table
from hub.store.catalog.keys import found_by
from hub.store.catalog.merge import same
from hub.store.catalog.plan import KindPlan, Plan
from hub.store.database import Database, rowset


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
        """Upsert or delete a batch, in order; one answer for each.

        What takes long, the merging, is done before the lock is taken, and once more under it where somebody has written
        the same rows meanwhile. Categories hang together, so a batch of those is merged under the lock at once.
        """
        hasty = self.db.postgres and not any(isinstance(one, shapes.Category) for one in entities)
        plan = self._plan(entities) if hasty else None
        self._lock_tenant()
        if plan is None or not plan.still_holds(self.connection_id):
            plan = self._plan(entities)
        for kind in plan.kinds:
            self._store(kind, plan.now)
        return plan.written

    def products_of(self, variants: Collection[str]) -> Mapping[str, str]:
        """See ``hub.catalog.CatalogWriter``."""
        rows = self.db.execute(
            self.tx,
            f"SELECT t.key, t.product_key FROM {found_by(self.db, 'catalog_variant', 'key')} WHERE t.gone_at IS NULL",
            keys=rowset([{"key": key} for key in variants]),
            tenant=self.tenant_id,
        )
        return {row.key: row.product_key for row in rows}

    def _plan(self, entities: Sequence[Entity]) -> Plan:
        return Plan(
            self.db, self.tx, tenant_id=self.tenant_id, connection_id=self.connection_id, entities=entities
        )

    def _lock_tenant(self) -> None:
        self.db.execute(self.tx, f"SELECT id FROM tenant WHERE id = :id{self.db.row_lock}", id=self.tenant_id)

    def _store(self, plan: KindPlan, now: int) -> None:
        kind, before, columns = plan.kind, plan.before, plan.columns
        new = {key: (row, columns[key]) for key, row in plan.after.items() if key not in before}
        known = {key: row for key, row in plan.after.items() if key in before}
        changed = {key: (row, columns[key]) for key, row in known.items() if not same(before[key], row)}
        quiet = {
            key: row
            for key, row in known.items()
            if key not in changed and row.sources != before[key].sources
        }
        table.note_sources(self.db, self.tx, self.tenant_id, kind, quiet)
        if new or changed:
            stamp = self._stamp(now)
            table.insert(self.db, self.tx, stamp, kind, new)
            table.update(self.db, self.tx, stamp, kind, changed)
            if kind == "variant":
                self._stamp_products_that_lost(plan, stamp)
        if kind == "category":
            self.brought_categories |= any(row.there for row, _ in (*new.values(), *changed.values()))

    def _stamp_products_that_lost(self, plan: KindPlan, stamp: table.Stamp) -> None:
        """Whoever follows a product hears that a variant went to another one."""
        lost = {
            row.identity["product_key"]
            for key, row in plan.before.items()
            if key in plan.after
            and row.there
            and row.identity["product_key"] != plan.after[key].identity["product_key"]
        }
        if lost:
            table.touch(self.db, self.tx, stamp, "product", sorted(lost))

    def _stamp(self, now: int) -> table.Stamp:
        return table.Stamp(
            tenant_id=self.tenant_id, connection_id=self.connection_id, now=now, number=self._number
        )

    @cached_property
    def _number(self) -> int:
        return clock.number(self.db, self.tx)
