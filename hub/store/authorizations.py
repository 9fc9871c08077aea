"""Browser authorizations under way, and the credentials that they end with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from hub import codec
from hub.errors import ConfigurationError
from hub.records import JSON
from hub.store import history
from hub.store.connections import StoredConnection
from hub.store.database import Database
from hub.store.holds import Hold, keep_hold


@dataclass(frozen=True, kw_only=True, slots=True)
class Pending:
    """What was kept under a hash, now taken out. ``expired``: it came too late."""

    connection_id: int
    redirect_uri: str
    expired: bool


def keep(
    db: Database, connection: StoredConnection, token_hash: str, *, redirect_uri: str, lifetime: timedelta
) -> None:
    """Keep the hash of a token that is good once, for this connection, for ``lifetime``."""
    with db.transaction() as tx:
        db.execute(
            tx,
            "INSERT INTO authorization_state (state_hash, tenant_id, connection_id, redirect_uri, expires_at) "
            "VALUES (:hash, :tenant, :connection, :redirect, :expires)",
            hash=token_hash,
            tenant=connection.tenant_id,
            connection=connection.id,
            redirect=redirect_uri,
            expires=db.now(tx) + round(lifetime.total_seconds() * 1_000_000),
        )


def take(db: Database, token_hash: str, *, connection_id: int | None = None) -> Pending | None:
    """Take a token out: of any number of callers at once, one gets it. None for one that is unknown or another
    connection's, which then stays."""
    mine = "" if connection_id is None else " AND connection_id = :connection"
    given = {} if connection_id is None else {"connection": connection_id}
    with db.transaction() as tx:
        row = db.execute(
            tx,
            f"DELETE FROM authorization_state WHERE state_hash = :hash{mine} "
            "RETURNING connection_id, redirect_uri, expires_at",
            hash=token_hash,
            **given,
        ).one_or_none()
        if row is None:
            return None
        return Pending(
            connection_id=row.connection_id,
            redirect_uri=row.redirect_uri,
            expired=row.expires_at <= db.now(tx),
        )


def renew(
    db: Database,
    connection: StoredConnection,
    *,
    credentials: str,
    poll_target: str | None,
    both_sides: bool,
    facts: JSON | None = None,
    hold: Hold | None = None,
) -> bool:
    """Store new encrypted credentials and give them their chance now; False if the connection was changed since.

    ``both_sides``: the connector pushes with them as well, or fetches what is pushed. One that was disconnected is live again, and goes on where
    it was. ``facts`` are laid over those that are known of the account. Raises ``ConfigurationError`` when the new credentials
    would poll what another connection polls.
    """
    accepted = ", destination_refused = NULL" if both_sides else ""
    try:
        with db.transaction() as tx:
            renewed = db.execute(
                tx,
                f"UPDATE connection SET credentials = :credentials, poll_target = :target, source_refused = NULL, "
                "status_reason = CASE WHEN status <> 'inactive' THEN status_reason END, "
                "status = CASE WHEN status = 'inactive' THEN 'live' ELSE status END, facts = :facts"
                f"{accepted}, revision = revision + 1 WHERE id = :id AND revision = :revision",
                id=connection.id,
                revision=connection.revision,
                credentials=credentials,
                target=poll_target,
                facts=codec.dumps({**connection.facts, **(facts or {})}).decode(),
            ).rowcount
            if renewed:
                keep_hold(db, tx, connection.id, hold)
                history.note(db, tx, connection.id, "authorised", who=history.WEB, facts=facts)
                _poll_now(db, tx, connection.id)
            return bool(renewed)
    except IntegrityError as error:
        raise ConfigurationError(
            "another connection uses the account that was authorised already; remove that one first"
        ) from error


def _poll_now(db: Database, tx: Connection, connection_id: int) -> None:
    db.execute(
        tx,
        "UPDATE schedule SET due_at = :now, fired_until = NULL, failed_polls = 0 WHERE connection_id = :id",
        id=connection_id,
        now=db.now(tx),
    )
    db.execute(tx, "UPDATE tally SET hold_until = NULL WHERE connection_id = :id", id=connection_id)
