"""`hub up`: scheduler, worker and web as children of one process, with the embedded services where none are set."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence

import structlog
from sqlalchemy.engine import make_url

from hub import log
from hub.boot import require_services
from hub.fleet.supervisor import Member, Supervisor
from hub.listening import require_free
from hub.settings import Settings
from hub.store.database import default_url

#: Each is a command of its own, with what nice(1) takes: where all are busy, whoever asks is answered first, and then
#: records are moved.
MEMBERS = {"scheduler": 0, "worker": 5, "web": 0}

_log = structlog.get_logger(__name__)


def run(settings: Settings) -> int:
    """Run everything until SIGTERM or SIGINT; returns the exit code.

    Raises ``ConfigurationError`` and ``ServiceUnavailableError`` where it cannot begin.
    """
    log.set_up(settings, process="up")
    for port, field in ports(settings).items():
        require_free(*port, field=field)
    # From here on this process uses the embedded broker, so that it outlives every member's restart.
    require_services(settings)
    supervisor = Supervisor(
        [Member(name=name, command=command(name, nice=nice)) for name, nice in MEMBERS.items()],
        grace=settings.shutdown_timeout.total_seconds(),
    )
    return supervisor.run()


def command(name: str, *arguments: str, nice: int = 0) -> Sequence[str]:
    """A command of the hub as a child of this process, which ends with it however this one ends."""
    return [sys.executable, "-m", "hub", "--parent", str(os.getpid()), f"--nice={nice}", name, *arguments]


def places(settings: Settings) -> Mapping[str, str]:
    """Where everything is, for people; no password in it."""
    home = settings.home.resolve()
    store = settings.database_url
    broker = settings.redis_url
    return {
        "web": settings.public_url or f"http://{settings.web_host}:{settings.web_port}",
        "worker metrics": f"http://{settings.metrics_host}:{settings.worker_metrics_port}/metrics",
        "scheduler metrics": f"http://{settings.metrics_host}:{settings.scheduler_metrics_port}/metrics",
        "store": _shown(store.get_secret_value() if store else default_url(str(home))),
        "broker": _shown(broker.get_secret_value()) if broker else f"embedded, in {home / 'valkey'}",
    }


def ports(settings: Settings) -> Mapping[tuple[str, int], str]:
    """What will be listened on, with the setting that says so."""
    return {
        (settings.web_host, settings.web_port): "HUB_WEB_PORT",
        (settings.metrics_host, settings.worker_metrics_port): "HUB_WORKER_METRICS_PORT",
        (settings.metrics_host, settings.scheduler_metrics_port): "HUB_SCHEDULER_METRICS_PORT",
    }


def _shown(url: str) -> str:
    return make_url(url).render_as_string(hide_password=True)
