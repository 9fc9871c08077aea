"""Plugins are imported when they are asked for by name, and one that is broken is told without harm to the others."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub import registry
from hub.errors import NotFoundError

SOUND = """
from hub.connector import Connector
class Sound(Connector):
    name = "sound"
    streams = ("prices",)
"""
ENTRY_POINTS = """
[hub.connectors]
sound = stranger_sound:Sound
broken = stranger_broken:Broken
[hub.simulators]
broken = stranger_simulator:SIMULATOR
"""


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[registry.Registry]:
    """A distribution with a connector that works, one that does not, and a simulator that does not."""
    (tmp_path / "stranger_sound.py").write_text(SOUND)
    (tmp_path / "stranger_broken.py").write_text("raise RuntimeError('nobody can import this')")
    (tmp_path / "stranger_simulator.py").write_text("raise SystemExit('nor this')")
    info = tmp_path / "stranger-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: stranger\nVersion: 1\n")
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield registry.load()
    for name in strangers():
        del sys.modules[name]


def strangers() -> list[str]:
    """What was imported of it."""
    return [name for name in sys.modules if name.startswith("stranger_")]


def test_a_plugin_is_imported_when_it_is_asked_for(installed: registry.Registry) -> None:
    """And no other one."""
    assert strangers() == []

    assert installed.connector("sound").name == "sound"
    assert strangers() == ["stranger_sound"]


def test_who_lists_the_plugins_sees_those_that_work(installed: registry.Registry) -> None:
    """A broken one stands where the reasons are."""
    assert "sound" in set(installed.connectors)
    assert "broken" not in set(installed.connectors)
    assert len(installed.connectors) == len(set(installed.connectors))
    assert "broken" not in installed.simulators
    assert dict(installed.broken) == {
        "hub.connectors:broken": "RuntimeError: nobody can import this",
        "hub.simulators:broken": "SystemExit: nor this",
    }


def test_a_broken_plugin_that_is_asked_for_is_refused_with_its_reason(installed: registry.Registry) -> None:
    """Also when it is asked for again, and whatever was looked at before."""
    for _ in range(2):
        with pytest.raises(NotFoundError, match=r"could not be loaded .RuntimeError: nobody can import this"):
            installed.connector("broken")

    assert installed.connector("sound").name == "sound"


def test_a_name_that_nobody_has_is_refused_with_those_that_there_are(installed: registry.Registry) -> None:
    """Without those that would not work."""
    with pytest.raises(NotFoundError, match=r"merchantops, .*sound") as refused:
        installed.connector("unheard-of")

    assert "broken" not in str(refused.value)
    assert "hub.connectors:unheard-of" not in installed.broken
