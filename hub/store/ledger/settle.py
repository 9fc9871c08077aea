"""Settling: what a slice's pushes came to is made durable, before anything is reported."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace
from sqlalchemy import Connection, Row

from hub import codec
from hub.connector import Stream
from hub.records import JSON
from hub.store.database import Database, rowset
from hub.store.ledger.lock import locked, locking
from hub.store.ledger.tally import Moves
from hub.store.rows import SETTLED_STATES, Held, Locked, ReportVerdict, Settlement, Slice, Verdict
from hub.store.stopping import stop
from hub.store.together import Statement, statement

#: Longer texts of an answer are cut, in characters.
TEXT_LIMIT = 8000

_BEHIND = (
    "r.connection_id = :connection AND r.stream = :stream AND r.order_key = v.order_key "
    "AND NOT r.ready AND r.state IN ('waiting', 'parked')"
)
_UPDATE = {
    "id": "bigint",
    "state": "text",
    "spent": "integer",
    "due_at": "bigint",
    "claim_id": "bigint",
    "handle": "text",
    "wake_key": "text",
    "status": "text",
    "response_code": "integer",
    "duration_ms": "integer",
    "error": "text",
    "external_id": "text",
    "created": "boolean",
    "superseded_by": "bigint",
    "report_state": "text",
    "report_due_at": "bigint",
    "settled_at": "bigint",
    "finished_at": "bigint",
}
#: Columns that are not simply replaced.
_NOT_PLAIN = ("id", "spent", "handle", "external_id")


class LostClaimError(Exception):
    """Some records are not held any more: nothing must be done for them. ``still_held`` are the ids of the others."""

    def __init__(self, still_held: Collection[int]) -> None:
        super().__init__("a claim was lost")
        self.still_held = still_held


@dataclass(kw_only=True)
class Settler:
    """Settles one slice: every write is conditional on the claim, whose id is the fence."""

    db: Database
    slice: Slice
    stream: Stream
    merge: Callable[[JSON, JSON], JSON]
    reports: bool
    lease: int

    def settle(self, verdicts: Sequence[Verdict]) -> Settlement:
        """Write the verdicts; those whose claim was lost meanwhile are not taken and counted in ``lost``."""
        with self.db.transaction() as tx:
            return self._settle(tx, verdicts, last=not any(one.refused for one in verdicts))

    def settle_within(
        self, tx: Connection, verdicts: Sequence[Verdict], *, together: bool = False
    ) -> Settlement:
        """The same in a transaction of the caller's, in which what the verdicts say was done.

        With ``together`` all of them have to be taken: raises ``LostClaimError`` where one is not.
        """
        return self._settle(tx, verdicts, together=together)

    def _settle(
        self, tx: Connection, verdicts: Sequence[Verdict], *, together: bool = False, last: bool = False
    ) -> Settlement:
        """``last``: nothing else is done in the transaction, and no side is stopped."""
        held = {record.id: record for record in self.slice.records}
        rows, found, waiting = self.db.together(
            tx, locking(self.db, self.slice.connection_id), self._still_held(), self._behind()
        )
        connection = locked(self.slice.connection_id, rows)
        still_held = {row.id for row in found if row.state == self._old_state}
        final = [verdict for verdict in verdicts if verdict.id in still_held]
        if together and len(final) < len(verdicts):
            raise LostClaimError(still_held)
        if not final:
            return Settlement(lost=len(verdicts))
        behind = {row.order_key: row for row in waiting}
        final = [self._give_way(tx, connection, verdict, held[verdict.id], behind) for verdict in final]
        inline = self.reports and connection.may_report
        updates = [self._row(connection, verdict, held[verdict.id], behind, inline) for verdict in final]
        finished = {row["id"] for row in updates if row["finished_at"] is not None}
        to_report = [row["id"] for row in updates if row["report_state"] == "working"]
        successors = (behind.get(held[one.id].order_key) for one in final if _settled(one))
        self.db.together(
            tx,
            self._update(updates, connection.now),
            *self._promote([row for row in successors if row is not None]),
            *self._attempts(connection, final, held),
            *self._count(connection, final, held, finished),
            *self._hold_back(connection, final),
            self._pass_on_claim(connection, to_report),
            last=last,
        )
        stop_side(self.db, tx, connection, "destination", final)
        return Settlement(
            at=connection.now,
            verdicts=final,
            to_report=to_report,
            lost=len(verdicts) - len(final),
            groups=any(held[verdict.id].group is not None and _settled(verdict) for verdict in final),
        )

    def _still_held(self) -> Statement:
        """The fence: what this claim holds. A settle that comes late, or twice, finds nothing at its stage.

        The stage is not asked for: PostgreSQL would look through the index of all open records for it, too.
        """
        return statement("SELECT id, state FROM record WHERE claim_id = :claim", claim=self.slice.claim_id)

    @property
    def _old_state(self) -> str:
        return "awaiting" if self.slice.stage == "follow" else "working"

    def _behind(self) -> Statement:
        """What waits behind the records of the slice, by order_key the first one last."""
        return statement(
            "SELECT r.id, r.key, r.order_key, r.version, r.payload, r.due_at "
            f"FROM {self.db.found('keys', 'record', 'r', _BEHIND, order_key='text')} ORDER BY r.id DESC",
            keys=rowset([{"order_key": record.order_key} for record in self.slice.records]),
            connection=self.slice.connection_id,
            stream=self.slice.stream,
        )

    def _give_way(
        self,
        tx: Connection,
        connection: Locked,
        verdict: Verdict,
        held: Held,
        behind: Mapping[str, Row[Any]],
    ) -> Verdict:
        """Rule 3: a newer record that waits behind makes one that would only wait, park or die superseded.

        What was left to do is merged into the newer one, which keeps the due time (rule 2).
        """
        successor = behind.get(held.order_key)
        yields = verdict.state == "superseded"
        if successor is None or not (yields or self._is_overtaken(verdict, held, successor)):
            return verdict
        due_at = connection.now + verdict.due_after if verdict.state == "waiting" else 0
        self.db.execute(
            tx,
            "UPDATE record SET payload = :payload, due_at = :due, changed_at = :now WHERE id = :id",
            id=successor.id,
            payload=codec.dumps(self.merge(held.payload, codec.loads(successor.payload))).decode(),
            due=max(successor.due_at, due_at),
            now=connection.now,
        )
        reason = f": {verdict.error}" if yields and verdict.error else ""
        error = f"superseded by {successor.key}{reason}"
        return replace(verdict, state="superseded", status="skipped", error=error, due_after=0)

    def _is_overtaken(self, verdict: Verdict, held: Held, successor: Row[Any]) -> bool:
        if verdict.state not in ("waiting", "parked", "dead"):
            return False
        if held.version is None or successor.version is None:
            return self.stream.read_anew
        return self.stream.read_anew or held.version < successor.version

    def _row(
        self, connection: Locked, verdict: Verdict, held: Held, behind: Mapping[str, Row[Any]], inline: bool
    ) -> dict[str, Any]:
        settled = _settled(verdict)
        successor = behind.get(held.order_key) if verdict.state == "superseded" else None
        # What is superseded by the same key is reported with its successor, not on its own.
        needs_report = settled and self.reports and not (successor is not None and successor.key == held.key)
        report_now = needs_report and inline
        return {
            "id": verdict.id,
            "state": verdict.state,
            "spent": int(verdict.spent),
            "due_at": connection.now + verdict.due_after,
            "claim_id": self.slice.claim_id if report_now else None,
            "handle": codec.dumps(verdict.handle).decode() if verdict.handle is not None else None,
            "wake_key": verdict.wake_key,
            "status": verdict.status,
            "response_code": verdict.response_code,
            "duration_ms": verdict.duration_ms,
            "error": clean(verdict.error),
            "external_id": clean(verdict.external_id),
            "created": bool(verdict.created),  # a plugin may say how many; PostgreSQL takes no number for it
            "superseded_by": successor.id if successor is not None else None,
            "report_state": "working" if report_now else "waiting" if needs_report else "none",
            "report_due_at": connection.now if needs_report else None,
            "settled_at": connection.now if settled else None,
            "finished_at": connection.now if settled and not needs_report else None,
        }

    def _update(self, rows: Sequence[dict[str, Any]], now: int) -> Statement:
        """What is alike for all of them, which is most, is told once: to take it out of each row takes as long as all else."""
        alike = {name: value for name, value in rows[0].items() if all(row[name] == value for row in rows)}
        alike.pop("id", None)
        different = {name: kind for name, kind in _UPDATE.items() if name not in alike}
        given = {name: f":{name}" if name in alike else f"v.{name}" for name in _UPDATE}
        kept = [
            f"{name} = coalesce({given[name]}, record.{name})"
            for name in ("handle", "external_id")
            if name in different or alike[name] is not None
        ]
        plain = [f"{name} = {given[name]}" for name in _UPDATE if name not in _NOT_PLAIN]
        spent = given["spent"]
        return statement(
            f"UPDATE record SET {', '.join([*plain, *kept])}, attempts = attempts + {spent}, "
            f"total_attempts = total_attempts + {spent}, lost_claims = 0, report_attempts = 0, report_error = NULL, "
            f"changed_at = :now FROM {self.db.rows('rows', **different)} WHERE record.id = v.id",
            rows=rowset([{name: row[name] for name in different} for row in rows]),
            now=now,
            **alike,
        )

    def _promote(self, successors: Sequence[Row[Any]]) -> Sequence[Statement]:
        """What waited behind a settled record may be worked now."""
        if not successors:
            return ()
        ready = statement(
            f"UPDATE record SET ready = true WHERE id IN (SELECT v.id FROM {self.db.rows('ids', id='bigint')})",
            ids=rowset([{"id": row.id} for row in successors]),
        )
        return (ready,)

    def _attempts(
        self, connection: Locked, verdicts: Sequence[Verdict], held: Mapping[int, Held]
    ) -> Sequence[Statement]:
        rows = [
            {
                "record_id": verdict.id,
                "number": held[verdict.id].total_attempts + 1,
                "result": verdict.state,
                **{name: getattr(verdict, name) for name in ("response_code", "duration_ms")},
                "error": clean(verdict.error),
            }
            for verdict in verdicts
            if verdict.spent and not _settled(verdict)
        ]
        return (keeping_attempts(self.db, connection, "push", rows),) if rows else ()

    def _count(
        self,
        connection: Locked,
        verdicts: Sequence[Verdict],
        held: Mapping[int, Held],
        finished: Collection[int],
    ) -> Sequence[Statement]:
        """What has finished with its push needs no report of its own, and counts as reported."""
        moves = Moves()
        for verdict in verdicts:
            record = held[verdict.id]
            moves.move(
                record.stream, self._old_state, verdict.state, run_id=record.run_id, group=record.group
            )
            if verdict.created:
                moves.create(record.stream, group=record.group)
            if verdict.id in finished:
                moves.report(record.stream, run_id=record.run_id)
        return moves.statements(self.db, connection)

    def _hold_back(self, connection: Locked, verdicts: Sequence[Verdict]) -> Sequence[Statement]:
        hold = max((verdict.hold for verdict in verdicts), default=0)
        if not hold:
            return ()
        held_back = statement(
            "UPDATE tally SET hold_until = :until WHERE connection_id = :connection AND stream = :stream "
            "AND (hold_until IS NULL OR hold_until < :until)",
            until=connection.now + hold,
            connection=connection.id,
            stream=self.slice.stream,
        )
        return (held_back,)

    def _pass_on_claim(self, connection: Locked, to_report: Sequence[int]) -> Statement:
        """The claim goes on as the report's, so that no second claim is needed while the worker lives."""
        if not to_report:
            return letting_go(self.slice.claim_id)
        return statement(
            "UPDATE claim SET stage = 'report', expires_at = :until WHERE id = :id",
            until=connection.now + self.lease,
            id=self.slice.claim_id,
        )


def letting_go(claim_id: int) -> Statement:
    """A claim ends with the last record that it holds: what was left unsettled comes back when it expires."""
    return statement(
        "DELETE FROM claim WHERE id = :id AND NOT EXISTS (SELECT 1 FROM record WHERE claim_id = :id)",
        id=claim_id,
    )


def stop_side(
    db: Database, tx: Connection, connection: Locked, side: str, verdicts: Sequence[Verdict | ReportVerdict]
) -> None:
    """A refused credential stops its side of the connection; a connection that is set up wrongly stops as a whole."""
    refused = next((verdict for verdict in verdicts if verdict.refused), None)
    if refused is None:
        return
    stop(db, tx, connection.id, "status" if refused.fails else side, clean(refused.refused) or "")


def keep_attempts(
    db: Database, tx: Connection, connection: Locked, stage: str, rows: Sequence[dict[str, Any]]
) -> None:
    """Keep attempts whose answer will be overwritten; ``rows`` carry record_id, number, result and the answer."""
    db.together(tx, keeping_attempts(db, connection, stage, rows))


def keeping_attempts(
    db: Database, connection: Locked, stage: str, rows: Sequence[dict[str, Any]]
) -> Statement:
    """What keeps them."""
    shape = {
        "record_id": "bigint",
        "number": "integer",
        "result": "text",
        "response_code": "integer",
        "duration_ms": "integer",
        "error": "text",
    }
    return statement(
        f"INSERT INTO attempt (tenant_id, stage, at, {', '.join(shape)}) "
        f"SELECT :tenant, :stage, :now, {', '.join(shape)} FROM {db.rows('rows', **shape)} WHERE true",
        tenant=connection.tenant_id,
        stage=stage,
        now=connection.now,
        rows=rowset(rows),
    )


def clean(text: str | None) -> str | None:
    """Foreign text fit for a text column: no NUL, which PostgreSQL refuses, and not endless."""
    return text if text is None else text.replace("\x00", "")[:TEXT_LIMIT]


def _settled(verdict: Verdict) -> bool:
    return verdict.state in SETTLED_STATES
