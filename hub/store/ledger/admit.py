"""Admission: a page becomes rows, by rules 1 to 4 of a record's life, in the transaction that moves the cursor."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from hub import codec
from hub.connector import Stream
from hub.records import JSON, Record
from hub.store.database import Database
from hub.store.ledger.entry import Changes
from hub.store.ledger.known import Known, KnownRow, order_key_of
from hub.store.ledger.tally import Moves
from hub.store.rows import OPEN_STATES, Locked, Storable
from hub.store.together import Statement

#: An outcome that the source has acknowledged is repeated at most this often, in microseconds.
REPEAT_AFTER = 5 * 60 * 1_000_000


@dataclass(kw_only=True)
class Admitter:
    """Decides, record by record, against what the ledger knows, and then writes everything in a few statements.

    ``known`` knows all of the records that come. ``hold`` may claim rows before they are inserted.
    """

    db: Database
    tx: Connection
    connection: Locked
    known: Known
    streams: Mapping[str, Stream]
    merge: Callable[[JSON, JSON], JSON]
    reports: bool
    run_id: int | None = None
    hold: Callable[[Sequence[KnownRow], Moves], None] | None = None

    new: int = 0
    duplicates: int = 0
    coalesced: int = 0
    stale: int = 0
    repeated: int = 0

    def __post_init__(self) -> None:
        self._moves = Moves()
        self._changes = Changes(db=self.db, tx=self.tx, connection=self.connection)

    def admit(
        self,
        records: Sequence[Storable],
        closing: Callable[[], Sequence[Statement]] = tuple,
        *,
        last: bool = False,
    ) -> Sequence[Sequence[Any]]:
        """Take in one page. Records of one key or order_key are taken in the order of the page.

        ``closing`` is asked when everything is counted: its statements are run last, and their rows are given. With ``last``
        this is all that is done in the transaction.
        """
        for record in records:
            self._admit(record)
        self._settle_heads()
        if self.hold is not None:
            self.hold(self._changes.inserts, self._moves)
        written = [*self._changes.write(), *self._moves.statements(self.db, self.connection)]
        return self.db.together(self.tx, *written, *closing(), last=last)[len(written) :]

    @property
    def due(self) -> int:
        """How many records became workable: what bells are rung for."""
        return sum(
            row.ready and row.state == "waiting"
            for row in (*self._changes.inserts, *self._changes.changed.values())
        )

    # The rules

    def _admit(self, one: Storable) -> None:
        record = one.record
        known = self.known.latest.get((record.stream, record.key))
        stream = self.streams[record.stream]
        same = known is not None and known.content_hash == one.content_hash
        if known is not None and same and not (stream.rejected_again and known.state == "rejected"):
            self._seen_again(known, one.payload)
            return
        if known is not None and known.order_key == order_key_of(record) and known.newer_than(record, stream):
            # An older version of the key itself, come late: a row of its own would hide what is known of the newer.
            self.duplicates += 1
            return
        chain = self.known.chains.setdefault((record.stream, order_key_of(record)), [])
        row = self._new_row(one, known)
        newer = self._newer(record, chain, stream)
        if newer is not None:
            self.stale += 1
            self._supersede_at_birth(row, newer)
            return
        self._replace_older(row, known, record, chain, stream)
        self._poke(chain, stream)

    def _seen_again(self, known: KnownRow, payload: str) -> None:
        """Rule 4: ignored while it lives or its report is outstanding; afterwards the outcome is reported again."""
        acknowledged = known.report_state == "acknowledged" and known.reported_at is not None
        if not (self.reports and acknowledged and known.reported_at <= self.connection.now - REPEAT_AFTER):  # type: ignore[operator]
            self.duplicates += 1
            return
        self.repeated += 1
        known.report_state = "waiting"
        if not known.pruned and known.id is not None:
            self._changes.repeats.append(known.id)
            return
        # It was pruned: it comes back as the settled row it was, in its place, without being counted again.
        known.payload = payload
        known.extra |= {"report_due_at": self.connection.now, "settled_at": self.connection.now}
        self._changes.restored.append(known)

    def _newer(self, record: Record, chain: Sequence[KnownRow], stream: Stream) -> KnownRow | None:
        pushed = self.known.pushed.get((record.stream, order_key_of(record)))
        candidates = (*chain, pushed)
        return next((row for row in candidates if row is not None and row.newer_than(record, stream)), None)

    def _new_row(self, one: Storable, known: KnownRow | None) -> KnownRow:
        record = one.record
        row = KnownRow(
            stream=record.stream,
            key=record.key,
            order_key=order_key_of(record),
            version=record.version,
            number=known.number + 1 if known is not None else 1,
            content_hash=one.content_hash,
            state="waiting",
            ready=True,
            due_at=self.connection.now,
            run_id=self.run_id,
            group=record.group,
            payload=one.payload,
        )
        self.known.latest[record.stream, record.key] = row
        return row

    def _supersede_at_birth(self, row: KnownRow, newer: KnownRow) -> None:
        self._moves.admit(row.stream, "superseded", run_id=row.run_id, group=row.group)
        self._changes.inserts.append(row)
        self._mark_superseded(row, newer)

    def _replace_older(
        self, row: KnownRow, known: KnownRow | None, record: Record, chain: list[KnownRow], stream: Stream
    ) -> None:
        """Rules 2 and 3: what gives way settles, except for the key's own row, which takes the new version on."""
        replaced = [other for other in chain if _gives_way(other, record, stream)]
        if replaced:
            row.payload = self._merged(record, [one for one in replaced if one.older_than(record, stream)])
        kept = known if known is not None and _may_take_over(known, row, chain, replaced) else None
        waited = [other.due_at for other in replaced if other.state != "dead"]
        row.due_at = max(waited, default=row.due_at)
        for other in replaced:
            if other is not kept:
                chain.remove(other)
                self._supersede(other, kept or row)
        if kept is not None:
            self._take_over(kept, row)
        else:
            self.coalesced += bool(waited)
            self._append(row, chain)

    def _merged(self, record: Record, replaced: Sequence[KnownRow]) -> str:
        """What is left to do. The latest is merged first, so that of two that disagree the later one is heard."""
        payload = record.payload
        for other in reversed(replaced):
            payload = self.merge(self._payload(other), payload)
        return codec.dumps(payload).decode()

    def _append(self, row: KnownRow, chain: list[KnownRow]) -> None:
        row.ready = not any(other.state in OPEN_STATES for other in chain)
        chain.append(row)
        self.new += 1
        self._changes.inserts.append(row)
        self._moves.admit(row.stream, "waiting", run_id=row.run_id, group=row.group)

    def _take_over(self, waiting: KnownRow, row: KnownRow) -> None:
        """The same key again, newer: its row keeps its place and due time and starts its attempts anew."""
        if waiting.state == "parked":
            self._moves.move(waiting.stream, "parked", "waiting", run_id=waiting.run_id, group=waiting.group)
        waiting.state, waiting.due_at = "waiting", row.due_at
        waiting.version, waiting.number = row.version, row.number
        waiting.content_hash, waiting.payload, waiting.renewed = row.content_hash, row.payload, True
        self.known.latest[row.stream, row.key] = waiting
        self.coalesced += 1
        self._moves.coalesce(row.stream)
        self._changes.change(waiting)

    def _supersede(self, row: KnownRow, successor: KnownRow) -> None:
        self._moves.move(row.stream, row.state, "superseded", run_id=row.run_id, group=row.group)
        if row.state == "dead":
            # It has settled and said so; it only cannot be replayed any more.
            row.state, row.successor = "superseded", successor
        else:
            self._moves.coalesce(row.stream)
            self._mark_superseded(row, successor)
        self._changes.change(row)

    def _mark_superseded(self, row: KnownRow, successor: KnownRow) -> None:
        """Reported as skipped when it has a key of its own; its successor speaks for it otherwise."""
        row.state, row.ready, row.successor = "superseded", False, successor
        own_report = self.reports and row.key != successor.key
        row.report_state = "waiting" if own_report else "none"
        row.extra |= {
            "status": "skipped",
            "error": f"superseded by {successor.key}",
            "settled_at": self.connection.now,
            "report_due_at": self.connection.now if own_report else None,
            "finished_at": None if own_report else self.connection.now,
        }
        if not own_report:
            self._moves.report(row.stream, run_id=row.run_id)

    def _poke(self, chain: Sequence[KnownRow], stream: Stream) -> None:
        if stream.follow_on_newer:
            self._changes.poked += [row.id for row in chain if row.state == "awaiting" and row.id is not None]

    def _settle_heads(self) -> None:
        """Rule 1: one open row of each thing may be worked, the first where there is none."""
        for chain in self.known.chains.values():
            still_open = [row for row in chain if row.state in OPEN_STATES]
            if still_open and not any(row.ready for row in still_open):
                still_open[0].ready = True
                self._changes.change(still_open[0])

    def _payload(self, row: KnownRow) -> JSON:
        if row.payload is None:
            row.payload = self.db.execute(
                self.tx, "SELECT payload FROM record WHERE id = :id", id=row.id
            ).scalar_one()
        payload: JSON = codec.loads(row.payload)
        return payload


def _gives_way(row: KnownRow, record: Record, stream: Stream) -> bool:
    """An older one does, if nobody works on it; a dead one of the same key does for any other content."""
    if row.state == "dead" and row.key == record.key:
        return True
    return (row.replaceable or row.state == "dead") and row.older_than(record, stream)


def _may_take_over(
    known: KnownRow, row: KnownRow, chain: Sequence[KnownRow], replaced: Sequence[KnownRow]
) -> bool:
    """A key's latest row may, within its group, where nothing is left that came after it."""
    if known not in replaced or not known.replaceable or known.group != row.group:
        return False
    return all(other in replaced for other in chain[chain.index(known) :])
