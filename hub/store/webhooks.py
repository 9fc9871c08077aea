"""What the web process asks of the store: which connections there are, and which webhooks were taken before."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from hub.store.database import Database, rowset
from hub.store.together import Statement, statement


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


def taking(db: Database, connection_id: int, dedupe_ids: Collection[str]) -> Sequence[Statement]:
    """Notes webhook ids in the transaction that admits their records; gives those that were not known yet."""
    if not dedupe_ids:
        return ()
    clock, now = db.clock
    noted = statement(
        "INSERT INTO webhook_seen (connection_id, dedupe_id, tenant_id, seen_at) "
        f"SELECT c.id, v.dedupe_id, c.tenant_id, {clock} FROM {db.rows('ids', dedupe_id='text')} "
        "CROSS JOIN connection c WHERE c.id = :connection "
        "ON CONFLICT (connection_id, dedupe_id) DO NOTHING RETURNING dedupe_id",
        connection=connection_id,
        ids=rowset([{"dedupe_id": one} for one in dedupe_ids]),
        **now,
    )
    return (noted,)
