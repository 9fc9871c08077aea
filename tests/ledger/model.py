"""The rules of a record's life over plain lists, as a second opinion on the ledger.

It decides nothing that is the ledger's to choose: which of several due records a claim takes, it is told. Time is
counted in minutes. A pruned row stays, marked, because pruning must not change what becomes of any other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

from hub.records import JSON, Record
from hub.store.ledger.claim import ALONE_AFTER
from hub.store.ledger.sweep import DEAD_AFTER
from hub.store.rows import OPEN_STATES, SETTLED_STATES, Slice
from tests.ledger.driver import ANSWERS

#: Minutes after which an acknowledged outcome is repeated.
REPEAT_AFTER = 5


@dataclass(kw_only=True, eq=False)
class ModelRow:
    """One record."""

    key: str
    thing: str
    version: str | None
    number: int
    content: JSON
    payload: JSON
    group: str | None
    due: int
    id: int = 0
    state: str = "waiting"
    attempts: int = 0
    total_attempts: int = 0
    lost_claims: int = 0
    claim: int | None = None
    report: str = "none"
    report_due: int = 0
    reported_at: int | None = None
    killed_workers: bool = False
    pruned: bool = False

    @property
    def open(self) -> bool:
        return self.state in OPEN_STATES

    @property
    def waits(self) -> bool:
        return self.state in ("waiting", "parked")

    @property
    def finished(self) -> bool:
        return self.state in SETTLED_STATES and self.report in ("none", "acknowledged", "discarded")

    def older_than(self, version: str | None) -> bool:
        return self.version is not None and version is not None and self.version < version

    def newer_than(self, version: str | None) -> bool:
        return self.version is not None and version is not None and self.version > version


class Model:
    """A ledger of one stream that reports."""

    def __init__(self, merge: Callable[[JSON, JSON], JSON]) -> None:
        self.merge = merge
        self.now = 0
        self.rows: list[ModelRow] = []
        self.heads: dict[str, ModelRow] = {}
        self.pushed_version: dict[str, str] = {}

    # Admission

    def admit(self, record: Record) -> None:
        """Rules 1 to 4."""
        thing = record.order_key or record.key
        known = max(
            (row for row in self.rows if row.key == record.key), key=lambda row: row.number, default=None
        )
        if known is not None and known.content == record.payload:
            self._seen_again(known)
        elif known is None or not known.newer_than(record.version):
            row = ModelRow(
                key=record.key,
                thing=thing,
                version=record.version,
                number=known.number + 1 if known else 1,
                content=record.payload,
                payload=record.payload,
                group=record.group,
                due=self.now,
            )
            self._take_in(row, known)
            self._choose_head(thing)

    def _seen_again(self, known: ModelRow) -> None:
        acknowledged = known.report == "acknowledged" and known.reported_at is not None
        if acknowledged and known.reported_at <= self.now - REPEAT_AFTER:
            known.report, known.report_due = "waiting", self.now
            if known.pruned:
                known.pruned, known.attempts, known.lost_claims = False, 0, 0
                known.payload = known.content

    def _take_in(self, row: ModelRow, known: ModelRow | None) -> None:
        others = self._of(row.thing)
        lasting = [other for other in others if other.open or other.state in ("dead", "success")]
        newer = [other for other in lasting if other.newer_than(row.version)]
        if newer:
            self._supersede(row, newer[0])
            self.rows.append(row)
            return
        chain = [other for other in others if other.open or other.state == "dead"]
        replaced = [other for other in chain if self._gives_way(other, row)]
        older = [other for other in replaced if other.older_than(row.version)]
        row.payload = reduce(self.merge, [*(other.payload for other in older), row.payload])
        row.due = max((other.due for other in replaced if other.waits), default=self.now)
        kept = known if self._may_be_kept(known, row, chain, replaced) else None
        for other in replaced:
            if other.state == "dead":
                other.state = "superseded"
            elif other is not kept:
                self._supersede(other, row)
        if kept is None:
            self.rows.append(row)
            return
        kept.state, kept.version, kept.number, kept.due = "waiting", row.version, row.number, row.due
        kept.content, kept.payload = row.content, row.payload
        kept.attempts = kept.total_attempts = kept.lost_claims = 0

    def _gives_way(self, other: ModelRow, row: ModelRow) -> bool:
        if other.state == "dead":
            return other.key == row.key or other.older_than(row.version)
        return other.waits and other.claim is None and other.older_than(row.version)

    def _may_be_kept(
        self, known: ModelRow | None, row: ModelRow, chain: Sequence[ModelRow], replaced: Sequence[ModelRow]
    ) -> bool:
        if known is None or known not in replaced or not known.waits or known.group != row.group:
            return False
        return set(chain[chain.index(known) :]) <= set(replaced)

    # Work

    def due(self) -> list[ModelRow]:
        """What may be claimed, to push or to follow."""
        return [
            row
            for row in self.heads.values()
            if row.state in ("waiting", "awaiting") and row.claim is None and row.due <= self.now
            if self._may_be_claimed(row)
        ]

    def due_reports(self) -> list[ModelRow]:
        """Whose report may be claimed."""
        return [
            row
            for row in self.rows
            if row.report == "waiting" and row.report_due <= self.now and self._may_be_claimed(row)
        ]

    def _may_be_claimed(self, row: ModelRow) -> bool:
        """Suspects are worked one at a time."""
        if row.lost_claims < ALONE_AFTER:
            return True
        return not any(held.claim is not None and held.lost_claims >= ALONE_AFTER for held in self.rows)

    def claim(self, held: Slice, limit: int) -> None:
        """Check that the ledger chose well, and follow it."""
        state = "awaiting" if held.stage == "follow" else "waiting"
        rows = [self._by_id(record.id) for record in held.records]
        self._check_choice(rows, [row for row in self.due() if row.state == state], limit)
        assert rows or not self.due()
        for row, record in zip(rows, held.records, strict=True):
            assert (record.number, record.payload, record.total_attempts) == (
                row.number,
                row.payload,
                row.total_attempts,
            )
            row.claim = held.claim_id
            if held.stage == "push":
                row.state = "working"
            else:
                waiting = [other for other in self._behind(row) if other.state == "waiting"]
                assert record.newer == (waiting[-1].payload if waiting else None)

    def hold(self, held: Mapping[int, int]) -> None:
        """Claims that nobody has taken, by the id of the record."""
        for record_id, claim_id in held.items():
            row = self._by_id(record_id)
            row.claim, row.state = claim_id, "working"

    def take(self, held: Slice) -> None:
        """One of them is somebody's now, with all that it holds."""
        rows = [row for row in self.rows if row.claim == held.claim_id]
        assert [(row.id, row.number, row.payload) for row in rows] == [
            (record.id, record.number, record.payload) for record in held.records
        ]

    def give_back(self, claims: Sequence[int]) -> None:
        """Nobody has taken them."""
        for row in self.rows:
            if row.claim in claims:
                row.claim, row.state, row.due = None, "waiting", self.now

    def claim_reports(self, held: Slice, limit: int) -> None:
        """The same for reports."""
        rows = [self._by_id(record.id) for record in held.records]
        self._check_choice(rows, self.due_reports(), limit)
        for row in rows:
            row.claim, row.report = held.claim_id, "working"

    def _check_choice(self, rows: Sequence[ModelRow], due: Sequence[ModelRow], limit: int) -> None:
        assert set(rows) <= set(due), "claimed what was not due, or what somebody holds"
        assert len(rows) <= limit
        if any(row.lost_claims >= ALONE_AFTER for row in rows):
            assert len(rows) == 1
        elif len(rows) < limit:
            left = [row for row in due if row not in rows]
            assert rows or not left
            assert all(row.lost_claims >= ALONE_AFTER for row in left) or len(due) > limit

    def settle(self, held: Slice, answers: Mapping[int, Mapping[str, Any]]) -> int:
        """Rules 1, 3 and 5; returns how many answers came too late."""
        state = "awaiting" if held.stage == "follow" else "working"
        lost = 0
        for record_id, answer in answers.items():
            row = self._by_id(record_id)
            if row.claim != held.claim_id or row.state != state:
                lost += 1
                continue
            self._settle(row, answer)
        return lost

    def _settle(self, row: ModelRow, answer: Mapping[str, Any]) -> None:
        row.attempts += bool(answer.get("spent"))
        row.total_attempts += bool(answer.get("spent"))
        row.lost_claims, claim, row.claim = 0, row.claim, None
        row.state = answer["state"]
        row.due = self.now + answer.get("due_after", 0)
        successor = next(iter(self._behind(row)), None)
        overtaken = (
            row.state in ("waiting", "parked", "dead") and successor and row.older_than(successor.version)
        )
        if successor is not None and (overtaken or row.state == "superseded"):
            if row.state == "waiting":
                successor.due = max(successor.due, row.due)
            successor.payload = self.merge(row.payload, successor.payload)
            self._supersede(row, successor)
        elif row.state in SETTLED_STATES:
            row.report, row.report_due = "waiting", self.now
        if row.state == "success" and row.version is not None:
            assert row.version >= self.pushed_version.get(row.thing, ""), (
                "an old version overwrote a newer one"
            )
            self.pushed_version[row.thing] = row.version
        if row.report == "waiting":
            row.report, row.claim = "working", claim
        self._choose_head(row.thing)

    def settle_reports(self, held: Slice, answers: Mapping[int, str]) -> int:
        """Rule 7; returns how many answers came too late."""
        lost = 0
        for record_id, state in answers.items():
            row = self._by_id(record_id)
            if row.claim != held.claim_id or row.report != "working":
                lost += 1
                continue
            row.report, row.report_due, row.claim, row.lost_claims = state, self.now, None, 0
            if state == "acknowledged":
                row.reported_at = self.now
        return lost

    # Time and people

    def expire(self, claim_id: int) -> None:
        """Rule 5: a worker died."""
        for row in [row for row in self.rows if row.claim == claim_id]:
            row.claim = None
            row.lost_claims += 1
            dead = row.lost_claims >= DEAD_AFTER
            if row.report == "working":
                row.report = "dead" if dead else "waiting"
            elif dead:
                row.state, row.killed_workers = "dead", True
                row.report, row.report_due = "waiting", self.now
                self._choose_head(row.thing)
            else:
                row.state = "waiting" if row.state == "working" else row.state
                row.due = self.now

    def wake(self, wake_key: str) -> None:
        """All that is parked waits for the same thing here."""
        for row in self.rows:
            if row.state == "parked" and wake_key == ANSWERS["parked"]["wake_key"]:
                row.state, row.due = "waiting", self.now

    def replay(self, row: ModelRow) -> str | None:
        """Rules 3 and 7: what is replayed, or None where that is refused."""
        if row.report == "dead" and row.state != "dead":
            row.report, row.report_due, row.lost_claims = "waiting", self.now, 0
            return "report"
        if row.state not in ("dead", "rejected", "skipped") or self.overtaken(row):
            return None
        self._revive(row)
        return "push"

    def revive(self) -> int:
        """All dead records retry by themselves, but for those that killed workers."""
        rows = [row for row in self.rows if row.state == "dead" and not row.killed_workers]
        revived = [row for row in rows if not self.overtaken(row)]
        for row in revived:
            self._revive(row)
        return len(revived)

    def overtaken(self, row: ModelRow) -> bool:
        """Something later of its thing is open or was pushed."""
        others = [other for other in self._of(row.thing) if other.open or other.state == "success"]
        return any(other is not row and self._later(other, row) for other in others)

    def discard(self, row: ModelRow) -> str | None:
        """Rule 7."""
        letter = "push" if row.state == "dead" else "report" if row.report == "dead" else None
        if row.state == "dead":
            row.state = "discarded"
        if row.report == "dead":
            row.report = "discarded"
        return letter

    def prune(self) -> int:
        """Rule 4."""
        old = [
            row
            for row in self.rows
            if row.finished and row.state != "dead" and row.claim is None and not row.pruned
        ]
        for row in old:
            row.pruned = True
        return len(old)

    # What there is to compare

    def kept(self) -> list[ModelRow]:
        """The rows that the ledger still has, in the order of arrival."""
        return [row for row in self.rows if not row.pruned]

    def _supersede(self, row: ModelRow, successor: ModelRow) -> None:
        """Its successor speaks for it where it has the same key."""
        row.state, row.report_due = "superseded", self.now
        row.report = "none" if row.key == successor.key else "waiting"

    def _revive(self, row: ModelRow) -> None:
        row.state, row.due, row.claim, row.report = "waiting", self.now, None, "none"
        row.attempts = row.lost_claims = 0
        row.reported_at, row.killed_workers = None, False
        self._choose_head(row.thing)

    def _later(self, other: ModelRow, row: ModelRow) -> bool:
        if other.older_than(row.version) or other.newer_than(row.version):
            return other.newer_than(row.version)
        return self.rows.index(other) > self.rows.index(row)

    def _of(self, thing: str) -> list[ModelRow]:
        return [row for row in self.rows if row.thing == thing]

    def _behind(self, row: ModelRow) -> list[ModelRow]:
        return [
            other for other in self._of(row.thing) if other.waits and other is not self.heads.get(row.thing)
        ]

    def _choose_head(self, thing: str) -> None:
        """One is worked at a time: the one that was, as long as it is open, then the first."""
        head = self.heads.get(thing)
        if head is None or not head.open:
            self.heads.pop(thing, None)
            first = next((row for row in self._of(thing) if row.open), None)
            if first is not None:
                self.heads[thing] = first

    def _by_id(self, record_id: int) -> ModelRow:
        return next(row for row in self.rows if row.id == record_id)
