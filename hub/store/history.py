"""The history of connections: what was done with them, by whom and when. It outlives them, and holds no secret."""

from __future__ import annotations

import getpass
import os
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from hub import codec
from hub.errors import NotFoundError
from hub.store.database import Database, as_dict

#: Who, where it was no person at a command: the hub's workers, a browser at `hub web`, the platform by a webhook.
HUB, WEB, PLATFORM = "hub", "web", "platform"
#: Longer texts among the facts are cut, in characters.
TEXT_LIMIT = 500


def note(
    db: Database,
    tx: Connection,
    connection_id: int,
    what: str,
    *,
    who: str | None = None,
    facts: Mapping[str, Any] | None = None,
) -> None:
    """Add a line inside the transaction that does it; ``who`` defaults to whoever runs this process.

    Of a connection that is gone nothing is noted: see ``note_of``.
    """
    db.execute(
        tx,
        "INSERT INTO history (tenant_id, connection_id, name, at, what, who, facts) "
        "SELECT tenant_id, id, name, :now, :what, :who, :facts FROM connection WHERE id = :id",
        id=connection_id,
        now=db.now(tx),
        what=what,
        who=operator() if who is None else who,
        facts=_written(facts),
    )


def note_of(
    db: Database,
    tx: Connection,
    *,
    tenant_id: int,
    connection_id: int,
    name: str,
    what: str,
    who: str | None = None,
    facts: Mapping[str, Any] | None = None,
) -> None:
    """The same for a connection that may have been removed, or (0) for a tenant as a whole."""
    db.execute(
        tx,
        "INSERT INTO history (tenant_id, connection_id, name, at, what, who, facts) "
        "VALUES (:tenant, :id, :name, :now, :what, :who, :facts)",
        tenant=tenant_id,
        id=connection_id,
        name=name,
        now=db.now(tx),
        what=what,
        who=operator() if who is None else who,
        facts=_written(facts),
    )


def of_connection(db: Database, name: str, *, limit: int = 100) -> Sequence[dict[str, Any]]:
    """The lines of a name, newest first, also of a connection that was removed. Raises ``NotFoundError``."""
    with db.transaction() as tx:
        rows = db.execute(
            tx,
            "SELECT t.name AS tenant, h.connection_id, h.at, h.what, h.who, h.facts FROM history h "
            "JOIN tenant t ON t.id = h.tenant_id WHERE h.name = :name ORDER BY h.id DESC LIMIT :limit",
            name=name,
            limit=limit,
        ).all()
        known = rows or db.execute(tx, "SELECT 1 FROM connection WHERE name = :name", name=name).first()
    if not known:
        raise NotFoundError(f"there is no connection {name!r}, and there never was one")
    return [{**as_dict(row), "facts": codec.loads(row.facts)} for row in rows]


def last(db: Database, connection_id: int, *whats: str) -> dict[str, Any] | None:
    """The last line that says one of ``whats``."""
    with db.transaction() as tx:
        row = db.execute(
            tx,
            "SELECT at, what, who, facts FROM history WHERE connection_id = :id "
            f"AND what IN (SELECT v.what FROM {db.rows('whats', what='text')}) ORDER BY id DESC LIMIT 1",
            id=connection_id,
            whats=codec.dumps([{"what": what} for what in whats]).decode(),
        ).one_or_none()
    return None if row is None else {**as_dict(row), "facts": codec.loads(row.facts)}


def operator() -> str:
    """Whoever runs this process, as the system calls them."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user without an entry, as containers have them
        return f"uid {os.getuid()}"


def _written(facts: Mapping[str, Any] | None) -> str:
    return codec.dumps({name: _cut(value) for name, value in (facts or {}).items()}).decode()


def _cut(value: Any) -> Any:
    return value[:TEXT_LIMIT] if isinstance(value, str) else value
