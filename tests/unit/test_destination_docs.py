"""What the pages about destinations and mappings say is what the code does."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from connectors.destinations.batch_results import BatchResults
from connectors.destinations.http import HttpDestination
from connectors.destinations.jsonl import JsonlDestination
from connectors.destinations.sql import SqlDestination
from hub import codec
from hub.connection_file import validated
from hub.mapping import Mapping
from hub.mapping.casts import DATE_CASTS, MONEY_CASTS, VALUE_CASTS
from hub.mapping.spec import FieldSpec

DOCS = Path(__file__).parents[2] / "docs"
DESTINATIONS = (HttpDestination, SqlDestination, JsonlDestination)


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def section(destination: type) -> str:
    """What stands under the destination's heading."""
    return page("destinations.md").split(f"\n## {destination.name}\n")[1].split("\n## ")[0]


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def in_tables(text: str) -> set[str]:
    """All names in backquotes in the first columns of tables."""
    cells = re.findall(r"^\| ([^|]*) \|", text, re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}


@pytest.mark.parametrize("destination", DESTINATIONS)
def test_every_setting_and_credential_is_on_the_page(destination: Any) -> None:
    """And nothing that no longer is one stands in its section unnoticed: examples are checked below."""
    models: list[type[BaseModel]] = [destination.Settings, destination.Credentials]
    if destination is HttpDestination:
        models.append(BatchResults)

    names = {field.alias or name for model in models for name, field in model.model_fields.items()}

    assert names <= in_tables(section(destination))


@pytest.mark.parametrize("destination", DESTINATIONS)
def test_the_example_of_each_destination_is_valid(destination: Any) -> None:
    """As it stands there."""
    part = tomllib.loads(blocks(section(destination), "toml")[0])["destination"]

    assert part["name"] == destination.name
    validated(destination.Settings, part["settings"], field="destination.settings")
    validated(destination.Credentials, part.get("credentials", {}), field="destination.credentials")


def test_the_example_of_batch_results_is_valid() -> None:
    """In a batch, as it stands there."""
    part = tomllib.loads(blocks(section(HttpDestination), "toml")[1])["destination"]["settings"]

    validated(
        HttpDestination.Settings, {"url": "https://erp.example/", "batch": 100, **part}, field="settings"
    )


def test_every_setting_and_cast_of_a_mapping_is_on_its_page() -> None:
    """Each in its table."""
    names = {*FieldSpec.model_fields, *VALUE_CASTS, *MONEY_CASTS, *DATE_CASTS}

    assert names <= in_tables(page("mapping.md"))


def test_the_example_of_a_mapping_gives_what_the_page_shows() -> None:
    """Record, mapping and body stand there side by side."""
    (toml,) = blocks(page("mapping.md"), "toml")
    record, body = (codec.loads(block) for block in blocks(page("mapping.md"), "json"))

    assert Mapping.compile(tomllib.loads(toml)["destination"]["mapping"]).apply(record) == body


def test_the_expressions_on_the_page_compile() -> None:
    """Those of what is often used."""
    block = page("mapping.md").split("Often used:")[1]
    expressions = [line.split("  #")[0].strip() for line in blocks(block, "text")[0].splitlines()]

    assert len(expressions) == 6
    for number, expression in enumerate(expressions):
        Mapping.compile({f"field{number}": expression})
