"""`hub up`, `hub scheduler` and `hub worker` as processes of their own."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil
import pytest

from hub import listening
from hub.testing.servers import Postgres
from tests.cli.conftest import Hub, Served
from tests.forked import Forked

#: Seconds that something may take which takes a few on a machine at rest.
SOON = 60.0


@dataclass(kw_only=True)
class Process:
    """A command of the hub that runs, on ports of its own."""

    process: Forked
    ports: Mapping[str, int]
    known: set[psutil.Process] = field(default_factory=set)

    def url(self, name: str, path: str) -> str:
        return f"http://127.0.0.1:{self.ports[name]}{path}"

    def answers(self, name: str, path: str) -> bool:
        try:
            # Without the authorities of TLS, which each call would read anew.
            return httpx.get(self.url(name, path), timeout=5, verify=False).status_code == 200
        except httpx.TransportError:
            return False

    def family(self) -> set[psutil.Process]:
        """All processes that it has started so far and that still run."""
        self.known |= set(psutil.Process(self.process.pid).children(recursive=True))
        return {one for one in self.known if _runs(one)}

    def child(self, command: str) -> psutil.Process:
        """Its direct child that runs this command."""
        [found] = [
            one for one in psutil.Process(self.process.pid).children() if one.cmdline()[-1:] == [command]
        ]
        return found

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(SOON)


@pytest.fixture
def start(hub: Hub) -> Iterator[Callable[..., Process]]:
    """Starts `hub …`; whatever it left behind is killed."""
    started: list[Process] = []

    def run(*arguments: str, **environment: str) -> Process:
        chosen = {name: listening.free() for name in ("web", "worker", "scheduler")}
        own = {
            "HUB_WEB_PORT": str(chosen["web"]),
            "HUB_WORKER_METRICS_PORT": str(chosen["worker"]),
            "HUB_SCHEDULER_METRICS_PORT": str(chosen["scheduler"]),
            "HUB_SHUTDOWN_TIMEOUT": "10",
            # What a killed worker held is soon somebody else's.
            "HUB_SWEEP_INTERVAL": "0.3",
            "HUB_BELL_AGE": "2",
            "HUB_POLL_LEASE": "3",
            "HUB_CLAIM_LEASE": "3",
            "HUB_LEADER_LEASE": "3",
        }
        process = Forked(arguments, {**os.environ, **own, **environment}, apart=True)
        started.append(Process(process=process, ports=chosen))
        return started[-1]

    yield run
    for one in started:
        with one.process:
            one.process.kill()
        for left in one.known:
            if _runs(left):
                left.kill()


def until(condition: Callable[[], bool]) -> None:
    """Waits for it."""
    end = time.monotonic() + SOON
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def reported(source: Served) -> int:
    outcomes: int = source.platform.summary()["outcomes"]
    return outcomes


def test_up_runs_everything_and_replaces_what_is_killed(
    hub: Hub, prices: str, source: Served, start: Callable[..., Process]
) -> None:
    """Records go through, also with the worker that takes a killed one's place, and nothing is left in the end."""
    up = start("up")
    until(lambda: reported(source) == 20)
    until(lambda: up.answers("web", "/healthz") and up.answers("scheduler", "/readyz"))
    until(lambda: up.answers("worker", "/metrics"))
    up.family()
    first = up.child("worker")
    assert first.nice() == up.child("web").nice() + 5  # who asks is answered before records are moved
    first.kill()
    source.platform.commands()["records"]({"count": 5})
    hub.ok("connection", "resume", prices)  # polls at once
    until(lambda: reported(source) == 25)

    assert up.child("worker") != first
    family = up.family()
    assert up.end() == 0
    assert not [one for one in family if _runs(one)]
    assert source.platform.summary()["by_status"] == {"success": 25}


def test_nothing_outlives_an_up_that_is_killed(hub: Hub, start: Callable[..., Process]) -> None:
    """Neither its processes, nor theirs, nor the embedded broker."""
    up = start("up")
    until(lambda: all(up.answers(name, "/healthz") for name in ("web", "scheduler", "worker")))
    family = up.family()
    assert len(family) >= 5
    up.end(signal.SIGKILL)

    until(lambda: not any(map(_runs, family)))
    until(lambda: not _serves(str(hub.home / "valkey")))


def test_a_port_that_is_taken_is_said_before_anything_starts(hub: Hub, start: Callable[..., Process]) -> None:
    """With the variable that names another."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        up = start("up", HUB_WEB_PORT=str(taken.getsockname()[1]))
        _, said = up.process.communicate(timeout=SOON)

    assert up.process.returncode == 2
    assert said.startswith("error: HUB_WEB_PORT: cannot listen")


def test_one_of_two_schedulers_leads_and_the_other_takes_over(
    hub: Hub, prices: str, redis_url: str, start: Callable[..., Process]
) -> None:
    """Only the leader shows what is read from the ledger."""

    def leads(scheduler: Process) -> bool:
        metrics = httpx.get(scheduler.url("scheduler", "/metrics"), verify=False).text
        return (
            'hub_lease_held{lease="scheduler"} 1.0' in metrics
            and 'hub_records{connection="prices"' in metrics
        )

    pair = [start("scheduler", HUB_REDIS_URL=redis_url) for _ in range(2)]
    for one in pair:
        until(lambda: one.answers("scheduler", "/readyz"))  # noqa: B023 - it is called at once
    until(lambda: sum(map(leads, pair)) == 1)
    leader, other = sorted(pair, key=leads, reverse=True)

    assert leader.end() == 0
    until(lambda: leads(other))
    assert other.end(signal.SIGINT) == 0


def test_a_scheduler_whose_store_is_away_is_alive_but_not_ready(
    redis_url: str,
    start: Callable[..., Process],
    make_postgres: Callable[[], Postgres],
    hub: Hub,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A liveness probe must not restart what only waits; it goes on by itself."""
    server = make_postgres()
    monkeypatch.setenv("HUB_DATABASE_URL", server.url())
    hub.ok("db", "upgrade")
    scheduler = start("scheduler", HUB_REDIS_URL=redis_url)
    until(lambda: scheduler.answers("scheduler", "/readyz"))
    server.stop()
    until(lambda: not scheduler.answers("scheduler", "/readyz"))

    assert scheduler.answers("scheduler", "/healthz")
    server.start()
    until(lambda: scheduler.answers("scheduler", "/readyz"))
    assert scheduler.end() == 0


@pytest.mark.parametrize("command", ("worker", "scheduler", "web"))
def test_a_store_that_nobody_upgraded_is_said_once(
    hub: Hub, start: Callable[..., Process], command: str
) -> None:
    """Without a traceback, with the command that helps."""
    hub.home.mkdir(exist_ok=True)
    process = start(command, HUB_DATABASE_URL=f"sqlite:///{hub.home / 'other.db'}")
    _, said = process.process.communicate(timeout=SOON)

    assert process.process.returncode == 3
    assert "hub db upgrade" in said.splitlines()[-1]
    assert "Traceback" not in said


def test_a_broker_that_is_away_is_said_once(hub: Hub, start: Callable[..., Process]) -> None:
    """With the variable that names another."""
    worker = start("worker", HUB_REDIS_URL=f"redis://127.0.0.1:{listening.free()}/0")
    _, said = worker.process.communicate(timeout=SOON)

    assert worker.process.returncode == 3
    assert "HUB_REDIS_URL" in said.splitlines()[-1]


def test_a_workers_processes_end_with_it(
    hub: Hub,
    redis_url: str,
    start: Callable[..., Process],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """Also when it is killed, and has no time to stop them. The next one removes the files of its metrics."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    worker = start("worker", "--processes", "2", "--threads", "2", HUB_REDIS_URL=redis_url)
    until(lambda: worker.answers("worker", "/metrics"))
    family = worker.family()
    assert len(family) == 3
    worker.end(signal.SIGKILL)

    until(lambda: not any(map(_runs, family)))
    assert len(list(tmp_path.glob("hub-metrics-*"))) == 1
    next_one = start("worker", HUB_REDIS_URL=redis_url)
    until(lambda: next_one.answers("worker", "/metrics"))
    assert len(list(tmp_path.glob("hub-metrics-*"))) == 1
    assert next_one.end() == 0
    assert list(tmp_path.glob("*hub-metrics-*")) == []


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _serves(folder: str) -> bool:
    """Whether a Valkey works in this folder."""
    for process in psutil.process_iter(["name"]):
        try:
            if "valkey" in process.name() and process.cwd() == folder:
                return True
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return False
