"""Admission: a page becomes rows, by rules 1 to 4 of a record's life, in the transaction that moves the cursor."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row

from hub import codec
from hub.connector import Stream
from hub.records import JSON, Record
from hub.store.database import Database, rowset
from hub.store.ledger.tally import Moves
from hub.store.rows import OPEN_STATES, Locked

#: An outcome that the source has acknowledged is repeated at most this often, in microseconds.
REPEAT_AFTER = 5 * 60 * 1_000_000

_KEYS = {"stream": "text", "key": "text"}
_ORDER_KEYS = {"stream": "text", "order_key": "text"}
_FIELDS = (
    "r.id, r.stream, r.key, r.order_key, r.version, r.number, r.content_hash, r.state, r.ready, r.due_at, "
    "r.claim_id, r.report_state, r.reported_at, r.run_id, r.group_name"
)
_INSERT = {
    "run_id": "bigint",
    "stream": "text",
    "key": "text",
    "order_key": "text",
    "version": "text",
    "number": "integer",
    "content_hash": "text",
    "payload": "text",
    "group_name": "text",
    "state": "text",
    "ready": "boolean",
    "due_at": "bigint",
    "status": "text",
    "error": "text",
    "response_code": "integer",
    "duration_ms": "integer",
    "external_id": "text",
    "total_attempts": "integer",
    "report_state": "text",
    "report_due_at": "bigint",
    "settled_at": "bigint",
    "reported_at": "bigint",
    "finished_at": "bigint",
}


@dataclass(kw_only=True, slots=True, eq=False)
class _Row:
    """A record as admission sees and changes it; ``id`` is None until it is inserted, and kept when it is pruned."""

    stream: str
    key: str
    order_key: str
    version: str | None
    number: int
    content_hash: str
    state: str
    ready: bool
    due_at: int
    id: int | None = None
    pruned: bool = False
    claim_id: int | None = None
    report_state: str = "none"
    reported_at: int | None = None
    run_id: int | None = None
    group: str | None = None
    payload: str | None = None
    renewed: bool = False
    extra: dict[str, Any] = field(default_factory=dict)
    successor: _Row | None = None

    @property
    def replaceable(self) -> bool:
        """It waits here and nobody works on it."""
        return self.claim_id is None and self.state in ("waiting", "parked")

    def older_than(self, record: Record, stream: Stream) -> bool:
        """The record may replace this row: newer by version, or its content is read anew anyway."""
        if stream.read_anew:
            return True
        return self.version is not None and record.version is not None and self.version < record.version

    def newer_than(self, record: Record, stream: Stream) -> bool:
        """The record comes too late: this row has a higher version."""
        if stream.read_anew or self.version is None or record.version is None:
            return False
        return self.version > record.version


@dataclass(kw_only=True)
class Admitter:
    """Decides, record by record, against what the ledger knows, and then writes everything in a few statements."""

    db: Database
    tx: Connection
    connection: Locked
    streams: Mapping[str, Stream]
    merge: Callable[[JSON, JSON], JSON]
    reports: bool
    run_id: int | None = None

    new: int = 0
    duplicates: int = 0
    coalesced: int = 0
    stale: int = 0
    repeated: int = 0

    def __post_init__(self) -> None:
        self._moves = Moves()
        self._latest: dict[tuple[str, str], _Row] = {}
        self._chains: dict[tuple[str, str], list[_Row]] = {}
        self._pushed: dict[tuple[str, str], _Row] = {}
        self._inserts: list[_Row] = []
        self._restored: list[_Row] = []
        self._changed: dict[int, _Row] = {}
        self._repeats: list[int] = []
        self._poked: list[int] = []

    def admit(self, records: Sequence[Record]) -> None:
        """Take in one page. Records of one key or order_key are taken in the order of the page."""
        self._load(records)
        for record in records:
            self._admit(record)
        self._settle_heads()
        self._write()

    @property
    def due(self) -> int:
        """How many records became workable: what bells are rung for."""
        return sum(row.ready and row.state == "waiting" for row in (*self._inserts, *self._changed.values()))

    # What the ledger knows of the page's keys

    def _load(self, records: Sequence[Record]) -> None:
        keys = rowset([{"stream": s, "key": k} for s, k in {(r.stream, r.key) for r in records}])
        for row in self._query_latest(keys):
            self._latest[row.stream, row.key] = _row(row)
        for row in self._query_memory(keys):
            known = self._latest.get((row.stream, row.key))
            if known is None or known.number < row.number:
                self._latest[row.stream, row.key] = _remembered(row)
        order_keys = {(r.stream, _order_key(r)) for r in records}
        for row in self._query_open(rowset([{"stream": s, "order_key": k} for s, k in order_keys])):
            known = self._latest.get((row.stream, row.key))
            mine = known if known is not None and known.id == row.id else _row(row)
            self._chains.setdefault((row.stream, row.order_key), []).append(mine)
        versioned = {(r.stream, _order_key(r)) for r in records if r.version is not None}
        if versioned:
            self._load_pushed(rowset([{"stream": s, "order_key": k} for s, k in versioned]))

    def _load_pushed(self, order_keys: str) -> None:
        for row in self._query_pruned_pushes(order_keys):
            self._pushed[row.stream, row.order_key] = _remembered_push(row)
        for row in self._query_pushed(order_keys):
            pruned = self._pushed.get((row.stream, row.order_key))
            if pruned is None or pruned.id is None or pruned.id < row.id:
                self._pushed[row.stream, row.order_key] = _row(row)

    def _query_latest(self, keys: str) -> Iterable[Row[Any]]:
        return self.db.execute(
            self.tx,
            f"SELECT {_FIELDS} FROM {self.db.rows('keys', **_KEYS)} JOIN record r ON r.id = ("
            "SELECT max(l.id) FROM record l WHERE l.connection_id = :connection AND l.stream = v.stream "
            "AND l.key = v.key)",
            keys=keys,
            connection=self.connection.id,
        )

    def _query_open(self, order_keys: str) -> Iterable[Row[Any]]:
        return self.db.execute(
            self.tx,
            f"SELECT {_FIELDS} FROM {self.db.rows('keys', **_ORDER_KEYS)} JOIN record r ON r.connection_id = :connection "
            "AND r.stream = v.stream AND r.order_key = v.order_key "
            "AND r.state IN ('waiting', 'working', 'awaiting', 'parked', 'dead') ORDER BY r.id",
            keys=order_keys,
            connection=self.connection.id,
        )

    def _query_pushed(self, order_keys: str) -> Iterable[Row[Any]]:
        return self.db.execute(
            self.tx,
            f"SELECT {_FIELDS} FROM {self.db.rows('keys', **_ORDER_KEYS)} JOIN record r ON r.id = ("
            "SELECT max(l.id) FROM record l WHERE l.connection_id = :connection AND l.stream = v.stream "
            "AND l.order_key = v.order_key AND l.state = 'success' AND l.version IS NOT NULL)",
            keys=order_keys,
            connection=self.connection.id,
        )

    def _query_pruned_pushes(self, order_keys: str) -> Iterable[Row[Any]]:
        return self.db.execute(
            self.tx,
            f"SELECT p.* FROM {self.db.rows('keys', **_ORDER_KEYS)} JOIN pushed p ON p.connection_id = :connection "
            "AND p.stream = v.stream AND p.order_key = v.order_key",
            keys=order_keys,
            connection=self.connection.id,
        )

    def _query_memory(self, keys: str) -> Iterable[Row[Any]]:
        return self.db.execute(
            self.tx,
            f"SELECT m.* FROM {self.db.rows('keys', **_KEYS)} JOIN memory m ON m.connection_id = :connection "
            "AND m.stream = v.stream AND m.key = v.key",
            keys=keys,
            connection=self.connection.id,
        )

    # The rules

    def _admit(self, record: Record) -> None:
        known = self._latest.get((record.stream, record.key))
        fingerprint = record.content_hash or codec.fingerprint(record.payload)
        if known is not None and known.content_hash == fingerprint:
            self._seen_again(known, record)
            return
        stream = self.streams[record.stream]
        if known is not None and known.order_key == _order_key(record) and known.newer_than(record, stream):
            # An older version of the key itself, come late: a row of its own would hide what is known of the newer.
            self.duplicates += 1
            return
        chain = self._chains.setdefault((record.stream, _order_key(record)), [])
        row = self._new_row(record, fingerprint, known)
        newer = self._newer(record, chain, stream)
        if newer is not None:
            self.stale += 1
            self._supersede_at_birth(row, newer)
            return
        self._replace_older(row, known, record, chain, stream)
        self._poke(chain, stream)

    def _seen_again(self, known: _Row, record: Record) -> None:
        """Rule 4: ignored while it lives or its report is outstanding; afterwards the outcome is reported again."""
        acknowledged = known.report_state == "acknowledged" and known.reported_at is not None
        if not (self.reports and acknowledged and known.reported_at <= self.connection.now - REPEAT_AFTER):  # type: ignore[operator]
            self.duplicates += 1
            return
        self.repeated += 1
        known.report_state = "waiting"
        if not known.pruned and known.id is not None:
            self._repeats.append(known.id)
            return
        # It was pruned: it comes back as the settled row it was, in its place, without being counted again.
        known.payload = codec.dumps(record.payload).decode()
        known.extra |= {"report_due_at": self.connection.now, "settled_at": self.connection.now}
        self._restored.append(known)

    def _newer(self, record: Record, chain: Sequence[_Row], stream: Stream) -> _Row | None:
        pushed = self._pushed.get((record.stream, _order_key(record)))
        candidates = (*chain, pushed)
        return next((row for row in candidates if row is not None and row.newer_than(record, stream)), None)

    def _new_row(self, record: Record, fingerprint: str, known: _Row | None) -> _Row:
        row = _Row(
            stream=record.stream,
            key=record.key,
            order_key=_order_key(record),
            version=record.version,
            number=known.number + 1 if known is not None else 1,
            content_hash=fingerprint,
            state="waiting",
            ready=True,
            due_at=self.connection.now,
            run_id=self.run_id,
            group=record.group,
            payload=codec.dumps(record.payload).decode(),
        )
        self._latest[record.stream, record.key] = row
        return row

    def _supersede_at_birth(self, row: _Row, newer: _Row) -> None:
        self._moves.admit(row.stream, "superseded", run_id=row.run_id, group=row.group)
        self._inserts.append(row)
        self._mark_superseded(row, newer)

    def _replace_older(
        self, row: _Row, known: _Row | None, record: Record, chain: list[_Row], stream: Stream
    ) -> None:
        """Rules 2 and 3: what gives way settles, except for the key's own row, which takes the new version on."""
        replaced = [other for other in chain if _gives_way(other, record, stream)]
        row.payload = self._merged(record, [other for other in replaced if other.older_than(record, stream)])
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

    def _merged(self, record: Record, replaced: Sequence[_Row]) -> str:
        """What is left to do. The latest is merged first, so that of two that disagree the later one is heard."""
        payload = record.payload
        for other in reversed(replaced):
            payload = self.merge(self._payload(other), payload)
        return codec.dumps(payload).decode()

    def _append(self, row: _Row, chain: list[_Row]) -> None:
        row.ready = not any(other.state in OPEN_STATES for other in chain)
        chain.append(row)
        self.new += 1
        self._inserts.append(row)
        self._moves.admit(row.stream, "waiting", run_id=row.run_id, group=row.group)

    def _take_over(self, waiting: _Row, row: _Row) -> None:
        """The same key again, newer: its row keeps its place and due time and starts its attempts anew."""
        if waiting.state == "parked":
            self._moves.move(waiting.stream, "parked", "waiting", run_id=waiting.run_id, group=waiting.group)
        waiting.state, waiting.due_at = "waiting", row.due_at
        waiting.version, waiting.number = row.version, row.number
        waiting.content_hash, waiting.payload, waiting.renewed = row.content_hash, row.payload, True
        self._latest[row.stream, row.key] = waiting
        self.coalesced += 1
        self._moves.coalesce(row.stream)
        self._change(waiting)

    def _supersede(self, row: _Row, successor: _Row) -> None:
        self._moves.move(row.stream, row.state, "superseded", run_id=row.run_id, group=row.group)
        if row.state == "dead":
            # It has settled and said so; it only cannot be replayed any more.
            row.state, row.successor = "superseded", successor
        else:
            self._moves.coalesce(row.stream)
            self._mark_superseded(row, successor)
        self._change(row)

    def _mark_superseded(self, row: _Row, successor: _Row) -> None:
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

    def _poke(self, chain: Sequence[_Row], stream: Stream) -> None:
        if stream.follow_on_newer:
            self._poked += [row.id for row in chain if row.state == "awaiting" and row.id is not None]

    def _settle_heads(self) -> None:
        """Rule 1: one open row of each thing may be worked, the first where there is none."""
        for chain in self._chains.values():
            still_open = [row for row in chain if row.state in OPEN_STATES]
            if still_open and not any(row.ready for row in still_open):
                still_open[0].ready = True
                self._change(still_open[0])

    def _change(self, row: _Row) -> None:
        if row.id is not None:
            self._changed[row.id] = row

    def _payload(self, row: _Row) -> JSON:
        if row.payload is None:
            row.payload = self.db.execute(
                self.tx, "SELECT payload FROM record WHERE id = :id", id=row.id
            ).scalar_one()
        payload: JSON = codec.loads(row.payload)
        return payload

    # The statements

    def _write(self) -> None:
        if self._inserts:
            self._insert(self._inserts, _INSERT)
        if self._restored:
            self._insert(self._restored, {"id": "bigint", **_INSERT})
        if self._changed:
            self._update()
        self._link()
        if self._repeats:
            self.db.execute(
                self.tx,
                "UPDATE record SET report_state = 'waiting', report_due_at = :now, report_attempts = 0, "
                f"finished_at = NULL WHERE id IN (SELECT v.id FROM {self.db.rows('ids', id='bigint')})",
                now=self.connection.now,
                ids=rowset([{"id": one} for one in self._repeats]),
            )
        if self._poked:
            self.db.execute(
                self.tx,
                "UPDATE record SET due_at = :now WHERE claim_id IS NULL AND state = 'awaiting' "
                f"AND id IN (SELECT v.id FROM {self.db.rows('ids', id='bigint')})",
                now=self.connection.now,
                ids=rowset([{"id": one} for one in self._poked]),
            )
        self._moves.write(self.db, self.tx, self.connection)

    def _insert(self, new: Sequence[_Row], shape: Mapping[str, str]) -> None:
        columns = ", ".join(shape)
        rows = self.db.execute(
            self.tx,
            f"INSERT INTO record (tenant_id, connection_id, {columns}, attempts, lost_claims, report_attempts, "
            f"admitted_at) SELECT :tenant, :connection, {columns}, 0, 0, 0, :now "
            # the constant condition keeps SQLite from reading what follows as part of a join
            f"FROM {self.db.rows('rows', **shape)} WHERE true RETURNING id, stream, key, number",
            tenant=self.connection.tenant_id,
            connection=self.connection.id,
            now=self.connection.now,
            rows=rowset([_insertable(row) for row in new]),
        )
        inserted = {(row.stream, row.key, row.number): row.id for row in rows}
        for row in new:
            row.id = inserted[row.stream, row.key, row.number]

    def _update(self) -> None:
        shape = {
            "id": "bigint",
            "state": "text",
            "ready": "boolean",
            "due_at": "bigint",
            "version": "text",
            "number": "integer",
            "content_hash": "text",
            "payload": "text",
            "status": "text",
            "error": "text",
            "report_state": "text",
            "report_due_at": "bigint",
            "settled_at": "bigint",
            "finished_at": "bigint",
        }
        fresh = "CASE WHEN v.payload IS NULL THEN {0} ELSE 0 END"
        self.db.execute(
            self.tx,
            "UPDATE record SET state = v.state, ready = v.ready, due_at = v.due_at, version = v.version, number = v.number, "
            "content_hash = v.content_hash, payload = coalesce(v.payload, record.payload), "
            f"attempts = {fresh.format('attempts')}, total_attempts = {fresh.format('total_attempts')}, "
            f"lost_claims = {fresh.format('lost_claims')}, "
            "status = coalesce(v.status, record.status), error = coalesce(v.error, record.error), "
            "report_state = v.report_state, report_due_at = coalesce(v.report_due_at, record.report_due_at), "
            "settled_at = coalesce(v.settled_at, record.settled_at), "
            "finished_at = coalesce(v.finished_at, record.finished_at) "
            f"FROM {self.db.rows('rows', **shape)} WHERE record.id = v.id",
            rows=rowset([_updatable(row) for row in self._changed.values()]),
        )

    def _link(self) -> None:
        links = [
            {"id": row.id, "successor": row.successor.id}
            for row in (*self._inserts, *self._changed.values())
            if row.successor is not None
        ]
        if links:
            self.db.execute(
                self.tx,
                "UPDATE record SET superseded_by = v.successor "
                f"FROM {self.db.rows('rows', id='bigint', successor='bigint')} WHERE record.id = v.id",
                rows=rowset(links),
            )


def _order_key(record: Record) -> str:
    return record.key if record.order_key is None else record.order_key


def _gives_way(row: _Row, record: Record, stream: Stream) -> bool:
    """An older one does, if nobody works on it; a dead one of the same key does for any other content."""
    if row.state == "dead" and row.key == record.key:
        return True
    return (row.replaceable or row.state == "dead") and row.older_than(record, stream)


def _may_take_over(known: _Row, row: _Row, chain: Sequence[_Row], replaced: Sequence[_Row]) -> bool:
    """A key's latest row may, within its group, where nothing is left that came after it."""
    if known not in replaced or not known.replaceable or known.group != row.group:
        return False
    return all(other in replaced for other in chain[chain.index(known) :])


def _row(row: Row[Any]) -> _Row:
    return _Row(
        id=row.id,
        stream=row.stream,
        key=row.key,
        order_key=row.order_key,
        version=row.version,
        number=row.number,
        content_hash=row.content_hash,
        state=row.state,
        ready=bool(row.ready),
        due_at=row.due_at,
        claim_id=row.claim_id,
        report_state=row.report_state,
        reported_at=row.reported_at,
        run_id=row.run_id,
        group=row.group_name,
    )


def _remembered(row: Row[Any]) -> _Row:
    return _Row(
        id=row.record_id,
        pruned=True,
        stream=row.stream,
        key=row.key,
        order_key=row.order_key,
        version=row.version,
        number=row.number,
        content_hash=row.content_hash,
        state=row.state,
        ready=False,
        due_at=0,
        report_state="acknowledged" if row.reported_at is not None else "none",
        reported_at=row.reported_at,
        run_id=row.run_id,
        group=row.group_name,
        extra={
            "status": row.status,
            "error": row.error,
            "response_code": row.response_code,
            "duration_ms": row.duration_ms,
            "external_id": row.external_id,
            "total_attempts": row.total_attempts,
        },
    )


def _remembered_push(row: Row[Any]) -> _Row:
    return _Row(
        id=row.record_id,
        pruned=True,
        stream=row.stream,
        key=row.key,
        order_key=row.order_key,
        version=row.version,
        number=0,
        content_hash="",
        state="success",
        ready=False,
        due_at=0,
    )


def _insertable(row: _Row) -> dict[str, Any]:
    values = {name: getattr(row, name, None) for name in ("id", *_INSERT)}
    values |= {"group_name": row.group, "total_attempts": 0}
    return values | row.extra


def _updatable(row: _Row) -> dict[str, Any]:
    return {
        "id": row.id,
        "state": row.state,
        "ready": row.ready,
        "due_at": row.due_at,
        "version": row.version,
        "number": row.number,
        "content_hash": row.content_hash,
        "payload": row.payload if row.renewed else None,
        "report_state": row.report_state,
        **row.extra,
    }
