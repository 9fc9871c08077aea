"""Prometheus itself on what it will be given. Needs its ``promtool``; run by `make test-ops`."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.ops

PROMETHEUS = Path(__file__).parents[2] / "deploy" / "prometheus"


def promtool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run it; the test fails where it is missing."""
    binary = shutil.which("promtool")
    assert binary, "promtool is missing: it comes with Prometheus (on Debian: apt-get install prometheus)"
    return subprocess.run([binary, *arguments], check=False, capture_output=True, text=True)


def test_prometheus_takes_the_configuration_and_the_rules() -> None:
    """Syntax of both, and of every template in an annotation."""
    done = promtool("check", "config", PROMETHEUS / "prometheus.yml")

    assert done.returncode == 0, done.stdout + done.stderr


def test_alerts_fire_when_they_should_and_only_then(tmp_path: Path) -> None:
    """Each history in alerts_test.yml, minute by minute."""
    histories = Path(__file__).with_name("alerts_test.yml").read_text()
    (tmp_path / "alerts_test.yml").write_text(
        histories.replace("ALERTS\n", f"{PROMETHEUS / 'alerts.yml'}\n", 1)
    )
    done = promtool("test", "rules", tmp_path / "alerts_test.yml")

    assert done.returncode == 0, done.stdout + done.stderr
