"""`hub worker`, `hub scheduler`, `hub web` and `hub up`: processes that run until SIGTERM or SIGINT."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from hub.cli import output
from hub.cli.environment import read_settings

Processes = Annotated[
    int | None, typer.Option(min=1, help="Worker processes; without it HUB_PROCESSES.", show_default=False)
]
Threads = Annotated[
    int | None,
    typer.Option(
        min=1, help="Slices at work at once in each of them; without it HUB_THREADS.", show_default=False
    ),
]


def worker(processes: Processes = None, threads: Threads = None) -> None:
    """Poll, push and report until SIGTERM or SIGINT; what is under way is finished or handed back."""
    from hub.fleet import worker as process

    _set_workers(processes, threads)
    raise typer.Exit(process.run(read_settings()))


def scheduler() -> None:
    """Fire what is due until SIGTERM or SIGINT. Any number may run: one of them leads, and sweeps."""
    from hub.fleet import scheduler_process

    raise typer.Exit(scheduler_process.run(read_settings()))


def web() -> None:
    """Serve webhooks, connectors' endpoints and authorization until SIGTERM or SIGINT."""
    from hub.web import process

    raise typer.Exit(process.run(read_settings()))


def up(processes: Processes = None, threads: Threads = None) -> None:
    """Run scheduler, worker and web until SIGTERM or SIGINT, and start again whichever ends.

    The embedded store is migrated, and the embedded broker started where HUB_REDIS_URL names none.
    """
    from hub.fleet import up as everything

    _set_workers(processes, threads)
    settings = read_settings()
    output.facts("starting, until SIGTERM or Ctrl-C", everything.places(settings))
    raise typer.Exit(everything.run(settings))


def _set_workers(processes: int | None, threads: int | None) -> None:
    """For this process and all that it starts: settings come from the environment alone."""
    for name, value in (("HUB_PROCESSES", processes), ("HUB_THREADS", threads)):
        if value is not None:
            os.environ[name] = str(value)
