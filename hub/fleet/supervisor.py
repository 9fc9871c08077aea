"""Keeps child processes running: starts one that ended anew, and leaves none behind."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from types import FrameType
from typing import IO

import structlog

from hub.policy.retry import Backoff

#: How soon a member that ended is started again; longer each time that it ends young.
RESTART = Backoff(base=timedelta(seconds=0.5), cap=timedelta(seconds=30))
#: A member that lived so long, in seconds, was well: its next end counts as the first.
WELL_AFTER = 30.0
#: Seconds between two looks.
PAUSE = 0.1
#: The exit code of a member that says that starting it again will not help.
BAD_CONFIGURATION = 2
#: How members that do not heed SIGTERM end.
KILLED = 1

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Member:
    """One process to keep running. ``environment`` is added to that of the supervisor."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)


class Supervisor:
    """Runs members until SIGTERM or SIGINT. Needs the main thread, for the signals.

    Each member leads a process group, so that Ctrl-C reaches the supervisor alone and nothing that a member started
    survives. ``grace`` seconds after the signal, or at a second one, whoever still runs is killed.
    """

    def __init__(self, members: Sequence[Member], *, grace: float, output: IO[bytes] | None = None) -> None:
        self._kept = [_Kept(member, output) for member in members]
        self._grace = grace
        self._signals = 0

    def run(self) -> int:
        """Returns 0 after an orderly stop, 1 if somebody had to be killed, 2 if a member refuses its configuration."""
        before = {number: signal.signal(number, self._heard) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            code = self._keep()
        finally:
            orderly = self._stop()
            for number, handler in before.items():
                signal.signal(number, handler)
        return code or (0 if orderly else KILLED)

    def _heard(self, _number: int, _frame: FrameType | None) -> None:
        self._signals += 1

    def _keep(self) -> int:
        while not self._signals:
            for kept in self._kept:
                if kept.look() == BAD_CONFIGURATION:
                    return BAD_CONFIGURATION
            time.sleep(PAUSE)
        return 0

    def _stop(self) -> bool:
        """Ask everybody to end, wait, and kill what is left; False if that was needed."""
        for kept in self._kept:
            kept.terminate()
        asked = self._signals
        end = time.monotonic() + self._grace
        while (
            any(kept.runs for kept in self._kept)
            and time.monotonic() < end
            and self._signals <= max(asked, 1)
        ):
            time.sleep(PAUSE / 2)
        return sum(kept.kill() for kept in self._kept) == 0


class _Kept:
    """A member over its restarts."""

    def __init__(self, member: Member, output: IO[bytes] | None) -> None:
        self._member = member
        self._output = output
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._start_at = 0.0
        self._young_ends = 0

    @property
    def runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def look(self) -> int | None:
        """Start the member where it is due; gives its exit code when it has just ended."""
        if self._process is None:
            if time.monotonic() >= self._start_at:
                self._start()
            return None
        code = self._process.poll()
        if code is not None:
            self._ended(code)
        return code

    def terminate(self) -> None:
        if self._process is not None and self.runs:
            self._process.terminate()

    def kill(self) -> bool:
        """End the member and all that it started, for good; True if the member itself was still there."""
        if self._process is None:
            return False
        ran = self.runs
        if ran:
            _log.warning("killed, because it did not stop in time", member=self._member.name)
        self._kill_group()
        self._process.wait()
        return ran

    def _start(self) -> None:
        self._started = time.monotonic()
        self._process = subprocess.Popen(
            self._member.command,
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=self._output,
            env={**os.environ, **self._member.environment},
            process_group=0,
        )

    def _ended(self, code: int) -> None:
        self._kill_group()
        self._process = None
        well = time.monotonic() - self._started > WELL_AFTER
        self._young_ends = 1 if well else self._young_ends + 1
        wait = RESTART.delay(self._young_ends).total_seconds()
        self._start_at = time.monotonic() + wait
        _log.warning("ended", member=self._member.name, code=code, again_in_seconds=round(wait, 1))

    def _kill_group(self) -> None:
        """What a member started and left behind."""
        assert self._process  # noqa: S101 - for the type checker
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):  # nobody is left, or on macOS nobody but the dead
            return
