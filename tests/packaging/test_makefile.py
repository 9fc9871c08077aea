"""What `make` would do, without doing it."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def would_do(target: str) -> str:
    """The commands of a target."""
    told = ["make", "--dry-run", "--no-print-directory", target]
    own = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.run(told, cwd=ROOT, env=own, check=True, capture_output=True, text=True).stdout


def test_every_documented_benchmark_is_run() -> None:
    """Each of them, also after one that misses its goal."""
    page = (ROOT / "docs/benchmarks.md").read_text(encoding="utf-8")
    documented = re.findall(r"`python -m benchmarks\.(\w+)`", page)

    (loop,) = re.findall(r"for one in ([\w ]+); do (.*) \|\| missed=1; done", would_do("bench"))

    assert sorted(loop[0].split()) == sorted(documented)


def test_cleaning_up_leaves_what_the_hub_keeps() -> None:
    """Its store and its keys are nobody's cache."""
    (command,) = re.findall(r"rm -rf (.*)", would_do("clean").partition("\n")[0])

    assert ".venv" in command.split()
    assert ".hub" not in command.split()
