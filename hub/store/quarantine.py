"""Quarantine: what a source sent that is no record, kept before the cursor moves on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from hub import codec
from hub.records import BadRecord
from hub.store.database import Database, as_dict
from hub.store.rows import Locked

#: Longer raw texts are cut, in characters.
RAW_LIMIT = 4000


def keep(db: Database, tx: Connection, connection: Locked, bad: Sequence[BadRecord]) -> int:
    """Keep each bad record once; seen again it only counts up. Returns how many were new. ``raw`` is redacted."""
    return sum(_keep_one(db, tx, connection, one) for one in bad)


def _keep_one(db: Database, tx: Connection, connection: Locked, bad: BadRecord) -> bool:
    row = db.execute(
        tx,
        "INSERT INTO quarantine (tenant_id, connection_id, fingerprint, stream, key, reason, raw, seen, "
        "first_seen_at, last_seen_at) VALUES (:tenant, :connection, :fingerprint, :stream, :key, :reason, :raw, 1, "
        ":now, :now) ON CONFLICT (connection_id, fingerprint) DO UPDATE SET seen = quarantine.seen + 1, "
        "last_seen_at = excluded.last_seen_at RETURNING seen",
        tenant=connection.tenant_id,
        connection=connection.id,
        fingerprint=codec.fingerprint([bad.reason, bad.raw]),
        stream=bad.stream,
        key=_plain(bad.key),
        reason=_plain(bad.reason),
        raw=_plain(bad.raw),
        now=connection.now,
    ).one()
    return bool(row.seen == 1)


def list_quarantine(db: Database, connection_id: int, *, limit: int = 50) -> Sequence[dict[str, Any]]:
    """What stands in quarantine, last seen first."""
    with db.transaction() as tx:
        rows = db.execute(
            tx,
            "SELECT id, stream, key, reason, raw, seen, first_seen_at, last_seen_at FROM quarantine "
            "WHERE connection_id = :connection ORDER BY last_seen_at DESC, id DESC LIMIT :limit",
            connection=connection_id,
            limit=limit,
        )
        return [as_dict(row) for row in rows]


def count(db: Database, connection_id: int) -> int:
    """How many different things stand in quarantine."""
    with db.transaction() as tx:
        found: int = db.execute(
            tx, "SELECT count(*) FROM quarantine WHERE connection_id = :connection", connection=connection_id
        ).scalar_one()
    return found


def _plain(text: str | None) -> str | None:
    return None if text is None else text.replace("\x00", "\\u0000")[:RAW_LIMIT]
