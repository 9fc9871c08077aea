"""Disconnect: access is given back and erased; nothing that was imported is touched, and a new access goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from hub.connector import Revocable
from hub.errors import ConfigurationError, HubError
from hub.pipeline import Pipeline
from hub.records import JSON
from hub.runtime import Runtime
from hub.store import connections, disconnects, holds
from hub.store.connections import StoredConnection

#: How long a platform may take to void what it granted.
REVOKE_TIMEOUT = timedelta(seconds=30)
#: How often credentials are erased anew because somebody else changes the connection.
MOST_CHANGES = 5
#: Why it is not live, where nobody says more.
BY_OPERATOR = "it was disconnected"

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Disconnected:
    """``revoked``: the platform has voided the access; None where it was not, or cannot be, asked. ``warning``: why not."""

    revoked: bool | None = None
    warning: str | None = None


async def disconnect(
    runtime: Runtime,
    connection_id: int,
    *,
    who: str | None = None,
    reason: str = BY_OPERATOR,
    revoke: bool = True,
    before: datetime | None = None,
) -> Disconnected | None:
    """Stop the connection, have its access revoked, and erase its credentials but those of the app.

    What is cut off in the middle is finished by calling it again. ``before``: not if it was let in after that time,
    and None then. A platform that does not revoke changes nothing else. Raises ``ConfigurationError`` while somebody
    keeps changing the connection, and ``NotFoundError``.
    """
    db = runtime.db
    stored = await db.run(connections.get_connection_by_id, db, connection_id)
    before_at = None if before is None else round(before.timestamp() * 1_000_000)
    if not await db.run(disconnects.begin, db, connection_id, reason=reason, before=before_at):
        return None
    result = await _revoked(runtime, stored) if revoke else Disconnected()
    for turn in range(MOST_CHANGES):
        present = await db.run(connections.get_connection_by_id, db, connection_id)
        if present.status != "inactive":
            return result  # somebody has connected it again meanwhile
        held, left = _held_and_left(runtime, present)
        if held == left and (turn or stored.status == "inactive"):
            return result  # somebody else has finished it, and noted that
        credentials = runtime.secrets.encrypt(left)
        if await db.run(
            disconnects.finish, db, present, credentials=credentials, who=who, revoked=result.revoked
        ):
            return result
    raise ConfigurationError(f"{stored.name} is being changed by somebody else; try again")


async def _revoked(runtime: Runtime, stored: StoredConnection) -> Disconnected:
    try:
        pipeline = runtime.assemble(stored)
    except HubError as error:
        return Disconnected(warning=f"the platform was not asked: {error}")
    try:
        if not isinstance(pipeline.connector, Revocable):
            return Disconnected()
        if await _is_shared(runtime, pipeline):
            return Disconnected(warning="the app stays installed: it is in use there by another connection")
        async with asyncio.timeout(REVOKE_TIMEOUT.total_seconds()):
            revoked = await pipeline.connector.revoke()
        return Disconnected(
            revoked=revoked,
            warning=None if revoked else "the platform still knows this access: remove it there",
        )
    except Exception as error:
        text = pipeline.redact(str(error) or type(error).__name__)
        _log.warning("access was not revoked", connection=stored.name, error=text)
        return Disconnected(revoked=False, warning=f"the platform did not revoke it ({text}); do it there")
    finally:
        await pipeline.close()


async def _is_shared(runtime: Runtime, pipeline: Pipeline) -> bool:
    """Another connection, perhaps of another tenant, works with the same app and account: it would lose its access."""
    if pipeline.account is None:
        return False
    key, secret = pipeline.account
    found = await runtime.db.run(holds.holders, runtime.db, pipeline.connector.name, key)
    others = (one for one in found if one.connected and one.connection_id != pipeline.connection.id)
    return any(runtime.secrets.decrypt(one.secret)["secret"] == secret for one in others)


def _held_and_left(runtime: Runtime, stored: StoredConnection) -> tuple[JSON, JSON]:
    """The credentials, and what stays of them: the app's own. Where nothing can be read, nothing stays."""
    kept: Collection[str] = ()
    held: JSON = {}
    try:
        held = runtime.secrets.decrypt(stored.credentials)
        kept = runtime.registry.connector(stored.connector).app_credentials
    except HubError as error:
        _log.warning("nothing of the credentials is kept", connection=stored.name, error=str(error))
    mine = held.get("source", {})
    return held, {"source": {name: mine[name] for name in kept if name in mine}, "destination": {}}
