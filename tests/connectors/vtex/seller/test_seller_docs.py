"""What docs/connectors/vtex-seller.md says is so."""

from __future__ import annotations

import re
from pathlib import Path

from connectors.vtex.seller.client import CHANGE_ROUTES, DELETE, NOTIFY, SEND
from connectors.vtex.seller.identity import LONGEST_ID, UNSAFE
from connectors.vtex.seller.settings import Defaults, VtexSellerCredentials, VtexSellerSettings
from connectors.vtex.seller.suggestion import SPELLINGS, state_of
from tests.connectors.vtex.seller.goods import SCHEMA, mapped

PAGE = (Path(__file__).parents[4] / "docs/connectors/vtex-seller.md").read_text(encoding="utf-8")


def table(*heads: str) -> list[list[str]]:
    """The cells of the table that begins with these heads, without its two header lines."""
    _, _, rest = PAGE.partition("| " + " | ".join(heads) + " |")
    lines = rest.partition("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def quoted(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def _shown(value: object) -> str:
    if value is None:
        return "none"
    return str(value).lower() if isinstance(value, bool) else str(value)


def test_every_setting_is_listed_with_its_default() -> None:
    """And none that does not exist."""
    stated = {
        quoted(name)[0]: default.strip("`") for name, default, _ in table("setting", "default", "meaning")
    }
    fields = VtexSellerSettings.model_fields

    assert list(stated) == list(fields)
    for name, field in fields.items():
        assert field.is_required() == (stated[name] == "required")
        plain = None if field.default_factory is not None else field.default
        assert field.is_required() or _shown(plain) == stated[name]
    listed = [name for cell, _ in table("default", "for") for name in quoted(cell)]
    assert {each.removeprefix("defaults.") for each in listed} == set(Defaults.model_fields)
    assert [quoted(cell)[0] for cell, _ in table("credential", "meaning")] == list(
        VtexSellerCredentials.model_fields
    )


def test_every_field_that_is_sent_is_listed() -> None:
    """In the columns of VTEX's template, and whether it is mandatory."""
    rows = table("VTEX field", "how to fill it", "API", "our field", "transformation", "mandatory", "buy box")
    mandatory = {quoted(row[0])[0]: row[5] == "yes" for row in rows}
    del mandatory["sellerSkuId"]

    assert {len(row) for row in rows} == {7}
    assert set(mandatory) == set(mapped().body)
    assert {name for name, is_mandatory in mandatory.items() if is_mandatory} == set(SCHEMA["required"])


def test_resources_and_limits_are_the_stated_ones() -> None:
    """As License Manager calls them."""
    stated = [cell for _, cell in table("for", "resource (product > category > resource)")]

    assert stated == [*(resource for _, _, resource in CHANGE_ROUTES.values()), NOTIFY, SEND, DELETE]
    assert f"more than {LONGEST_ID} bytes" in PAGE
    (listed,) = re.findall(r"one of `([^`]+)`", PAGE)
    assert set(listed.replace("\\|", "|").split()) == set(UNSAFE)


def test_every_spelling_of_a_state_is_listed() -> None:
    """And no other."""
    stated = {state: quoted(cell) for state, cell in table("state", "spellings")}

    assert all(state_of(word) == state for state, words in stated.items() for word in words)
    known = [word.lower() for state, words in stated.items() if state != "unknown" for word in words]
    assert sorted(known) == sorted(SPELLINGS)
