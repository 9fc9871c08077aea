"""What platforms asked the hub to do, from before they are answered until it is done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from hub import codec
from hub.store import history
from hub.store.database import Database
from hub.store.holds import Holder

#: Errands that one look brings.
MOST = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredErrand:
    """``told`` is encrypted. ``connection_id`` may be that of a connection which is gone by now."""

    id: int
    tenant_id: int
    connection_id: int
    app_key: str
    name: str
    told: str = field(repr=False)


def keep(db: Database, told: Sequence[tuple[Holder, Sequence[str]]], *, webhook_id: str | None) -> int:
    """Keep encrypted errands for each holder, in one transaction; what a webhook asked for before is not kept again."""
    kept = 0
    with db.transaction() as tx:
        now = db.now(tx)
        for holder, errands in told:
            if webhook_id is not None and not _is_new(db, tx, holder, f"app:{webhook_id}", now):
                continue
            for errand in errands:
                db.execute(
                    tx,
                    "INSERT INTO errand (tenant_id, connection_id, app_key, name, told, noted_at, failed) "
                    "VALUES (:tenant, :connection, :key, :name, :told, :now, 0)",
                    tenant=holder.tenant_id,
                    connection=holder.connection_id,
                    key=holder.app_key,
                    name=holder.name,
                    told=errand,
                    now=now,
                )
                kept += 1
    return kept


def waiting(db: Database, *, after: int = 0) -> Sequence[StoredErrand]:
    """What is still to be done, in the order of arrival, beyond the id ``after``."""
    with db.transaction() as tx:
        rows = db.execute(
            tx,
            "SELECT id, tenant_id, connection_id, app_key, name, told FROM errand WHERE id > :after "
            "ORDER BY id LIMIT :limit",
            after=after,
            limit=MOST,
        ).all()
    return [StoredErrand(**row._mapping) for row in rows]  # noqa: SLF001 - SQLAlchemy's documented way


def end(
    db: Database, errand: StoredErrand, what: str | None = None, facts: Mapping[str, Any] | None = None
) -> None:
    """It is done, which the history says (``what``) in the same transaction."""
    with db.transaction() as tx:
        if what is not None:
            history.note_of(
                db,
                tx,
                tenant_id=errand.tenant_id,
                connection_id=errand.connection_id,
                name=errand.name,
                what=what,
                who=history.PLATFORM,
                facts=facts,
            )
        _forget(db, tx, errand)


def change_facts(db: Database, errand: StoredErrand, facts: Mapping[str, Any]) -> None:
    """What is known of the account may be something else now, which is noted; that ends the errand."""
    with db.transaction() as tx:
        known = db.execute(
            tx, f"SELECT facts FROM connection WHERE id = :id{db.row_lock}", id=errand.connection_id
        ).scalar_one_or_none()
        before = {} if known is None else codec.loads(known)
        news = {name: value for name, value in facts.items() if name not in before or before[name] != value}
        if known is not None and news:
            db.execute(
                tx,
                "UPDATE connection SET facts = :facts WHERE id = :id",
                id=errand.connection_id,
                facts=codec.dumps({**before, **news}).decode(),
            )
            history.note(db, tx, errand.connection_id, "account changed", who=history.PLATFORM, facts=news)
        _forget(db, tx, errand)


def put_off(db: Database, errand_id: int) -> None:
    """It did not work out; the next round tries again."""
    with db.transaction() as tx:
        db.execute(tx, "UPDATE errand SET failed = failed + 1 WHERE id = :id", id=errand_id)


def _forget(db: Database, tx: Connection, errand: StoredErrand) -> None:
    db.execute(tx, "DELETE FROM errand WHERE id = :id", id=errand.id)


def _is_new(db: Database, tx: Connection, holder: Holder, dedupe_id: str, now: int) -> bool:
    """A connection that was removed is remembered like any other: ids are never given twice."""
    return bool(
        db.execute(
            tx,
            "INSERT INTO webhook_seen (connection_id, dedupe_id, tenant_id, seen_at) "
            "VALUES (:connection, :id, :tenant, :now) ON CONFLICT (connection_id, dedupe_id) DO NOTHING",
            connection=holder.connection_id,
            id=dedupe_id,
            tenant=holder.tenant_id,
            now=now,
        ).rowcount
    )
