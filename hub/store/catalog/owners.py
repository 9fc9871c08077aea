"""Who is the system of record for which part of a tenant's catalog."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace
from sqlalchemy import Connection

from hub import codec
from hub.catalog.parts import PRODUCT_FIELDS
from hub.errors import ConfigurationError
from hub.store.catalog.drafts import Draft
from hub.store.catalog.merge import Row
from hub.store.database import Database, rowset
from hub.store.together import Statement, statement


@dataclass(frozen=True, kw_only=True, slots=True)
class Owners:
    """By part the name of its owner, for those parts that belong to another connection than the one that writes."""

    others: Mapping[str, str]

    @classmethod
    def of(cls, rows: Iterable[Any]) -> Owners:
        """From the rows of ``asking``."""
        return cls(others={row.part: row.name for row in rows})

    def admit(self, draft: Draft, row: Row) -> tuple[Draft | None, Mapping[str, str]]:
        """What of a draft may be written (None: nothing), and which parts are left to whom."""
        if not self.others or draft.with_product:
            return draft, {}
        part = _part(draft, row)
        owner = self.others.get(part)
        if draft.kind != "product" or draft.gone:
            return (draft, {}) if owner is None else (None, {part: owner})
        return self._fields(draft, row, owner)

    def _fields(self, draft: Draft, row: Row, owner: str | None) -> tuple[Draft | None, Mapping[str, str]]:
        """A product is made by its owner alone; its fields belong to several parts."""
        if owner is not None and not row.there:
            return None, {"products": owner}
        parts = {name: PRODUCT_FIELDS.get(name, "products") for name in draft.fields}
        kept = {name: value for name, value in draft.fields.items() if parts[name] not in self.others}
        left = {parts[name] for name in draft.fields if name not in kept}
        changes = draft.media_changes
        if changes and "media" in self.others:
            left.add("media")
            changes = ()
        return replace(draft, fields=kept, media_changes=changes), {
            one: self.others[one] for one in sorted(left)
        }


def others_than(db: Database, tx: Connection, tenant_id: int, connection_id: int) -> Owners:
    """The owners that a connection has to respect."""
    (rows,) = db.together(tx, asking(tenant_id, connection_id))
    return Owners.of(rows)


def asking(tenant_id: int, connection_id: int) -> Statement:
    """Asks for what ``Owners.of`` takes."""
    return statement(
        "SELECT o.part, c.name FROM catalog_owner o JOIN connection c ON c.id = o.connection_id "
        "WHERE o.tenant_id = :tenant AND o.connection_id <> :connection",
        tenant=tenant_id,
        connection=connection_id,
    )


def claim(
    db: Database, tx: Connection, *, tenant_id: int, connection_id: int, parts: Collection[str]
) -> None:
    """Make a connection the owner of exactly these parts.

    Raises ``ConfigurationError`` naming the connection that owns one of them already.
    """
    others = others_than(db, tx, tenant_id, connection_id).others
    for part in parts:
        if part in others:
            left = codec.dumps(sorted(set(parts) - set(others))).decode()
            raise ConfigurationError(
                f"{part} belongs to the connection {others[part]} already; a part has one system of record. "
                f"Write owns = {left} under [destination.settings] to leave it to that one",
                field="destination.settings.owns",
            )
    db.execute(tx, "DELETE FROM catalog_owner WHERE connection_id = :connection", connection=connection_id)
    if parts:
        db.execute(
            tx,
            "INSERT INTO catalog_owner (tenant_id, part, connection_id) SELECT :tenant, v.part, :connection "
            f"FROM {db.rows('parts', part='text')} WHERE true",
            tenant=tenant_id,
            connection=connection_id,
            parts=rowset([{"part": part} for part in sorted(set(parts))]),
        )


def _part(draft: Draft, row: Row) -> str:
    if draft.kind == "category":
        managed = row.content.get("managed") if row.there else draft.fields.get("managed")
        return "categories.managed" if managed else "categories.unmanaged"
    return {
        "product": "products",
        "variant": "variants",
        "price": "prices",
        "stock": "stock",
        "location": "locations",
        "customer": "customers",
    }[draft.kind]
