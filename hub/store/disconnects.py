"""A connection gives up its access and keeps everything else: records, cursor, ids, what it brought into the catalog."""

from __future__ import annotations

from hub.store import history
from hub.store.connections import StoredConnection
from hub.store.database import Database


def begin(db: Database, connection_id: int, *, reason: str, before: int | None = None) -> bool:
    """Stop it on both sides, in every process; its credentials are still there, to be given back.

    ``before`` (microseconds): not if it was let in since then. Authorizations under way come to nothing. False where
    there was nothing to stop.
    """
    with db.transaction() as tx:
        late = " AND NOT EXISTS (SELECT 1 FROM app_hold h WHERE h.connection_id = connection.id AND h.held_at > :before)"
        stopped = db.execute(
            tx,
            "UPDATE connection SET status_reason = CASE WHEN status = 'inactive' "
            "THEN coalesce(status_reason, :reason) ELSE :reason END, status = 'inactive', revision = revision + 1 "
            f"WHERE id = :id{late if before is not None else ''}",
            id=connection_id,
            reason=reason,
            **({} if before is None else {"before": before}),
        ).rowcount
        if stopped:
            db.execute(tx, "DELETE FROM authorization_state WHERE connection_id = :id", id=connection_id)
        return bool(stopped)


def finish(
    db: Database, connection: StoredConnection, *, credentials: str, who: str | None, revoked: bool | None
) -> bool:
    """Put what is left of its credentials (encrypted) in their place; False if it was changed since ``connection``."""
    with db.transaction() as tx:
        done = db.execute(
            tx,
            "UPDATE connection SET credentials = :credentials, source_refused = NULL, destination_refused = NULL, "
            "revision = revision + 1 WHERE id = :id AND revision = :revision AND status = 'inactive'",
            id=connection.id,
            revision=connection.revision,
            credentials=credentials,
        ).rowcount
        if done:
            facts = {"reason": connection.status_reason, "revoked": revoked}
            known = {name: value for name, value in facts.items() if value is not None}
            history.note(db, tx, connection.id, "disconnected", who=who, facts=known)
        return bool(done)
