"""A person's row of the catalog: emptied and gone, so that whoever follows the catalog hears of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row

from hub import codec
from hub.records import JSON
from hub.store.catalog import clock
from hub.store.database import Database, rowset
from hub.store.erasure.words import Words


def erase_customers(db: Database, tenant_id: int, keys: Sequence[str], words: Words) -> list[str]:
    """Erase the customers of these keys; gives the keys of those that were there."""
    with db.transaction() as tx:
        _lock(db, tx, tenant_id)
        rows = db.execute(
            tx,
            f"SELECT c.key, c.content, c.sources FROM {db.rows('keys', key='text')} CROSS JOIN catalog_customer c "
            "WHERE c.tenant_id = :tenant AND c.key = v.key",
            tenant=tenant_id,
            keys=rowset([{"key": key} for key in keys]),
        ).all()
        for row in rows:
            words.learn(codec.loads(row.content))
        _write(db, tx, tenant_id, {row.key: None for row in rows})
        return [row.key for row in rows]


def erase_customers_of(db: Database, tenant_id: int, connection_id: int, words: Words) -> list[str]:
    """Erase what a connection gave of customers; one that others gave as well keeps what is theirs, also from ``words``."""
    with db.transaction() as tx:
        _lock(db, tx, tenant_id)
        rows = db.execute(
            tx,
            "SELECT key, content, sources FROM catalog_customer WHERE tenant_id = :tenant AND sources LIKE :mine",
            tenant=tenant_id,
            mine=f'%"{connection_id}":%',
        ).all()
        left = {row.key: _others(row, str(connection_id)) for row in rows}
        for row in rows:
            theirs, _ = left[row.key] or ({}, {})
            words.learn(
                {name: value for name, value in codec.loads(row.content).items() if name not in theirs}
            )
        _write(db, tx, tenant_id, left)
        return [row.key for row in rows]


def _others(row: Row[Any], source: str) -> tuple[JSON, JSON] | None:
    """Content and sources without one of them; None where there is no other."""
    sources = codec.loads(row.sources)
    mine = sources.pop(source, {"fields": []})
    if not sources:
        return None
    content = {name: value for name, value in codec.loads(row.content).items() if name not in mine["fields"]}
    return content, sources


def _lock(db: Database, tx: Connection, tenant_id: int) -> None:
    """As whoever writes the catalog does."""
    db.execute(tx, f"SELECT id FROM tenant WHERE id = :id{db.row_lock}", id=tenant_id)


def _write(db: Database, tx: Connection, tenant_id: int, left: dict[str, tuple[JSON, JSON] | None]) -> None:
    if not left:
        return
    now, number = db.now(tx), clock.number(db, tx)
    for key, rest in left.items():
        content, sources = rest or ({}, {})
        db.execute(
            tx,
            "UPDATE catalog_customer SET content = :content, sources = :sources, changed_at = :now, "
            "changed_in = :number, changed_in_by_others = :number, "
            f"gone_at = {'gone_at' if rest else 'coalesce(gone_at, :now)'} "
            "WHERE tenant_id = :tenant AND key = :key",
            content=codec.dumps(content).decode(),
            sources=codec.dumps(sources).decode(),
            now=now,
            number=number,
            tenant=tenant_id,
            key=key,
        )
