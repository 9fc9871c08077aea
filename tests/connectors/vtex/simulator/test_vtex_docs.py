"""What docs/connectors/vtex-simulator.md says is so."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

from connectors.vtex.simulator import SIMULATOR
from connectors.vtex.simulator.web import Group
from hub.testing.simulator import CONTROL_PATH

PAGE = (Path(__file__).parents[4] / "docs/connectors/vtex-simulator.md").read_text(encoding="utf-8")


def shown(default: object) -> str:
    """A default as the table has it."""
    if default in ("", None) or default == []:
        return "none"
    return str(default).lower() if isinstance(default, bool) else str(default).removesuffix(".0")


def test_every_option_is_listed_with_its_default_and_meaning() -> None:
    """The shared faults too."""
    rows = re.findall(r"^\| `--([a-z-]+)` \| (.+?) \| (.+) \|$", PAGE, re.MULTILINE)
    stated = {name.replace("-", "_"): (default.strip("`"), meaning) for name, default, meaning in rows}
    fields = SIMULATOR.Options.model_fields

    assert stated == {
        name: ("all" if name == "match" else shown(field.default), field.description)
        for name, field in fields.items()
    }


def test_every_command_is_listed() -> None:
    """Besides what all simulators know."""
    stated = set(re.findall(r"^\| `POST (\w+)` ", PAGE, re.MULTILINE))

    assert stated == {"reset", *SIMULATOR.app().platform.commands()}


def test_every_path_is_listed() -> None:
    """Each route of the tables is one, and each group of limits is named."""
    router = SIMULATOR.app().platform._router
    listed = re.findall(r"`(GET|PUT|POST|DELETE) (/[^`?]+)", PAGE)
    found = [router.find(method, path.encode())[0] for method, path in listed if CONTROL_PATH not in path]

    assert len(found) > 10
    assert None not in found
    assert all(f"`{group}`" in PAGE for group in get_args(Group))
