"""Slices made ahead: new records that are claimed as they are admitted, by nobody yet.

Admitted, claimed and settled, a record is three rows one after another, each of them in every index and written under the
connection's lock. Where workers wait for what a poll brings, its admission makes their claim as well, and whoever takes it
needs no lock. Until then nothing is lost with anybody: one that is not taken in time comes back without a stain.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, Row

from hub.store.database import Database
from hub.store.ledger.claim import HELD, NOBODY, held
from hub.store.ledger.known import KnownRow
from hub.store.ledger.lock import glimpse
from hub.store.ledger.tally import Moves
from hub.store.rows import Locked, Slice
from hub.store.together import Statement, statement


@dataclass(frozen=True, kw_only=True)
class Ahead:
    """At most so many ``slices`` lie ready, of ``limit`` records each; one lives for ``lease`` microseconds."""

    slices: int
    limit: int
    lease: int

    def asking(self, connection_id: int) -> Statement:
        """What ``hold`` has to know."""
        return statement(
            "SELECT stream, waiting + awaiting AS due, hold_until, (SELECT count(*) FROM claim c "
            "WHERE c.connection_id = t.connection_id AND c.worker = :nobody) AS lying "
            "FROM tally t WHERE connection_id = :connection",
            nobody=NOBODY,
            connection=connection_id,
        )

    def hold(
        self,
        db: Database,
        tx: Connection,
        connection: Locked,
        tallies: Sequence[Row[Any]],
        new: Sequence[KnownRow],
        moves: Moves,
    ) -> None:
        """Claim rows that are about to be inserted, of one stream, slice by slice."""
        workable = [
            row for row in new if row.ready and row.state == "waiting" and row.due_at <= connection.now
        ]
        stream = self._stream(connection, tallies, workable)
        if stream is None:
            return
        most = self.limit * (self.slices - (tallies[0].lying if tallies else 0))
        mine = [row for row in workable if row.stream == stream][:most]
        for begin in range(0, len(mine), self.limit):
            claim_id = self._claim(db, tx, connection, stream)
            for row in mine[begin : begin + self.limit]:
                row.state, row.claim_id = "working", claim_id
                moves.move(stream, "waiting", "working", run_id=row.run_id, group=row.group)

    def _stream(
        self, connection: Locked, tallies: Sequence[Row[Any]], workable: Sequence[KnownRow]
    ) -> str | None:
        """The first that is not held back, unless another one waits for its turn."""
        lying = tallies[0].lying if tallies else 0
        if not connection.may_push or lying >= self.slices:
            return None
        due = {row.stream for row in tallies if row.due}
        held_back = {row.stream for row in tallies if (row.hold_until or 0) > connection.now}
        streams = dict.fromkeys(row.stream for row in workable)
        return next((one for one in streams if due <= {one} and one not in held_back), None)

    def _claim(self, db: Database, tx: Connection, connection: Locked, stream: str) -> int:
        made = db.execute(
            tx,
            "INSERT INTO claim (tenant_id, connection_id, stream, stage, worker, expires_at) "
            "VALUES (:tenant, :connection, :stream, 'push', :nobody, :until) RETURNING id",
            tenant=connection.tenant_id,
            connection=connection.id,
            stream=stream,
            nobody=NOBODY,
            until=connection.now + self.lease,
        )
        return int(made.scalar_one())


def lies_ready(db: Database, tx: Connection, connection_id: int) -> bool:
    """Whether anything lies claimed by nobody."""
    one = db.execute(
        tx,
        "SELECT 1 FROM claim WHERE connection_id = :connection AND worker = :nobody LIMIT 1",
        connection=connection_id,
        nobody=NOBODY,
    ).one_or_none()
    return one is not None


def take(db: Database, connection_id: int, *, worker: str, lease: int) -> Slice | None:
    """Take the slice that has lain ready longest, for ``lease`` microseconds.

    None where there is none, or where the connection must not push. Raises ``NotFoundError`` where it was removed.
    """
    with db.transaction() as tx:
        connection = glimpse(db, tx, connection_id)
        if not connection.may_push:
            return None
        claim = db.execute(
            tx,
            "UPDATE claim SET worker = :worker, expires_at = :until WHERE worker = :nobody AND id = ("
            "SELECT c.id FROM claim c WHERE c.connection_id = :connection AND c.worker = :nobody AND NOT EXISTS ("
            "SELECT 1 FROM tally t WHERE t.connection_id = :connection AND t.stream = c.stream AND t.hold_until > :now) "
            f"ORDER BY c.id LIMIT 1{db.free_row_lock}) RETURNING id, stream",
            worker=worker,
            nobody=NOBODY,
            connection=connection_id,
            now=connection.now,
            until=connection.now + lease,
        ).one_or_none()
        if claim is None:
            return None
        rows = db.execute(tx, f"SELECT {HELD} FROM record WHERE claim_id = :claim", claim=claim.id).all()
    return Slice(
        claim_id=claim.id,
        connection_id=connection_id,
        tenant_id=connection.tenant_id,
        stream=claim.stream,
        stage="push",
        revision=connection.revision,
        records=sorted((held(row, {}) for row in rows), key=attrgetter("id")),
    )
