"""What stands in deploy/ fits the hub: formats, settings, ports, and every metric that a rule or panel names."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import dramatiq
import promql_parser
import pytest
import yaml
from dramatiq.middleware.prometheus import Prometheus
from prometheus_client import CollectorRegistry, Metric

from hub.http import HttpCall
from hub.metrics import LedgerMetrics, Metrics
from hub.settings import Settings
from hub.store.rows import STATES
from hub.store.stats import StreamStats
from hub.telemetry import Polled, Swept, Worked

DEPLOY = Path(__file__).parents[2] / "deploy"
HUB_SERVICES = ("migrate", "web", "scheduler", "worker")

#: What Prometheus itself adds to what it scrapes.
ADDED_LABELS = {"job", "instance"}
ADDED_METRICS: Mapping[str, set[str]] = {"up": set()}


def load(path: str) -> Any:
    return yaml.safe_load((DEPLOY / path).read_text())


def services() -> dict[str, Any]:
    found: dict[str, Any] = load("compose.yaml")["services"]
    return found


def is_valid(compose: Path) -> bool:
    """By the schema of the Compose Specification."""
    command = [
        sys.executable,
        "-m",
        "check_jsonschema",
        "--builtin-schema",
        "vendor.compose-spec",
        str(compose),
    ]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def expressions() -> Iterator[tuple[str, str]]:
    """All PromQL of the alert rules and the dashboard, with what it stands in."""
    for group in load("prometheus/alerts.yml")["groups"]:
        for rule in group["rules"]:
            yield rule["alert"], rule["expr"]
    for panel in json.loads((DEPLOY / "grafana/dashboards/hub.json").read_text())["panels"]:
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"].replace("$__rate_interval", "5m")


def reads(expression: str) -> Iterator[tuple[str, set[str]]]:
    """The metrics that a PromQL expression reads, each with the labels it has to have; ValueError where it is none."""
    found: list[tuple[str, set[str]]] = []
    grouped: list[set[str]] = [set()]

    def enter(node: promql_parser.Expr) -> None:
        if isinstance(node, promql_parser.AggregateExpr):
            grouped.append(grouped[-1] | set(node.modifier.labels if node.modifier else ()))
        if isinstance(node, promql_parser.VectorSelector):
            found.append((node.name, grouped[-1] | {matcher.name for matcher in node.matchers.matchers}))

    def leave(node: promql_parser.Expr) -> None:
        if isinstance(node, promql_parser.AggregateExpr):
            grouped.pop()

    promql_parser.walk(promql_parser.parse(expression), enter, leave)
    return iter(found)


@pytest.fixture
def exported(monkeypatch: pytest.MonkeyPatch) -> Mapping[str, set[str]]:
    """The labels of every sample that a fleet exports once each kind of thing has happened in it."""
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "")  # Dramatiq sets it, for good
    monkeypatch.setenv("prometheus_multiproc_dir", "")
    families = [*after_one_of_each(), *dramatiq_after_one_of_each()]
    return {sample.name: {*sample.labels} for family in families for sample in family.samples}


def after_one_of_each() -> Iterable[Metric]:
    """The hub's own metrics."""
    registry = CollectorRegistry()
    metrics = Metrics(registry)
    told = {"connector": "vtex", "connection": "store"}
    for stage in ("push", "report"):
        states = {"success": 1}
        metrics.observe(
            Worked(**told, stream="price", stage=stage, seconds=1.0, states=states, retries=1, lost=1)
        )
    metrics.observe(Polled(**told, result="ok", seconds=1.0, counts={"new": 1}))
    metrics.observe(Swept(rung=1))
    metrics.observe(HttpCall(side="source", host="127.0.0.1", method="GET", status=200, waited_seconds=1.0))
    stats = StreamStats(
        **told,
        tenant="shop",
        stream="price",
        admitted=1,
        states=dict.fromkeys(STATES, 0),
        reported=0,
        report_dead=0,
        oldest_due_seconds=1.0,
    )
    leading = LedgerMetrics(
        leads=True, streams=(stats,), leases=("scheduler",), queues={"work": 1}, circuits={"open": 1}
    )
    return [*registry.collect(), *leading.collect()]


def dramatiq_after_one_of_each() -> Iterable[Metric]:
    """Those of Dramatiq's middleware."""
    middleware = Prometheus()
    middleware.after_process_boot(None)
    message = dramatiq.Message[Any](queue_name="work", actor_name="work", args=(), kwargs={}, options={})
    middleware.before_process_message(None, message)
    middleware.after_process_message(None, message, exception=ValueError())
    return [
        family
        for metric in vars(middleware).values()
        if hasattr(metric, "collect")
        for family in metric.collect()
    ]


def test_the_compose_file_is_valid() -> None:
    """By the specification, as no engine runs here."""
    assert is_valid(DEPLOY / "compose.yaml")


def test_a_made_up_key_would_be_noticed(tmp_path: Path) -> None:
    """The check above does check."""
    broken = (DEPLOY / "compose.yaml").read_text().replace("stop_grace_period", "stop_grace_time")
    (tmp_path / "compose.yaml").write_text(broken)

    assert not is_valid(tmp_path / "compose.yaml")


@pytest.mark.parametrize("name", HUB_SERVICES)
def test_a_service_sets_only_what_the_hub_reads(name: str) -> None:
    """A misspelt setting would be ignored in silence."""
    settings = {f"HUB_{field.upper()}" for field in Settings.model_fields}

    assert set(services()[name]["environment"]) <= settings


def test_the_image_sets_only_what_the_hub_reads() -> None:
    """Likewise in the Dockerfile."""
    named = set(re.findall(r"\b(HUB_\w+)=", (DEPLOY / "Dockerfile").read_text()))

    assert named
    assert named <= {f"HUB_{field.upper()}" for field in Settings.model_fields}


@pytest.mark.parametrize("name", HUB_SERVICES)
def test_a_service_runs_a_command_that_the_hub_has(name: str) -> None:
    """Its help is there."""
    command = [sys.executable, "-m", "hub", *services()[name]["command"], "--help"]

    assert subprocess.run(command, check=False, capture_output=True).returncode == 0


@pytest.mark.parametrize("name", HUB_SERVICES)
def test_a_service_may_hand_its_work_back_before_it_is_killed(name: str) -> None:
    """The engine's patience is longer than the hub's."""
    seconds = int(services()[name]["stop_grace_period"].removesuffix("s"))

    assert timedelta(seconds=seconds) > Settings().shutdown_timeout


@pytest.mark.parametrize("name", ("web", "scheduler", "worker"))
def test_nothing_starts_before_the_migrations_are_through(name: str) -> None:
    """They would find tables that they do not know."""
    assert services()[name]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}


def test_the_example_lists_every_variable_that_compose_asks_for() -> None:
    """Whoever copies it sees all that there is to fill in."""
    asked_for = set(re.findall(r"\$\{(\w+)", (DEPLOY / "compose.yaml").read_text()))
    listed = set(re.findall(r"^(\w+)=", (DEPLOY / ".env.example").read_text(), re.MULTILINE))

    assert listed == asked_for


def test_every_folder_that_compose_mounts_is_there() -> None:
    """A missing one would be made, empty, by the engine."""
    mounts = [volume for service in services().values() for volume in service.get("volumes", ())]
    folders = [mount.split(":")[0] for mount in mounts if mount.startswith("./")]

    assert folders
    assert all((DEPLOY / folder).is_dir() for folder in folders)


def test_prometheus_scrapes_the_ports_that_the_hub_listens_on() -> None:
    """Each kind of process under its own name and port."""
    jobs = load("prometheus/prometheus.yml")["scrape_configs"]
    scraped = {config["names"][0]: config["port"] for job in jobs for config in job.get("dns_sd_configs", ())}
    settings = Settings()

    assert scraped == {
        "web": settings.web_port,
        "scheduler": settings.scheduler_metrics_port,
        "worker": settings.worker_metrics_port,
    }
    assert set(scraped) <= set(services())


@pytest.mark.parametrize(
    "rule", [rule for group in load("prometheus/alerts.yml")["groups"] for rule in group["rules"]]
)
def test_an_alert_says_how_bad_it_is_and_what_to_do(rule: dict[str, Any]) -> None:
    """Whoever is woken by it should not have to look it up."""
    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert set(rule["annotations"]) == {"summary", "description", "action"}


@pytest.mark.parametrize(("place", "expression"), list(expressions()))
def test_rules_and_panels_read_what_the_hub_exports(
    exported: Mapping[str, set[str]], place: str, expression: str
) -> None:
    """The metric is there, and so is each label that is matched or grouped by."""
    known = {**exported, **ADDED_METRICS}
    for name, labels in reads(expression):
        assert name in known, f"{place} reads {name}"
        assert labels <= known[name] | ADDED_LABELS, f"{place} expects labels that {name} has not"
