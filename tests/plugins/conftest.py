"""An environment of a stranger's own: the hub from its wheel, and plugins beside it."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLUGINS = ROOT / "tests" / "fixtures"

OFFLINE = ("--no-index", "--no-deps", "--no-build-isolation", "--disable-pip-version-check", "--quiet")


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ``bin`` of a new environment with the hub's wheel and three plugins, a good one and two that are not.

    What the hub depends on is borrowed from the environment of the tests, so that no network is needed; the hub itself
    is not, since that one's is the checkout.
    """
    folder = tmp_path_factory.mktemp("fresh")
    _run(
        sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder), cwd=ROOT
    )
    wheel = next(folder.glob("*.whl"))
    venv.create(folder / "venv", with_pip=False)
    binaries = folder / "venv" / "bin"
    packages = next((folder / "venv" / "lib").glob("python*/site-packages"))
    borrowed = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (packages / "borrowed.pth").write_text("\n".join(sorted(borrowed)))
    sources = (str(PLUGINS / name) for name in ("acme_plugin", "broken_plugin", "rival_plugin"))
    pip = (sys.executable, "-m", "pip", "--python", str(binaries / "python"), "install", *OFFLINE)
    _run(*pip, str(wheel), *sources, cwd=folder)
    return binaries


def _run(*command: str, cwd: Path) -> None:
    subprocess.run(command, check=True, capture_output=True, cwd=cwd)
