"""Records as bodies of catalog entities: every spelling, and what bad input gets."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest

from connectors.merchstack.to_catalog import category_body, product_body
from hub import catalog, codec
from hub.errors import RejectedError
from hub.records import JSON


def product(**fields: Any) -> JSON:
    """The body of a product record with these fields."""
    body = product_body({"externalSystemId": "p", **fields}, operation="update", wait=False, location="main")
    catalog.parse(body)
    return body


def category(**fields: Any) -> JSON:
    """The body of a category record with these fields."""
    body = category_body({"externalSystemId": "c", **fields}, operation="update", managed=False, wait=False)
    catalog.parse(body)
    return body


def variant(**fields: Any) -> JSON:
    """The body of a variant with these fields."""
    body: JSON = product(variants=[{"externalSystemId": "v", **fields}])["variants"][0]
    return body


def faults(**fields: Any) -> Sequence[str]:
    """What is wrong with a product record."""
    with pytest.raises(RejectedError) as caught:
        product(**fields)
    return caught.value.errors


def test_only_the_key_is_required() -> None:
    """Everything else is absent, and stays absent."""
    assert product() == {"kind": "product", "key": "p"}
    assert category() == {"kind": "category", "managed": False, "key": "c"}


def test_a_record_without_a_key_is_rejected() -> None:
    """The field is named in the official spelling."""
    with pytest.raises(RejectedError, match="externalSystemId: is required"):
        product_body({}, operation="update", wait=False, location="main")


@pytest.mark.parametrize(
    "spelling", ("featuredAssetId", "featuredExternalAssetId", "featuredAsset", "featuredExternalAsset")
)
def test_the_featured_asset_in_every_spelling(spelling: str) -> None:
    """The seed has four, on all three kinds of things."""
    assert product(**{spelling: "a"})["featured_medium"] == "a"
    assert category(**{spelling: "a"})["featured_medium"] == "a"
    assert variant(**{spelling: "a"})["featured_medium"] == "a"


def test_the_key_in_both_spellings() -> None:
    """The seed's table says Id, its example ID."""
    record = {"externalSystemID": "p", "variants": [{"externalSystemID": "v"}]}

    body = product_body(record, operation="update", wait=False, location="main")

    assert (body["key"], body["variants"][0]["key"]) == ("p", "v")


@pytest.mark.parametrize("spelling", ("focalPoint", "forcalPoint"))
def test_the_focal_point_in_both_spellings(spelling: str) -> None:
    """Numbers or texts of numbers."""
    asset = {"externalSystemAssetId": "a", spelling: {"x": 23, "y": "45.5"}}

    assert product(assets=[asset])["media"][0]["focal_point"] == {"x": 23, "y": Decimal("45.5")}


def test_a_focal_point_that_is_a_text_is_kept() -> None:
    """The seed's table calls it a string and does not say of what form."""
    asset = {"externalSystemAssetId": "a", "focalPoint": "23 45"}

    assert product(assets=[asset])["media"][0]["extra"] == {"focalPoint": "23 45"}


def test_width_and_height_are_numbers_or_digits() -> None:
    """The example has numbers, the table says string."""
    asset = {"externalSystemAssetId": "a", "width": "159", "height": Decimal("235.0")}

    assert product(assets=[asset])["media"] == [{"key": "a", "width": 159, "height": 235}]


@pytest.mark.parametrize(
    ("given", "expected"),
    (
        ([{"a": "b"}], {"a": ["b"]}),
        ({"a": ["b", "c"]}, {"a": ["b", "c"]}),
        ([{"a": "b"}, {"a": ["c"], "d": []}], {"a": ["b", "c"], "d": []}),
        ([{"a": None}], {}),
        ([], {}),
        ({}, {}),
        (None, None),
    ),
)
def test_attributes_in_every_form(given: Any, expected: Any) -> None:
    """An array of objects or one object; a text or an array of texts."""
    assert product(attributes=given)["attributes"] == expected
    assert variant(attributes=given)["attributes"] == expected


def test_urls_lose_their_brackets() -> None:
    """Of facets and of assets."""
    facet = {"facetAttribute": "color", "details": [{"name": "red", "url": "<https://a.example/?x=1>"}]}
    asset = {"externalSystemAssetId": "a", "source": "<https://a.example/b.jpg>"}

    body = category(indexableFacets=[facet], assets=[asset])

    assert body["facets"][0]["details"] == [{"name": "red", "url": "https://a.example/?x=1"}]
    assert body["media"][0]["source"] == "https://a.example/b.jpg"


def test_null_and_empty_and_absent_stay_three_things() -> None:
    """Null clears, empty is stored, absent leaves what is there."""
    names = {"brand", "categoryIds", "translations", "assets", "attributes", "featuredAssetId", "enabled"}
    cleared = product(**dict.fromkeys(names))
    emptied = product(brand="", categoryIds=[], translations=[], assets=[], attributes=[], featuredAssetId="")

    assert {name for name, value in cleared.items() if value is None} == {
        "brand",
        "categories",
        "translations",
        "media",
        "attributes",
        "featured_medium",
        "enabled",
    }
    assert emptied == {
        "kind": "product",
        "key": "p",
        "brand": "",
        "categories": [],
        "translations": [],
        "media": [],
        "attributes": {},
        "featured_medium": "",
    }


def test_enabled_and_private_are_two_fields_of_a_category() -> None:
    """The example has one, the table the other."""
    body = category(enabled=False, isPrivate=True)

    assert (body["enabled"], body["private"]) == (False, True)


def test_a_category_without_a_parent_says_null_or_empty() -> None:
    """No category has an empty key."""
    assert category(externalSystemParentId=None)["parent"] is None
    assert category(externalSystemParentId="")["parent"] is None


def test_unknown_fields_are_kept_where_they_stood() -> None:
    """Names that mean something to us too are just unknown names."""
    body = product(
        tenantId="t",
        storeId="s",
        exportMetaData={"exportId": "1"},
        media="mine",
        shelf={"row": Decimal("1.10")},
        translations=[{"languageCode": "en", "note": 1}],
        assets=[{"externalSystemAssetId": "a", "alt": "An image", "focalPoint": {"z": 3}}],
        variants=[{"externalSystemId": "v", "prices": []}],
    )

    assert body["extra"] == {"media": "mine", "shelf": {"row": Decimal("1.10")}}
    assert body["translations"][0]["extra"] == {"note": 1}
    assert body["media"][0] == {
        "key": "a",
        "focal_point": {"extra": {"z": 3}},
        "extra": {"alt": "An image"},
    }
    assert body["variants"][0]["extra"] == {"prices": []}
    assert "media" not in product(variants=[{"externalSystemId": "v", "media": 1}])["variants"][0]


def test_unknown_fields_of_facets_are_kept() -> None:
    """On both of their levels; related items that are no list are unknown, too."""
    detail = {"name": "red", "rank": 1}
    body = category(
        indexableFacets=[{"facetAttribute": "color", "details": [detail], "label": "Colour"}],
        relatedItems="a,b",
    )

    assert body["facets"][0]["extra"] == {"label": "Colour"}
    assert body["facets"][0]["details"][0] == {"name": "red", "extra": {"rank": 1}}
    assert body["extra"] == {"relatedItems": "a,b"}
    assert category(relatedItems=["a"])["related"] == ["a"]


@pytest.mark.parametrize(
    ("currency", "amount"),
    (("USD", "39.99"), ("usd", "39.99"), (840, "39.99"), ("840", "39.99"), ("JPY", "3999"), ("BHD", "3.999")),
)
def test_a_price_is_in_the_minor_unit_of_its_currency(currency: object, amount: str) -> None:
    """By code or ISO number."""
    (price,) = variant(price=3999, currencyCode=currency)["prices"]

    assert price["amount"] == Decimal(amount)
    assert price["kind"] == "sale"
    assert len(price["currency"]) == 3


def test_a_price_that_is_null_is_cleared() -> None:
    """In its currency; without one, nobody knows which, and it is kept as it was written."""
    assert variant(price=None, currencyCode="USD")["prices"] == [
        {"kind": "sale", "currency": "USD", "amount": None}
    ]
    assert variant(price=None, compareAtPrice=None) == {
        "key": "v",
        "extra": {"price": None, "compareAtPrice": None},
    }


def test_a_currency_without_a_price_is_kept() -> None:
    """So that nothing is lost."""
    assert variant(currencyCode=978) == {"key": "v", "extra": {"currencyCode": "EUR"}}
    assert variant(currencyCode=None) == {"key": "v", "extra": {"currencyCode": None}}


def test_stock_goes_to_the_location() -> None:
    """Oversold is a number, too; null clears."""
    assert variant(stockOnHand=-3)["stock"] == [{"location": "main", "on_hand": -3}]
    assert variant(stockOnHand=0, outOfStockThreshold=None)["stock"] == [
        {"location": "main", "on_hand": 0, "threshold": None}
    ]


def test_assets_with_an_operation_change_the_media() -> None:
    """Those without one replace them."""
    operations = {"addAsset": "add", "updateAsset": "update", "deleteAsset": "delete"}
    assets = [{"externalSystemAssetId": name, "operation": name} for name in operations]

    changed = product(assets=assets)
    mixed = product(assets=[{"externalSystemAssetId": "a"}, *assets])

    assert "media" not in changed
    assert [each["operation"] for each in changed["media_changes"]] == ["add", "update", "delete"]
    assert changed["media_changes"][0]["medium"] == {"key": "addAsset"}
    assert mixed["media"] == [{"key": "a"}]
    assert len(mixed["media_changes"]) == 3


def test_which_variants_a_record_names() -> None:
    """An update names those that it changes; a new product, and an empty list, names all there are."""
    record = {"externalSystemId": "p", "variants": [{"externalSystemId": "v"}]}
    created = product_body(record, operation="create", wait=False, location="main")

    assert created["all_variants"] is True
    assert "all_variants" not in product(variants=record["variants"])
    assert product(variants=[])["all_variants"] is True
    assert product(variants=None) == {"kind": "product", "key": "p", "variants": [], "all_variants": True}


def test_a_deletion_needs_the_key_alone() -> None:
    """Whatever else stands in the record."""
    record = {"externalSystemID": "x", "variants": "all of them", "translations": 3}

    assert product_body(record, operation="delete", wait=True, location="main") == {
        "kind": "product",
        "operation": "delete",
        "key": "x",
    }
    gone = category_body(record, operation="delete", managed=True, wait=True)
    assert catalog.parse(gone).operation == "delete"


def test_managed_categories_enrich() -> None:
    """Those of an export; an import file's are not managed."""
    body = category_body({"externalSystemId": "c"}, operation="create", managed=True, wait=True)

    assert body == {
        "kind": "category",
        "key": "c",
        "managed": True,
        "enriches": True,
        "wait_for_parent": True,
    }


def test_a_category_is_not_its_own_parent() -> None:
    """The longer circles are found where all categories are known."""
    with pytest.raises(RejectedError, match="externalSystemParentId: is the category itself; "):
        category(externalSystemParentId="c")


@pytest.mark.parametrize(
    ("fields", "error"),
    (
        (
            {"price": Decimal("39.99"), "currencyCode": "USD"},
            "price: 39.99 has a decimal point; write minor units, 3999",
        ),
        (
            {"price": Decimal("39.9"), "currencyCode": "USD"},
            "price: 39.9 has a decimal point; write minor units, 3990",
        ),
        (
            {"price": Decimal("3.999"), "currencyCode": 48},
            "price: 3.999 has a decimal point; write minor units, 3999",
        ),
        (
            {"price": Decimal("39.99"), "currencyCode": "JPY"},
            "price: 39.99 has a decimal point; write minor units, such as 3999 for 39.99 USD",
        ),
        ({"price": -1, "currencyCode": "USD"}, "price: -1 is negative; write 0 or more"),
        (
            {"compareAtPrice": "3999", "currencyCode": "USD"},
            'compareAtPrice: "3999" is a text; write minor units as a number, such as 3999 for 39.99 USD',
        ),
        (
            {"price": True, "currencyCode": "USD"},
            "price: true is no number; write minor units, such as 3999 for 39.99 USD",
        ),
        (
            {"price": 1},
            "currencyCode: is missing, and a price means nothing without it; add a code such as USD",
        ),
        (
            {"price": 1, "currencyCode": "XXQ"},
            'currencyCode: "XXQ" is no ISO 4217 currency; use a code such as USD or a number such as 840',
        ),
        (
            {"price": 1, "currencyCode": "XAU"},
            'currencyCode: "XAU" has no minor unit in ISO 4217; use a code such as USD',
        ),
        ({"outOfStockThreshold": -1}, "outOfStockThreshold: -1 is negative; write 0 or more"),
        (
            {"stockOnHand": "22"},
            'stockOnHand: "22" is no whole number; write one such as 22, without quotes or point',
        ),
        (
            {"stockOnHand": Decimal("2.5")},
            "stockOnHand: 2.5 is no whole number; write one such as 22, without quotes or point",
        ),
        ({"sku": 5}, "sku: 5 is no text; write it in quotes"),
        ({"enabled": "yes"}, 'enabled: "yes" is neither true nor false; write one of them, without quotes'),
        ({"attributes": [{"a": [1]}]}, "attributes.0.a.0: 1 is no text; write it in quotes"),
        (
            {"attributes": {"a": {"b": "c"}}},
            'attributes.a: {"b":"c"} is no array; write it in square brackets',
        ),
    ),
)
def test_what_is_wrong_with_a_variant(fields: JSON, error: str) -> None:
    """Field, reason and remedy."""
    assert faults(variants=[{"externalSystemId": "v", **fields}]) == (f"variants.0.{error}",)


@pytest.mark.parametrize(
    ("fields", "error"),
    (
        ({"externalSystemId": 456}, "externalSystemId: 456 is no text; write it in quotes"),
        ({"externalSystemId": ""}, "externalSystemId: is empty; write what it is called"),
        ({"externalSystemId": "x" * 513}, "externalSystemId: has more than 512 characters; shorten it"),
        ({"categoryIds": ["1", 2]}, "categoryIds.1: 2 is no text; write it in quotes"),
        ({"categoryIds": "1"}, 'categoryIds: "1" is no array; write it in square brackets'),
        ({"translations": [{}]}, "translations.0.languageCode: is required; add it"),
        ({"translations": ["en"]}, 'translations.0: "en" is no object; write it in braces'),
        ({"assets": [{}]}, "assets.0.externalSystemAssetId: is required; add it"),
        ({"variants": [{}]}, "variants.0.externalSystemId: is required; add it"),
        (
            {"assets": [{"externalSystemAssetId": "a", "width": "wide"}]},
            'assets.0.width: "wide" is no number of pixels; write a whole number such as 159',
        ),
        (
            {"assets": [{"externalSystemAssetId": "a", "forcalPoint": {"x": "left"}}]},
            'assets.0.forcalPoint.x: "left" is no number; write one such as 23',
        ),
        (
            {"assets": [{"externalSystemAssetId": "a", "operation": "dropAsset"}]},
            "assets.0.operation: \"dropAsset\" is none of 'addAsset', 'updateAsset' or 'deleteAsset'; write one of them",
        ),
        (
            {"variants": [{"externalSystemId": "v"}, {"externalSystemId": "v", "sku": "1"}]},
            'variants.1: "v" stands here twice with other values; keep one',
        ),
    ),
)
def test_what_is_wrong_with_a_product(fields: JSON, error: str) -> None:
    """Field, reason and remedy."""
    assert faults(**fields) == (error,)


def test_all_that_is_wrong_is_told_at_once() -> None:
    """So that a file is mended in one go."""
    found = faults(
        brand=1, enabled=2, variants=[{"externalSystemId": 3, "price": -1}, {"stockOnHand": Decimal("1.5")}]
    )

    assert [each.partition(":")[0] for each in found] == [
        "brand",
        "enabled",
        "variants.0.externalSystemId",
        "variants.0.price",
        "variants.1.externalSystemId",
        "variants.1.stockOnHand",
    ]


def test_a_thousand_faults_are_counted() -> None:
    """A report stays readable."""
    found = faults(categoryIds=list(range(1000)))

    assert (len(found), found[-1]) == (101, "and 900 more")


def test_what_is_repeated_word_for_word_counts_once() -> None:
    """It says the same."""
    twice = [{"languageCode": "en", "name": "Shoe"}] * 2

    assert len(product(translations=twice)["translations"]) == 1


def test_what_is_no_content_is_left_out_at_every_depth() -> None:
    """It also makes no difference between two that say the same."""
    twice = [{"languageCode": "en", "name": "Shoe"}, {"languageCode": "en", "name": "Shoe", "storeId": "1"}]

    assert product(translations=twice)["translations"] == [{"language": "en", "name": "Shoe"}]


def test_a_field_in_two_spellings_counts_in_the_first() -> None:
    """The other one is kept as it is, and so is a name that only the catalog has."""
    body = product(externalSystemID="q", extra={"a": 1}, brand=None)

    assert body == {
        "kind": "product",
        "key": "p",
        "brand": None,
        "extra": {"externalSystemID": "q", "extra": {"a": 1}},
    }


def test_a_huge_price_is_refused() -> None:
    """It would fill the memory when it is written out."""
    record = codec.loads(
        b'{"variants": [{"externalSystemId": "v", "currencyCode": "USD", "price": 1%s}]}' % (b"0" * 200)
    )

    assert faults(**record)[0].startswith("variants.0.price: ")


def test_a_text_that_looks_like_an_escape_is_a_text() -> None:
    """A backslash and u0000 are six characters, none of them NUL."""
    assert (
        product_body(
            {"externalSystemId": "p", "brand": "\\u0000"}, operation="update", wait=False, location="main"
        )["brand"]
        == "\\u0000"
    )
