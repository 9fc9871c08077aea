"""What stands in deploy/ fits the hub: formats, settings, ports, and every metric that a rule or panel names."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml
from prometheus_client import CollectorRegistry

from hub.settings import Settings

DEPLOY = Path(__file__).parents[2] / "deploy"
HUB_SERVICES = ("migrate", "web", "scheduler", "worker")

#: What Prometheus itself adds to every scrape.
ALWAYS_THERE = {"up"}


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


def metrics_of(expression: str) -> set[str]:
    """The metrics that a PromQL expression reads; raises ValueError where it is none."""
    found: set[str] = set()

    def visit(node: promql_parser.Expr) -> None:
        if isinstance(node, promql_parser.VectorSelector):
            found.add(node.name)

    promql_parser.walk(promql_parser.parse(expression), visit)
    return found


def samples_of(registry: CollectorRegistry) -> set[str]:
    """All names under which a registry can export samples."""
    endings = {
        "counter": ("_total",),
        "histogram": ("_bucket", "_count", "_sum"),
        "summary": ("_count", "_sum"),
    }
    return {
        family.name + ending for family in registry.collect() for ending in endings.get(family.type, ("",))
    }


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
