"""A ledger to talk to: the store's functions with one connection filled in, and a clock that can be moved."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from msgspec import structs
from sqlalchemy import Connection

from hub.connector import Stream
from hub.records import JSON, GroupTally, Record
from hub.store import connections, runs
from hub.store.database import Database
from hub.store.ledger import ahead, claim, groups, letters, report, sweep
from hub.store.ledger.admit import Admitter
from hub.store.ledger.ahead import Ahead
from hub.store.ledger.bells import Due
from hub.store.ledger.known import Known
from hub.store.ledger.lock import lock
from hub.store.ledger.settle import Settler
from hub.store.rows import Held, ReportVerdict, Slice, Verdict, storable
from hub.store.schema import metadata
from tests.ledger.books import Row, assert_at_rest, assert_books_balance

SECOND = 1_000_000
MINUTE = 60 * SECOND
#: No claim is lost unless a test says so.
LEASE = 10 * MINUTE

Answer = str | Mapping[str, Any]

#: What a push can come to, in the words of ``hub.records``.
ANSWERS: Mapping[str, Mapping[str, Any]] = {
    "success": {"state": "success", "status": "success", "spent": True, "response_code": 200},
    "skipped": {"state": "skipped", "status": "skipped", "spent": True, "error": "nothing to do"},
    "rejected": {"state": "rejected", "status": "failed", "spent": True, "error": "sku is unknown"},
    "retry": {"state": "waiting", "spent": True, "error": "it timed out"},
    "dead": {"state": "dead", "status": "failed", "spent": True, "error": "it timed out"},
    "released": {"state": "waiting", "error": "no slot"},
    "awaiting": {"state": "awaiting", "handle": {"lot": 1}},
    "parked": {"state": "parked", "wake_key": "category:1", "error": "no mapping"},
    "refused": {"state": "waiting", "refused": "401: bad key", "error": "401: bad key"},
    "yielded": {"state": "superseded", "status": "skipped", "error": "replaced by newer content"},
}
#: What a report can come to.
REPORT_ANSWERS: Mapping[str, Mapping[str, Any]] = {
    "acknowledged": {"state": "acknowledged", "spent": True},
    "retry": {"state": "waiting", "spent": True, "error": "the source timed out"},
    "dead": {"state": "dead", "spent": True, "error": "the source refused it"},
    "refused": {"state": "waiting", "refused": "403: missing scope", "error": "403: missing scope"},
}


def price(key: str, version: str | None = None, *, thing: str | None = None, **payload: Any) -> Record:
    """A record of stream ``price``; ``thing`` is its order_key, and what is left is its payload."""
    group = payload.pop("group", None)
    stream = payload.pop("stream", "price")
    content = payload or {"amount": version}
    return Record(stream=stream, key=key, order_key=thing, version=version, payload=content, group=group)


def after(answer: str, microseconds: int, **more: Any) -> Mapping[str, Any]:
    """One of ``ANSWERS`` that is due again so much later."""
    return {**ANSWERS[answer], "due_after": microseconds, **more}


@dataclass(frozen=True, kw_only=True)
class Told:
    """An outcome as a source was told it."""

    key: str
    status: str | None
    attempts: int
    error: str | None
    external_id: str | None


@dataclass(frozen=True, kw_only=True)
class Settled:
    """What a settle left: how many verdicts were not taken, and the slice to report now."""

    lost: int
    groups: bool
    states: Mapping[str, str]
    to_report: Slice


@dataclass(kw_only=True)
class Ledger:
    """One connection's ledger. ``pushes`` and ``told`` are what its destination and its source saw, in order."""

    db: Database
    streams: Sequence[Stream] = (Stream(name="price"),)
    merge: Callable[[JSON, JSON], JSON] = lambda _, newer: newer
    reports: bool = True
    name: str = "shop"
    lease: int = LEASE
    pushes: list[Held] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    pruned: dict[int, Row] = field(default_factory=dict)
    id: int = 0

    def __post_init__(self) -> None:
        """With an id it is that of a connection that exists already."""
        if self.id:
            return
        if not any(tenant["name"] == "acme" for tenant in connections.list_tenants(self.db)):
            connections.add_tenant(self.db, "acme")
        self.id = connections.add_connection(
            self.db,
            tenant="acme",
            name=self.name,
            connector="test",
            config={},
            credentials="",
            poll_target=self.name,
            streams=[stream.name for stream in self.streams],
            reports=self.reports,
            polls=True,
        )

    # Admission

    def admit(
        self, *records: Record, run: bool = False, seals: Sequence[str] = (), ahead: Ahead | None = None
    ) -> Admitter:
        """Admit one page; some of it may be claimed ``ahead``."""
        with self.db.transaction() as tx:
            admitter = self.admit_in(tx, *records, run=run, ahead=ahead)
            groups.seal(self.db, tx, admitter.connection, self.streams[0].name, seals)
        for row in self.rows():
            self.pruned.pop(row["id"], None)  # it came back to have its report repeated
        return admitter

    def admit_in(
        self, tx: Connection, *records: Record, run: bool = False, ahead: Ahead | None = None
    ) -> Admitter:
        """Admit one page in a transaction of the test's own."""
        connection = lock(self.db, tx, self.id)
        known = Known(db=self.db, connection_id=self.id)
        opening = [runs.starting(self.db, self.id, "poll")] if run else []
        opening += [ahead.asking(self.id)] if ahead is not None else []
        found = self.db.together(tx, *opening, *known.asking(records))
        known.keep(found[len(opening) :])
        admitter = Admitter(
            db=self.db,
            tx=tx,
            connection=connection,
            known=known,
            streams={stream.name: stream for stream in self.streams},
            merge=self.merge,
            reports=self.reports,
            run_id=found[0][0].id if run else None,
            hold=None
            if ahead is None
            else partial(ahead.hold, self.db, tx, connection, found[len(opening) - 1]),
        )
        admitter.admit([storable(one) for one in records])
        return admitter

    # Work

    def due(self, due: Due, at_most: int = 1) -> int:
        """How much a bell would find."""
        with self.db.transaction() as tx:
            connection = lock(self.db, tx, self.id)
            found = self.db.together(tx, *due.asking(self.db, self.id, at_most))
            return due.counted(self.db, tx, connection, found)

    def claim(self, worker: str = "w1", *, limit: int = 100) -> Slice:
        """Claim due work; an empty slice when there is none."""
        held = claim.claim_work(self.db, self.id, worker=worker, lease=self.lease, limit=limit)
        if held is None:
            return _nothing(self, "push")
        if held.stage == "push":
            self.pushes += held.records
        return held

    def take(self, worker: str = "w1") -> Slice:
        """Take what lies claimed by nobody; an empty slice when there is none."""
        held = ahead.take(self.db, self.id, worker=worker, lease=self.lease)
        self.pushes += held.records if held is not None else ()
        return held if held is not None else _nothing(self, "push")

    def settle(self, held: Slice, answer: Answer = "success", **answers: Answer) -> Settled:
        """Settle a slice with one answer for all; ``answers`` are those of single keys."""
        named = {record.id: answers.get(record.key, answer) for record in held.records}
        return self.settle_each(
            held, {one: _named(given, ANSWERS) for one, given in named.items() if given != "nothing"}
        )

    def settle_each(self, held: Slice, answers: Mapping[int, Mapping[str, Any]]) -> Settled:
        """Settle a slice with an answer for each id."""
        settlement = self._settler(held).settle([Verdict(id=one, **given) for one, given in answers.items()])
        written = {verdict.id: verdict for verdict in settlement.verdicts}
        keys = {record.id: record.key for record in held.records}
        to_report = [
            _settled(record, written[record.id])
            for record in held.records
            if record.id in settlement.to_report
        ]
        return Settled(
            lost=settlement.lost,
            groups=settlement.groups,
            states={keys[verdict.id]: verdict.state for verdict in settlement.verdicts},
            to_report=replace(held, stage="report", records=to_report),
        )

    def push(self, answer: Answer = "success", **answers: Answer) -> list[str]:
        """Claim what is due, settle it, and have its reports acknowledged; the keys in the order of the slice."""
        held = self.claim()
        if held.records:
            self.report(self.settle(held, answer, **answers).to_report)
        return [record.key for record in held.records]

    # Reports

    def claim_reports(self, worker: str = "w1", *, limit: int = 100) -> Slice:
        """Claim due reports; an empty slice when there are none."""
        held = claim.claim_reports(self.db, self.id, worker=worker, lease=self.lease, limit=limit)
        return held if held is not None else _nothing(self, "report")

    def report(self, held: Slice, answer: Answer = "acknowledged", **answers: Answer) -> int:
        """Tell the source, and settle what it answered; returns how many answers were not taken."""
        named = {record.id: answers.get(record.key, answer) for record in held.records}
        return self.report_each(held, {one: _named(given, REPORT_ANSWERS) for one, given in named.items()})

    def report_each(self, held: Slice, answers: Mapping[int, Mapping[str, Any]]) -> int:
        """Tell the source, and settle what it answered for each id."""
        if not held.records:
            return 0
        self.told += [_told(record) for record in held.records]
        return report.settle_reports(
            self.db, held, [ReportVerdict(id=one, **given) for one, given in answers.items()]
        )

    def report_due(self, answer: Answer = "acknowledged", **answers: Answer) -> list[str]:
        """Claim the reports that are due and settle them; the keys in the order of the slice."""
        held = self.claim_reports()
        self.report(held, answer, **answers)
        return [record.key for record in held.records]

    # What time and people do

    def pass_time(self, microseconds: int) -> None:
        """Everything stored becomes so much older, which is all that waiting would do."""
        with self.db.transaction() as tx:
            for table in metadata.sorted_tables:
                times = [column.name for column in table.columns if column.name.endswith(("_at", "_until"))]
                moved = ", ".join(f"{name} = {name} - :by" for name in times)
                if moved:
                    self.db.execute(tx, f"UPDATE {table.name} SET {moved}", by=microseconds)

    def lose_claims(self) -> int:
        """Workers die: no claim is renewed any more, and the sweeper finds out."""
        self.pass_time(2 * self.lease)
        return sweep.expire_claims(self.db)

    def prune(self, keep: int = -1) -> int:
        """Prune what finished more than ``keep`` ago; by default all of it."""
        before = {row["id"]: row for row in self.rows()}
        removed = sweep.prune(self.db, keep=keep)
        gone = before.keys() - {row["id"] for row in self.rows()}
        assert removed == len(gone)
        self.pruned |= {one: before[one] for one in gone}
        return removed

    def wake(self, wake_key: str = "category:1") -> int:
        """What was parked for something goes on."""
        return sweep.wake(self.db, self.id, wake_key)

    def revive(self, *, after: int = -1) -> int:
        """Dead records that are older than ``after`` retry by themselves."""
        return sweep.revive(self.db, self.id, after=after)

    def replay(self, key: str) -> str:
        """Replay the newest record of a key."""
        return letters.replay(self.db, self.row(key)["id"])

    def discard(self, key: str) -> str:
        """Discard the newest record of a key."""
        return letters.discard(self.db, self.row(key)["id"])

    # What there is to see

    def rows(self, key: str | None = None) -> list[dict[str, Any]]:
        """Rows, in the order of their ids."""
        with self.db.transaction() as tx:
            rows = self.db.execute(
                tx, "SELECT * FROM record WHERE connection_id = :id ORDER BY id", id=self.id
            )
            return [dict(row) for row in rows.mappings() if key in (None, row["key"])]

    def row(self, key: str) -> dict[str, Any]:
        """The newest row of a key."""
        return self.rows(key)[-1]

    def states(self) -> dict[str, str]:
        """The state of the newest row of each key."""
        return {row["key"]: row["state"] for row in self.rows()}

    def pushed(self) -> list[tuple[str, JSON]]:
        """What the destination saw, in order."""
        return [(held.key, held.payload) for held in self.pushes]

    def tally(self, stream: str = "price") -> dict[str, int]:
        """A stream's counts."""
        with self.db.transaction() as tx:
            row = self.db.execute(
                tx,
                "SELECT * FROM tally WHERE connection_id = :id AND stream = :stream",
                id=self.id,
                stream=stream,
            )
            return dict(row.mappings().one())

    def closable(self) -> list[GroupTally]:
        """Groups that want to be closed."""
        return list(groups.closable(self.db, self.id))

    def check(self) -> None:
        """Raises ``AssertionError`` where the books do not balance."""
        assert_books_balance(self.db, self.id, pruned=self.pruned.values())

    def check_at_rest(self) -> None:
        """Raises ``AssertionError`` unless all is settled and reported."""
        self.check()
        assert_at_rest(self.db, self.id)

    def _settler(self, held: Slice) -> Settler:
        stream = next(stream for stream in self.streams if stream.name == held.stream)
        return Settler(
            db=self.db, slice=held, stream=stream, merge=self.merge, reports=self.reports, lease=self.lease
        )


def _nothing(ledger: Ledger, stage: str) -> Slice:
    return Slice(
        claim_id=0, connection_id=ledger.id, tenant_id=0, stream="price", stage=stage, revision=1, records=()
    )


def _named(answer: Answer, known: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    return known[answer] if isinstance(answer, str) else answer


def _settled(held: Held, verdict: Verdict) -> Held:
    """A record as its report sees it right after its push."""
    return structs.replace(
        held,
        status=verdict.status,
        error=verdict.error,
        external_id=verdict.external_id or held.external_id,
        total_attempts=held.total_attempts + verdict.spent,
    )


def _told(held: Held) -> Told:
    return Told(
        key=held.key,
        status=held.status,
        attempts=held.total_attempts,
        error=held.error,
        external_id=held.external_id,
    )
