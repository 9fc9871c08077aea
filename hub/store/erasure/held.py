"""What is kept of a person, for whoever has to answer a request for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hub import codec
from hub.store.database import Database, as_dict, rowset
from hub.store.erasure.words import named


def held_of(db: Database, tenant_id: int, keys: Sequence[str]) -> dict[str, Any]:
    """By place: the catalog's rows, the records, and what stands in quarantine, of the person with these keys."""
    given = {"tenant": tenant_id, "keys": rowset([{"key": key} for key in keys])}
    chosen = f"SELECT v.key FROM {db.rows('keys', key='text')}"
    within = "position(v.key in q.raw) > 0" if db.postgres else "instr(q.raw, v.key) > 0"
    with db.transaction() as tx:
        catalog = db.execute(
            tx,
            "SELECT key, content, created_at, changed_at FROM catalog_customer "
            f"WHERE tenant_id = :tenant AND key IN ({chosen}) AND content <> '{{}}' ORDER BY key",
            **given,
        ).all()
        records = db.execute(
            tx,
            "SELECT c.name AS connection, r.stream, r.key, r.state, r.admitted_at, r.payload, r.error FROM record r "
            "JOIN connection c ON c.id = r.connection_id WHERE r.tenant_id = :tenant "
            f"AND (r.key IN ({chosen}) OR r.order_key IN ({chosen})) AND r.payload <> '{{}}' ORDER BY r.id",
            **given,
        ).all()
        quarantined = db.execute(
            tx,
            f"SELECT DISTINCT q.id, q.reason, q.key, q.raw FROM quarantine q JOIN {db.rows('keys', key='text')} "
            f"ON v.key = q.key OR {within} WHERE q.tenant_id = :tenant ORDER BY q.id",
            **given,
        ).all()
    name, known = named(keys), set(keys)
    return {
        "catalog": [{**as_dict(row), "content": codec.loads(row.content)} for row in catalog],
        "records": [{**as_dict(row), "payload": codec.loads(row.payload)} for row in records],
        "quarantine": [
            {"id": row.id, "reason": row.reason, "raw": row.raw}
            for row in quarantined
            if row.key in known or name.search(row.raw)
        ],
    }
