"""Documents of the catalog as Merchstack's records."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from connectors.merchstack.from_catalog import category_record, product_record
from hub.errors import RejectedError
from hub.records import JSON

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def variant(*, prices: Any = (), stock: Any = (), **settings: Any) -> JSON:
    """The record of a product's only variant."""
    document = {"kind": "product", "key": "p", "variants": [{"key": "v", "prices": prices, "stock": stock}]}
    (found,) = product_record(document, **{"currency": None, **settings})["variants"]
    del found["externalSystemId"]
    record: JSON = found
    return record


def price(currency: str = "USD", amount: Any = "39.99", **fields: Any) -> JSON:
    """A price as a document holds it."""
    return {"kind": "sale", "currency": currency, "amount": amount, **fields}


def test_what_is_absent_stays_absent() -> None:
    """So that Merchstack leaves what it has."""
    assert category_record({"kind": "category", "key": "c", "path": ["c"]}) == {"externalSystemId": "c"}
    assert product_record({"kind": "product", "key": "p", "variants": []}, currency=None) == {
        "externalSystemId": "p",
        "variants": [],
    }


def test_what_was_cleared_is_null() -> None:
    """In every part of a record, so that Merchstack clears it as well."""
    product = {
        "key": "p",
        "brand": None,
        "categories": None,
        "attributes": None,
        "media": [{"key": "m", "width": None, "focal_point": None}],
        "translations": [{"language": "en", "slug": None}],
        "variants": [{"key": "v", "sku": None, "attributes": None, "prices": [], "stock": []}],
    }

    assert category_record({"key": "c", "path": ["c"], "parent": None, "media": None, "facets": None}) == {
        "externalSystemId": "c",
        "externalSystemParentId": None,
        "assets": None,
        "indexableFacets": None,
    }
    assert product_record(product, currency=None) == {
        "externalSystemId": "p",
        "brand": None,
        "categoryIds": None,
        "attributes": None,
        "assets": [{"externalSystemAssetId": "m", "width": None, "focalPoint": None}],
        "translations": [{"languageCode": "en", "slug": None}],
        "variants": [{"externalSystemId": "v", "sku": None, "attributes": None}],
    }


def test_what_is_empty_stays_empty() -> None:
    """An empty list is a list."""
    document = {
        "key": "p",
        "categories": [],
        "translations": [],
        "media": [],
        "attributes": {},
        "brand": "",
        "variants": [],
    }

    assert product_record(document, currency=None) == {
        "externalSystemId": "p",
        "categoryIds": [],
        "translations": [],
        "assets": [],
        "attributes": [],
        "brand": "",
        "variants": [],
    }


@pytest.mark.parametrize("amount", (Decimal("39.99"), "39.99", Decimal("39.990")))
def test_amounts_come_as_decimals_or_texts(amount: Any) -> None:
    """Both are exact."""
    assert variant(prices=[price(amount=amount, compare_at="49")]) == {
        "price": 3999,
        "compareAtPrice": 4900,
        "currencyCode": "USD",
    }


@pytest.mark.parametrize(("currency", "minor"), (("JPY", 3999), ("BHD", 3999000), ("CLF", 39990000)))
def test_amounts_are_written_in_the_minor_unit(currency: str, minor: int) -> None:
    """Of their own currency."""
    assert variant(prices=[price(currency, "3999")])["price"] == minor


def test_one_currency_is_chosen() -> None:
    """Of several, the setting says which."""
    prices = [price("USD"), price("EUR", "35")]

    assert variant(prices=prices, currency="EUR") == {"price": 3500, "currencyCode": "EUR"}
    assert variant(prices=prices, currency="GBP") == {}
    with pytest.raises(RejectedError, match=r"variants\.0\.price: .*EUR, USD; say with settings\.currency"):
        variant(prices=prices)


def test_one_kind_is_chosen() -> None:
    """Prices of other kinds are not Merchstack's."""
    prices = [price(), price(amount="30", kind="trade")]

    assert variant(prices=prices)["price"] == 3999
    assert variant(prices=prices, price_kind="trade")["price"] == 3000


def test_a_price_holds_at_its_time() -> None:
    """The one that began last; Merchstack has no dates."""
    prices = [
        price(amount="10"),
        price(amount="11", valid_from="2026-05-01T00:00:00+00:00"),
        price(amount="12", valid_from="2026-05-02T00:00:00Z", valid_to="2026-05-20T00:00:00Z"),
        price(amount="13", valid_from="2026-07-01"),
    ]

    assert variant(prices=prices)["price"] == 1000
    assert variant(prices=prices, now=NOW)["price"] == 1100


def test_a_price_that_is_over_is_null() -> None:
    """Cleared or ended without another one, and so is what only the one before it was compared at."""
    ended = price(amount="12", compare_at="15", valid_to="2026-05-20T00:00:00Z", currency="EUR")
    later = price(amount="13", valid_from="2026-07-01")

    assert variant(prices=[ended, later], now=NOW) == {
        "price": None,
        "compareAtPrice": None,
        "currencyCode": "EUR",
    }
    assert variant(prices=[ended, price(amount="14")], now=NOW) == {
        "price": 1400,
        "compareAtPrice": None,
        "currencyCode": "USD",
    }
    assert variant(prices=[price(amount=None)]) == {"price": None, "currencyCode": "USD"}
    assert variant(prices=[later], now=NOW) == {}


def test_an_amount_that_is_too_fine_is_rejected() -> None:
    """Rounding a price is not ours."""
    with pytest.raises(RejectedError, match=r"variants\.0\.price: 39\.995 has more than the 2 digits of USD"):
        variant(prices=[price(amount="39.995")])


def test_stock_is_summed() -> None:
    """Over all locations, or of one."""
    stock = [
        {"location": "a", "on_hand": 5, "threshold": 1},
        {"location": "b", "on_hand": -2, "threshold": 3},
        {"location": "c"},
    ]

    assert variant(stock=stock) == {"stockOnHand": 3, "outOfStockThreshold": 3}
    assert variant(stock=stock, location="a") == {"stockOnHand": 5, "outOfStockThreshold": 1}
    assert variant(stock=stock, location="c") == {}
    assert variant(stock=stock, location="nowhere") == {}


def test_stock_is_null_where_all_of_it_was_cleared() -> None:
    """What is left counts, and what nobody gave is no word about it."""
    cleared = {"location": "a", "on_hand": None}

    assert variant(stock=[cleared]) == {"stockOnHand": None}
    assert variant(stock=[cleared, {"location": "b", "on_hand": 4, "threshold": None}]) == {
        "stockOnHand": 4,
        "outOfStockThreshold": None,
    }


def test_what_merchstack_has_no_name_for_is_left_out() -> None:
    """As the module's own text lists it."""
    document = {
        "key": "p",
        "status": "active",
        "options": [],
        "tags": ["a"],
        "media": [{"key": "m", "alt": "An image"}],
        "variants": [
            {"key": "v", "gtin": "1", "weight_grams": "5", "position": 1, "title": "t", "media": []}
        ],
    }

    assert product_record(document, currency=None) == {
        "externalSystemId": "p",
        "assets": [{"externalSystemAssetId": "m"}],
        "variants": [{"externalSystemId": "v"}],
    }


def test_unknown_fields_go_back_where_they_came_from() -> None:
    """What has a name goes by its name."""
    document = {
        "key": "p",
        "brand": "Nike",
        "extra": {"shelf": 3, "brand": "Adidas"},
        "translations": [{"language": "en", "extra": {"note": 1}}],
        "variants": [{"key": "v", "extra": {"lot": "7"}}],
    }

    assert product_record(document, currency=None) == {
        "shelf": 3,
        "externalSystemId": "p",
        "brand": "Nike",
        "translations": [{"note": 1, "languageCode": "en"}],
        "variants": [{"lot": "7", "externalSystemId": "v"}],
    }
