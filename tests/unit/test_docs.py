"""The pages say what the code says."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from hub.metrics import LedgerMetrics, Metrics
from hub.settings import Settings
from hub.store.rows import STATES
from hub.store.stats import StreamStats

ROOT = Path(__file__).parents[2]
OPERATIONS = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
SECONDS_A_DAY = 86_400


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_stands_in_the_operators_page(name: str) -> None:
    """With its default and its description, word for word."""
    field = Settings.model_fields[name]

    assert f"| `HUB_{name.upper()}` | {_default(field.get_default())} | {field.description} |" in OPERATIONS


def test_no_setting_stands_there_that_does_not_exist() -> None:
    """What operators read can be set."""
    named = set(re.findall(r"`HUB_([A-Z_]+)(?:=[a-z]+)?`", OPERATIONS))

    assert named - {"HOME"} <= {name.upper() for name in Settings.model_fields}


def test_every_metric_that_is_named_there_is_exported() -> None:
    """A dashboard built after the page shows something."""
    named = set(re.findall(r"`(hub_\w+)", OPERATIONS))

    assert named <= _exported()


@pytest.mark.parametrize("page", sorted(ROOT.glob("*.md")) + sorted(ROOT.glob("docs/**/*.md")), ids=str)
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    """To a page or a heading of it, within the repository: a link to another host is not tried."""
    links = re.findall(r"\]\((?!https?:)([^)\s]+)\)", _prose(page))

    assert [link for link in links if not _leads(page, link)] == []


def _leads(page: Path, link: str) -> bool:
    path, _, heading = link.partition("#")
    target = page.parent / path if path else page
    return target.exists() and (not heading or heading in _headings(target))


def _headings(page: Path) -> set[str]:
    """As hosts of repositories name their places: in lower case, with hyphens for blanks and without other signs."""
    found = re.findall(r"^#+ (.+)$", _prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in found}


def _prose(page: Path) -> str:
    """Without blocks of code, whose comments look like headings."""
    return re.sub(r"^ *```.*?^ *```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


def _default(value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, timedelta):
        return f"`{value}`"
    seconds = value.total_seconds()
    return f"`{seconds / SECONDS_A_DAY:g} days`" if seconds >= SECONDS_A_DAY else f"`{seconds:g} s`"


def _exported() -> set[str]:
    registry = CollectorRegistry()
    Metrics(registry)
    stream = StreamStats(
        tenant="t",
        connection="c",
        connector="x",
        stream="s",
        admitted=0,
        states=dict.fromkeys(STATES, 0),
        reported=0,
        report_dead=0,
        oldest_due_seconds=0,
    )
    registry.register(LedgerMetrics(leads=True, streams=[stream]))
    return {metric.name for metric in registry.collect()} | {f"{m.name}_total" for m in registry.collect()}
