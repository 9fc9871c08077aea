"""Plan: what a run would change, without a write."""

from __future__ import annotations

from typing import Any

from hub.connector import Plan, PlanResult
from hub.errors import ConfigurationError
from hub.runtime import Runtime
from hub.store import connections


async def plan(runtime: Runtime, connection: str) -> PlanResult:
    """Ask the connector of a connection, by name, for its plan.

    Raises ``NotFoundError``, ``ConfigurationError`` for a connector that cannot plan, and what the connector raises.
    """
    stored = await runtime.db.run(connections.get_connection, runtime.db, connection)
    pipeline = await runtime.pipeline(stored.id, revision=stored.revision)
    connector: Any = pipeline.connector
    if not isinstance(connector, Plan):
        raise ConfigurationError(
            f"{connection} cannot be planned: the connector {stored.connector} has no plan",
            field="connection",
        )
    return await connector.plan()
