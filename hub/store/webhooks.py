"""What the web process asks of the store: which connections there are, and which webhooks were taken before."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from sqlalchemy import Connection

from hub.store.database import Database, rowset
from hub.store.rows import Locked


class Revision(NamedTuple):
    """Which connection stands behind a name, and in which version of its settings.

    ``created_at`` tells it from one that was removed and had the same name and id.
    """

    connection_id: int
    revision: int
    created_at: int


def revisions(db: Database, names: Collection[str]) -> Mapping[str, Revision]:
    """The connections of these names; what is missing does not exist, or has no access (it is inactive)."""
    with db.transaction() as tx:
        rows = db.execute(
            tx,
            f"SELECT c.name, c.id, c.revision, c.created_at FROM {db.rows('names', name='text')} "
            "JOIN connection c ON c.name = v.name AND c.status <> 'inactive'",
            names=rowset([{"name": name} for name in names]),
        )
        return {row.name: Revision(row.id, row.revision, row.created_at) for row in rows}


def take(db: Database, tx: Connection, connection: Locked, dedupe_ids: Collection[str]) -> set[str]:
    """Note webhook ids in the transaction that admits their records; returns those that were not known yet."""
    if not dedupe_ids:
        return set()
    rows = db.execute(
        tx,
        "INSERT INTO webhook_seen (connection_id, dedupe_id, tenant_id, seen_at) "
        f"SELECT :connection, v.dedupe_id, :tenant, :now FROM {db.rows('ids', dedupe_id='text')} WHERE true "
        "ON CONFLICT (connection_id, dedupe_id) DO NOTHING RETURNING dedupe_id",
        connection=connection.id,
        tenant=connection.tenant_id,
        now=connection.now,
        ids=rowset([{"dedupe_id": one} for one in dedupe_ids]),
    )
    return {row.dedupe_id for row in rows}
