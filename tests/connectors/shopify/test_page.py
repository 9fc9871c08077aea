"""What docs/connectors/shopify.md says of settings and connection files is so."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from connectors.shopify.settings import ShopifyCredentials, ShopifySettings
from hub import connection_file

PAGE = (Path(__file__).parents[3] / "docs/connectors/shopify.md").read_text(encoding="utf-8")
FILES = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)


def test_every_setting_stands_there() -> None:
    """With its default and its description, word for word."""
    section = PAGE.partition("### Settings\n")[2].partition("\n## ")[0]
    rows = dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", section, re.MULTILINE))

    assert list(rows) == list(ShopifySettings.model_fields)
    for name, field in ShopifySettings.model_fields.items():
        default, _, meaning = rows[name].partition(" | ")
        assert meaning == field.description
        if field.default is not None and not field.is_required() and field.default_factory is None:
            assert default == f"`{str(field.default).lower()}`"


@pytest.mark.parametrize("text", FILES)
def test_every_connection_file_is_a_good_one(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """And there is one of each kind: a shop's, and the simulator's."""
    monkeypatch.setenv("SHOPIFY_ACCESS_TOKEN", "shpat_1")
    file = connection_file.parse(tomllib.loads(text))

    assert ShopifySettings.model_validate(file.settings)
    assert ShopifyCredentials.model_validate(file.credentials).access_token
    assert len(FILES) == 2
