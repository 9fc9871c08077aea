"""Processes that are kept running, and processes that do not outlive their parent."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import psutil
import pytest

#: Runs the members given as JSON and ends as the supervisor says.
SUPERVISOR = """
import json, sys
from hub.fleet.supervisor import Member, Supervisor
members = [Member(name=str(at), command=[sys.executable, "-c", code]) for at, code in enumerate(json.loads(sys.argv[1]))]
sys.exit(Supervisor(members, grace=float(sys.argv[2])).run())
"""

#: Says that it lives, in a file, and goes on.
PATIENT = """
import os, time
print(os.getpid(), file=open({path!r}, "a"), flush=True)
time.sleep(600)
"""
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)" + PATIENT
#: Says that it lives, and ends.
SHORT = PATIENT.replace("time.sleep(600)", "raise SystemExit(7)")
WRONG = PATIENT.replace("time.sleep(600)", "raise SystemExit(2)")
PARENT = (
    """
import subprocess, sys
subprocess.Popen([sys.executable, "-c", {child!r}])
"""
    + PATIENT
)

#: Starts a child that ends with it, and goes on.
LIFELINE = """
import os, subprocess, sys, time
code = '''
import os, signal, sys, time
from hub.fleet import lifeline
if sys.argv[2] == "deaf":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
lifeline.end_with(int(sys.argv[1]), patience=0.2)
print("ready", flush=True)
time.sleep(600)
'''
child = subprocess.Popen([sys.executable, "-c", code, str(os.getpid()), sys.argv[1]], stdout=subprocess.PIPE)
child.stdout.readline()
print(child.pid, flush=True)
time.sleep(600)
"""

#: Seconds that something may take which takes no time on a machine at rest.
SOON = 30.0

Supervise = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def supervise() -> Iterator[Supervise]:
    """Starts a supervisor of members given as code."""
    started: list[subprocess.Popen[bytes]] = []

    def run(*members: str, grace: float = 20.0) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", SUPERVISOR, json.dumps(members), str(grace)]
        started.append(subprocess.Popen(command, stderr=subprocess.DEVNULL))
        return started[-1]

    yield run
    for process in started:
        process.kill()
        process.wait()


@pytest.fixture
def lives(tmp_path: Path) -> Iterator[Lives]:
    """Who lived under a name; whoever still does in the end is killed."""
    found = Lives(tmp_path)
    yield found
    for pid in found.all():
        if psutil.pid_exists(pid):
            psutil.Process(pid).kill()


class Lives:
    """The files that members write their process ids to."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, name: str) -> str:
        return str(self._folder / f"{name}.pids")

    def of(self, name: str, number: int = 1) -> Sequence[int]:
        """The process ids of a member, once it has been started so often."""
        path = Path(self.path(name))
        until(lambda: path.exists() and len(path.read_text().splitlines()) >= number)
        return [int(line) for line in path.read_text().splitlines()]

    def all(self) -> Sequence[int]:
        return [int(line) for path in self._folder.glob("*.pids") for line in path.read_text().splitlines()]


def until(condition: Callable[[], bool]) -> None:
    """Waits for it."""
    end = time.monotonic() + SOON
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def gone(pid: int) -> bool:
    """Whether a process has ended, waited for or not."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_a_member_that_ends_is_started_anew(supervise: Supervise, lives: Lives) -> None:
    """Whatever its exit code, and the others go on."""
    supervise(SHORT.format(path=lives.path("short")), PATIENT.format(path=lives.path("patient")))

    assert len(set(lives.of("short", 3))) == 3
    assert len(lives.of("patient")) == 1


@pytest.mark.parametrize("number", (signal.SIGTERM, signal.SIGINT))
def test_a_signal_ends_all_members(supervise: Supervise, lives: Lives, number: signal.Signals) -> None:
    """In order, with 0."""
    supervisor = supervise(*(PATIENT.format(path=lives.path(name)) for name in "ab"))
    pids = [*lives.of("a"), *lives.of("b")]
    supervisor.send_signal(number)

    assert supervisor.wait(SOON) == 0
    assert all(map(gone, pids))


def test_who_does_not_heed_is_killed_after_the_grace(supervise: Supervise, lives: Lives) -> None:
    """The supervisor says so with 1."""
    supervisor = supervise(DEAF.format(path=lives.path("deaf")), grace=0.3)
    [pid] = lives.of("deaf")
    supervisor.terminate()

    assert supervisor.wait(SOON) == 1
    assert gone(pid)


def test_a_second_signal_is_for_whoever_has_no_time(supervise: Supervise, lives: Lives) -> None:
    """The grace is over at once."""
    supervisor = supervise(DEAF.format(path=lives.path("deaf")), grace=600)
    [pid] = lives.of("deaf")
    supervisor.send_signal(signal.SIGINT)
    with pytest.raises(subprocess.TimeoutExpired):
        supervisor.wait(0.5)
    supervisor.send_signal(signal.SIGINT)

    assert supervisor.wait(SOON) == 1
    assert gone(pid)


def test_what_a_member_started_does_not_survive_it(supervise: Supervise, lives: Lives) -> None:
    """Even if the member left it behind."""
    child = PATIENT.format(path=lives.path("child"))
    supervisor = supervise(PARENT.format(child=child, path=lives.path("parent")))
    [pid] = lives.of("child")
    [parent] = lives.of("parent")
    psutil.Process(parent).kill()
    lives.of("parent", 2)

    assert gone(pid)
    supervisor.terminate()
    assert supervisor.wait(SOON) == 0
    assert all(map(gone, lives.all()))


def test_a_wrong_configuration_is_not_tried_again(supervise: Supervise, lives: Lives) -> None:
    """Starting again would not mend it: everything ends, with 2."""
    supervisor = supervise(PATIENT.format(path=lives.path("patient")), WRONG.format(path=lives.path("wrong")))

    assert supervisor.wait(SOON) == 2
    assert len(lives.of("wrong")) == 1
    assert all(map(gone, lives.all()))


@pytest.mark.parametrize("kind", ("heedful", "deaf"))
def test_a_child_does_not_outlive_a_parent_that_is_killed(kind: str) -> None:
    """It has no chance to tell anybody, and the child may not even heed SIGTERM."""
    with subprocess.Popen([sys.executable, "-c", LIFELINE, kind], stdout=subprocess.PIPE) as parent:
        assert parent.stdout
        child = int(parent.stdout.readline())
        parent.kill()

    until(lambda: gone(child))
