"""`hub worker`: Dramatiq's own process manager around our broker, one exposition for all its processes."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from types import FrameType
from typing import Any

from hub.fleet.metrics_folder import metrics_folder
from hub.settings import Settings

#: The queues, each with the name of its actor.
QUEUES = ("sweep", "poll", "report", "work")
METRICS_PORT = "HUB_WORKER_METRICS_PORT"
#: An idle worker looks for messages this often, in milliseconds.
_IDLE_MS = 100
#: Two SIGTERMs closer together than this are one.
_SAME_STOP_SECONDS = 3.0


def run(settings: Settings) -> int:
    """Run workers until SIGTERM; returns the exit code. A dead worker process ends it, so that it is started anew.

    Raises ``ConfigurationError`` and ``ServiceUnavailableError`` where they could not begin.
    """
    # Until Dramatiq has a handler of its own: whoever is stopped while he starts tidies up, too.
    signal.signal(signal.SIGTERM, _stop_early)
    with metrics_folder() as folder:
        _prepare_environment(settings, folder)
        from dramatiq import cli  # reads the environment when it is imported

        _require_surroundings(settings)
        return _exit_code(cli, _arguments(settings))


def boot() -> None:
    """Called by Dramatiq in each worker process: the broker, the runtime and the actors."""
    import dramatiq

    from hub import log
    from hub.boot import open_runtime
    from hub.embedded import ensure_broker
    from hub.fleet import actors, lifeline
    from hub.fleet.broker import EventLoop, Process, make_broker
    from hub.fleet.worker_metrics import WorkerMetrics
    from hub.runtime import Runtime

    _take_one_stop_for_two()
    settings = Settings()
    lifeline.end_with_main_process(patience=settings.shutdown_timeout.total_seconds())
    log.set_up(settings, process="worker")
    url = ensure_broker(settings)
    metrics = WorkerMetrics()

    async def open_process() -> Runtime:
        runtime = open_runtime(settings, redis_url=url, ring=declared.ring, observe=metrics.observe)
        await runtime.warm_up()
        return runtime

    process = Process(open_process)
    broker = make_broker(url, metrics, EventLoop(), process)
    declared = actors.declare(broker, lambda: process.runtime)
    dramatiq.set_broker(broker)


def _stop_early(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


def _take_one_stop_for_two() -> None:
    """A second SIGTERM kills a Dramatiq worker at once, which is for a person who has lost patience.

    A service manager that signals the whole group sends one itself while the parent passes its own on: those two,
    within moments of each other, mean one graceful stop.
    """
    inherited = signal.getsignal(signal.SIGTERM)
    if not callable(inherited):
        return
    first = 0.0

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal first
        if first and time.monotonic() - first < _SAME_STOP_SECONDS:
            return
        first = first or time.monotonic()
        inherited(number, frame)

    signal.signal(signal.SIGTERM, stop)


def serve_metrics() -> int:
    """The exposition of all worker processes of one `hub worker`; runs as one of Dramatiq's forks."""
    from prometheus_client import CollectorRegistry
    from prometheus_client.multiprocess import MultiProcessCollector

    from hub.fleet import lifeline
    from hub.fleet.exposition import Exposition

    def registry() -> CollectorRegistry:
        collected = CollectorRegistry()
        MultiProcessCollector(collected)  # type: ignore[no-untyped-call]
        return collected

    settings = Settings()
    lifeline.end_with_main_process(patience=settings.shutdown_timeout.total_seconds())
    exposition = Exposition(
        settings.metrics_host, settings.worker_metrics_port, field=METRICS_PORT, registry=registry
    )
    exposition.serve_forever()
    return 0


def _require_surroundings(settings: Settings) -> None:
    """What is missing is said once and clearly, before there are processes that each fail with a traceback."""
    from hub import boot as services
    from hub import log
    from hub.listening import require_free

    log.set_up(settings, process="worker")
    require_free(settings.metrics_host, settings.worker_metrics_port, field=METRICS_PORT)
    services.require_services(settings)


def _prepare_environment(settings: Settings, folder: Path) -> None:
    """Dramatiq and prometheus-client read these once, when they are imported."""
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
    os.environ["dramatiq_prom_db"] = str(folder)
    os.environ["dramatiq_queue_prefetch"] = str(settings.threads)
    os.environ["dramatiq_worker_timeout"] = str(_IDLE_MS)


def _arguments(settings: Settings) -> list[str]:
    return [
        "hub.fleet.worker:boot",
        "--processes",
        str(settings.processes),
        "--threads",
        str(settings.threads),
        "--worker-shutdown-timeout",
        str(round(settings.shutdown_timeout.total_seconds() * 1000)),
        "--skip-logging",
    ]


def _exit_code(cli: Any, arguments: list[str]) -> int:
    return int(cli.main(cli.make_argument_parser().parse_args(arguments)) or 0)
