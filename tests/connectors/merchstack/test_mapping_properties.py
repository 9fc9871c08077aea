"""A document of the catalog, as a record and back: the same content, in all currencies and many languages."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.merchstack.from_catalog import category_record, product_record
from connectors.merchstack.to_catalog import category_body, product_body
from hub import catalog, codec, money
from hub.errors import RejectedError
from hub.records import JSON

LANGUAGES = (
    "en",
    "de-AT",
    "fr",
    "ja",
    "zh-Hant-TW",
    "ar",
    "he",
    "hi",
    "ru",
    "el",
    "th",
    "ko",
    "sr-Cyrl",
    "am",
)
CURRENCIES = sorted(code for code, digits in money.CURRENCY_DIGITS.items() if digits is not None)

#: Words in the scripts of these languages, and whatever else Unicode has but NUL and halves of pairs.
words = st.one_of(
    st.sampled_from(
        ("Shoes", "Schuhe für Männer", "chaussures élégantes", "靴", "鞋子", "أحذية", "נעליים", "जूते")
    ),
    st.sampled_from(("обувь", "παπούτσια", "รองเท้า", "신발", "ципеле", "ጫማ", "👟 5″", "<b>&amp;</b>", "")),
    st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=30),
)
keys = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), min_size=1, max_size=20)
flags = st.booleans()
unknown = st.dictionaries(
    st.sampled_from(("shelf", "media", "key", "ünknown", "prices")),
    st.one_of(words, flags, st.none()),
    min_size=1,
)
attributes = st.dictionaries(keys, st.lists(words, max_size=3), max_size=3)


def shape(needed: dict[str, Any], **optional: Any) -> st.SearchStrategy[JSON]:
    """An object with some of its optional fields, some of them cleared."""
    maybe = {name: each if name == "extra" else st.none() | each for name, each in optional.items()}
    return st.fixed_dictionaries(needed, optional=maybe)


def unique(shapes: st.SearchStrategy[JSON], name: str) -> st.SearchStrategy[list[JSON]]:
    """A few of them, no two with the same name."""
    return st.lists(shapes, max_size=3, unique_by=lambda each: each[name])


translations = unique(
    shape(
        {"language": st.sampled_from(LANGUAGES)},
        name=words,
        navigation_name=words,
        slug=words,
        description=words,
        page_title=words,
        page_description=words,
        extra=unknown,
    ),
    "language",
)
coordinates = st.one_of(st.integers(-1000, 1000), st.decimals(0, 100, places=2))
urls = st.one_of(st.just("https://shop.example/a?b=<c>"), keys.filter(lambda text: "<" not in text))
media = unique(
    shape(
        {"key": keys},
        name=words,
        type=words,
        mime_type=words,
        width=st.integers(0, 10_000),
        height=st.integers(0, 10_000),
        source=urls,
        focal_point=shape({}, x=coordinates, y=coordinates),
        extra=unknown,
    ),
    "key",
)
details = st.lists(shape({}, name=words, url=urls, extra=unknown), max_size=3)
facets = st.lists(shape({"attribute": keys, "details": details}, extra=unknown), max_size=3)
categories = shape(
    {"key": keys.map(lambda key: f"c-{key}")},
    parent=keys.map(lambda key: f"p-{key}"),
    enabled=flags,
    private=flags,
    root=flags,
    assignment=words,
    translations=translations,
    media=media,
    featured_medium=words,
    facets=facets,
    related=st.lists(words, max_size=3),
    custom_fields=st.dictionaries(keys, words, max_size=3),
    extra=unknown,
)


@st.composite
def priced(draw: st.DrawFn) -> JSON:
    """A price in any currency, in its own digits, or one that was cleared."""
    currency = draw(st.sampled_from(CURRENCIES))
    names = draw(st.sampled_from((("amount",), ("amount", "compare_at"), ("compare_at",))))
    minor = st.integers(0, 10**12).map(lambda amount: money.from_minor(amount, currency))
    return {"kind": "sale", "currency": currency, **{name: draw(st.none() | minor) for name in names}}


levels = shape(
    {"location": st.just("main")}, on_hand=st.integers(-99, 10**9), threshold=st.integers(0, 99)
).filter(lambda level: len(level) > 1)
variants = unique(
    shape(
        {"key": keys, "prices": st.lists(priced(), max_size=1), "stock": st.lists(levels, max_size=1)},
        sku=words,
        enabled=flags,
        featured_medium=words,
        attributes=attributes,
        extra=unknown,
    ),
    "key",
)
products = shape(
    {"key": keys, "variants": variants},
    brand=words,
    enabled=flags,
    categories=st.lists(keys, max_size=3),
    translations=translations,
    media=media,
    featured_medium=words,
    attributes=attributes,
    extra=unknown,
)

many = settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))


@many
@given(products)
def test_a_product_comes_back_as_it_was(document: JSON) -> None:
    """Through a line of a file."""
    line = codec.dumps(product_record({"kind": "product", **document}, currency=None))

    body = product_body(codec.loads(line), operation="create", wait=False, location="main")

    for variant in body["variants"]:  # none and no word about any are one thing in these two
        variant.update(prices=variant.get("prices", []), stock=variant.get("stock", []))
    assert catalog.parse(body) == catalog.parse({"kind": "product", "all_variants": True, **document})
    assert codec.dumps(product_record(body, currency=None)) == line


@many
@given(categories)
def test_a_category_comes_back_as_it_was(document: JSON) -> None:
    """Through a line of a file."""
    line = codec.dumps(category_record({"kind": "category", **document, "path": [document["key"]]}))

    body = category_body(codec.loads(line), operation="create", managed=False, wait=False)

    assert catalog.parse(body) == catalog.parse({"kind": "category", "managed": False, **document})
    assert codec.dumps(category_record(body)) == line


@pytest.mark.parametrize("currency", CURRENCIES)
def test_every_currency_comes_back(currency: str) -> None:
    """All of ISO 4217 that have a minor unit."""
    record = {
        "externalSystemId": "p",
        "variants": [{"externalSystemId": "v", "price": 123456, "currencyCode": currency}],
    }

    body = product_body(record, operation="update", wait=False, location="main")

    assert product_record(body, currency=currency) == record
    assert body["variants"][0]["prices"][0]["amount"] == Decimal(123456).scaleb(-money.digits(currency))


json = st.recursive(
    st.one_of(st.none(), flags, st.integers(), st.decimals(allow_nan=False, allow_infinity=False), words),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(words, below, max_size=3),
    max_leaves=10,
)
names = st.sampled_from(
    (
        "externalSystemId",
        "externalSystemID",
        "externalSystemParentId",
        "translations",
        "languageCode",
        "assets",
        "externalSystemAssetId",
        "operation",
        "width",
        "focalPoint",
        "attributes",
        "variants",
        "price",
        "currencyCode",
        "stockOnHand",
        "outOfStockThreshold",
        "categoryIds",
        "indexableFacets",
        "facetAttribute",
        "details",
        "relatedItems",
        "customFields",
        "isPrivate",
    )
)
anything = st.recursive(
    json,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(names, below, max_size=6),
    max_leaves=20,
)


@many
@given(st.dictionaries(names, anything), st.sampled_from(("create", "update", "delete")))
def test_whatever_comes_is_an_entity_or_rejected(record: JSON, operation: str) -> None:
    """Nothing else is ever raised, and what is taken passes the catalog's own check."""
    for body in (
        lambda: product_body(record, operation=operation, wait=True, location="main"),
        lambda: category_body(record, operation=operation, managed=True, wait=True),
    ):
        try:
            found = body()
        except RejectedError:
            continue
        assert isinstance(catalog.parse(codec.loads(codec.dumps(found))), catalog.Entity)
