"""What docs/connectors/merchantops.md says is so."""

from __future__ import annotations

import re
import tomllib
from decimal import Decimal
from pathlib import Path

import pytest

from connectors.destinations.http import HttpDestination
from connectors.merchantops.connector import MerchantOps
from connectors.merchantops.mapping import MAX_ERROR_LENGTH, parse_page
from connectors.merchantops.simulator import SIMULATOR
from connectors.merchantops.simulator_state import GUIDE_RECORD
from hub import codec, connection_file
from hub.mapping import Mapping

GUIDE_PAGE = codec.dumps({"items": [GUIDE_RECORD]})
PAGE = (Path(__file__).parents[3] / "docs/connectors/merchantops.md").read_text(encoding="utf-8")


def table(heading: str) -> list[list[str]]:
    """The cells of the table that begins with this cell, without its two header lines."""
    _, _, rest = PAGE.partition(f"| {heading} |")
    lines = rest.partition("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def unquoted(cell: str) -> str:
    return cell.strip("`")


@pytest.mark.parametrize(("written", "result"), table("in the page"))
def test_every_amount_in_the_table_has_the_stated_result(written: str, result: str) -> None:
    """Through a whole page."""
    parsed = parse_page(b'{"items": [{"record_key": "a", "amount": %b}]}' % unquoted(written).encode())
    amount = parsed.records[0].payload["amount"] if parsed.records else None

    assert (codec.dumps(amount).decode() if parsed.records else "quarantine") == unquoted(result)


def test_every_setting_is_listed_with_its_default() -> None:
    """And none that does not exist."""
    stated = {unquoted(name): default for name, default, _ in table("setting")}
    fields = MerchantOps.Settings.model_fields

    assert list(stated) == list(fields)
    for name, field in fields.items():
        assert field.is_required() == (stated[name] == "required")
        assert field.is_required() or str(field.default or "none").removesuffix(".0") == stated[name]
    assert [unquoted(name) for name, _ in table("credential")] == list(MerchantOps.Credentials.model_fields)


def test_every_option_of_the_simulator_is_listed_with_its_default() -> None:
    """The shared faults too."""
    stated = {unquoted(name): unquoted(default) for name, default, _ in table("option")}
    fields = SIMULATOR.Options.model_fields

    assert set(stated) == {f"--{name.replace('_', '-')}" for name in fields}
    for name, field in fields.items():
        default = {"": "all", None: "none"}.get(field.default, field.default)
        assert str(default) == stated[f"--{name.replace('_', '-')}"]


def test_every_command_of_the_simulator_is_listed() -> None:
    """Besides what all simulators know."""
    stated = set(re.findall(r"`POST (\w+)`", PAGE))

    assert stated == {"reset", *SIMULATOR.app().platform.commands()}


def test_the_connection_file_is_accepted_as_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    """By both plugins and the mapping."""
    monkeypatch.setenv("MERCHANTOPS_API_KEY", "from-the-environment")
    (written,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    file = connection_file.parse(tomllib.loads(written))

    assert file.connector == MerchantOps.name
    assert MerchantOps.Settings.model_validate(file.settings)
    assert MerchantOps.Credentials.model_validate(file.credentials)
    assert file.destination is not None
    assert file.destination.name == HttpDestination.name
    assert HttpDestination.Settings.model_validate(file.destination.settings)
    mapped = Mapping.compile(file.destination.mapping).apply(parse_page(GUIDE_PAGE).records[0].payload)
    assert mapped == {"sku": "1000035585-001-L2", "price": Decimal("32.85"), "currency": "USD"}


def test_the_length_of_an_error_is_the_stated_one() -> None:
    """In characters."""
    assert f"cut to {MAX_ERROR_LENGTH} characters" in PAGE
