"""The contracts in pyproject.toml hold, and notice when they are broken."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINT = "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())"


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """Check the contracts of the project in ``folder``."""
    return subprocess.run(
        [sys.executable, "-c", LINT, "--no-cache"], check=False, capture_output=True, text=True, cwd=folder
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The project's own code, to be broken."""
    for package in ("hub", "connectors"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_contracts_hold(copy: Path) -> None:
    """As `make check` says too; here so that the next tests prove something."""
    done = lint(copy)

    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("broken", "line", "contract"),
    (
        ("hub/codec.py", "import connectors.merchantops.connector", "The core never imports a connector"),
        ("hub/codec.py", "import hub.loop.poll", "Imports point down"),
        ("connectors/merchantops/connector.py", "import hub.store.database", "A connector sees the protocol"),
        ("hub/a_new_module.py", "", "Imports point down"),
    ),
)
def test_a_broken_contract_is_named(copy: Path, broken: str, line: str, contract: str) -> None:
    """By its rule; a module without a place among the layers breaks one too."""
    with (copy / broken).open("a") as module:
        module.write(f"\n{line}\n")
    done = lint(copy)

    assert done.returncode == 1
    assert contract in done.stdout
    assert "BROKEN" in done.stdout
