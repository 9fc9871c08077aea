"""What dashboards and people want to know, from the tallies: cheap whatever the backlog."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hub.store.database import Database
from hub.store.rows import OPEN_STATES, SETTLED_STATES, STATES


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamStats:
    """One stream of one connection. ``oldest_due_seconds`` is the age of the record that has been due longest."""

    tenant: str
    connection: str
    connector: str
    stream: str
    admitted: int
    states: Mapping[str, int]
    reported: int
    report_dead: int
    oldest_due_seconds: float

    @property
    def backlog(self) -> int:
        """Records that have not settled."""
        return sum(self.states[state] for state in OPEN_STATES)

    @property
    def unreported(self) -> int:
        """Settled records whose report is still to be acknowledged; dead reports stand apart."""
        return sum(self.states[state] for state in SETTLED_STATES) - self.reported - self.report_dead

    @property
    def imbalance(self) -> int:
        """Admitted less the sum of all states: anything but 0 is a fault of the hub."""
        return self.admitted - sum(self.states.values())


def by_stream(db: Database, connection: str | None = None) -> Sequence[StreamStats]:
    """All streams, or those of one connection."""
    where = " WHERE c.name = :connection" if connection is not None else ""
    given = {"connection": connection} if connection is not None else {}
    with db.transaction() as tx:
        rows = db.execute(
            tx,
            "SELECT c.name, c.connector, tenant.name AS tenant, t.*, (SELECT r.due_at FROM record r "
            "WHERE r.connection_id = t.connection_id AND r.stream = t.stream AND r.ready AND r.claim_id IS NULL "
            "AND r.state IN ('waiting', 'awaiting') ORDER BY r.due_at LIMIT 1) AS oldest_due_at "
            "FROM tally t JOIN connection c ON c.id = t.connection_id JOIN tenant ON tenant.id = c.tenant_id"
            f"{where} ORDER BY c.name, t.stream",
            **given,
        ).all()
        now = db.now(tx)
    return [
        StreamStats(
            tenant=row.tenant,
            connection=row.name,
            connector=row.connector,
            stream=row.stream,
            admitted=row.admitted,
            states={state: getattr(row, state) for state in STATES},
            reported=row.reported,
            report_dead=row.report_dead,
            oldest_due_seconds=max(0.0, (now - (row.oldest_due_at or now)) / 1_000_000),
        )
        for row in rows
    ]


def leases_held(db: Database) -> Sequence[str]:
    """Names of the leases that are held now."""
    with db.transaction() as tx:
        rows = db.execute(tx, "SELECT name FROM lease WHERE expires_at > :now ORDER BY name", now=db.now(tx))
        return [row.name for row in rows]


def last_active(db: Database, connection_id: int) -> int | None:
    """When a connection last polled, worked or took a webhook, in microseconds."""
    with db.transaction() as tx:
        times = db.execute(
            tx,
            "SELECT max(at) FROM (SELECT polled_at AS at FROM schedule WHERE connection_id = :id "
            "UNION ALL SELECT claimed_at FROM tally WHERE connection_id = :id "
            "UNION ALL SELECT max(started_at) FROM run WHERE connection_id = :id "
            "UNION ALL SELECT max(seen_at) FROM webhook_seen WHERE connection_id = :id) AS times",
            id=connection_id,
        )
        latest: int | None = times.scalar_one()
    return latest
