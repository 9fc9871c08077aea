"""The demo from its first process to its verdict."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from hub import connection_file, connection_save, event_loop
from hub.boot import open_runtime
from hub.connection_save import Saved
from hub.demo import scene
from hub.demo.evidence import Check, Evidence, judge, summary
from hub.demo.stage import PriceStage
from hub.records import JSON
from hub.settings import Settings
from hub.store import connections, runs, stats
from hub.store.database import Database
from hub.store.opening import open_store
from hub.store.stats import StreamStats

#: Seconds between two looks.
PAUSE = 0.25


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far it is. ``faults`` counts what went wrong on either side so far, by kind."""

    seconds: float
    expected: int
    admitted: int = 0
    settled: int = 0
    reported: int = 0
    failed: int = 0
    faults: JSON = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Result:
    """How it ended."""

    seconds: float
    in_time: bool
    numbers: dict[str, Any]
    faults: JSON
    checks: Sequence[Check]

    @property
    def ok(self) -> bool:
        """Every invariant holds."""
        return self.in_time and all(check.ok for check in self.checks)


def play(stage: PriceStage, *, records: int, timeout: float, show: Callable[[Progress], None]) -> Result:
    """Run the demo on a stage that is up, for at most ``timeout`` seconds. Raises ``HubError``."""
    settings = Settings()
    started = time.monotonic()
    event_loop.run(_connect(settings, stage))
    stage.source.set_faults(scene.SOURCE_FAULTS)
    stage.destination.set_faults(scene.DESTINATION_FAULTS)
    db = open_store(settings)
    try:
        in_time = _watch(db, stage, records, started, timeout, show)
        seconds = round(time.monotonic() - started, 1)
        evidence = _collect(db, stage, records)
    finally:
        db.close()
    return Result(
        seconds=seconds,
        in_time=in_time,
        numbers=summary(evidence),
        faults=_faults(stage),
        checks=judge(evidence),
    )


async def _connect(settings: Settings, stage: PriceStage) -> Saved:
    """A tenant and its connection, as `hub tenant add` and `hub connection add` do it."""
    written = scene.connection(source=stage.source.url, destination=stage.destination.url)
    runtime = open_runtime(settings, redis_url=None)
    try:
        connections.add_tenant(runtime.db, scene.TENANT)
        file = connection_file.parse(written)
        return await connection_save.save(runtime, tenant=scene.TENANT, name=scene.CONNECTION, file=file)
    finally:
        await runtime.close()


def _watch(
    db: Database,
    stage: PriceStage,
    records: int,
    started: float,
    timeout: float,
    show: Callable[[Progress], None],
) -> bool:
    """Until all is reported; False if the time ran out before."""
    while True:
        stage.look()
        progress = _progress(stats.by_stream(db), _faults(stage), records, time.monotonic() - started)
        show(progress)
        if progress.reported >= records and not stage.source.summary()["pending"]:
            return True
        if progress.seconds > timeout:
            return False
        time.sleep(PAUSE)


def _progress(streams: Sequence[StreamStats], faults: JSON, expected: int, seconds: float) -> Progress:
    admitted = sum(stream.admitted for stream in streams)
    return Progress(
        seconds=seconds,
        expected=expected,
        admitted=admitted,
        settled=admitted - sum(stream.backlog for stream in streams),
        reported=sum(stream.reported for stream in streams),
        failed=sum(stream.states["rejected"] for stream in streams),
        faults=faults,
    )


def _faults(stage: PriceStage) -> JSON:
    destination, source = stage.destination.summary(), stage.source.summary()
    return {"destination": destination["injected"], "source": source["injected"]}


def _collect(db: Database, stage: PriceStage, records: int) -> Evidence:
    batches: dict[str, str] = {}
    for run in runs.list_runs(db, limit=records):
        batches |= run["facts"].get("batch_final_status", {})
    return Evidence(
        expected=records,
        source=stage.source.state(),
        destination=stage.destination.state(),
        streams=stats.by_stream(db),
        batches=batches,
    )
