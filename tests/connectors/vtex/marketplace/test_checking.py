"""Products held against the rules of a marketplace."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.vtex.marketplace.checking import checked
from connectors.vtex.marketplace.fields import FIELDS
from connectors.vtex.marketplace.goods import product_document
from connectors.vtex.marketplace.pattern import LONGEST_MATCHED
from connectors.vtex.marketplace.rules import Rules
from hub import codec
from hub.marketplace import Attribute, Category
from tests.connectors.vtex.marketplace.details import LAMPS, STRICT, anything, document, errors, rules, shapes

CATEGORIES = st.sampled_from([None, LAMPS])


def test_a_whole_product_passes_as_it_is() -> None:
    """Nothing is put in."""
    found = checked(document(), STRICT, None)

    assert (found.errors, found.defaulted) == ([], {})
    assert found.product == document()


def test_all_errors_are_said_at_once_in_the_order_of_the_document() -> None:
    """Each with its field, what is wrong and what to do where."""
    product = document(
        name="AB",
        gtin=None,
        weight_grams=0,
        category_path=[],
        sku_attributes={"Color": ["Green"]},
        images=[{"url": "https://cdn.example/a.gif", "name": None}],
    )

    assert errors(product, STRICT) == [
        (
            'name: "AB" has 2 characters and the marketplace wants 3; lengthen the name of the product or of the SKU '
            "in VTEX, under Catalog > Products and SKUs > Product name, or Catalog > Products and SKUs > SKUs > Name"
        ),
        (
            'images: number 1 ends with "gif" ("https://cdn.example/a.gif"), and the marketplace takes jpg, png; '
            "replace it among the SKU's images in VTEX, under Catalog > Products and SKUs > SKUs > Images"
        ),
        "gtin: is missing; fill in the SKU's EAN in VTEX, under Catalog > Products and SKUs > SKUs > EAN/UPC",
        (
            "weight_grams: is 0 and the marketplace wants 1 at least; correct the package's weight in VTEX, "
            "under Catalog > Products and SKUs > SKUs > Package weight"
        ),
        (
            "category_path: is missing; fill in the product's category in VTEX, "
            "under Catalog > Products and SKUs > Category"
        ),
        (
            'sku_attributes.Color: "Green" is none of the values that the marketplace takes ("Blue", "Red"); '
            "choose another value for the specification Color in VTEX, "
            "under Catalog > Products and SKUs > SKUs > Specifications"
        ),
    ]


@pytest.mark.parametrize(
    ("rule", "value", "said"),
    (
        ({"max_length": 5}, "abcdef", '"abcdef" has 6 characters and the marketplace takes 5; shorten'),
        ({"max_length": 6}, "äöüßéñ", None),
        ({"min_length": 7}, "abcdef", '"abcdef" has 6 characters and the marketplace wants 7; lengthen'),
        ({"pattern": "[a-e]*"}, "abcdef", '"abcdef" is not what the marketplace wants (of the form [a-e]*); correct'),
        ({"pattern": "[a-e]*", "hint": "letters to e"}, "f", '"f" is not what the marketplace wants (letters to e)'),
        ({"pattern": "[a-f]*"}, "abcdef", None),
        ({"values": ["Blue", "Red"]}, "blue", '"blue" is written "Blue" at the marketplace; choose another value for'),
        ({"values": [f"v{n}" for n in range(12)]}, "x", '"v9" and 2 more)'),
        ({"minimum": 5}, "4", "is 4 and the marketplace wants 5 at least"),
        ({"maximum": 5}, "5.5", "is 5.5 and the marketplace takes 5 at most"),
        ({"maximum": 5}, "five", '"five" is no number'),
        ({"required": True}, "  ", "is missing; fill in"),
        ({"max_length": 5}, " ", None),
        ({"max_length": 5}, 7, "7 is no text; correct"),
        ({}, ["a"], '["a"] is no text'),
    ),
)  # fmt: skip
def test_a_text_is_held_against_its_rule(rule: Any, value: Any, said: str | None) -> None:
    """By its field, in one sentence."""
    found = errors(document(manufacturer_code=value), rules(manufacturer_code=rule))

    assert len(found) == (said is not None)
    assert said is None or (found[0].startswith("manufacturer_code: ") and said in found[0])


def test_one_text_may_be_wrong_in_several_ways() -> None:
    """All of them are said."""
    found = errors(
        document(sku_attributes={"Size": ["4", "far too large"]}),
        rules(sku_attributes__Size={"max_length": 3, "pattern": "[0-9]+", "maximum": 3}),
    )

    assert len(found) == 4
    assert all(each.startswith("sku_attributes.Size: ") for each in found)


def test_a_text_too_long_to_be_matched_is_refused_for_its_length() -> None:
    """And its excerpt is no longer than a line."""
    (found,) = errors(document(description="a" * (LONGEST_MATCHED + 1)), rules(description={"pattern": "a*"}))

    assert "has 5001 characters, of which no more than 5000 can be checked; shorten" in found
    assert len(found) < 300


def test_what_nobody_can_change_is_a_matter_of_the_rule() -> None:
    """The SKU's id is VTEX's."""
    assert errors(document(), rules(sku={"min_length": 5})) == [
        (
            'sku: "15" has 2 characters and the marketplace wants 5; '
            "the SKU's id cannot be changed in VTEX: have the marketplace's rule changed"
        )
    ]


@pytest.mark.parametrize(
    ("rule", "urls", "said"),
    (
        ({"minimum": 1}, [], ["are missing and the marketplace wants 1; add the SKU's images"]),
        ({"minimum": 2}, ["https://x.example/a"], ["are 1 and the marketplace wants 2; add to"]),
        ({"maximum": 1}, ["https://x.example/a"] * 2, ["are 2 and the marketplace takes 1; remove some of"]),
        ({}, ["http://x.example/a"], ["number 1 has an address without https"]),
        ({"https": False}, ["http://x.example/a", "HTTP://x.example/a"], []),
        ({"https": False}, ["ftp://x.example/a"], ["number 1 has an address without https"]),
        ({"https": False}, ["http://"], ["number 1 has an address that is none"]),
        ({}, ["https://x.example/a", "a b", None], ["number 2 has an address", "number 3 has no address"]),
        ({"endings": [".JPG"]}, ["https://x.example/A.Jpg?v=1.png", "https://x.example/b.jpg#a"], []),
        ({"endings": ["jpg"]}, ["https://x.example/a.d/b"], ["number 1 has no ending"]),
        ({"endings": ["jpg"]}, ["https://x.jpg"], ["number 1 has no ending"]),
    ),
)
def test_images_are_counted_and_looked_at_one_by_one(rule: Any, urls: Any, said: list[str]) -> None:
    """Their number stands in the sentence."""
    product = document(images=[{"url": url, "name": None} for url in urls])

    found = errors(product, Rules.model_validate({"images": rule}))

    assert len(found) == len(said)
    assert all(text in each for text, each in zip(said, found, strict=True))


@pytest.mark.parametrize(
    ("rule", "code", "said"),
    (
        ({}, "4006381333931", None),
        ({}, "96385074", None),
        ({}, "036000291452", None),
        ({}, "14006381333938", None),
        ({}, "4006381333932", "is no code of 8, 12, 13 or 14 digits whose last one is the right check digit; correct or clear"),
        ({"required": True}, "8781", "right check digit; correct the SKU's EAN"),
        ({}, "٤٠٠٦٣٨١٣٣٣٩٣١", "right check digit"),
        ({}, 4006381333931, "is no text"),
        ({}, None, None),
        ({"required": True}, None, "is missing"),
        ({"required": True, "check": False}, " ", "is missing"),
        ({"lengths": [13, 14]}, "96385074", "has 8 digits and the marketplace takes 13 or 14"),
        ({"lengths": [13]}, "x", "is no code of 13 digits"),
        ({"check": False, "lengths": [13]}, "8781", None),
    ),
)  # fmt: skip
def test_a_bar_code_needs_its_check_digit_and_a_length_that_is_taken(
    rule: Any, code: Any, said: str | None
) -> None:
    """Without `check` any code is taken."""
    found = errors(document(gtin=code), Rules.model_validate({"gtin": rule}))

    assert len(found) == (said is not None)
    assert said is None or said in found[0]


@pytest.mark.parametrize("nothing", (None, "", "   ", [], ["", " "], {}))
def test_a_default_is_taken_where_nothing_is(nothing: Any) -> None:
    """And returned with its field, for A3."""
    found_rules = rules(brand={"default": "No brand"}, sku_attributes__Color={"default": "Blue"})
    product = document(brand=nothing, sku_attributes={"Color": nothing, "Size": ["42"]})

    found = checked(product, found_rules, None)

    assert found.defaulted == {"brand": "No brand", "sku_attributes.Color": "Blue"}
    assert found.product["brand"] == "No brand"
    assert found.product["sku_attributes"] == {"Color": ["Blue"], "Size": ["42"]}
    assert product["sku_attributes"] == {"Color": nothing, "Size": ["42"]}


def test_a_default_is_not_taken_where_something_is_wrong() -> None:
    """A weight of 0 is one, and an error."""
    found = checked(document(weight_grams=0), rules(weight_grams={"minimum": 1, "default": 300}), None)

    assert found.defaulted == {}
    assert len(found.errors) == 1


def test_an_image_may_stand_in_for_those_that_are_missing() -> None:
    """It counts as one."""
    default = "https://cdn.example/none.png"
    found = checked(
        document(images=[]), Rules.model_validate({"images": {"minimum": 1, "default": default}}), None
    )

    assert found.product["images"] == [{"url": default, "name": None}]
    assert (found.defaulted, found.errors) == ({"images": default}, [])


def test_rules_of_a_category_hold_in_it_alone() -> None:
    """By the marketplace's id of it."""
    found = Rules.model_validate(
        {"by_category": [{"categories": ["L1"], "fields": {"reference": {"max_length": 2}}}]}
    )
    lamps, others = Category(id="L1", name="Lamps"), Category(id="C1", name="Chairs")

    assert [len(errors(document(), found, category)) for category in (lamps, others, None)] == [1, 0, 0]


def test_values_of_a_category_are_spelt_as_the_marketplace_does() -> None:
    """Capital letters are no reason to send a merchant back."""
    product = document(
        sku_attributes={"color": ["blue"], "Socket": ["E27"]}, product_attributes={"Material": [" steel"]}
    )

    result = checked(product, Rules(), LAMPS)

    assert list(result.errors) == []
    assert result.product["sku_attributes"]["color"] == ["Blue"]
    assert result.product["product_attributes"]["Material"] == ["Steel"]
    assert product["sku_attributes"]["color"] == ["blue"]


def test_a_category_says_itself_what_it_wants_to_know() -> None:
    """Specifications of the SKU or of the product, in its own values."""
    product = document(sku_attributes={"color": ["Pink"]}, product_attributes={"Material": ["steel"]})

    assert errors(product, Rules(), LAMPS) == [
        (
            'sku_attributes.Color: "Pink" is none of the values that the marketplace takes ("Blue", "Red", "Green"); '
            "choose another value for the specification Color in VTEX, "
            "under Catalog > Products and SKUs > SKUs > Specifications"
        ),
        (
            'sku_attributes.Socket: is missing and the category "Lamps" wants it; '
            "fill in the specification Socket in VTEX, under Catalog > Products and SKUs > SKUs > Specifications"
        ),
    ]


def test_what_a_rule_asks_for_the_category_does_not_ask_for_again() -> None:
    """And a default answers both."""
    asked = rules(sku_attributes__socket={"required": True})
    answered = rules(sku_attributes__Socket={"default": "E27"})

    assert [each.partition(";")[0] for each in errors(document(), asked, LAMPS)] == [
        "sku_attributes.socket: is missing"
    ]
    assert errors(document(), answered, LAMPS) == []


def test_a_category_whose_attribute_has_no_name_asks_for_nothing() -> None:
    """Whatever a marketplace's tree holds."""
    category = Category(
        id="X", name="X", attributes=(Attribute(name=" ", required=True), Attribute(name="a.b"))
    )

    assert errors(document(), Rules(), category) == []


@given(sku=shapes, category=CATEGORIES)
def test_what_passes_passes_again_unchanged(sku: Any, category: Category | None) -> None:
    """With its defaults in it, of which none is needed any more."""
    first = checked(product_document(sku), STRICT, category)

    again = checked(first.product, STRICT, category)

    assert again.product == first.product
    assert again.defaulted == {}
    assert again.errors == first.errors


@given(sku=shapes, category=CATEGORIES)
def test_defaults_stand_only_where_nothing_was(sku: Any, category: Category | None) -> None:
    """Everything else is as it was, and what is handed in is not touched."""
    product = product_document(sku)
    before = copy.deepcopy(product)

    found = checked(product, STRICT, category)

    assert product == before
    for name, value in found.product.items():
        if value != before[name]:
            assert any(path.partition(".")[0] == name for path in found.defaulted)
    for path in found.defaulted:
        name, _, attribute = path.partition(".")
        assert not before[name] or (attribute and attribute not in before[name])


@given(
    sku=shapes, category=CATEGORIES, broken=st.sets(st.sampled_from(["name", "gtin", "weight_grams", "unit"]))
)
def test_each_error_is_there_whatever_else_is_wrong(
    sku: Any, category: Category | None, broken: set[str]
) -> None:
    """Fields do not hide one another, and the same product gives the same sentences."""
    product = {**product_document(sku), **dict.fromkeys(broken, "!")}

    found = checked(product, STRICT, category).errors
    fields = [error.partition(":")[0] for error in found]

    assert broken <= set(fields)
    assert found == checked(codec.loads(codec.dumps(product)), STRICT, category).errors
    assert len(found) == len(set(found))
    by_rules = [list(FIELDS).index(name.partition(".")[0]) for name in fields if category is None]
    assert by_rules == sorted(by_rules)


@given(product=st.dictionaries(st.sampled_from(list(FIELDS)), anything), category=CATEGORIES)
def test_whatever_a_document_holds_is_told_in_sentences(product: Any, category: Category | None) -> None:
    """Mappings may have made anything of it."""
    found = checked(product, STRICT, category)

    assert all("; " in error and ": " in error for error in found.errors)
