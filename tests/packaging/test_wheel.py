"""What is in the wheel that people install."""

from __future__ import annotations

import configparser
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[zipfile.ZipFile]:
    """Built from the checkout as it is."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as archive:
        yield archive


def test_every_migration_is_in_it(wheel: zipfile.ZipFile) -> None:
    """Where an installed hub looks for them."""
    here = {path.relative_to(ROOT / "migrations") for path in (ROOT / "migrations").rglob("*.py")}
    shipped = {Path(name) for name in wheel.namelist()}

    assert here
    assert {Path("hub/_migrations") / path for path in here} <= shipped


def test_it_holds_nothing_but_the_two_packages(wheel: zipfile.ZipFile) -> None:
    """Tests, benchmarks and deployment stay in the checkout."""
    folders = {Path(name).parts[0] for name in wheel.namelist()}

    assert folders == {"hub", "connectors", "connector_hub-0.1.0.dist-info"}
    assert {"hub/py.typed", "connectors/py.typed"} <= set(wheel.namelist())


def test_the_schema_of_a_simulator_is_in_it(wheel: zipfile.ZipFile) -> None:
    """It is read when the simulator starts."""
    assert "connectors/shopify/simulator/schema.graphql" in wheel.namelist()


def test_every_entry_point_leads_somewhere(wheel: zipfile.ZipFile) -> None:
    """Plugins are found through them, the built-in ones too."""
    parser = configparser.ConfigParser()
    parser.read_string(wheel.read("connector_hub-0.1.0.dist-info/entry_points.txt").decode())
    for group in parser.sections():
        for target in parser[group].values():
            module, _, name = target.partition(":")
            assert hasattr(import_module(module), name), target
