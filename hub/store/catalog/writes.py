"""What a batch writes, made ready before its turn comes: others wait for no more than that it is sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from hub.store.catalog import table
from hub.store.catalog.merge import Row, same
from hub.store.catalog.plan import KindPlan
from hub.store.catalog.table import Stamp
from hub.store.database import Database


@dataclass(frozen=True, kw_only=True, slots=True)
class Writes:
    """The rows of one kind: ``new`` ones, ``changed`` ones, and ``quiet`` ones, of which only who gives them changes.

    ``lost`` are products a variant of which went to another one, ``brings`` says whether any row is there afterwards that was
    not, or was another.
    """

    kind: str
    new: Sequence[Sequence[Any]]
    changed: str | None
    quiet: str | None
    lost: Sequence[str]
    brings: bool

    @classmethod
    def of(cls, plan: KindPlan, stamp: Stamp) -> Writes:
        """What makes of the rows of a plan what they are to be."""
        new: dict[str, Row] = {}
        changed: dict[str, Row] = {}
        quiet: dict[str, Row] = {}
        for key, row in plan.after.items():
            before = plan.before.get(key)
            if before is None:
                new[key] = row
            elif not same(before, row):
                changed[key] = row
            elif row.sources != before.sources:
                quiet[key] = row
        return cls(
            kind=plan.kind,
            new=table.insertable(stamp, plan.kind, new),
            changed=table.updatable(plan.kind, changed),
            quiet=table.notable(quiet),
            lost=_products_that_lost(plan) if plan.kind == "variant" else (),
            brings=any(row.there for row in (*new.values(), *changed.values())),
        )

    @property
    def changes(self) -> bool:
        """Whether there is anything that others follow."""
        return bool(self.new) or self.changed is not None

    def send(self, db: Database, tx: Connection, stamp: Stamp, number: int) -> None:
        """Write, in the transaction of this number, under the lock of the tenant."""
        table.note_sources(db, tx, stamp, self.kind, self.quiet)
        table.insert(db, tx, self.kind, self.new, number)
        table.update(db, tx, stamp, self.kind, self.changed, number)
        table.touch(db, tx, stamp, "product", self.lost, number)


def _products_that_lost(plan: KindPlan) -> Sequence[str]:
    """Whoever follows a product hears that a variant went to another one."""
    before: Mapping[str, Any] = plan.before
    return sorted(
        {
            row.identity["product_key"]
            for key, row in before.items()
            if key in plan.after
            and row.there
            and row.identity["product_key"] != plan.after[key].identity["product_key"]
        }
    )
