"""What docs/connectors/vtex-seller.md says is so."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any, get_args

import pytest
import typer.main
from pydantic import BaseModel

from connectors.vtex import web
from connectors.vtex.commands import app
from connectors.vtex.seller import endpoint, following
from connectors.vtex.seller.client import CHANGE_ROUTES, DELETE, NOTIFY, SEND
from connectors.vtex.seller.identity import LONGEST_ID, UNSAFE
from connectors.vtex.seller.lifecycle import GONE_FOR, LONG_GONE
from connectors.vtex.seller.settings import Defaults, VtexSellerCredentials, VtexSellerSettings
from connectors.vtex.seller.shipping import Channel, Shipping, ShippingRule, Sla
from connectors.vtex.seller.simulation import MOST_ITEMS, PROMISED_FOR
from connectors.vtex.seller.standing import Known
from connectors.vtex.seller.suggestion import SPELLINGS, state_of
from tests.connectors.vtex.seller.goods import SCHEMA, mapped

ROOT = Path(__file__).parents[4]
PAGE = (ROOT / "docs/connectors/vtex-seller.md").read_text(encoding="utf-8")
DECISION = (ROOT / "docs/decisions/0012-simulations-from-memory.md").read_text(encoding="utf-8")


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


@pytest.mark.parametrize(("head", "model"), (("of a rule", ShippingRule), ("of an option", Sla)))
def test_every_setting_of_shipping_is_listed_with_its_default(head: str, model: type[BaseModel]) -> None:
    """And what channels there are."""
    stated = {quoted(name)[0]: default.strip("`") for name, default, _ in table(head, "default", "meaning")}

    assert list(stated) == list(model.model_fields)
    for name, field in model.model_fields.items():
        assert stated[name] == ("required" if field.is_required() else _shown(field.default))
    assert all(f"`{channel}`" in PAGE for channel in get_args(Channel))


def test_the_connection_file_is_accepted_as_it_stands() -> None:
    """And delivers what its comments say."""
    first, *_ = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    file: dict[str, Any] = tomllib.loads(first)
    settings = VtexSellerSettings.model_validate(file["settings"])
    shipping = Shipping(settings.shipping)
    VtexSellerCredentials.model_validate(dict.fromkeys(file["credentials"], "x" * 20))

    assert set(file) == {"connector", "settings", "credentials"}
    assert set(file["credentials"]) == set(VtexSellerCredentials.model_fields)
    assert shipping.to("BRA", "01310-100").slas.count(b'"id"') == 1
    assert shipping.to("BRA", "22270-030").slas.count(b'"id"') == 3


def test_every_state_that_is_kept_is_explained() -> None:
    """In the order in which the help names them."""
    assert [quoted(state)[0] for state, _, _ in table("state", "means", "its record is")] == list(
        get_args(Known)
    )


def test_limits_of_the_endpoint_are_the_stated_ones() -> None:
    """Those of the status table, and of the decision."""
    stated = dict(table("status", "when"))

    assert f"more than {MOST_ITEMS} lines" in stated["400"]
    assert f"within {endpoint.DEADLINE:g} seconds" in stated["408"]
    assert endpoint.MOST_BYTES == 1024 * 1024
    assert "more than 1 MiB" in stated["413"]
    for number in (endpoint.MOST_AT_ONCE, endpoint.MOST_READING):
        assert str(number) in stated["503"]
    assert "once in ten minutes" in PAGE
    assert endpoint.LOG_EVERY == 600
    assert PROMISED_FOR == 3600
    assert f"every\n{following.LOOK_EVERY} seconds" in DECISION
    assert f"older than {following.FRESH * 1000:g} ms" in DECISION
    assert f"is {following.AHEAD * 1000:g} ms old" in DECISION
    assert f"comes {following.FRESH * 1000:g} ms after" in PAGE
    assert following.PATIENCE == 0.25
    assert f"{endpoint.MOST_READING} questions at a time" in DECISION


def test_every_status_of_the_endpoint_is_listed() -> None:
    """And no other."""
    code = "".join(Path(module.__file__).read_text(encoding="utf-8") for module in (endpoint, web))
    given = set(re.findall(r"(?:RefusedError\(|send, |, )([2-5]\d\d)\b", code))

    assert {status for status, _ in table("status", "when")} == given


def test_every_error_that_is_listed_is_said_in_these_words() -> None:
    """By the connector itself, unless it is HTTP's."""
    sources = (ROOT / "connectors/vtex").rglob("*.py")
    code = re.sub(r'"\s*f?"', "", "".join(path.read_text(encoding="utf-8") for path in sources))
    texts = [quoted(cell)[0].removesuffix("…") for cell, _, _ in table("what is said", "when", "what to do")]
    own = [text for text in texts if not text.startswith(("HTTP", "VTEX field", LONG_GONE[:30]))]

    assert len(own) > 8
    assert [text for text in own if text.strip() not in code] == []
    assert f"`{LONG_GONE.partition(';')[0]}`" in PAGE
    assert f"{GONE_FOR.days} days" in PAGE


def test_every_command_is_shown() -> None:
    """With what it takes."""
    group: Any = typer.main.get_group(app)

    for name in group.commands["suggestions"].commands:
        assert f"$ hub vtex suggestions {name} market" in PAGE
