"""Writing what an admission has decided: everything of a page in a few statements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection

from hub.store.database import Database, rowset
from hub.store.ledger.known import KnownRow
from hub.store.rows import Locked
from hub.store.together import Statement, statement

#: So many rows go in with everything else that is written; copying more of them is quicker, and a message of its own.
FEW_ROWS = 100
#: Columns of which a ``KnownRow`` has a field.
_FIELDS = {
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
    "claim_id": "bigint",
    "report_state": "text",
    "reported_at": "bigint",
}
#: Those that stand in its ``extra``, if anywhere.
_EXTRA = {
    "status": "text",
    "error": "text",
    "response_code": "integer",
    "duration_ms": "integer",
    "external_id": "text",
    "total_attempts": "integer",
    "report_due_at": "bigint",
    "settled_at": "bigint",
    "finished_at": "bigint",
}
_INSERT = {**_FIELDS, **_EXTRA}
_NO_EXTRA = {**dict.fromkeys(_EXTRA), "total_attempts": 0}
_fields_of = attrgetter(*("group" if name == "group_name" else name for name in _FIELDS))


@dataclass(kw_only=True)
class Changes:
    """Rows to insert, to restore where they were pruned, to change, to report again, and to follow at once."""

    db: Database
    tx: Connection
    connection: Locked
    inserts: list[KnownRow] = field(default_factory=list)
    restored: list[KnownRow] = field(default_factory=list)
    changed: dict[int, KnownRow] = field(default_factory=dict)
    repeats: list[int] = field(default_factory=list)
    poked: list[int] = field(default_factory=list)

    def change(self, row: KnownRow) -> None:
        """Note a row; one that is only to be inserted carries its change along."""
        if row.id is not None:
            self.changed[row.id] = row

    def write(self) -> Sequence[Statement]:
        """Insert what others have to refer to, and what is quicker alone; gives the statements that are left to run."""
        if any(row.successor is not None for row in (*self.inserts, *self.changed.values())):
            self._insert_to_know(self.inserts, _INSERT)
            left = []
        else:
            left = self._insert_unlinked(self.inserts)
        if self.restored:
            self._insert_to_know(self.restored, {"id": "bigint", **_INSERT})
        if self.changed:
            left.append(self._update())
        return [*left, *self._link(), *self._repeat(), *self._poke()]

    def _repeat(self) -> Sequence[Statement]:
        if not self.repeats:
            return ()
        again = statement(
            "UPDATE record SET report_state = 'waiting', report_due_at = :now, report_attempts = 0, "
            f"finished_at = NULL WHERE id IN (SELECT v.id FROM {self.db.rows('ids', id='bigint')})",
            now=self.connection.now,
            ids=rowset([{"id": one} for one in self.repeats]),
        )
        return (again,)

    def _poke(self) -> Sequence[Statement]:
        if not self.poked:
            return ()
        at_once = statement(
            "UPDATE record SET due_at = :now WHERE claim_id IS NULL AND state = 'awaiting' "
            f"AND id IN (SELECT v.id FROM {self.db.rows('ids', id='bigint')})",
            now=self.connection.now,
            ids=rowset([{"id": one} for one in self.poked]),
        )
        return (at_once,)

    def _insert_to_know(self, new: Sequence[KnownRow], shape: Mapping[str, str]) -> None:
        if not new:
            return
        made = self._insert(new, shape, "RETURNING id, stream, key, number")
        (rows,) = self.db.together(self.tx, made)
        inserted = {(row.stream, row.key, row.number): row.id for row in rows}
        for row in new:
            row.id = inserted[row.stream, row.key, row.number]

    def _insert(self, new: Sequence[KnownRow], shape: Mapping[str, str], returning: str = "") -> Statement:
        columns = ", ".join(shape)
        return statement(
            f"INSERT INTO record (tenant_id, connection_id, {columns}, attempts, lost_claims, report_attempts, "
            f"admitted_at) SELECT :tenant, :connection, {columns}, 0, 0, 0, :now "
            # the constant condition keeps SQLite from reading what follows as part of a join
            f"FROM {self.db.rows('rows', **shape)} WHERE true {returning}",
            tenant=self.connection.tenant_id,
            connection=self.connection.id,
            now=self.connection.now,
            rows=rowset([_insertable(row) for row in new]),
        )

    def _insert_unlinked(self, new: Sequence[KnownRow]) -> list[Statement]:
        """Nobody refers to these rows yet, so that their ids need not be known: the quickest way will do."""
        if not new:
            return []
        if len(new) <= FEW_ROWS:
            return [self._insert(new, _INSERT)]
        alike = {
            "tenant_id": self.connection.tenant_id,
            "connection_id": self.connection.id,
            "attempts": 0,
            "total_attempts": 0,
            "lost_claims": 0,
            "report_attempts": 0,
            "admitted_at": self.connection.now,
        }
        rows = [(*alike.values(), *_fields_of(row)) for row in new]  # what has an ``extra`` has a successor
        self.db.insert_new(self.tx, "record", (*alike, *_FIELDS), rows)
        return []

    def _update(self) -> Statement:
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
        return statement(
            "UPDATE record SET state = v.state, ready = v.ready, due_at = v.due_at, version = v.version, number = v.number, "
            "content_hash = v.content_hash, payload = coalesce(v.payload, record.payload), "
            f"attempts = {fresh.format('attempts')}, total_attempts = {fresh.format('total_attempts')}, "
            f"lost_claims = {fresh.format('lost_claims')}, "
            "status = coalesce(v.status, record.status), error = coalesce(v.error, record.error), "
            "report_state = v.report_state, report_due_at = coalesce(v.report_due_at, record.report_due_at), "
            "settled_at = coalesce(v.settled_at, record.settled_at), "
            "finished_at = coalesce(v.finished_at, record.finished_at), changed_at = :now "
            f"FROM {self.db.rows('rows', **shape)} WHERE record.id = v.id",
            rows=rowset([_updatable(row) for row in self.changed.values()]),
            now=self.connection.now,
        )

    def _link(self) -> Sequence[Statement]:
        links = [
            {"id": row.id, "successor": row.successor.id}
            for row in (*self.inserts, *self.changed.values())
            if row.successor is not None
        ]
        if not links:
            return ()
        link = statement(
            "UPDATE record SET superseded_by = v.successor "
            f"FROM {self.db.rows('rows', id='bigint', successor='bigint')} WHERE record.id = v.id",
            rows=rowset(links),
        )
        return (link,)


def _insertable(row: KnownRow) -> dict[str, Any]:
    return {"id": row.id, **dict(zip(_FIELDS, _fields_of(row), strict=True)), **_NO_EXTRA, **row.extra}


def _updatable(row: KnownRow) -> dict[str, Any]:
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
