"""Records that are parked for a category go on when it has come, whichever connection brought it."""

from __future__ import annotations

from collections import defaultdict

from hub.catalog import wake_key
from hub.store.database import Database
from hub.store.ledger.lock import lock
from hub.store.ledger.sweep import wake_within


def wake_arrived(db: Database, *, tenant_id: int | None = None) -> int:
    """Wake what waits for categories that are there, of one tenant or of all; returns how many records that were.

    Called after the transaction that brought them: whoever parks a record has looked under the same lock on the tenant
    under which categories are written, so that none slips through in between.
    """
    arrived: dict[int, list[str]] = defaultdict(list)
    with db.transaction() as tx:
        rows = db.execute(
            tx,
            "SELECT DISTINCT r.connection_id, r.wake_key FROM record r JOIN catalog_category c "
            "ON c.tenant_id = r.tenant_id AND r.wake_key = :prefix || c.key "
            f"WHERE r.state = 'parked' AND c.gone_at IS NULL{'' if tenant_id is None else ' AND r.tenant_id = :tenant'}",
            prefix=wake_key(""),
            **({} if tenant_id is None else {"tenant": tenant_id}),
        )
        for row in rows:
            arrived[row.connection_id].append(row.wake_key)
    woken = 0
    for connection_id, keys in sorted(arrived.items()):
        with db.transaction() as tx:
            woken += wake_within(db, tx, lock(db, tx, connection_id), keys)
    return woken
