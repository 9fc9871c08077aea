"""What the ledger knows of the things that a page is about, read in a few statements before anything is decided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row

from hub.connector import Stream
from hub.records import Record
from hub.store.database import Database, rowset
from hub.store.together import Statement, statement

_KEYS = {"stream": "text", "key": "text"}
_ORDER_KEYS = {"stream": "text", "order_key": "text"}
_FIELDS = (
    "r.id, r.stream, r.key, r.order_key, r.version, r.number, r.content_hash, r.state, r.ready, r.due_at, "
    "r.claim_id, r.report_state, r.reported_at, r.run_id, r.group_name"
)
#: What one that waits for its turn carries, into which a newer one is merged.
_CARRIED = "CASE WHEN r.claim_id IS NULL AND r.state IN ('waiting', 'parked') THEN r.payload END AS carried"

_OPEN = (
    "r.connection_id = :connection AND r.stream = v.stream AND r.order_key = v.order_key "
    "AND r.state IN ('waiting', 'working', 'awaiting', 'parked', 'dead')"
)
_PUSHED = "p.connection_id = :connection AND p.stream = v.stream AND p.order_key = v.order_key"
_REMEMBERED = "m.connection_id = :connection AND m.stream = v.stream AND m.key = v.key"


@dataclass(kw_only=True, slots=True, eq=False)
class KnownRow:
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
    successor: KnownRow | None = None

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
class Known:
    """By key the latest row, by order_key what is open or dead, in order, and the last one that was pushed."""

    db: Database
    connection_id: int

    def __post_init__(self) -> None:
        self.latest: dict[tuple[str, str], KnownRow] = {}
        self.chains: dict[tuple[str, str], list[KnownRow]] = {}
        self.pushed: dict[tuple[str, str], KnownRow] = {}

    def asking(self, records: Sequence[Record]) -> Sequence[Statement]:
        """What reads all that is known of these records' keys and order_keys; ``keep`` takes the rows."""
        if not records:
            return ()
        keys = rowset([{"stream": s, "key": k} for s, k in {(r.stream, r.key) for r in records}])
        asked = [self._latest(keys), self._memory(keys), self._open(rowset(_order_keys(records)))]
        versioned = _order_keys([one for one in records if one.version is not None])
        if versioned:
            asked += [self._pruned_pushes(rowset(versioned)), self._pushed(rowset(versioned))]
        return asked

    def keep(self, found: Sequence[Sequence[Any]]) -> None:
        """``found`` are the rows of what ``asking`` gave."""
        if not found:
            return
        latest, memory, still_open, *pushes = found
        self._keep_latest(latest, memory)
        self._keep_open(still_open)
        if pushes:
            self._keep_pushed(*pushes)

    def _keep_latest(self, latest: Sequence[Row[Any]], memory: Sequence[Row[Any]]) -> None:
        for row in latest:
            self.latest[row.stream, row.key] = _row(row)
        for row in memory:
            known = self.latest.get((row.stream, row.key))
            if known is None or known.number < row.number:
                self.latest[row.stream, row.key] = _remembered(row)

    def _keep_open(self, rows: Sequence[Row[Any]]) -> None:
        for row in rows:
            known = self.latest.get((row.stream, row.key))
            mine = known if known is not None and known.id == row.id else _row(row)
            mine.payload = row.carried
            self.chains.setdefault((row.stream, row.order_key), []).append(mine)

    def _keep_pushed(self, pruned_pushes: Sequence[Row[Any]], pushes: Sequence[Row[Any]]) -> None:
        for row in pruned_pushes:
            self.pushed[row.stream, row.order_key] = _remembered_push(row)
        for row in pushes:
            pruned = self.pushed.get((row.stream, row.order_key))
            if pruned is None or pruned.id is None or pruned.id < row.id:
                self.pushed[row.stream, row.order_key] = _row(row)

    def _latest(self, keys: str) -> Statement:
        newest = self._newest("key = v.key", self.db.rows("keys", **_KEYS))
        return statement(newest, keys=keys, connection=self.connection_id)

    def _newest(self, condition: str, given: str) -> str:
        """Of each row ``v`` that is given the newest record. PostgreSQL looks each of them up; left the choice it would read
        all records, while admission holds the connection's lock."""
        wanted = f"connection_id = :connection AND stream = v.stream AND {condition}"
        if self.db.postgres:
            newest = f"SELECT * FROM record WHERE {wanted} ORDER BY id DESC LIMIT 1"
            return f"SELECT {_FIELDS} FROM {given} CROSS JOIN LATERAL ({newest}) r"
        return f"SELECT {_FIELDS} FROM {given} JOIN record r ON r.id = (SELECT max(id) FROM record WHERE {wanted})"

    def _open(self, order_keys: str) -> Statement:
        return statement(
            f"SELECT {_FIELDS}, {_CARRIED} FROM {self.db.found('keys', 'record', 'r', _OPEN, **_ORDER_KEYS)} "
            "ORDER BY r.id",
            keys=order_keys,
            connection=self.connection_id,
        )

    def _pushed(self, order_keys: str) -> Statement:
        wanted = "order_key = v.order_key AND state = 'success' AND version IS NOT NULL"
        newest = self._newest(wanted, self.db.rows("keys", **_ORDER_KEYS))
        return statement(newest, keys=order_keys, connection=self.connection_id)

    def _pruned_pushes(self, order_keys: str) -> Statement:
        return statement(
            f"SELECT p.* FROM {self.db.found('keys', 'pushed', 'p', _PUSHED, **_ORDER_KEYS)}",
            keys=order_keys,
            connection=self.connection_id,
        )

    def _memory(self, keys: str) -> Statement:
        return statement(
            f"SELECT m.* FROM {self.db.found('keys', 'memory', 'm', _REMEMBERED, **_KEYS)}",
            keys=keys,
            connection=self.connection_id,
        )


def _order_keys(records: Sequence[Record]) -> list[dict[str, Any]]:
    return [{"stream": s, "order_key": k} for s, k in {(r.stream, order_key_of(r)) for r in records}]


def order_key_of(record: Record) -> str:
    """The thing that a record changes."""
    return record.key if record.order_key is None else record.order_key


def _row(row: Row[Any]) -> KnownRow:
    return KnownRow(
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


def _remembered(row: Row[Any]) -> KnownRow:
    return KnownRow(
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


def _remembered_push(row: Row[Any]) -> KnownRow:
    return KnownRow(
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
