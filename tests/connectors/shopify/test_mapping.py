"""Objects of a shop become entities that the catalog takes, whatever they hold."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.shopify import mapping
from connectors.shopify.mapping import Shop, UnfitError
from hub import catalog, codec

SHOP = Shop(currency="EUR")
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-1000, 1000) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=5,
)


def _variant(**fields: Any) -> dict[str, Any]:
    return {
        "id": "gid://shopify/ProductVariant/1",
        "title": "S",
        "sku": "A-1",
        "barcode": "",
        "position": 1,
        "price": "10.00",
        "compareAtPrice": None,
        "selectedOptions": [{"name": "Size", "value": "S"}],
        "media": [],
        "inventoryItem": {
            "id": "gid://shopify/InventoryItem/1",
            "tracked": True,
            "measurement": {"weight": {"unit": "KILOGRAMS", "value": Decimal("0.5")}},
        },
        **fields,
    }


def _product(**fields: Any) -> dict[str, Any]:
    return {
        "id": "gid://shopify/Product/1",
        "title": "Shirt",
        "handle": "shirt",
        "descriptionHtml": "<p>Good</p>",
        "vendor": "Acme",
        "tags": ["b", "a"],
        "status": "ACTIVE",
        "hasOnlyDefaultVariant": False,
        "options": [],
        "seo": {"title": None, "description": None},
        "featuredMedia": None,
        "variants": [_variant()],
        "media": [],
        "metafields": [],
        **fields,
    }


def _mapped(**fields: Any) -> tuple[dict[str, Any], dict[str, str]]:
    warnings: dict[str, str] = {}
    body = mapping.product(_product(**fields), SHOP, lambda kind, text: warnings.update({kind: text}))
    catalog.parse(codec.loads(codec.dumps(body)))
    return body, warnings


def test_a_product_comes_with_texts_prices_and_weight_in_grams() -> None:
    body, warnings = _mapped()

    [variant] = body["variants"]
    assert body["enabled"] is True
    assert body["brand"] == "Acme"
    assert body["tags"] == ["a", "b"]
    assert body["translations"][0]["language"] == "und"
    assert variant["weight_grams"] == Decimal(500)
    assert variant["gtin"] is None
    assert variant["attributes"] == {"Size": ["S"]}
    assert variant["prices"] == [{"currency": "EUR", "amount": Decimal(10), "compare_at": None}]
    assert warnings == {}


@pytest.mark.parametrize(
    ("status", "enabled"), (("ACTIVE", True), ("UNLISTED", True), ("DRAFT", False), ("ARCHIVED", False))
)
def test_a_status_says_whether_a_product_is_enabled(status: str, enabled: bool) -> None:
    assert _mapped(status=status)[0]["enabled"] is enabled


def test_an_unknown_status_leaves_a_product_as_it_is_and_is_warned_of() -> None:
    body, warnings = _mapped(status="SOMETHING")

    assert "enabled" not in body
    assert "unknown status" in warnings


@pytest.mark.parametrize("status", ("PROCESSING", "FAILED", "UPLOADED"))
def test_media_that_are_not_ready_are_left_out_and_warned_of(status: str) -> None:
    medium = {
        "id": "gid://shopify/MediaImage/1",
        "status": status,
        "mediaContentType": "IMAGE",
        "image": None,
    }
    body, warnings = _mapped(media=[medium], featuredMedia={"id": medium["id"]})

    assert body["media"] == []
    assert body["featured_medium"] is None
    assert f"media {status.lower()}" in warnings


def test_more_variants_than_the_shop_may_have_are_warned_of() -> None:
    variants = [_variant(id=f"gid://shopify/ProductVariant/{number}") for number in range(2049)]

    assert "too many variants" in _mapped(variants=variants)[1]


def test_without_collections_the_categories_are_left_as_they_are() -> None:
    assert "categories" not in _mapped()[0]
    assert _mapped(collections=[])[0]["categories"] == []


def test_what_moves_by_itself_is_not_content() -> None:
    assert _mapped(updatedAt="2026-01-01T00:00:00Z")[0] == _mapped(updatedAt="2026-02-01T00:00:00Z")[0]


def test_protected_parts_of_a_customer_are_left_as_they_are() -> None:
    node = {"id": "gid://shopify/Customer/1", "firstName": None, "defaultEmailAddress": None, "addresses": []}
    body = mapping.customer(node, Shop(protected=frozenset({"name", "email", "address"})))

    assert {"first_name", "email", "addresses"}.isdisjoint(body)
    assert body["phone"] is None


@pytest.mark.parametrize(
    ("text", "amount"), (("0.00", "0"), ("0.0", "0"), ("10.50", "10.5"), ("1000", "1000"), ("1E3", "1000"))
)
def test_equal_money_is_written_alike(text: str, amount: str) -> None:
    assert str(mapping.amount_of(text)) == amount


@pytest.mark.parametrize("text", (None, "", "x", "NaN", "Infinity", 3, "1" * 50))
def test_what_is_no_money_is_none(text: object) -> None:
    assert mapping.amount_of(text) is None


@given(st.decimals(min_value=0, max_value=10**6, places=2), st.integers(0, 4))
def test_zeros_at_the_end_change_nothing(amount: Decimal, zeros: int) -> None:
    assert str(mapping.amount_of(str(amount))) == str(mapping.amount_of(f"{amount}{'0' * zeros}"))


@given(st.text(), st.text())
def test_a_stock_key_leads_back_to_variant_and_location(variant: str, location: str) -> None:
    body = mapping.gone("stock", mapping.stock_key(variant, location))

    assert (body["variant"], body["location"]) == (variant, location)


@given(st.sampled_from(sorted(_product())), JSON_VALUES)
def test_a_product_with_anything_in_a_field_is_mapped_or_refused(field: str, value: Any) -> None:
    try:
        body = mapping.product(_product(**{field: value}), SHOP, lambda _kind, _text: None)
    except (UnfitError, AttributeError, TypeError, KeyError, IndexError):
        return  # it goes to quarantine

    codec.dumps(body)
