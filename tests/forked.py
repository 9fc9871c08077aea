"""A process of the hub that starts at once: it is forked from one that has imported what all of them need.

Its signals, its exit and what it opens are its own, as those of ``python -m hub …`` are, which takes two seconds of
imports to get there. How that one starts is tested in tests/cli.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from multiprocessing.reduction import DupFd
from types import TracebackType
from typing import IO, Any, Self

from hub.testing.member import forkserver


class Forked:
    """``hub`` with these arguments, and with no environment but this one.

    What it writes, to either output, is read from ``output``. Whoever leaves the block kills it.
    """

    def __init__(self, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        reading, writing = os.pipe()
        self.output: IO[str] = os.fdopen(reading, encoding="utf-8")
        self._process = forkserver().Process(target=_Run(list(arguments), dict(environment), writing))
        self._process.start()
        os.close(writing)

    @property
    def returncode(self) -> int | None:
        """As subprocess tells it; None while it runs."""
        return self._process.exitcode

    def poll(self) -> int | None:
        """The same."""
        return self.returncode

    def terminate(self) -> None:
        """SIGTERM."""
        self._process.terminate()

    def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()

    def wait(self, timeout: float | None = None) -> int:
        """How it ended; raises ``TimeoutError`` when it does not."""
        self._process.join(timeout)
        if self.returncode is None:
            raise TimeoutError(f"it still runs after {timeout} s")
        return self.returncode

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        self.wait()
        self.output.close()


class _Run:
    """What is done in the forked process."""

    def __init__(self, arguments: list[str], environment: dict[str, str], output: int) -> None:
        self._arguments, self._environment, self._output = arguments, environment, output

    def __getstate__(self) -> Any:
        return {**self.__dict__, "_output": DupFd(self._output)}

    def __call__(self) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.environ.clear()
        os.environ.update(self._environment)
        output = self._output.detach()  # type: ignore[attr-defined]
        for number in (1, 2):
            os.dup2(output, number)
        os.close(output)
        from hub.cli import main

        sys.argv = ["hub", *self._arguments]
        main()
