"""Quarantine: what a source sent that is no record, kept before the cursor moves on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from hub import codec
from hub.records import BadRecord
from hub.store.database import Database, as_dict, rowset
from hub.store.rows import Locked

#: Longer raw texts are cut, in characters.
RAW_LIMIT = 4000
#: Different bad records that are kept of one page.
MOST_OF_A_PAGE = 1000

_SHAPE = {
    "fingerprint": "text",
    "stream": "text",
    "key": "text",
    "reason": "text",
    "raw": "text",
    "seen": "integer",
}


def keep(db: Database, tx: Connection, connection: Locked, bad: Sequence[BadRecord]) -> int:
    """Keep each bad record once; seen again it only counts up. Returns how many were new. All of it is redacted.

    Of a page with more than ``MOST_OF_A_PAGE`` different ones the rest is kept as a number.
    """
    if not bad:
        return 0
    rows = _rows(bad)
    known = db.execute(
        tx,
        f"SELECT q.fingerprint FROM {db.rows('rows', fingerprint='text')} JOIN quarantine q "
        "ON q.connection_id = :connection AND q.fingerprint = v.fingerprint",
        rows=rowset(rows),
        connection=connection.id,
    ).all()
    db.execute(
        tx,
        f"INSERT INTO quarantine (tenant_id, connection_id, {', '.join(_SHAPE)}, first_seen_at, last_seen_at) "
        f"SELECT :tenant, :connection, {', '.join(_SHAPE)}, :now, :now FROM {db.rows('rows', **_SHAPE)} WHERE true "
        "ON CONFLICT (connection_id, fingerprint) DO UPDATE SET seen = quarantine.seen + excluded.seen, "
        "last_seen_at = excluded.last_seen_at",
        rows=rowset(rows),
        tenant=connection.tenant_id,
        connection=connection.id,
        now=connection.now,
    )
    return len(rows) - len(known)


def _rows(bad: Sequence[BadRecord]) -> list[dict[str, Any]]:
    rows: dict[str, dict[str, Any]] = {}
    left_out = 0
    for one in bad:
        fingerprint = codec.fingerprint([one.reason, one.raw])
        if fingerprint in rows:
            rows[fingerprint]["seen"] += 1
        elif len(rows) < MOST_OF_A_PAGE:
            rows[fingerprint] = _row(fingerprint, one)
        else:
            left_out += 1
    if left_out:
        rest = BadRecord(reason=f"more than {MOST_OF_A_PAGE} different bad records on one page", raw="")
        fingerprint = codec.fingerprint([rest.reason, rest.raw])
        rows[fingerprint] = {**_row(fingerprint, rest), "seen": left_out}
    return list(rows.values())


def _row(fingerprint: str, bad: BadRecord) -> dict[str, Any]:
    return {
        "fingerprint": fingerprint,
        "stream": bad.stream,
        "key": _plain(bad.key),
        "reason": _plain(bad.reason),
        "raw": _plain(bad.raw),
        "seen": 1,
    }


def list_quarantine(db: Database, connection_id: int | None, *, limit: int = 50) -> Sequence[dict[str, Any]]:
    """What stands in quarantine of a connection (None: of all), last seen first."""
    of_connection = "" if connection_id is None else "WHERE connection_id = :connection "
    with db.transaction() as tx:
        rows = db.execute(
            tx,
            "SELECT id, connection_id, stream, key, reason, raw, seen, first_seen_at, last_seen_at FROM quarantine "
            f"{of_connection}ORDER BY last_seen_at DESC, id DESC LIMIT :limit",
            limit=limit,
            **({} if connection_id is None else {"connection": connection_id}),
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
