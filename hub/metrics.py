"""Prometheus metrics. Labels are bounded: connector, stream, state, and connection up to a cap."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from hub.http import HttpCall
from hub.store.stats import StreamStats
from hub.telemetry import Polled, Swept, Worked

#: Connections beyond this share the label "other".
CONNECTION_CAP = 200
OTHER = "other"
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class Metrics:
    """What a process counts while it works; ``observe`` takes every event of the loop and of HTTP."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(name, text, labels, registry=registry)

        def seconds(name: str, text: str, *labels: str) -> Histogram:
            return Histogram(name, text, labels, registry=registry, buckets=_SECONDS)

        work = ("connector", "stream")
        self._push = seconds("hub_push_seconds", "How long a slice's push took.", *work)
        self._report = seconds("hub_report_seconds", "How long a slice's report took.", *work)
        self._attempts = counter(
            "hub_attempts_total", "Answered records, by new state.", *work, "stage", "state"
        )
        self._retries = counter("hub_retries_total", "Attempts that will be repeated.", *work, "stage")
        self._lost = counter(
            "hub_lost_claims_total", "Results that came after their claim was lost.", "connector"
        )
        self._polls = counter("hub_polls_total", "Polls by result.", "connector", "result")
        self._polled = counter(
            "hub_polled_records_total", "Polled records by their fate.", "connector", "what"
        )
        self._poll_seconds = seconds("hub_poll_seconds", "How long poll and admission took.", "connector")
        self._lag = seconds("hub_poll_lag_seconds", "How late a poll began.", "connector")
        self._swept = counter("hub_swept_total", "What the sweeper brought back.", "what")
        self._requests = counter("hub_http_requests_total", "HTTP requests.", "side", "method", "status")
        self._http = seconds("hub_http_seconds", "How long an HTTP request took.", "side")
        self._waits = seconds("hub_rate_limit_wait_seconds", "How long a request waited for a slot.", "side")
        self._children: dict[tuple[Any, ...], Any] = {}

    def observe(self, event: Any) -> None:
        """Count one event."""
        match event:
            case HttpCall():
                self._http_call(event)
            case Worked():
                self._worked(event)
            case Polled():
                self._poll(event)
            case Swept():
                for what in ("lost_claims", "rung", "pruned"):
                    self._swept.labels(what).inc(getattr(event, what))

    def _http_call(self, event: HttpCall) -> None:
        status = f"{event.status // 100}xx" if event.status else "error"
        self._child(self._requests, event.side, event.method, status).inc()
        self._child(self._http, event.side).observe(event.duration_seconds)
        if event.waited_seconds:
            self._child(self._waits, event.side).observe(event.waited_seconds)

    def _worked(self, event: Worked) -> None:
        duration = self._report if event.stage == "report" else self._push
        duration.labels(event.connector, event.stream).observe(event.seconds)
        for state, count in event.states.items():
            self._attempts.labels(event.connector, event.stream, event.stage, state).inc(count)
        if event.retries:
            self._retries.labels(event.connector, event.stream, event.stage).inc(event.retries)
        if event.lost:
            self._lost.labels(event.connector).inc(event.lost)

    def _poll(self, event: Polled) -> None:
        self._polls.labels(event.connector, event.result).inc()
        self._poll_seconds.labels(event.connector).observe(event.seconds)
        self._lag.labels(event.connector).observe(event.lag_seconds)
        for what, count in event.counts.items():
            self._polled.labels(event.connector, what).inc(count)

    def _child(self, metric: Any, *labels: str) -> Any:
        """Looking a labelled child up costs more than counting with it, and HTTP calls are many."""
        key = (metric, *labels)
        child = self._children.get(key)
        if child is None:
            child = self._children[key] = metric.labels(*labels)
        return child


@dataclass(kw_only=True, eq=False)
class LedgerMetrics(Collector):
    """What is read from the store; only the scheduler that leads has anything to show here."""

    streams: Sequence[StreamStats] = ()
    leases: Sequence[str] = ()
    queues: Mapping[str, int] = field(default_factory=dict)
    circuits: Mapping[str, int] = field(default_factory=dict)
    leads: bool = False

    def collect(self) -> Iterable[Metric]:
        """The gauges of the last snapshot."""
        leader = GaugeMetricFamily("hub_lease_held", "Leases held in the fleet, by kind.", labels=["lease"])
        if not self.leads:
            return
        for kind in ("scheduler", "poll"):
            leader.add_metric([kind], sum(name.split(":")[0] == kind for name in self.leases))
        yield leader
        yield from self._by_stream()
        depth = GaugeMetricFamily("hub_queue_depth", "Messages waiting in the broker.", labels=["queue"])
        for queue, size in self.queues.items():
            depth.add_metric([queue], size)
        yield depth
        circuit = GaugeMetricFamily("hub_circuit_state", "Circuit breakers by state.", labels=["state"])
        for state, count in self.circuits.items():
            circuit.add_metric([state], count)
        yield circuit

    def _by_stream(self) -> Iterable[Metric]:
        labels = ["connector", "connection", "stream"]
        records = GaugeMetricFamily("hub_records", "Records by state.", labels=[*labels, "state"])
        gauges: dict[str, tuple[str, Callable[[StreamStats], float]]] = {
            "hub_backlog": ("Records that have not settled.", lambda s: s.backlog),
            "hub_oldest_due_seconds": (
                "How long the oldest due record has waited.",
                lambda s: s.oldest_due_seconds,
            ),
            "hub_unreported": ("Settled records whose report is not acknowledged.", lambda s: s.unreported),
            "hub_dead_letters": ("Dead pushes and reports.", lambda s: s.states["dead"] + s.report_dead),
            "hub_ledger_imbalance": (
                "Admitted less the sum of all states; must be 0.",
                lambda s: s.imbalance,
            ),
        }
        families = {name: GaugeMetricFamily(name, text, labels=labels) for name, (text, _) in gauges.items()}
        shown = capped(self.streams)
        for (connector, connection, stream), members in shown.items():
            for state in members[0].states:
                records.add_metric(
                    [connector, connection, stream, state], sum(m.states[state] for m in members)
                )
            for name, (_, value) in gauges.items():
                values = [value(member) for member in members]
                whole = max(values) if name == "hub_oldest_due_seconds" else sum(values)
                families[name].add_metric([connector, connection, stream], whole)
        yield records
        yield from families.values()


def capped(streams: Sequence[StreamStats]) -> Mapping[tuple[str, str, str], list[StreamStats]]:
    """Streams by their labels; connections beyond the cap are added up as one."""
    names = sorted({stream.connection for stream in streams})[:CONNECTION_CAP]
    shown: dict[tuple[str, str, str], list[StreamStats]] = {}
    for stream in streams:
        connection = stream.connection if stream.connection in names else OTHER
        shown.setdefault((stream.connector, connection, stream.stream), []).append(stream)
    return shown
