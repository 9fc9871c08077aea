"""A connection, or one side of it, stops: its credential was refused, or all of it is set up wrongly."""

from __future__ import annotations

from sqlalchemy import Connection

from hub.store import history
from hub.store.database import Database


def stop(
    db: Database, tx: Connection, connection_id: int, side: str, reason: str, *, revision: int | None = None
) -> None:
    """A side ("source" or "destination") refused its credential, or ("status") all of it is set up wrongly.

    Inside a transaction. Said again it is noted once; of one that was disconnected it is no news.
    With ``revision`` only if the connection was not changed since: others than the present credentials were refused.
    """
    known, change = (
        ("status = 'failed'", "status = 'failed', status_reason = :why")
        if side == "status"
        else (f"{side}_refused IS NOT NULL", f"{side}_refused = :why")
    )
    row = db.execute(
        tx,
        f"SELECT CASE WHEN {known} THEN 1 ELSE 0 END AS known FROM connection "
        f"WHERE id = :id AND status <> 'inactive' AND revision = coalesce(:revision, revision){db.row_lock}",
        id=connection_id,
        revision=revision,
    ).one_or_none()
    if row is None:
        return
    db.execute(tx, f"UPDATE connection SET {change} WHERE id = :id", id=connection_id, why=reason[:2000])
    if not row.known:
        what = "failed" if side == "status" else "refused"
        history.note(db, tx, connection_id, what, who=history.HUB, facts={"side": side, "reason": reason})
