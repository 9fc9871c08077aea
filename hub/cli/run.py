"""`hub run`: the loop in the foreground."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager, nullcontext
from datetime import timedelta
from functools import partial
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from hub import event_loop
from hub.boot import preload
from hub.cli import exit_codes, output, session
from hub.cli.connection_views import require_polls
from hub.cli.helpers import MOST, Helpers, helpers
from hub.cli.output import Json
from hub.embedded import running_broker
from hub.loop.drain import Drain, DrainSummary
from hub.records import JSON
from hub.runtime import Runtime
from hub.store import connections
from hub.store.connections import StoredConnection
from hub.store.database import Database

#: What is printed of a drain, in this order.
SHOWN = (
    "polled",
    "pushed",
    "succeeded",
    "failed",
    "skipped",
    "dead",
    "reported",
    "waiting",
    "awaiting",
    "parked",
    "seconds",
)

Wait = Annotated[
    float,
    typer.Option(min=0, help="Seconds to wait, in sum, for what is not due yet: retries, a rate limit."),
]


Processes = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=64,
        help="Processes that work at once on what goes into the catalog of a PostgreSQL store; by default one "
        f"that polls and one a core, at most {MOST}.",
        show_default=False,
    ),
]


def run(
    name: Annotated[str, typer.Argument(help="A connection.")],
    drain: Annotated[
        bool,
        typer.Option("--drain", help="Until nothing is waiting, working or unreported. Has to be given."),
    ] = False,
    wait: Wait = 60.0,
    processes: Processes = None,
    as_json: Json = False,
) -> None:
    """Poll, push and report in the foreground, beside a fleet or without one. Needs no Redis.

    Ends with 0 when everything was drained, with 1 when something is left or dead, or a credential was refused; a record
    that its destination rejects has its outcome and does not count. Awaiting and parked records are not waited for. SIGINT and SIGTERM hand back what is under way; a second one does so at once.
    """
    if not drain:
        raise typer.BadParameter("has to be given; to run for good, use `hub up`", param_hint="--drain")
    to_the_end(name, wait=wait, processes=processes, as_json=as_json)


def to_the_end(
    name: str, *, wait: float, processes: int | None, as_json: bool, full_pass: bool = False
) -> None:
    """Drain a connection and say what was done; with ``full_pass`` its first poll begins from the start.

    Raises ``typer.Exit`` where it was stopped or something is left.
    """
    summary = drained(name, wait=wait, processes=processes, quiet=as_json, full_pass=full_pass)
    shown = shown_of(summary)
    output.show(shown, as_json, lambda: output.facts(name, shown))
    end(name, summary)


def drained(name: str, *, wait: float, processes: int | None, quiet: bool, full_pass: bool) -> DrainSummary:
    """Drain a connection, with a bar on standard error unless it is to be ``quiet``."""
    settings = session.begin()
    redis_url = running_broker(settings)
    load = partial(preload, settings, name, redis_url=redis_url)
    with helpers(settings, redis_url=redis_url, processes=processes, load=load) as ready:
        runtime = session.runtime(settings, redis_url=redis_url)
        return event_loop.run(
            _drain(runtime, name, timedelta(seconds=wait), ready, quiet=quiet, full_pass=full_pass)
        )


def shown_of(summary: DrainSummary) -> JSON:
    """What is printed of it."""
    return {field: getattr(summary, field) for field in SHOWN}


def end(name: str, summary: DrainSummary, *, trouble: str | None = None) -> None:
    """Say what is left, on standard error, and what ``trouble`` there is besides. Raises ``typer.Exit`` where it was stopped,
    something is left or there is trouble."""
    _say_what_is_left(name, summary)
    if trouble:
        output.warn(f"error: {trouble}")
    if summary.stopped:
        raise typer.Exit(exit_codes.STOPPED)
    if not summary.drained or trouble:
        raise typer.Exit(exit_codes.TROUBLE)


async def _drain(
    opened: AbstractAsyncContextManager[Runtime],
    name: str,
    wait: timedelta,
    helpers: Helpers,
    *,
    quiet: bool,
    full_pass: bool,
) -> DrainSummary:
    async with opened as runtime:
        stored = await runtime.db.run(connections.get_connection, runtime.db, name)
        if full_pass:
            await runtime.db.run(_ask_for_full_pass, runtime.db, stored)
        with _progress(name, quiet=quiet) as on_progress:
            drain = Drain(
                runtime=runtime,
                connection_id=stored.id,
                wait=wait,
                on_progress=on_progress,
                helpers=helpers,
            )
            loop = asyncio.get_running_loop()
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(number, drain.stop)
            return await drain.run()


def _ask_for_full_pass(db: Database, stored: StoredConnection) -> None:
    require_polls(db, stored)
    connections.rewind(db, stored.name, full_pass=True)


def _say_what_is_left(name: str, summary: DrainSummary) -> None:
    if summary.error:
        output.warn(f"error: {summary.error}")
    if summary.failed_for_good:
        output.warn(f"the connection stays failed until `hub connection resume {name}`")
    if summary.paused:
        output.warn(
            f"{name} is paused, so it neither polls nor pushes; `hub connection resume {name}` ends that"
        )
    if summary.rejected:
        output.warn(f"{summary.rejected} rejected: `hub records list {name} --state rejected` shows why")
    if summary.quarantined:
        output.warn(
            f"{summary.quarantined} new in quarantine: `hub quarantine list {name}` shows what is wrong"
        )
    if summary.dead:
        output.warn(f"{summary.dead} dead letters: `hub dead list {name}` shows them")
    if summary.unreported:
        output.warn(f"{summary.unreported} outcomes are not reported yet")
    if summary.waiting:
        held = summary.paused or summary.failed_for_good
        output.warn(
            f"{summary.waiting} records are left"
            + ("" if held else ": run it again, or with a longer --wait")
        )


def _progress(name: str, *, quiet: bool) -> AbstractContextManager[Callable[[DrainSummary], None]]:
    if quiet or not sys.stderr.isatty():
        return nullcontext(lambda _: None)
    return _Bar(name)


class _Bar:
    """Records done of all that are known, on standard error."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            transient=True,
        )

    def __enter__(self) -> Callable[[DrainSummary], None]:
        self._progress.start()
        self._task = self._progress.add_task(self._name, total=None)
        return self._update

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def _update(self, summary: DrainSummary) -> None:
        done = max(summary.succeeded + summary.failed + summary.skipped - summary.unreported, 0)
        self._progress.update(self._task, completed=done, total=done + summary.waiting + summary.unreported)
