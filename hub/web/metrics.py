"""What the web process counts. Labels are bounded: connectors, and words of our own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from hub.loop.receive import Received

_SECONDS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_SIZES = (1, 2, 5, 10, 20, 50, 100, 200, 500)
#: The connector of requests whose connection is unknown.
NOBODY = ""


class WebMetrics:
    """Webhooks, the groups they are stored in, and authorizations."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._webhooks = Counter(
            "hub_webhooks_total",
            "Webhooks by what became of them.",
            ["connector", "result"],
            registry=registry,
        )
        self._seconds = Histogram(
            "hub_webhook_seconds",
            "From a webhook's arrival to its answer.",
            ["connector"],
            registry=registry,
            buckets=_SECONDS,
        )
        self._group = Histogram(
            "hub_webhook_group_size",
            "Webhooks that one transaction stored.",
            ["connector"],
            registry=registry,
            buckets=_SIZES,
        )
        self._records = Counter(
            "hub_webhook_records_total",
            "Records that webhooks brought, by what became of them.",
            ["connector", "what"],
            registry=registry,
        )
        self._authorizations = Counter(
            "hub_authorizations_total",
            "Steps of authorizations by result.",
            ["step", "result"],
            registry=registry,
        )
        self._waiting = Gauge("hub_webhooks_waiting", "Webhooks that are not durable yet.", registry=registry)
        self._children: dict[tuple[Any, ...], Any] = {}

    def watch(self, waiting: Callable[[], float]) -> None:
        """Ask ``waiting`` at each scrape."""
        self._waiting.set_function(waiting)

    def webhook(self, connector: str, result: str, seconds: float) -> None:
        """A webhook was answered."""
        self._child(self._webhooks, connector, result).inc()
        self._child(self._seconds, connector).observe(seconds)

    def group(self, connector: str, received: Received) -> None:
        """A group of webhooks was stored."""
        admission = received.admission
        self._child(self._group, connector).observe(len(received.repeated))
        for what in ("new", "duplicates", "coalesced", "stale", "repeated", "quarantined"):
            count = getattr(admission, what)
            if count:
                self._child(self._records, connector, what).inc(count)

    def authorization(self, step: str, result: str) -> None:
        """A step ("start" or "finish") was done or refused."""
        self._authorizations.labels(step, result).inc()

    def _child(self, metric: Any, *labels: str) -> Any:
        key = (metric, *labels)
        child = self._children.get(key)
        if child is None:
            child = self._children[key] = metric.labels(*labels)
        return child
