"""Plan: what a run would change, without a write to what it would change; and whether that is still so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from hub.connector import Plan, PlanResult
from hub.errors import ConfigurationError, HubError
from hub.excerpt import excerpt
from hub.records import JSON
from hub.runtime import Runtime
from hub.store import connections
from hub.store.connections import StoredConnection
from hub.store.plugin_ports import StoredDocuments

#: The document in which the latest plans are kept, the newest last; no plugin's name begins so.
_KEPT = "hub:plans"
#: So much of a hash has to be given at least, in characters.
LEAST_OF_A_HASH = 8
#: So many are kept of each connection.
_MOST = 10


class MovedError(HubError):
    """What a run was held to is not what it would do now. ``moved`` says by count what it was and what it is."""

    def __init__(self, hash_: str, moved: Mapping[str, tuple[int, int]]) -> None:
        said = "; ".join(f"{name}: {was} then, {now} now" for name, (was, now) in moved.items())
        super().__init__(
            f"the source has moved on since the plan {hash_} ({said or 'other objects, as many of each kind'}); nothing was "
            "imported: look at a new preview"
        )
        self.moved = moved


async def plan(runtime: Runtime, connection: str) -> PlanResult:
    """Ask the connector of a connection, by name, for its plan, and keep it so that a run can be held to it.

    Raises ``NotFoundError``, ``ConfigurationError`` for a connector that cannot plan, and what the connector raises.
    """
    stored = await runtime.db.run(connections.get_connection, runtime.db, connection)
    found = await _ask(runtime, stored)
    documents = _documents(runtime, stored)
    kept = (await documents.get(_KEPT) or {}).get("plans", [])
    others = [one for one in kept if one["hash"] != found.hash]
    mine = {"hash": found.hash, "counts": dict(found.counts)}
    await documents.put(_KEPT, {"plans": [*others, mine][-_MOST:]})
    return found


async def hold(runtime: Runtime, connection: str, hash_: str) -> None:
    """Make sure that a run would still do what a plan said; ``hash_`` is the plan's, or enough of its beginning.

    Raises ``MovedError``, and ``ConfigurationError`` for a plan that nobody made, or made too long ago.
    """
    stored = await runtime.db.run(connections.get_connection, runtime.db, connection)
    kept = (await _documents(runtime, stored).get(_KEPT) or {}).get("plans", [])
    held = _named(kept, hash_, connection)
    found = await _ask(runtime, stored)
    if found.hash != held["hash"]:
        raise MovedError(held["hash"], _moved(held["counts"], found.counts))


def _named(kept: Sequence[JSON], hash_: str, connection: str) -> JSON:
    fitting = [one for one in kept if one["hash"].startswith(hash_)]
    exact = [one for one in fitting if one["hash"] == hash_]
    if exact or (len(fitting) == 1 and len(hash_) >= LEAST_OF_A_HASH):
        return [*exact, *fitting][0]
    if fitting:
        raise ConfigurationError(
            f"{excerpt(hash_)} is too little of a hash: write at least {LEAST_OF_A_HASH} characters of it, and so many that "
            "one plan alone begins with them",
            field="--plan",
        )
    raise ConfigurationError(
        f"{excerpt(hash_)} is none of the last {_MOST} plans of {connection}; make one by "
        f"`hub import {connection} --preview`",
        field="--plan",
    )


async def _ask(runtime: Runtime, stored: StoredConnection) -> PlanResult:
    pipeline = await runtime.pipeline(stored.id, revision=stored.revision)
    connector: Any = pipeline.connector
    if not isinstance(connector, Plan):
        raise ConfigurationError(
            f"{stored.name} cannot be planned: the connector {stored.connector} has no plan",
            field="connection",
        )
    return await connector.plan()


def _moved(was: Mapping[str, int], now: Mapping[str, int]) -> Mapping[str, tuple[int, int]]:
    names = [*was, *(name for name in now if name not in was)]
    counts = {name: (was.get(name, 0), now.get(name, 0)) for name in names}
    return {name: pair for name, pair in counts.items() if pair[0] != pair[1]}


def _documents(runtime: Runtime, stored: StoredConnection) -> StoredDocuments:
    return StoredDocuments(runtime.db, tenant_id=stored.tenant_id, connection_id=stored.id)


def as_json(found: PlanResult) -> JSON:
    """For people and programs."""
    return asdict(found)
