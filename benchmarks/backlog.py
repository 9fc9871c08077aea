"""What a record costs when many wait, and when two workers share one connection. On PostgreSQL.

    python -m benchmarks.backlog [--rounds 3] [--records 1000]

Cost is CPU time, of the workers and of the database together, for each record pushed and reported, from the moment
the connection is let go until ``records`` outcomes are in. Each pair is measured one after the other, ``rounds`` times.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from benchmarks.command import options, scratch
from benchmarks.figures import Figure, finish, middle, note
from benchmarks.world import Hub, hub, prices, process, reset, simulator, summary, wait
from connectors.merchantops.mapping import parse_page
from hub.boot import open_runtime
from hub.event_loop import run
from hub.loop.admission import admit_page
from hub.records import Page, Record
from hub.settings import Settings

FEW = 1_000
MANY = 100_000
PAGE = 1_000


@dataclass(frozen=True, kw_only=True)
class Case:
    """One measurement: how many wait, and how many worker processes there are."""

    waiting: int
    processes: int = 1


def cost(
    folder: Path, case: Case, records: Sequence[Record], source: str, destination: str, count: int
) -> float:
    """CPU milliseconds a record."""
    reset(source)
    reset(destination)
    with hub(folder, prices(source, destination)) as one:
        run(_fill(one, records[: case.waiting]))
        with process(
            "-m", "benchmarks.worker", env={**one.env, "HUB_PROCESSES": str(case.processes)}
        ) as worker:
            assert worker.stdout is not None
            worker.stdout.readline()  # "ready"
            before = _cpu(worker.pid, folder)
            _let_go(one)
            wait(lambda: summary(source)["outcomes"] >= min(count, case.waiting), "the outcomes", every=0.05)
            spent = _cpu(worker.pid, folder) - before
            done = summary(source)["outcomes"]
        _refuse_doubles(source, destination)
    return spent / done * 1000


async def _fill(one: Hub, records: Sequence[Record]) -> None:
    """Put records straight into the ledger, as pages that were polled."""
    runtime = open_runtime(Settings(), redis_url=None)
    pipeline = await runtime.pipeline(1)
    for start in range(0, len(records), PAGE):
        page = Page(records=records[start : start + PAGE])
        await runtime.db.run(admit_page, runtime.db, pipeline, page, kind="poll")
    await runtime.close()
    with one.db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE")


def _let_go(one: Hub) -> None:
    """Let the records be worked, without a poll: what waits is what was put there."""
    with one.db.transaction() as tx:
        one.db.execute(tx, "DELETE FROM bell")
        one.db.execute(tx, "UPDATE schedule SET due_at = due_at + 86400000000")
        one.db.execute(tx, "UPDATE connection SET paused = false")


def _cpu(worker: int, folder: Path) -> float:
    """CPU seconds so far of the workers and of the database, children that have ended included."""
    postmaster = int((folder / "postgres" / "postmaster.pid").read_text().splitlines()[0])
    return sum(_tree(pid) for pid in (worker, postmaster))


def _tree(pid: int) -> float:
    parent = psutil.Process(pid)
    total = 0.0
    for one in [parent, *parent.children(recursive=True)]:
        try:
            times = one.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


def _refuse_doubles(source: str, destination: str) -> None:
    """No record may have been claimed twice: the destination would have seen it twice."""
    seen, reported = summary(destination), summary(source)
    if seen["repeated"] or seen["doubled"] or reported["repeated_outcomes"]:
        raise SystemExit(f"records were worked twice: {seen}, {reported}")


def _records(source: str) -> Sequence[Record]:
    answer = httpx.get(
        f"{source}/api/pricing/pending-publishes",
        params={"target_key": "custom", "limit": MANY},
        headers={"Authorization": "Bearer simulator-key"},
        timeout=60,
    )
    return parse_page(answer.content).records


def measure(folder: Path, rounds: int, count: int) -> Sequence[Figure]:
    """Both pairs."""
    few, many, one, two = (
        Case(waiting=FEW),
        Case(waiting=MANY),
        Case(waiting=20_000),
        Case(waiting=20_000, processes=2),
    )
    costs: dict[Case, list[float]] = {case: [] for case in (few, many, one, two)}
    with (
        simulator("connectors.merchantops.simulator", records=MANY, limit_cap=MANY) as source,
        simulator("hub.testing.destination") as destination,
    ):
        records = _records(source)
        for turn in range(rounds):
            for case, found in costs.items():
                name = f"{turn}-{case.waiting}-{case.processes}"
                found.append(cost(folder / name, case, records, source, destination, count))
                note(f"round {turn + 1}: {case} {found[-1]:.3f} ms CPU a record")
    return [
        _figure("CPU a record with 100,000 waiting", costs[many], "with 1,000 waiting", costs[few], 1.3),
        _figure(
            "CPU a record with two workers on one connection", costs[two], "with one worker", costs[one], 1.25
        ),
    ]


def _figure(name: str, mine: list[float], against: str, other: list[float], goal: float) -> Figure:
    return Figure(
        figure=name,
        value=middle(mine),
        unit="ms",
        against=f"{against}: {middle(other):.3f} ms",
        ratio=middle([a / b for a, b in zip(mine, other, strict=True)]),
        goal=goal,
        at_most=True,
        rounds=len(mine),
    )


def main() -> None:
    """See the module."""
    given = options(__doc__, rounds=3, records=1000)
    with scratch() as folder:
        figures = measure(folder, given.rounds, given.records)
    finish(figures)


if __name__ == "__main__":
    main()
