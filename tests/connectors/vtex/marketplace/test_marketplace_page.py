"""What docs/connectors/vtex-marketplace.md says of fields, rules and settings is so."""

from __future__ import annotations

import json
import re
import tomllib
from collections import Counter
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from connectors.vtex.marketplace.checking import checked
from connectors.vtex.marketplace.fields import FIELDS
from connectors.vtex.marketplace.goods import product_document
from connectors.vtex.marketplace.pattern import LONGEST_MATCHED, LONGEST_PATTERN, MOST_PARTS
from connectors.vtex.marketplace.reader import AFFILIATES, CATALOG, SIMULATE
from connectors.vtex.marketplace.rule import FITTING, FieldRule, GtinRule, ImageRule
from connectors.vtex.marketplace.rules import CategoryRules, Rules, RuleSet
from connectors.vtex.marketplace.sellable import unsaid
from connectors.vtex.marketplace.settings import VtexMarketplaceCredentials, VtexMarketplaceSettings
from hub.marketplace import Category, Listing, Offer
from tests.connectors.vtex.marketplace.conftest import Join
from tests.connectors.vtex.marketplace.details import details, document
from tests.connectors.vtex.marketplace.market_world import NAME, TENANT

PAGE = (Path(__file__).parents[4] / "docs/connectors/vtex-marketplace.md").read_text(encoding="utf-8")
MANDATORY = ("data in VTEX", "mandatory", "recommended", "improves the position", "without it")
HEADS = (
    "VTEX field",
    "How to fill it in VTEX",
    "VTEX API",
    "Marketplace field",
    "Transformation",
    "Mandatory",
    "Buy box",
)


def table(*heads: str) -> list[list[str]]:
    """The cells of the table that begins with these heads, without its two header lines."""
    _, _, rest = PAGE.partition("| " + " | ".join(heads) + " |")
    lines = rest.partition("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def quoted(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_every_field_of_a_listing_is_listed() -> None:
    """With the columns of VTEX's template; a note is none of VTEX's."""
    rows = table(*HEADS)
    ours = [quoted(row[3])[0] for row in rows]
    listing = {field.name for field in fields(Listing)} - {"product", "offer", "note"}

    assert {len(row) for row in rows} == {7}
    assert {name for name in ours if "." not in name} == listing
    assert {name for name in ours if name.startswith("offer.")} == {
        f"offer.{field.name}" for field in fields(Offer)
    }
    assert [name for name in ours if name.startswith("product.")] == [f"product.{name}" for name in FIELDS]
    assert list(product_document(details())) == list(FIELDS)


def test_every_field_of_the_product_says_where_it_comes_from() -> None:
    """And where a merchant fills it in: in the words of the errors."""
    rows = {quoted(row[3])[0].removeprefix("product."): row for row in table(*HEADS)}

    for name, field in FIELDS.items():
        vtex, where, *_ = rows[name] if name != "sku" else (f"`{field.vtex}`", field.where)
        assert quoted(vtex) == [field.vtex]
        assert where == field.where


def test_mandatory_is_what_the_connector_needs_and_by_rule_what_a_rule_may_ask_for() -> None:
    """Beside price, currency, stock and a mapped category, which other steps need."""
    rows = [(quoted(row[0]), quoted(row[3])[0], row[5]) for row in table(*HEADS)]
    told = {"sku", "active"}
    needed = {
        name for names, ours, is_mandatory in rows for name in names if ours in told and is_mandatory == "yes"
    }

    assert needed == {error.partition(":")[0] for error in unsaid({})}
    for _, ours, is_mandatory in rows:
        name = ours.removeprefix("product.")
        if ours.startswith("product.") and name != "sku":
            kind = FIELDS[name].kind
            may_be_required = kind in {"images", "gtin", "attributes"} or "required" in FITTING[kind]
            assert is_mandatory == ("by rule" if may_be_required else "no")


@pytest.mark.parametrize(
    ("heads", "model"),
    (
        (("rules", "default", "meaning"), Rules),
        (("of a field", "default", "for", "meaning"), FieldRule),
        (("of images", "default", "meaning"), ImageRule),
        (("of gtin", "default", "meaning"), GtinRule),
        (("of by_category", "default", "meaning"), CategoryRules),
    ),
)
def test_every_setting_of_the_rules_is_listed_with_its_default(heads: Any, model: type[BaseModel]) -> None:
    """And none that does not exist."""
    stated = {quoted(row[0])[0]: row[1] for row in table(*heads)}

    assert set(stated) == set(model.model_fields)
    for name, field in model.model_fields.items():
        assert stated[name].replace("`", "") == _shown(field)


def test_every_setting_says_for_which_fields_it_is() -> None:
    """Lists are specifications and the category's path."""
    kinds = {"text": "texts", "number": "numbers", "texts": "lists", "fixed": "ids"}
    stated = {
        quoted(name)[0]: set(cell.split(", "))
        for name, _, cell, _ in table("of a field", "default", "for", "meaning")
    }

    for name, cells in stated.items():
        assert cells == {kinds[kind] for kind, fitting in FITTING.items() if name in fitting}


def test_limits_of_patterns_are_the_stated_ones() -> None:
    """Characters and parts."""
    assert f"at most {LONGEST_PATTERN} characters, and {MOST_PARTS} parts" in PAGE
    assert f"more than {LONGEST_MATCHED} characters do not match" in PAGE


def test_the_example_says_what_the_page_says_it_does() -> None:
    """As it stands: taken, and the lamp refused in these words."""
    _, example = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    rules = Rules.model_validate(tomllib.loads(example)["settings"]["rules"])
    lamp = document(name="Lamp" + 66 * "p", gtin=None, description=" ")
    (said,) = re.findall(r"```text\n(name: .*?)```", PAGE, re.DOTALL)

    found = checked(lamp, rules, Category(id="L1", name="Lamps"))

    name, socket = said.splitlines()
    assert [
        each.replace("Lamp" + 66 * "p", "Lamp…").startswith(name.removesuffix("…")) for each in found.errors
    ] == [True, False]
    assert found.errors[1] == socket
    assert found.defaulted == {"description": "No description yet."}
    assert set(RuleSet.model_fields) <= set(Rules.model_fields)


def test_every_setting_is_listed_with_its_default_and_meaning() -> None:
    """Word for word, and none that does not exist."""
    settings = {
        quoted(name)[0]: (default.replace("`", ""), meaning)
        for name, default, meaning in table("setting", "default", "meaning")
    }
    credentials = {quoted(name)[0]: meaning for name, meaning in table("credential", "meaning")}

    assert settings == {
        name: (_shown(field), field.description)
        for name, field in VtexMarketplaceSettings.model_fields.items()
    }
    assert credentials == {
        name: field.description for name, field in VtexMarketplaceCredentials.model_fields.items()
    }


def test_resources_are_those_that_the_errors_name() -> None:
    """As License Manager calls them."""
    assert [resource for _, resource in table("for", "resource")] == [CATALOG, SIMULATE, AFFILIATES]


def test_mandatory_data_is_that_of_the_fields() -> None:
    """What is recommended is not; and so it is with what improves the position."""
    stated = {quoted(row[0])[0]: row[1:4] for row in table(*MANDATORY)}
    rows = [(quoted(row[0]), row[5], row[6]) for row in table(*HEADS)]
    given = {name for names, mandatory, _ in rows if mandatory == "yes" for name in names}
    better = {name for names, _, improves in rows if improves == "yes" for name in names}

    # Nobody fills in an SKU's id.
    assert {name for name, (mandatory, _, _) in stated.items() if mandatory == "yes"} == given - {"Id"}
    assert {name for name, (_, _, improves) in stated.items() if improves == "yes"} == better
    assert {tuple(cells[:2]) for cells in stated.values()} == {("yes", "no"), ("no", "yes")}
    assert stated.keys() <= {name for names, _, _ in rows for name in names}


async def test_the_steps_come_to_what_the_page_says(join: Join, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the simulator's options and the connection file as they stand there; the correction mends what it is to."""
    text, _ = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    (told,) = re.findall(r"hub simulate vtex (.*?) &$", PAGE, re.DOTALL | re.MULTILINE)
    stated = re.findall(r"^    (\w+) +│ (\d+) +│", PAGE, re.MULTILINE)
    (correction,) = re.findall(r"'(\{\"skus\": .*\"ean\".*)'", PAGE)
    for name, value in re.findall(r"(VTEX_\w+|MARKETPLACE_TOKEN)=(\S+)", PAGE):
        monkeypatch.setenv(name, value)
    options = {name.replace("-", "_"): value for name, value in re.findall(r"--([\w-]+) (\S+)", told)}
    del options["port"], options["affiliate_endpoint"]

    world = await join(**options)
    file = tomllib.loads(text)
    file["settings"]["endpoint"] = world.vtex.url
    file["destination"]["settings"]["base_url"] = world.market.url
    await world.hub.connect(file, name=NAME, tenant=TENANT, replace=True)
    await world.sync()
    states = Counter(world.row(sku)["state"] for sku in world.skus)
    corrected = json.loads(correction)
    (sku,) = map(str, corrected.pop("skus"))
    before = world.row(sku)["state"]
    world.tell("change", skus=[int(sku)], notify=False, **corrected)
    world.rewind()
    await world.sync()

    assert {state: int(count) for state, count in stated if state in states} == states
    assert (before, world.row(sku)["state"]) == ("rejected", "parked")


def _shown(field: Any) -> str:
    if field.is_required():
        return "required"
    if field.default_factory is not None or field.default is None:
        return "none"
    if isinstance(field.default, list):
        return ", ".join(map(str, field.default))
    return str(field.default).lower() if isinstance(field.default, bool) else str(field.default)
