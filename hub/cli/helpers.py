"""More processes for a drain whose work is done on this machine: Python works in one thread at a time.

They are forked before anything is opened, wait to be told of a connection, and end when the pipe to them does, so none
outlives the one that it helps.
"""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

import structlog

from hub import event_loop
from hub.boot import open_runtime
from hub.loop.slices import Slices
from hub.settings import Settings

#: More processes would wait for each other: the rows of one catalog are written by one at a time.
MOST = 4
#: A share of the shutdown's time is for what is in flight.
_GRACE_SHARE = 0.6
#: How long an idle helper may take to end, in seconds, beyond the shutdown's time.
_FAREWELL = 5.0


@dataclass(frozen=True, kw_only=True)
class Helper:
    """One process and the pipe to it."""

    process: BaseProcess
    pipe: Connection


class Helpers:
    """The helpers of one command."""

    def __init__(self, helpers: Sequence[Helper]) -> None:
        self._helpers = helpers
        self._busy: list[Helper] = []

    @property
    def number(self) -> int:
        """How many there are."""
        return len(self._helpers)

    def begin(
        self, connection_id: int, *, at_once: int, on_done: Callable[[Mapping[str, int]], None]
    ) -> None:
        """Have each of them work ``at_once`` slices of a connection at the same time. ``on_done`` gets, in the running
        event loop, the states that records went to."""
        loop = asyncio.get_running_loop()
        self._on_done = on_done
        for helper in self._helpers:
            with contextlib.suppress(OSError):  # one that was killed is no help
                helper.pipe.send((connection_id, at_once))
                loop.add_reader(helper.pipe.fileno(), self._hear, helper)
                self._busy.append(helper)

    async def end(self) -> None:
        """Have them finish what is under way; returns when they have, and what they said was heard."""
        for helper in self._busy:
            with contextlib.suppress(OSError):
                helper.pipe.send(None)
        for helper in list(self._busy):
            await asyncio.to_thread(helper.process.join)
            while helper in self._busy:
                self._hear(helper)

    def hurry(self) -> None:
        """Have them hand back at once what is under way."""
        for helper in self._helpers:
            helper.process.terminate()

    def _hear(self, helper: Helper) -> None:
        try:
            self._on_done(helper.pipe.recv())
        except (EOFError, OSError):
            asyncio.get_running_loop().remove_reader(helper.pipe.fileno())
            self._busy.remove(helper)


@contextmanager
def helpers(
    settings: Settings, *, redis_url: str | None, processes: int | None = None, load: Callable[[], None]
) -> Iterator[Helpers]:
    """So many that with this one there are ``processes``, where the store is a PostgreSQL, which several can write.

    By default they are one a core, ``MOST`` of them at most: this one polls, and hardly has the time to do more. What all of
    them need is loaded before they are forked, by ``load``.
    """
    others = _for_each_core() if processes is None else processes - 1
    wanted = others if _is_postgres(settings) and _can_fork() else 0
    started: list[Helper] = []
    if wanted:
        load()
    for _ in range(wanted):
        started.append(_fork(settings, redis_url, [helper.pipe for helper in started]))
    try:
        yield Helpers(started)
    finally:
        for helper in started:
            helper.pipe.close()
        for helper in started:
            helper.process.join(settings.shutdown_timeout.total_seconds() + _FAREWELL)


def _for_each_core() -> int:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, MOST) if cores > 1 else 0


def _is_postgres(settings: Settings) -> bool:
    url = settings.database_url
    return url is not None and url.get_secret_value().startswith("postgres")


def _can_fork() -> bool:
    return "fork" in multiprocessing.get_all_start_methods()


def _fork(settings: Settings, redis_url: str | None, others: Sequence[Connection]) -> Helper:
    context: Any = multiprocessing.get_context("fork")
    mine, its = context.Pipe()
    process = context.Process(target=_help, args=(settings, redis_url, its, [mine, *others]), daemon=True)
    process.start()
    its.close()
    return Helper(process=process, pipe=mine)


def _help(
    settings: Settings, redis_url: str | None, pipe: Connection, not_mine: Sequence[Connection]
) -> None:
    """What a helper does from its first to its last moment."""
    for other in not_mine:
        other.close()  # or it would never hear that the one it helps has died
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal tells all of them; the one it helps decides
    try:
        task = pipe.recv()
    except (EOFError, OSError):
        return
    if task is not None:
        connection_id, at_once = task
        event_loop.run(_work(settings, redis_url, pipe, connection_id, at_once))


async def _work(
    settings: Settings, redis_url: str | None, pipe: Connection, connection_id: int, at_once: int
) -> None:
    loop = asyncio.get_running_loop()
    log = structlog.get_logger(__name__)
    runtime = open_runtime(settings, redis_url=redis_url)

    def stop() -> None:
        loop.remove_reader(pipe.fileno())
        runtime.stop(grace=settings.shutdown_timeout.total_seconds() * _GRACE_SHARE)

    def tell(done: Mapping[str, int]) -> None:
        with contextlib.suppress(OSError):  # nobody listens any more
            pipe.send(dict(done))

    loop.add_reader(pipe.fileno(), stop)
    loop.add_signal_handler(signal.SIGTERM, lambda: runtime.stop(grace=0))
    try:
        await Slices(
            runtime=runtime,
            connection_id=connection_id,
            on_done=tell,
            on_trouble=lambda trouble: log.warning("a helper failed", error=trouble),
            ahead=True,
        ).run(at_once=at_once)
    finally:
        await runtime.close()
