"""Writing the catalog: a batch of entities, inside the transaction in which their records settle."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from hub.catalog import Entity, Written, shapes
from hub.store.catalog import clock
from hub.store.catalog.keys import found_by
from hub.store.catalog.plan import Plan
from hub.store.catalog.table import Stamp
from hub.store.catalog.writes import Writes
from hub.store.database import Database, rowset
from hub.store.together import Statement, statement


class OutdatedError(Exception):
    """Somebody has written the same rows meanwhile. Nothing of this transaction must be kept; the next one may succeed if
    it waits for its turn first."""


@dataclass(kw_only=True)
class StoredCatalogWriter:
    """``hub.catalog.CatalogWriter``: one transaction's writes, by one connection.

    Writers of one tenant take turns, by a lock on its row: what is merged is what is there. It is taken before the
    lock of any connection, so that the ledger need not wait while the catalog is written.

    One that is ``hasty`` does what takes long before its turn: what it answers holds when ``carry_out`` has returned. That
    raises ``OutdatedError`` where the answers turned out to be wrong.
    """

    db: Database
    tx: Connection
    tenant_id: int
    connection_id: int
    hasty: bool = False
    #: Whether something may have come that records wait for: see ``waking``.
    brought_categories: bool = False
    _has_turn: bool = field(default=False, init=False)
    _pending: tuple[Plan, Sequence[Writes]] | None = field(default=None, init=False)

    def write(self, entities: Sequence[Entity]) -> Sequence[Written]:
        """Upsert or delete a batch, in order; one answer for each.

        Categories hang together, so a batch of those has to wait for its turn, as has one that follows another one.
        """
        self.carry_out()
        if self._may_haste(entities):
            plan = self._plan(entities)
            self._pending = plan, self._ready(plan)
            return plan.written
        self._take_turn()
        plan = self._plan(entities)
        self._send(plan, self._ready(plan))
        return plan.written

    def carry_out(self) -> None:
        """Write what waits for its turn. Raises ``OutdatedError``."""
        if self._pending is None:
            return
        plan, writes = self._pending
        if not plan.still_holds(self._take_turn(*plan.asking())):
            raise OutdatedError
        try:
            self._send(plan, writes)
        except IntegrityError as error:
            raise OutdatedError from error
        # Not before: a destination may have caught the error, and must not get away with it.
        self._pending = None

    def products_of(self, variants: Collection[str]) -> Mapping[str, str]:
        """See ``hub.catalog.CatalogWriter``."""
        rows = self.db.execute(
            self.tx,
            f"SELECT t.key, t.product_key FROM {found_by(self.db, 'catalog_variant', 'key')} WHERE t.gone_at IS NULL",
            keys=rowset([{"key": key} for key in variants]),
            tenant=self.tenant_id,
        )
        return {row.key: row.product_key for row in rows}

    def _may_haste(self, entities: Sequence[Entity]) -> bool:
        tree_stays = not any(isinstance(one, shapes.Category) for one in entities)
        return self.hasty and self.db.postgres and not self._has_turn and tree_stays

    def _take_turn(self, *beside: Statement) -> Sequence[Sequence[Any]]:
        """The rows of the statements ``beside``, which run when the turn has come."""
        locking = statement(f"SELECT id FROM tenant WHERE id = :id{self.db.row_lock}", id=self.tenant_id)
        _, *found = self.db.together(self.tx, locking, *beside)
        self._has_turn = True
        return found

    def _plan(self, entities: Sequence[Entity]) -> Plan:
        return Plan(
            self.db, self.tx, tenant_id=self.tenant_id, connection_id=self.connection_id, entities=entities
        )

    def _ready(self, plan: Plan) -> Sequence[Writes]:
        return [Writes.of(one, self._stamp(plan)) for one in plan.kinds]

    def _send(self, plan: Plan, writes: Sequence[Writes]) -> None:
        number = self._number if any(one.changes for one in writes) else 0
        for one in writes:
            one.send(self.db, self.tx, self._stamp(plan), number)
            self.brought_categories |= one.kind == "category" and one.brings

    def _stamp(self, plan: Plan) -> Stamp:
        return Stamp(tenant_id=self.tenant_id, connection_id=self.connection_id, now=plan.now)

    @cached_property
    def _number(self) -> int:
        return clock.number(self.db, self.tx)
