"""Counts that move with the records, in the same transaction: by stream, by run and by group."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from sqlalchemy import Connection

from hub.store.database import Database, rowset
from hub.store.rows import SETTLED_STATES, STATES, Locked
from hub.store.together import Statement, statement

_TALLY_COLUMNS = ("admitted", *STATES, "reported", "report_dead", "coalesced")
_RUN_COLUMNS = ("success", "skipped", "rejected", "dead", "superseded", "reported")
_GROUP_COLUMNS = ("admitted", "created", *SETTLED_STATES)

_UPSERT_TALLY = (
    f"INSERT INTO tally (connection_id, stream, tenant_id, {', '.join(_TALLY_COLUMNS)}) "
    f"VALUES (:connection_id, :stream, :tenant_id, {', '.join(f':{name}' for name in _TALLY_COLUMNS)}) "
    "ON CONFLICT (connection_id, stream) DO UPDATE SET "
    + ", ".join(f"{name} = tally.{name} + excluded.{name}" for name in _TALLY_COLUMNS)
)
_ADD_TO_RUNS = ", ".join(f"{name} = run.{name} + v.{name}" for name in _RUN_COLUMNS)
_UPSERT_GROUP = (
    f"INSERT INTO recordgroup (connection_id, stream, name, tenant_id, {', '.join(_GROUP_COLUMNS)}) "
    f"VALUES (:connection_id, :stream, :name, :tenant_id, {', '.join(f':{name}' for name in _GROUP_COLUMNS)}) "
    "ON CONFLICT (connection_id, stream, name) DO UPDATE SET "
    + ", ".join(f"{name} = recordgroup.{name} + excluded.{name}" for name in _GROUP_COLUMNS)
    + ", closed_at = CASE WHEN excluded.admitted > 0 THEN NULL ELSE recordgroup.closed_at END"
)


def counted_report(report_state: str, reported_at: int | None) -> str | None:
    """The count that a settled record's report stands in: reported, report_dead, or neither yet.

    An outcome that was acknowledged once stays reported, whatever becomes of its repetitions.
    """
    if reported_at is not None or report_state in ("none", "discarded"):
        return "reported"
    return "report_dead" if report_state == "dead" else None


class Moves:
    """Collects what a transaction moves and writes it at its end in a few statements."""

    def __init__(self) -> None:
        self._streams: dict[str, Counter[str]] = defaultdict(Counter)
        self._runs: dict[int, Counter[str]] = defaultdict(Counter)
        self._groups: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)

    def admit(self, stream: str, state: str, *, run_id: int | None, group: str | None) -> None:
        """A new record enters in ``state``."""
        self._streams[stream]["admitted"] += 1
        if group is not None:
            self._groups[stream, group]["admitted"] += 1
        self._enter(stream, state, run_id, group, 1)

    def move(self, stream: str, old: str, new: str, *, run_id: int | None, group: str | None) -> None:
        """A record goes from one state to another."""
        self._enter(stream, old, run_id, group, -1)
        self._enter(stream, new, run_id, group, 1)

    def create(self, stream: str, *, group: str | None) -> None:
        """A record made something new where it went."""
        if group is not None:
            self._groups[stream, group]["created"] += 1

    def report(self, stream: str, *, run_id: int | None, by: int = 1) -> None:
        """A settled record's report was acknowledged, is not needed, or (``by`` -1) has to be made anew."""
        self._streams[stream]["reported"] += by
        if run_id is not None:
            self._runs[run_id]["reported"] += by

    def report_dead(self, stream: str, *, by: int = 1) -> None:
        """A report was refused for good, or (``by`` -1) is tried again."""
        self._streams[stream]["report_dead"] += by

    def unreport(self, stream: str, *, counted: str | None, run_id: int | None) -> None:
        """What a settled record was counted as (see ``counted_report``) does not hold any more."""
        if counted == "reported":
            self.report(stream, run_id=run_id, by=-1)
        elif counted == "report_dead":
            self.report_dead(stream, by=-1)

    def coalesce(self, stream: str) -> None:
        """A newer version took the place of one that waited."""
        self._streams[stream]["coalesced"] += 1

    def write(self, db: Database, tx: Connection, connection: Locked) -> None:
        """Add everything to the stored counts."""
        db.together(tx, *self.statements(db, connection))

    def statements(self, db: Database, connection: Locked) -> Sequence[Statement]:
        """What adds everything to the stored counts."""
        ids = {"connection_id": connection.id, "tenant_id": connection.tenant_id}
        made = [
            statement(_UPSERT_TALLY, **ids, stream=stream, **{name: counts[name] for name in _TALLY_COLUMNS})
            for stream, counts in self._streams.items()
        ]
        if self._runs:
            made.append(self._add_to_runs(db))
        for (stream, group), counts in self._groups.items():
            values = {name: counts[name] for name in _GROUP_COLUMNS}
            made.append(statement(_UPSERT_GROUP, **ids, stream=stream, name=group, **values))
        return made

    def _add_to_runs(self, db: Database) -> Statement:
        """All at once: the records of one slice may have come one by one, each in a run of its own."""
        shape = dict.fromkeys(_RUN_COLUMNS, "integer")
        rows = [
            {"id": run_id, **{name: counts[name] for name in _RUN_COLUMNS}}
            for run_id, counts in self._runs.items()
        ]
        return statement(
            f"UPDATE run SET {_ADD_TO_RUNS} FROM {db.rows('runs', id='bigint', **shape)} WHERE run.id = v.id",
            runs=rowset(rows),
        )

    def _enter(self, stream: str, state: str, run_id: int | None, group: str | None, by: int) -> None:
        self._streams[stream][state] += by
        if run_id is not None and state in _RUN_COLUMNS:
            self._runs[run_id][state] += by
        if group is not None and state in SETTLED_STATES:
            self._groups[stream, group][state] += by
