"""Variants of the catalog as suggestions."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.vtex.seller.mapping import Mapped
from hub import codec
from hub.errors import RejectedError
from tests.connectors.vtex.seller.goods import NOW, SCHEMA, mapped, product, variant, without

VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)

DEFAULTS = {
    "brand": "No brand",
    "category_path": ["Other", "More"],
    "description": "None yet.",
    "image": "https://cdn.example/none.png",
    "language": "en",
    "length_mm": 300,
    "width_mm": "205.5",
    "height_mm": 100,
    "weight_grams": 1000,
}


def faults(*args: Any, **told: Any) -> list[str]:
    """All that is wrong."""
    with pytest.raises(RejectedError) as raised:
        mapped(*args, **told)
    return list(raised.value.errors)


def tried(*args: Any, **told: Any) -> tuple[Mapped | None, list[str]]:
    """What came of it: one of the two."""
    try:
        return mapped(*args, **told), []
    except RejectedError as error:
        return None, list(error.errors)


def price(amount: Any = "10", currency: str = "BRL", **fields: Any) -> Any:
    return {"kind": "sale", "currency": currency, "amount": amount, **fields}


def test_a_whole_variant_becomes_the_body_that_vtex_documents() -> None:
    """Field by field."""
    found = mapped()

    assert found.seller_sku == "101101"
    assert found.defaulted == {}
    assert found.body == {
        "ProductName": "Air Force",
        "ProductId": "456",
        "ProductDescription": "<p>A shoe</p>",
        "BrandName": "Nike",
        "SkuName": "White, 42",
        "NameComplete": "Air Force White, 42",
        "SellerId": "shop",
        "Height": 12,
        "Width": Decimal("20.55"),
        "Length": 32,
        "Weight": 850,
        "Updated": None,
        "RefId": "661595-01",
        "CategoryFullPath": "Shoes/Sneakers",
        "Images": [{"imageName": "side.jpg", "imageUrl": "https://cdn.example/side.jpg"}],
        "EAN": ["4006381333931"],
        "AvailableQuantity": 22,
        "Pricing": {"Currency": "BRL", "SalePrice": 39990, "CurrencySymbol": "R$"},
        "ProductSpecifications": [{"fieldName": "Material", "fieldValues": ["Leather", "Rubber"]}],
        "SkuSpecifications": [
            {"fieldName": "Color", "fieldValues": ["White"]},
            {"fieldName": "Size", "fieldValues": ["42"]},
        ],
        "MeasurementUnit": "un",
        "UnitMultiplier": 1,
    }
    assert b'"Width":20.55' in codec.dumps(found.body)


def test_all_faults_come_at_once_with_both_names_and_a_remedy() -> None:
    """And nothing but faults."""
    bare = {"key": "a/b", "gtin": "4006381333932", "weight_grams": 0, "prices": [], "stock": []}
    empty = {
        "key": "p",
        "translations": [{"language": "en", "name": "x" * 151}],
        "media": [{"key": "m", "source": "http://cdn.example/a.png"}],
        "variants": [bare],
    }

    found = faults(empty, category=[])

    assert [each.partition(":")[0] for each in found] == [
        "sellerSkuId (variants.key)",
        "ProductDescription (translations.description)",
        "ProductName (translations.name)",
        "BrandName (brand)",
        "CategoryFullPath (categories)",
        "Height (variants.height_mm)",
        "Width (variants.width_mm)",
        "Length (variants.length_mm)",
        "Weight (variants.weight_grams)",
        "Images (media.0.source)",
        "EAN (variants.gtin)",
        "Pricing (variants.prices)",
    ]
    assert all("; " in each for each in found)
    assert "has 151 characters, and VTEX takes 150" in found[2]
    assert "is 0; " in found[8]


def test_defaults_stand_in_and_are_told() -> None:
    """So that they can be logged."""
    bare = {"key": "v", "prices": [price()]}
    document = {"key": "p", "translations": [{"language": "en", "name": "Shoe"}], "variants": [bare]}

    found = mapped(document, category=None, language="pt", defaults=DEFAULTS)

    assert found.defaulted == {
        "language": "en",
        "ProductDescription": "None yet.",
        "BrandName": "No brand",
        "CategoryFullPath": "Other/More",
        "Height": 10,
        "Width": Decimal("20.55"),
        "Length": 30,
        "Weight": 1000,
        "Images": [{"imageName": "Image 1", "imageUrl": "https://cdn.example/none.png"}],
    }
    assert {name: found.body[name] for name in found.defaulted if name != "language"} == {
        name: value for name, value in found.defaulted.items() if name != "language"
    }
    VALIDATOR.validate(codec.loads(codec.dumps(found.body)))


def test_what_the_catalog_has_needs_no_default() -> None:
    """Whatever the settings say."""
    assert mapped(defaults=DEFAULTS).defaulted == {}
    assert mapped(defaults=DEFAULTS).body == mapped().body


def test_a_default_hides_no_fault() -> None:
    """A default image is for variants without one, not for images that cannot be shown."""
    media = [{"key": "m", "source": "http://cdn.example/a.png"}]

    (fault,) = faults(product(media=media), defaults=DEFAULTS)
    assert fault == (
        'Images (media.0.source): has an address without https ("http://cdn.example/a.png"); '
        "serve the image with https and correct its address in the catalog"
    )


@pytest.mark.parametrize("field", ("brand", "translations", "media", "variants", "attributes"))
def test_null_is_as_good_as_absent(field: str) -> None:
    """Cleared fields are there, as null."""
    one = variant()
    cleared, absent = product(**{field: None}), without(product(), field)
    told = {"one": one, "defaults": {**DEFAULTS}}

    if field == "translations":
        assert faults(cleared, **told) == faults(absent, **told)
    else:
        assert mapped(cleared, **told).body == mapped(absent, **told).body


@pytest.mark.parametrize(
    ("language", "name"),
    (
        (None, "Air Force"),
        ("en", "Air Force"),
        ("EN", "Air Force"),
        ("en-GB", "Air Force"),
        ("pt-BR", "Força Aérea"),
        ("pt-br", "Força Aérea"),
        ("pt", "Força Aérea"),
        ("pt-PT", "Força Aérea"),
    ),
)
def test_texts_come_in_the_language_that_is_set(language: str | None, name: str) -> None:
    """A regional one stands in for another."""
    assert mapped(language=language).body["ProductName"] == name


def test_texts_in_no_other_language_are_taken() -> None:
    """The fault says which are missing."""
    (fault,) = faults(language="fr")

    assert fault == (
        'ProductName (translations): there are none in "fr"; translate the product in the catalog, '
        "or set settings.language or settings.defaults.language"
    )


@pytest.mark.parametrize(
    ("fields", "name"),
    (
        ({"title": " L "}, "L"),
        ({"title": None}, "White 42"),
        ({"title": " ", "attributes": {}}, "661595-01"),
        ({"title": None, "attributes": None, "sku": None}, "101101"),
    ),
)
def test_a_sku_is_named_by_what_tells_it_apart(fields: Any, name: str) -> None:
    """Among several variants."""
    one = variant(**fields)
    body = mapped(product(variants=[one, variant(key="2")]), one).body

    assert (body["SkuName"], body["NameComplete"]) == (name, f"Air Force {name}")


def test_the_only_variant_may_be_named_as_its_product() -> None:
    """Once."""
    body = mapped(product(variants=[variant(title=None)])).body

    assert (body["SkuName"], body["NameComplete"]) == ("Air Force", "Air Force")


@pytest.mark.parametrize("names", (["Shoes", "A/B"], ["Shoes", " "], [""]))
def test_a_name_that_would_be_two_levels_or_none_is_refused(names: list[str]) -> None:
    """A slash divides levels."""
    assert faults(category=names)[0].startswith("CategoryFullPath (categories): has the category")


@pytest.mark.parametrize("given", (None, 0, "0", Decimal("0.0"), "abc", True))
@pytest.mark.parametrize("field", ("length_mm", "width_mm", "height_mm", "weight_grams"))
def test_every_measure_is_more_than_nothing(field: str, given: Any) -> None:
    """None is sent as 0."""
    (fault,) = faults(product(variants=[variant(**{field: given})]))

    assert f"(variants.{field})" in fault
    assert f"settings.defaults.{field}" in fault


def test_measures_may_be_sent_whole() -> None:
    """Rounded up, so that a parcel is never taken for a smaller one."""
    body = mapped(product(variants=[variant(weight_grams="0.2")]), measures_as="whole").body

    assert [body[name] for name in ("Height", "Width", "Length", "Weight")] == [12, 21, 32, 1]


def test_a_variants_own_images_come_before_its_products() -> None:
    """The featured one first; each address once."""
    one, two = {"key": "1", "source": "https://x/1", "alt": "Front"}, {"key": "2", "source": "https://x/2"}
    document = product(media=[one, two, {**one, "key": "3", "alt": "Again"}], featured_medium="2")

    def urls(**fields: Any) -> list[str]:
        return [each["imageUrl"] for each in mapped(document, variant(**fields)).body["Images"]]

    assert urls() == ["https://x/2", "https://x/1"]
    assert urls(featured_medium="1") == ["https://x/1", "https://x/2"]
    assert urls(media=[{"key": "9", "source": "https://x/9"}]) == ["https://x/9"]
    assert mapped(document, variant(featured_medium="1")).body["Images"] == [
        {"imageName": "Front", "imageUrl": "https://x/1"},
        {"imageName": "Image 2", "imageUrl": "https://x/2"},
    ]


@pytest.mark.parametrize(
    "source",
    ("http://x/a.png", "/a.png", "", None, "https://", "https://u@x/a", "https://x/a b", "https://[x"),
)
def test_an_image_that_cannot_be_shown_is_a_fault(source: Any) -> None:
    """VTEX shows none of http."""
    (fault,) = faults(product(media=[{"key": "m", "source": source}]))

    assert fault.startswith("Images (media.0.source): has ")


def test_without_an_image_there_is_a_fault() -> None:
    """A film is none."""
    film = {"key": "m", "mime_type": "video/mp4", "type": "IMAGE", "source": "https://x/a"}

    assert faults(product(media=[film])) == [
        "Images (media): is missing; give it in the catalog, or set settings.defaults.image"
    ]


@pytest.mark.parametrize(
    ("gtin", "sent"),
    (
        ("4006381333931", "4006381333931"),
        (" 4006381-333931 ", "4006381333931"),
        ("036000291452", "036000291452"),
        ("12345670", "12345670"),
        ("00012345600012", "00012345600012"),
    ),
)
def test_a_code_goes_out_as_a_list_or_as_text(gtin: str, sent: str) -> None:
    """The list is what survives an approval."""
    document = product(variants=[variant(gtin=gtin)])

    assert mapped(document).body["EAN"] == [sent]
    assert mapped(document, ean_as="text").body["EAN"] == sent


@pytest.mark.parametrize("gtin", (None, "", " "))
def test_a_variant_without_a_code_has_its_reference(gtin: Any) -> None:
    """One of the two has to be there."""
    document = product(variants=[variant(gtin=gtin, sku=None)])

    assert mapped(document).body["EAN"] == []
    assert mapped(document, ean_as="text").body["EAN"] == ""
    assert mapped(document).body["RefId"] == "101101"


@pytest.mark.parametrize(
    "gtin", ("4006381333932", "400638133393", "0306406152", "EAN123", "\uff14006381333931", "1")
)
def test_a_code_with_a_wrong_check_digit_is_a_fault(gtin: str) -> None:
    """Or with a wrong length."""
    (fault,) = faults(product(variants=[variant(gtin=gtin)]))

    assert fault.startswith("EAN (variants.gtin): ")


@pytest.mark.parametrize(
    ("prices", "cents"),
    (
        ([price("10")], 1000),
        ([price(10)], 1000),
        ([price("1"), price("2", valid_from="2026-05-01")], 200),
        ([price("2", valid_from="2026-05-01"), price("1")], 200),
        ([price("1"), price("2", valid_from="2026-07-01")], 100),
        ([price("1"), price("2", valid_from="2026-05-01", valid_to="2026-06-01")], 100),
        ([price("1"), price("2", valid_from="2026-05-01", valid_to="2026-06-02")], 200),
        ([price("1"), price("2", "USD"), price("3", kind="list")], 100),
    ),
)
def test_the_price_of_the_moment_is_sent_in_cents(prices: Any, cents: int) -> None:
    """In the currency and of the kind that are set."""
    assert mapped(product(variants=[variant(prices=prices)])).body["Pricing"]["SalePrice"] == cents


def test_a_price_may_be_sent_in_units_and_another_kind_or_currency() -> None:
    """VTEX documents no unit."""
    document = product(variants=[variant(prices=[price("39.90"), price("3", "CHF", kind="list")])])

    assert mapped(document, price_unit="units").body["Pricing"]["SalePrice"] == Decimal("39.90")
    assert mapped(document, currency="CHF", price_kind="list").body["Pricing"] == {
        "Currency": "CHF",
        "SalePrice": 300,
        "CurrencySymbol": "CHF",
    }
    assert mapped(document, currency_symbol="r$").body["Pricing"]["CurrencySymbol"] == "r$"


@pytest.mark.parametrize(
    "prices",
    (None, [], [price("0")], [price(None)], [price("1", "USD")], [price("1", valid_to="2026-01-01")]),
)
def test_without_a_price_there_is_a_fault(prices: Any) -> None:
    """It names the currency and the kind that were looked for."""
    (fault,) = faults(product(variants=[variant(prices=prices)]))

    assert fault.startswith(
        "Pricing (variants.prices): there is none of more than 0 now in BRL of kind sale; "
    )


def test_a_price_with_more_digits_than_cents_is_a_fault() -> None:
    """Never rounded."""
    (fault,) = faults(product(variants=[variant(prices=[price("1.234", "BHD")])]), currency="BHD")

    assert "1.234 is no whole number of cents" in fault


@pytest.mark.parametrize(
    ("stock", "locations", "pieces"),
    (
        (None, None, 0),
        ([], None, 0),
        ([{"location": "a", "on_hand": 3}], None, 3),
        ([{"location": "a", "on_hand": 3}, {"location": "b", "on_hand": 4}], None, 7),
        ([{"location": "a", "on_hand": 3}, {"location": "b", "on_hand": 4}], ["b"], 4),
        ([{"location": "a", "on_hand": 3}], ["b"], 0),
        ([{"location": "a", "on_hand": 3, "threshold": 3}], None, 0),
        ([{"location": "a", "on_hand": 4, "threshold": 3}], None, 4),
        ([{"location": "a", "on_hand": -5}], None, 0),
        ([{"location": "a", "on_hand": None, "threshold": None}], None, 0),
        ([{"location": "a", "on_hand": 2**40}], None, 2**31 - 1),
        ([{"on_hand": 1}], ["default"], 1),
    ),
)
def test_what_is_available_is_what_may_be_sold(stock: Any, locations: Any, pieces: int) -> None:
    """Nothing at or below the threshold, and never less than nothing."""
    document = product(variants=[variant(stock=stock)])

    assert mapped(document, locations=locations).body["AvailableQuantity"] == pieces


def test_attributes_without_a_name_or_value_are_left_out() -> None:
    """VTEX has no place for them."""
    one = variant(attributes={"Color": ["", " Red "], "Size": [], " ": ["x"], "Fit": None})

    assert mapped(product(), one).body["SkuSpecifications"] == [
        {"fieldName": "Color", "fieldValues": ["Red"]}
    ]


@pytest.mark.parametrize(
    "key",
    ("a/b", "a\\b", "a?b", "a#b", "100%", "a+b", " a", "a ", "a\nb", ".", "..", "a.", "x" * 201, "ç" * 40),
)
def test_an_id_that_no_path_takes_is_a_fault(key: str) -> None:
    """Its refusal would look like a wrong account."""
    found = faults(product(variants=[variant(key=key)]))

    assert found
    assert all(each.startswith("sellerSkuId (variants.key): ") and "settings.sku" in each for each in found)


@pytest.mark.parametrize("key", ("1", "661595-01_x.y~z", "a b", "ç", "x" * 200, "(1)=@!,"))
def test_an_id_that_every_path_takes_is_kept(key: str) -> None:
    """As it is."""
    assert mapped(product(variants=[variant(key=key)])).seller_sku == key


def test_the_sku_may_be_the_id() -> None:
    """Then it has to be there."""
    assert mapped(sku="sku").seller_sku == "661595-01"
    (fault,) = faults(product(variants=[variant(sku=None)]), sku="sku")
    assert fault.startswith("sellerSkuId (variants.sku): is missing; ")


words = st.text(max_size=8)
maybe = st.none() | words
numbers = (
    st.none() | st.integers(-5, 5000) | st.decimals(0, 10**6, places=2) | st.sampled_from(("12", "1e5", "x"))
)
media = st.none() | st.lists(
    st.fixed_dictionaries(
        {"key": words},
        optional={
            "source": st.none() | st.sampled_from(("https://x/1", "https://x/2", "http://x/1")) | words,
            "name": maybe,
            "alt": maybe,
            "type": st.none() | st.sampled_from(("IMAGE", "VIDEO")),
            "mime_type": st.none() | st.sampled_from(("image/png", "video/mp4")),
        },
    ),
    max_size=3,
)
attributes = st.none() | st.dictionaries(words, st.lists(words, max_size=2), max_size=2)
variants = st.fixed_dictionaries(
    {"key": st.text(min_size=1, max_size=8)},
    optional={
        "sku": maybe,
        "gtin": maybe | st.just("4006381333931"),
        "title": maybe,
        "weight_grams": numbers,
        "length_mm": numbers,
        "width_mm": numbers,
        "height_mm": numbers,
        "attributes": attributes,
        "media": media,
        "featured_medium": maybe,
        "prices": st.lists(
            st.fixed_dictionaries(
                {
                    "currency": st.sampled_from(("BRL", "USD")),
                    "kind": st.sampled_from(("sale", "list")),
                    "amount": st.none() | st.decimals(0, 1000, places=2),
                    "valid_from": st.none() | st.sampled_from(("2026-01-01", "2027-01-01")),
                },
                optional={"valid_to": st.none() | st.sampled_from(("2026-01-02", "2028-01-01"))},
            ),
            max_size=3,
        ),
        "stock": st.lists(
            st.fixed_dictionaries(
                {"location": words},
                optional={
                    "on_hand": st.none() | st.integers(-5, 2**40),
                    "threshold": st.none() | st.integers(0, 9),
                },
            ),
            max_size=2,
        ),
    },
)
products = st.fixed_dictionaries(
    {"key": st.text(min_size=1, max_size=8), "variants": st.lists(variants, min_size=1, max_size=2)},
    optional={
        "brand": maybe,
        "translations": st.none()
        | st.lists(
            st.fixed_dictionaries(
                {"language": st.sampled_from(("en", "pt-BR"))},
                optional={"name": maybe | st.text(min_size=140, max_size=160), "description": maybe},
            ),
            max_size=2,
        ),
        "media": media,
        "featured_medium": maybe,
        "attributes": attributes,
    },
)
choices = st.fixed_dictionaries(
    {},
    optional={
        "ean_as": st.sampled_from(("list", "text")),
        "price_unit": st.sampled_from(("cents", "units")),
        "measures_as": st.sampled_from(("exact", "whole")),
        "sku": st.sampled_from(("key", "sku")),
        "language": st.sampled_from(("en", "pt", "fr")),
        "defaults": st.just(DEFAULTS),
    },
)


@given(products, st.none() | st.lists(words, max_size=3), choices)
def test_whatever_the_catalog_holds_becomes_a_valid_body_or_named_faults(
    document: Any, category: Any, told: Any
) -> None:
    """Nothing else, and the same again for the same."""
    found, errors = tried(document, category=category, **told)

    assert (found is None) == bool(errors)
    assert all(" (" in each and "): " in each and "; " in each for each in errors)
    assert (found, errors) == tried(document, category=category, **told)
    if found is not None:
        VALIDATOR.validate(codec.loads(codec.dumps(found.body)))
        assert set(found.defaulted) <= {*found.body, "language"}


@given(variants)
def test_a_good_product_with_defaults_lets_most_variants_through(one: Any) -> None:
    """Only what no default can mend is a fault."""
    found, errors = tried(product(variants=[one]), one, defaults=DEFAULTS)

    assert {each.partition(" ")[0] for each in errors} <= {"sellerSkuId", "Images", "EAN", "Pricing"}
    assert found is None or VALIDATOR.is_valid(codec.loads(codec.dumps(found.body)))


@given(st.decimals("0.001", 10**9, places=3))
def test_millimetres_become_centimetres_without_a_digit_lost(millimetres: Decimal) -> None:
    """A tenth, exactly."""
    body = mapped(product(variants=[variant(length_mm=millimetres)])).body

    assert Decimal(body["Length"]) * 10 == millimetres


@given(st.timedeltas(timedelta(-2), timedelta(2)))
def test_a_price_holds_from_its_beginning_to_before_its_end(shift: timedelta) -> None:
    """And never beside."""
    start, end = NOW - timedelta(days=1), NOW + timedelta(days=1)
    begun = price("2", valid_from=start.isoformat(), valid_to=end.isoformat())

    body = mapped(product(variants=[variant(prices=[price("1"), begun])]), now=NOW + shift).body

    assert body["Pricing"]["SalePrice"] == (200 if start <= NOW + shift < end else 100)
