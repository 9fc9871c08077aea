"""One scheduler or worker as a process of its own that starts at once and can be killed, stopped and put to sleep."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from importlib.metadata import entry_points
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Literal

from hub.testing.crash_points import POINTS, arm

#: Seconds that it may take to end.
PATIENCE = 60.0
#: Lines of what it wrote that a failure shows.
LINES_SHOWN = 15

Kind = Literal["scheduler", "worker"]

#: What every member imports is imported once, in the server that they are forked from: not what reads the environment
#: when it is imported, which is Dramatiq and the client of Prometheus.
_PRELOADED = (
    "hub.boot",
    "hub.log",
    "hub.event_loop",
    "hub.http.transport",
    "hub.loop.poll",
    "hub.loop.sweep",
    "hub.loop.work",
    "redis.asyncio",
    "sqlalchemy.dialects.postgresql.psycopg",
    "psycopg",
    __name__,
)


class Member:
    """A process with all that it starts: they share a session, and signals reach them all.

    ``doomed`` names one of ``hub.testing.crash_points`` and, if it should die of one record alone, its key.
    """

    def __init__(
        self,
        kind: Kind,
        *,
        environment: Mapping[str, str],
        log: Path,
        doomed: tuple[str, str | None] | None = None,
    ) -> None:
        self.name = log.stem
        self._log = log
        self._process = forkserver().Process(target=_run, args=(kind, dict(environment), log, doomed))
        self._process.start()

    @property
    def killed(self) -> bool:
        """Whether it ended by SIGKILL."""
        return self._process.exitcode == -signal.SIGKILL

    @property
    def failed(self) -> bool:
        """Whether it gave up, for a reason of its own."""
        return (self._process.exitcode or 0) > 0

    def kill(self) -> None:
        """SIGKILL to all of it, as when memory is short or a machine is gone."""
        self._signal(signal.SIGKILL)
        self._join()

    def fall_asleep(self) -> None:
        """SIGSTOP to all of it, as when a machine is suspended."""
        self._signal(signal.SIGSTOP)

    def wake_up(self) -> None:
        """SIGCONT to all of it."""
        self._signal(signal.SIGCONT)

    def stop(self) -> float:
        """SIGTERM, as an operator would; returns the seconds that it took to end."""
        began = time.monotonic()
        self._process.terminate()
        self._join()
        return time.monotonic() - began

    def said(self) -> str:
        """The last lines of what it wrote."""
        text = self._log.read_text(errors="replace") if self._log.exists() else ""
        return "\n".join((f"{self.name} ({self._process.exitcode}):", *text.splitlines()[-LINES_SHOWN:]))

    def _join(self) -> None:
        self._process.join(PATIENCE)
        if self._process.exitcode is None:
            raise AssertionError(f"it does not end\n{self.said()}")

    def _signal(self, number: signal.Signals) -> None:
        """To its session; to itself alone where it was born just now and has none."""
        if self._process.pid is None or self._process.exitcode is not None:
            return
        with suppress(ProcessLookupError):
            try:
                os.killpg(self._process.pid, number)
            except ProcessLookupError:
                os.kill(self._process.pid, number)


@cache
def forkserver() -> ForkServerContext:
    """What members are forked from, with all imported that they need and that reads no environment."""
    context = multiprocessing.get_context("forkserver")
    plugins = [
        entry.module
        for group in ("hub.connectors", "hub.destinations")
        for entry in entry_points(group=group)
    ]
    context.set_forkserver_preload([*_PRELOADED, *plugins])
    return context


def _run(kind: Kind, environment: dict[str, str], log: Path, doomed: tuple[str, str | None] | None) -> None:
    """What `hub scheduler` and `hub worker` do, in the member's own process."""
    os.setsid()
    os.environ.clear()
    os.environ.update(environment)
    with log.open("wb", buffering=0) as output:
        os.dup2(output.fileno(), sys.stdout.fileno())
        os.dup2(output.fileno(), sys.stderr.fileno())
    from hub.settings import Settings  # noqa: PLC0415 - in the process that it is for

    if kind == "scheduler":
        from hub.fleet.scheduler_process import run  # noqa: PLC0415 - reads the environment
    else:
        from hub.fleet.worker import run  # noqa: PLC0415 - likewise
    if doomed is not None:
        point, key = doomed
        arm(POINTS[point], key)
    # What a fork server has forked would start one of its own, whose processes inherit neither what was wrapped nor
    # what was imported.
    multiprocessing.set_start_method("fork", force=True)
    sys.exit(run(Settings()))
