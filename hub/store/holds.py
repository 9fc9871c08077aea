"""Who holds which account of a platform (a shop), and with which app's secret: it outlives the connection."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from hub.store.database import Database

#: Secrets that a webhook for an account which nobody holds is checked with: the newest ones.
MOST_APPS = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Hold:
    """An account that a connection was let into. ``secret`` is the app's, encrypted."""

    app_key: str
    secret: str = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Holder:
    """A hold as a webhook finds it. ``connected``: its connection exists and is not disconnected."""

    connection_id: int
    tenant_id: int
    name: str
    app_key: str
    secret: str = field(repr=False)
    held_at: int
    connected: bool


def keep_hold(db: Database, tx: Connection, connection_id: int, hold: Hold | None) -> None:
    """Note what a connection holds from now on; None changes nothing: what it held, its tenant may have data of."""
    if hold is None:
        return
    db.execute(
        tx,
        "INSERT INTO app_hold (connection_id, app_key, tenant_id, connector, name, secret, held_at) "
        "SELECT id, :key, tenant_id, connector, name, :secret, :now FROM connection WHERE id = :id "
        "ON CONFLICT (connection_id, app_key) DO UPDATE SET secret = excluded.secret, held_at = excluded.held_at, "
        "erased_at = NULL",
        id=connection_id,
        key=hold.app_key,
        secret=hold.secret,
        now=db.now(tx),
    )


def holders(db: Database, connector: str, app_key: str) -> Sequence[Holder]:
    """Every connection, of whatever tenant, that holds an account or held it."""
    with db.transaction() as tx:
        rows = db.execute(
            tx,
            "SELECT h.connection_id, h.tenant_id, h.name, h.app_key, h.secret, h.held_at, "
            "CASE WHEN c.status <> 'inactive' THEN 1 ELSE 0 END AS connected "
            "FROM app_hold h LEFT JOIN connection c ON c.id = h.connection_id "
            "WHERE h.connector = :connector AND h.app_key = :key ORDER BY h.connection_id",
            connector=connector,
            key=app_key,
        ).all()
    return [
        Holder(
            connection_id=row.connection_id,
            tenant_id=row.tenant_id,
            name=row.name,
            app_key=row.app_key,
            secret=row.secret,
            held_at=row.held_at,
            connected=bool(row.connected),
        )
        for row in rows
    ]


def some_secrets(db: Database, connector: str) -> Sequence[str]:
    """Encrypted secrets of this connector's apps, the newest first."""
    with db.transaction() as tx:
        rows = db.execute(
            tx,
            "SELECT secret FROM app_hold WHERE connector = :connector ORDER BY held_at DESC LIMIT :limit",
            connector=connector,
            limit=MOST_APPS,
        )
        return [row.secret for row in rows]


def reencrypt(db: Database, tx: Connection, rotate: Callable[[str], str]) -> None:
    """Put ``rotate`` of each secret, and of each errand, in its place."""
    for row in db.execute(tx, f"SELECT connection_id, app_key, secret FROM app_hold{db.row_lock}").all():
        db.execute(
            tx,
            "UPDATE app_hold SET secret = :secret WHERE connection_id = :id AND app_key = :key",
            secret=rotate(row.secret),
            id=row.connection_id,
            key=row.app_key,
        )
    for row in db.execute(tx, f"SELECT id, told FROM errand{db.row_lock}").all():
        db.execute(tx, "UPDATE errand SET told = :told WHERE id = :id", told=rotate(row.told), id=row.id)
