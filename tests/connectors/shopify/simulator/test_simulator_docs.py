"""What docs/connectors/shopify.md says of the simulator is so."""

from __future__ import annotations

import re
from pathlib import Path

from connectors.shopify.simulator import SIMULATOR

PAGE = (Path(__file__).parents[4] / "docs/connectors/shopify.md").read_text(encoding="utf-8")


def table(heading: str) -> list[list[str]]:
    """The cells of the table that begins with this cell, without its two header lines."""
    _, _, rest = PAGE.partition(f"| {heading} |")
    lines = rest.partition("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def test_every_option_is_listed_with_its_default_and_meaning() -> None:
    """The shared faults too."""
    stated = {name.strip("`"): (default.strip("`"), meaning) for name, default, meaning in table("option")}
    fields = SIMULATOR.Options.model_fields

    assert set(stated) == {f"--{name.replace('_', '-')}" for name in fields}
    for name, field in fields.items():
        default, meaning = stated[f"--{name.replace('_', '-')}"]
        assert default == str({"": "none", None: "none"}.get(field.default, field.default)).removesuffix(
            ".0"
        ) or (name == "match" and default == "all")
        assert meaning == field.description


async def test_every_command_is_listed() -> None:
    """Besides what all simulators know."""
    stated = set(re.findall(r"`POST (\w+)`", PAGE))

    assert stated == {"reset", *SIMULATOR.app().platform.commands()}
