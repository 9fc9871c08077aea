"""What docs/connectors/vtex-marketplace.md says of fields and rules is so."""

from __future__ import annotations

import re
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from connectors.vtex.marketplace.checking import checked
from connectors.vtex.marketplace.fields import FIELDS
from connectors.vtex.marketplace.goods import product_document
from connectors.vtex.marketplace.pattern import LONGEST_MATCHED, LONGEST_PATTERN, MOST_PARTS
from connectors.vtex.marketplace.rule import FITTING, FieldRule, GtinRule, ImageRule
from connectors.vtex.marketplace.rules import CategoryRules, Rules, RuleSet
from connectors.vtex.marketplace.sellable import unsaid
from hub.marketplace import Category, Listing, Offer
from tests.connectors.vtex.marketplace.details import details, document

PAGE = (Path(__file__).parents[4] / "docs/connectors/vtex-marketplace.md").read_text(encoding="utf-8")
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
    (example,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
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


def _shown(field: Any) -> str:
    if field.is_required():
        return "required"
    if field.default_factory is not None or field.default is None:
        return "none"
    if isinstance(field.default, list):
        return ", ".join(map(str, field.default))
    return str(field.default).lower()
