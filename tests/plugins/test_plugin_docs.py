"""The code in docs/plugins.md is code that runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLUGIN = ROOT / "tests" / "fixtures" / "acme_plugin"
QUOTED = re.compile(r"<!-- quoted: (\S+) -->\n```\w+\n(.*?)```", re.DOTALL)
QUOTES: list[tuple[str, str]] = QUOTED.findall((ROOT / "docs" / "plugins.md").read_text())


@pytest.mark.parametrize(("path", "code"), QUOTES, ids=lambda one: one.strip().splitlines()[0][:50])
def test_a_quote_stands_in_the_plugin_word_for_word(path: str, code: str) -> None:
    """The plugin is installed and run by the tests beside this one."""
    assert code in (PLUGIN / path).read_text()


def test_the_whole_connector_is_quoted() -> None:
    """Nothing is left out of the complete one."""
    assert ("acme_plugin/connector.py", (PLUGIN / "acme_plugin" / "connector.py").read_text()) in QUOTES
    assert len(QUOTES) == 5
