"""A process of the hub that starts at once: it is forked from one that has imported what all of them need.

Its signals, its exit and what it opens are its own, as those of ``python -m hub …`` are, which takes two seconds of
imports to get there. How that one starts is tested in tests/cli.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.reduction import DupFd
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from hub.store.database import Database
from hub.testing.member import forkserver

#: Seconds that the store may take to notice that a process is gone.
PATIENCE = 30.0


class Forked:
    """``hub`` with these arguments, and with no environment but this one.

    What it writes, to either output, is read from ``output``; what it writes to standard error from ``errors``, if that
    is to be ``apart``. With a ``terminal``, a file descriptor, both go there, and it is the caller's to close. It works in
    ``folder``, or in that of the tests. ``first`` is called in it before anything else. Whoever leaves the block kills it.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        *,
        apart: bool = False,
        terminal: int | None = None,
        folder: Path | None = None,
        first: Callable[[], None] = bool,
    ) -> None:
        self._reading: list[IO[str]] = []
        written = [self._pipe() if terminal is None else os.dup(terminal)]
        written.append(self._pipe() if apart else os.dup(written[0]))
        run = _Run(list(arguments), dict(environment), written, folder or Path.cwd(), first)
        self._process = forkserver().Process(target=run)
        self._process.start()
        for number in written:
            os.close(number)

    @property
    def output(self) -> IO[str]:
        """What it writes."""
        return self._reading[0]

    @property
    def errors(self) -> IO[str]:
        """What it writes to standard error, which is ``apart``."""
        return self._reading[1]

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process.pid is not None
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """As subprocess tells it; None while it runs."""
        return self._process.exitcode

    def poll(self) -> int | None:
        """The same."""
        return self.returncode

    def send_signal(self, number: signal.Signals) -> None:
        """Nothing happens where it has ended."""
        if self.returncode is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """SIGTERM."""
        self._process.terminate()

    def kill(self, *, store: Database | None = None) -> None:
        """SIGKILL; with a ``store``, returns when nothing there is held by it any more.

        PostgreSQL notices a moment later that a client is gone, and until then its sessions keep their locks.
        """
        self._process.kill()
        if store is not None and store.postgres:
            self.wait()
            end = time.monotonic() + PATIENCE
            while self._has_sessions(store):
                assert time.monotonic() < end, "its sessions do not end"
                time.sleep(0.01)

    def wait(self, timeout: float | None = None) -> int:
        """How it ended; raises ``TimeoutError`` when it does not."""
        self._process.join(timeout)
        if self.returncode is None:
            raise TimeoutError(f"it still runs after {timeout} s")
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """All that it wrote to its outputs, once it has ended; one that does not in time is killed: ``TimeoutError``."""
        with ThreadPoolExecutor(2) as pool:
            said = [pool.submit(stream.read) for stream in self._reading]
            try:
                self.wait(timeout)
            except TimeoutError:
                self.kill()
                raise
            texts = [each.result() for each in said]
        return texts[0], "".join(texts[1:])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        self.wait()
        for stream in self._reading:
            stream.close()

    def _has_sessions(self, store: Database) -> bool:
        with store.transaction() as tx:
            query = "SELECT count(*) FROM pg_stat_activity WHERE application_name = :name"
            return bool(store.execute(tx, query, name=_session_name(self.pid)).scalar_one())

    def _pipe(self) -> int:
        """The end to write to; the other one is read from here."""
        reading, writing = os.pipe()
        self._reading.append(os.fdopen(reading, encoding="utf-8"))
        return writing


class _Run:
    """What is done in the forked process."""

    def __init__(
        self,
        arguments: list[str],
        environment: dict[str, str],
        outputs: Sequence[int],
        folder: Path,
        first: Callable[[], None],
    ) -> None:
        self._arguments, self._environment, self._outputs = arguments, environment, outputs
        self._folder, self._first = folder, first

    def __getstate__(self) -> Any:
        return {**self.__dict__, "_outputs": [DupFd(output) for output in self._outputs]}

    def __call__(self) -> None:
        # As in a process that nobody has forked: the one who forks this one takes no signals, and says how those that
        # it starts itself begin.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        multiprocessing.set_start_method(None, force=True)  # type: ignore[arg-type]
        os.chdir(self._folder)
        os.environ.clear()
        os.environ.update(self._environment)
        os.environ["PGAPPNAME"] = _session_name(os.getpid())
        for number, output in enumerate(self._outputs, start=1):
            own = output.detach()  # type: ignore[attr-defined]
            os.dup2(own, number)
            os.close(own)
        self._first()
        from hub.cli import main

        sys.argv = ["hub", *self._arguments]
        main()


def _session_name(pid: int) -> str:
    """What PostgreSQL calls the sessions of a process, and those of its helpers."""
    return f"hub-{pid}"
