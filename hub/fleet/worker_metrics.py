"""Dramatiq's own metrics and the hub's, in files that all worker processes of one `hub worker` share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dramatiq import Broker
from dramatiq.middleware.prometheus import Prometheus
from prometheus_client import CollectorRegistry

from hub.fleet.worker import serve_metrics
from hub.metrics import Metrics


class WorkerMetrics(Prometheus):
    """Dramatiq's Prometheus middleware with our exposition beside it."""

    def __init__(self) -> None:
        super().__init__()
        self._metrics: Metrics | None = None

    @property
    def forks(self) -> list[Callable[[], int]]:
        """The exposition, in a process of its own."""
        return [serve_metrics]

    def after_process_boot(self, broker: Broker) -> None:
        """The files are opened in the process that writes them."""
        super().after_process_boot(broker)  # type: ignore[no-untyped-call]  # Dramatiq does not type it
        self._metrics = Metrics(CollectorRegistry())

    def observe(self, event: Any) -> None:
        """Count what the loop and HTTP tell."""
        if self._metrics is not None:
            self._metrics.observe(event)
