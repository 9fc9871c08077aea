"""Every text of a tenant, table by table: words that stand for a person are taken out wherever they got to."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import lru_cache

import sqlalchemy
from sqlalchemy import Table

from hub import codec
from hub.store.database import Database
from hub.store.erasure.tenant_tables import tenant_tables
from hub.store.erasure.words import Eraser, Words

#: Tables about goods, in which a telephone number or a name may be something else.
GOODS = frozenset(
    f"catalog_{kind}" for kind in ("product", "variant", "price", "stock", "category", "location")
)
#: What holds no foreign text, is encrypted, or is what an operator wrote and a connection needs.
_LEFT_OUT: Mapping[str, Collection[str]] = {
    "connection": ("name", "connector", "config", "credentials", "poll_target", "status", "facts"),
    "schedule": ("cursor",),
}
_NO_TABLES = frozenset(
    {"tenant", "app_hold", "errand", "authorization_state", "webhook_seen", "lease", "bell", "claim"}
)


def take_out(db: Database, tenant_id: int, words: Words, *, connection_id: int | None = None) -> int:
    """Take the words out of every text of the tenant, or of what one connection brought; returns how many rows held one."""
    changed = 0
    for table, columns in _texts().items():
        chosen = words.of(goods=table.name in GOODS)
        if chosen:
            changed += _take_out(db, tenant_id, table, columns, Eraser(chosen), connection_id)
    return changed


@lru_cache(maxsize=1)
def _texts() -> Mapping[Table, Collection[str]]:
    found = {}
    for table in tenant_tables():
        if table.name in _NO_TABLES:
            continue
        left_out = _LEFT_OUT.get(table.name, ())
        texts = [
            column.name
            for column in table.columns
            if isinstance(column.type, sqlalchemy.String) and column.name not in left_out
        ]
        if texts:
            found[table] = texts
    return found


def _brought_by(table: Table, connection_id: int | None) -> str:
    """The rows that nobody else brought."""
    if connection_id is None:
        return ""
    if table.name == "connection":
        return " AND t.id = :connection"
    if "connection_id" in table.columns:
        return " AND t.connection_id = :connection"
    if "record_id" in table.columns:
        return " AND t.record_id IN (SELECT r.id FROM record r WHERE r.connection_id = :connection)"
    return " AND t.sources LIKE :source" if "sources" in table.columns else " AND false"


def _take_out(
    db: Database,
    tenant_id: int,
    table: Table,
    columns: Collection[str],
    eraser: Eraser,
    connection_id: int | None,
) -> int:
    """Found by the database, in whatever case, and replaced here."""
    keys = [column.name for column in table.primary_key]
    within = (
        "position(lower(v.word) in lower({0})) > 0" if db.postgres else "instr(lower({0}), lower(v.word)) > 0"
    )
    somewhere = " OR ".join(within.format(f"t.{column}") for column in columns)
    names = ", ".join(dict.fromkeys((*keys, *columns)))
    changed = 0
    mine = _brought_by(table, connection_id)
    given = {"connection": connection_id, "source": f'{{"{connection_id}":%'}
    with db.transaction() as tx:
        rows = (
            db.execute(
                tx,
                f"SELECT {names} FROM {table.name} t WHERE t.tenant_id = :tenant{mine} "
                f"AND EXISTS (SELECT 1 FROM {db.rows('words', word='text')} WHERE {somewhere})",
                tenant=tenant_id,
                words=codec.dumps([{"word": word} for word in eraser.words]).decode(),
                **{name: value for name, value in given.items() if f":{name}" in mine},
            )
            .mappings()
            .all()
        )
        for row in rows:
            if ":source" in mine and len(codec.loads(row["sources"])) > 1:
                continue  # others gave it as well
            new = {
                column: cleaned
                for column in columns
                if row[column] is not None and (cleaned := eraser(row[column])) != row[column]
            }
            if not new:
                continue
            changes = ", ".join(f"{column} = :new_{column}" for column in new)
            this = " AND ".join(f"{key} = :key_{key}" for key in keys)
            db.execute(
                tx,
                f"UPDATE {table.name} SET {changes} WHERE {this}",
                **{f"new_{column}": text for column, text in new.items()},
                **{f"key_{key}": row[key] for key in keys},
            )
            changed += 1
    return changed
