"""Rules of a marketplace as a user writes them down."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from connectors.vtex.marketplace.rule import FieldRule, GtinRule, ImageRule, default_of
from connectors.vtex.marketplace.rules import CategoryRules, Rules


def refused(**given: Any) -> list[str]:
    """What is said of rules, with where it is said of."""
    with pytest.raises(ValidationError) as raised:
        Rules.model_validate(given)
    return [".".join([*map(str, each["loc"]), each["msg"]]) for each in raised.value.errors()]


@pytest.mark.parametrize("model", (Rules, CategoryRules, FieldRule, ImageRule, GtinRule))
def test_every_setting_says_what_it_is(model: type[BaseModel]) -> None:
    """For the documentation and for whoever asks at a prompt."""
    assert [name for name, field in model.model_fields.items() if not field.description] == []


def test_without_rules_only_images_and_codes_are_looked_at() -> None:
    """Those of http, and those with a wrong check digit."""
    found = Rules().of("7")

    assert found.fields == {}
    assert found.images == ImageRule(https=True)
    assert found.gtin == GtinRule(check=True, lengths=[8, 12, 13, 14])


def test_a_categorys_rules_go_before_the_common_ones_setting_by_setting() -> None:
    """And the rest of them holds as well."""
    found = Rules.model_validate(
        {
            "fields": {"name": {"required": True, "max_length": 150}, "brand": {"required": True}},
            "images": {"minimum": 1, "endings": ["jpg"]},
            "by_category": [
                {"categories": ["7", "8"], "fields": {"name": {"max_length": 50}}, "images": {"minimum": 3}},
                {"categories": ["8"], "fields": {"name": {"required": False}, "unit": {"required": True}}},
                {"categories": ["8"], "gtin": {"required": True}},
            ],
        }
    )

    assert found.of("7").fields["name"] == FieldRule(required=True, max_length=50)
    assert found.of("8").fields["name"] == FieldRule(required=False, max_length=50)
    assert (found.of("7").images.minimum, found.of("7").images.endings) == (3, ["jpg"])
    assert [found.of(category).gtin.required for category in ("7", "8")] == [False, True]
    assert list(found.of("8").fields) == ["name", "brand", "unit"]
    assert found.of("9") == found.of(None)
    assert found.of(None).fields["name"] == FieldRule(required=True, max_length=150)


def test_rules_stand_in_the_order_of_the_document() -> None:
    """Specifications in that of the configuration."""
    fields: dict[str, Any] = {
        "sku_attributes.B": {},
        "url": {},
        "sku_attributes.A.b": {},
        "sku": {},
        "name": {},
    }

    assert list(Rules.model_validate({"fields": fields}).of(None).fields) == [
        "sku",
        "name",
        "sku_attributes.B",
        "sku_attributes.A.b",
        "url",
    ]


@pytest.mark.parametrize(
    ("path", "rule", "said"),
    (
        ("title", {}, "fields.title: is no field of a product: write one of sku, product_id, name"),
        ("name.first", {}, "fields.name.first: is no field of a product"),
        ("sku_attributes", {}, "fields.sku_attributes: names no specification: write sku_attributes.Color"),
        ("sku_attributes. ", {}, "names no specification"),
        ("gtin", {"required": True}, "fields.gtin: has a section of its own; write it under gtin"),
        ("images", {"required": True}, "fields.images: has a section of its own; write it under images"),
        ("name", {"lenght": 5}, "fields.name.lenght.Extra inputs are not permitted"),
        ("name", {"max_length": 0}, "fields.name.max_length.Input should be greater than or equal to 1"),
        ("name", {"values": []}, "fields.name.values.List should have at least 1 item"),
        ("name", {"min_length": 9, "max_length": 8}, "fields.name.min_length: is 9 and max_length 8"),
        ("name", {"pattern": "("}, "fields.name.pattern.Value error, is no regular expression that can be used (unclosed"),
        ("name", {"hint": "digits"}, "fields.name.hint: says what the pattern wants, and there is none"),
        ("name", {"default": " "}, "fields.name.default.Value error, is neither a text nor a number"),
        ("name", {"default": True}, "fields.name.default.Value error, is neither a text nor a number"),
        ("name", {"max_length": 3, "default": "None"}, 'fields.name.default: "None" has 4 characters and the marketplace takes 3; correct it'),
        ("unit", {"values": ["un"], "default": "kg"}, 'fields.unit.default: "kg" is none of the values'),
        ("unit", {"pattern": "u.", "default": "kg"}, 'fields.unit.default: "kg" is not what the marketplace wants (of the form u.)'),
        ("weight_grams", {"max_length": 3}, "fields.weight_grams.max_length: says nothing of this field; what does is default, maximum, minimum, required"),
        ("weight_grams", {"minimum": 2, "maximum": 1}, "fields.weight_grams.minimum: is 2 and maximum 1"),
        ("weight_grams", {"minimum": 2, "default": 1}, "fields.weight_grams.default: is 1 and the marketplace wants 2 at least"),
        ("weight_grams", {"default": "much"}, 'fields.weight_grams.default: "much" is no number'),
        ("weight_grams", {"maximum": Decimal("1e999")}, "fields.weight_grams.maximum.Value error, is too long a number"),
        ("weight_grams", {"maximum": float("inf")}, "fields.weight_grams.maximum.Input should be a finite number"),
        ("sku", {"default": "7"}, "fields.sku.default: says nothing of this field"),
    ),
)  # fmt: skip
def test_a_rule_that_does_not_fit_is_refused_by_its_name(path: str, rule: Any, said: str) -> None:
    """With what to write."""
    assert any(said in each for each in refused(fields={path: rule}))


@pytest.mark.parametrize(
    ("given", "said"),
    (
        ({"images": {"minimum": 3, "maximum": 2}}, "images.minimum: is 3 and maximum 2"),
        (
            {"images": {"default": "http://x.example/a.jpg"}},
            "images.default.Value error, has an address without https",
        ),
        (
            {"images": {"default": "https://x.example/a.gif", "endings": ["jpg"]}},
            'images.default: ends with "gif"',
        ),
        ({"images": {"endings": ["j p"]}}, "images.endings.0.String should match pattern"),
        ({"gtin": {"lengths": [9]}}, "gtin.lengths.0.Input should be 8, 12, 13 or 14"),
        ({"gtin": {"lengths": []}}, "gtin.lengths.List should have at least 1 item"),
        ({"by_category": [{"categories": []}]}, "by_category.0.categories.List should have at least 1 item"),
        ({"by_category": [{}]}, "by_category.0.categories.Field required"),
    ),
)
def test_a_section_that_does_not_fit_is_refused_by_its_name(given: Any, said: str) -> None:
    """Images, codes and categories."""
    assert any(said in each for each in refused(**given))


def test_what_fits_alone_and_not_together_is_said_of_the_category() -> None:
    """What is wrong everywhere is said once."""
    (said,) = refused(
        fields={"name": {"max_length": 5}, "title": {}},
        by_category=[
            {"categories": ["7"]},
            {"categories": ["8", "9"], "fields": {"name": {"min_length": 6}}},
        ],
    )

    assert said.count("title") == 1
    assert said.count("by_category.1.fields.name.min_length: is 6 and max_length 5") == 1


@pytest.mark.parametrize(
    ("path", "given", "default"),
    (
        ("name", " None ", "None"),
        ("name", 7, "7"),
        ("weight_grams", "300.0", 300),
        ("weight_grams", 0.5, Decimal("0.5")),
        ("sku_attributes.Color", "Blue", ["Blue"]),
        ("sku_attributes.Size", 42.0, ["42"]),
        ("category_path", "Other", ["Other"]),
        ("name", None, None),
    ),
)
def test_a_default_is_what_the_document_would_have(path: str, given: Any, default: Any) -> None:
    """A number, a text, or a list of one."""
    assert default_of(path, FieldRule(default=given)) == default
