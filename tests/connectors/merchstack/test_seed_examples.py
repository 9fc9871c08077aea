"""Every field of the seed's two examples, and where it went. A field that gets lost fails here."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from connectors.merchstack.from_catalog import category_record, product_record
from connectors.merchstack.to_catalog import category_body, product_body
from hub import catalog, codec
from hub.records import JSON
from tests.connectors.merchstack.examples import CATEGORY, PRODUCT

#: Read by the file reader, which holds the tenant and the metadata to the connection's settings.
FRAME = {
    "tenantId",
    "storeId",
    "exportMetaData.formatVersion",
    "exportMetaData.exportId",
    "exportMetaData.recordType",
    "exportMetaData.recordNum",
    "exportMetaData.recordOf",
    "exportMetaData.operationType",
}

#: Where each field of the category went, and as what.
CATEGORY_FIELDS: dict[str, tuple[str, Any]] = {
    "externalSystemId": ("key", "456"),
    "enabled": ("enabled", False),
    "featuredExternalAssetId": ("featured_medium", "22314"),
    "assignmentMethod": ("assignment", "Manual"),
    "customFields.key": ("custom_fields.key", "value"),
    "isRoot": ("root", False),
    "externalSystemParentId": ("parent", "123"),
    "translations.0.languageCode": ("translations.0.language", "en"),
    "translations.0.name": ("translations.0.name", "Men's Dress Shoes"),
    "translations.0.navName": ("translations.0.navigation_name", "Dress Shoes"),
    "translations.0.slug": ("translations.0.slug", "dress-shoes"),
    "translations.0.description": (
        "translations.0.description",
        "Shoes that Men love to wear when they're fancy",
    ),
    "translations.0.pageTitle": ("translations.0.page_title", "Men's Dress Shoes"),
    "translations.0.pageDescription": ("translations.0.page_description", "Shoes that Men love to wear"),
    "indexableFacets.0.facetAttribute": ("facets.0.attribute", "color"),
    "indexableFacets.0.details.0.name": ("facets.0.details.0.name", "red"),
    "indexableFacets.0.details.0.url": ("facets.0.details.0.url", "https://mywebsite.com/red/things"),
    "indexableFacets.0.details.1.name": ("facets.0.details.1.name", "green"),
    "indexableFacets.0.details.1.url": ("facets.0.details.1.url", "https://mywebsite.com/red/things"),
    "indexableFacets.1.facetAttribute": ("facets.1.attribute", "season"),
    "indexableFacets.1.details.0.name": ("facets.1.details.0.name", "spring"),
    "indexableFacets.1.details.0.url": ("facets.1.details.0.url", "https://mywebsite.com/spring/things"),
    "indexableFacets.1.details.1.name": ("facets.1.details.1.name", "fall"),
    "indexableFacets.1.details.1.url": ("facets.1.details.1.url", "https://mywebsite.com/fall/things"),
    "assets.0.externalSystemAssetId": ("media.0.key", "22314"),
    "assets.0.name": ("media.0.name", "clothing__95.jpg"),
    "assets.0.type": ("media.0.type", "IMAGE"),
    "assets.0.mimeType": ("media.0.mime_type", "image/jpeg"),
    "assets.0.width": ("media.0.width", 159),
    "assets.0.height": ("media.0.height", 235),
    "assets.0.source": ("media.0.source", "cloudinary/path/to/image/clothing__95.jpg"),
    "assets.0.focalPoint.x": ("media.0.focal_point.x", 23),
    "assets.0.focalPoint.y": ("media.0.focal_point.y", 45),
}

#: Where each field of the product went, and as what.
PRODUCT_FIELDS: dict[str, tuple[str, Any]] = {
    "externalSystemId": ("key", "456"),
    "brand": ("brand", "Nike"),
    "categoryIds.0": ("categories.0", "456"),
    "translations.0.languageCode": ("translations.0.language", "en"),
    "translations.0.name": ("translations.0.name", "Nike Air Force Ones"),
    "translations.0.slug": ("translations.0.slug", "nike-air-force-ones"),
    "translations.0.description": ("translations.0.description", "World Famous Air Force Ones"),
    "enabled": ("enabled", True),
    "assets.0.externalSystemAssetId": ("media.0.key", "22314"),
    "assets.0.name": ("media.0.name", "clothing__95.jpg"),
    "assets.0.type": ("media.0.type", "IMAGE"),
    "assets.0.mimeType": ("media.0.mime_type", "image/jpeg"),
    "assets.0.width": ("media.0.width", 159),
    "assets.0.height": ("media.0.height", 159),
    "assets.0.source": ("media.0.source", "cloudinary/path/to/image/clothing__95.jpg"),
    "assets.0.focalPoint.x": ("media.0.focal_point.x", 25),
    "assets.0.focalPoint.y": ("media.0.focal_point.y", 55),
    "featuredAssetId": ("featured_medium", "22314"),
    "attributes.0.gender.0": ("attributes.gender.0", "male"),
    "attributes.0.color.0": ("attributes.color.0", "black"),
    "attributes.0.color.1": ("attributes.color.1", "blue"),
    "attributes.0.country of origin.0": ("attributes.country of origin.0", "UK"),
    "variants.0.enabled": ("variants.0.enabled", True),
    "variants.0.sku": ("variants.0.sku", "661595-01"),
    "variants.0.externalSystemID": ("variants.0.key", "101101"),
    "variants.0.price": ("variants.0.prices.0.amount", Decimal("39.99")),
    "variants.0.compareAtPrice": ("variants.0.prices.0.compare_at", Decimal("29.99")),
    "variants.0.currencyCode": ("variants.0.prices.0.currency", "USD"),
    "variants.0.stockOnHand": ("variants.0.stock.0.on_hand", 22),
    "variants.0.outOfStockThreshold": ("variants.0.stock.0.threshold", 2),
    "variants.0.featuredAssetId": ("variants.0.featured_medium", "22314"),
    "variants.0.attributes.0.Paint Finish": ("variants.0.attributes.Paint Finish.0", "Flat"),
    "variants.0.attributes.0.Dept": ("variants.0.attributes.Dept.0", "Home Furnishings"),
}

#: What the connector says of its own, beside the fields of the record.
SAID = {
    "kind",
    "managed",
    "enriches",
    "wait_for_categories",
    "wait_for_parent",
    "variants.0.prices.0.kind",
    "variants.0.stock.0.location",
}


def test_nothing_of_the_category_is_lost() -> None:
    """All leaves of the example stand in the table, and all leaves of the body come from it."""
    record = codec.loads(CATEGORY)

    body = category_body(record, operation="create", managed=True, wait=True)

    _assert_accounted(record, body, CATEGORY_FIELDS)
    assert (body["managed"], body["enriches"], body["wait_for_parent"]) == (True, True, True)
    assert isinstance(catalog.parse(body), catalog.Entity)


def test_nothing_of_the_product_is_lost() -> None:
    """All leaves of the example stand in the table, and all leaves of the body come from it."""
    record = codec.loads(PRODUCT)

    body = product_body(record, operation="update", wait=True, location="main")

    _assert_accounted(record, body, PRODUCT_FIELDS)
    assert body["variants"][0]["prices"][0]["kind"] == "sale"
    assert body["variants"][0]["stock"][0]["location"] == "main"
    assert isinstance(catalog.parse(body), catalog.Entity)


def test_the_category_comes_back() -> None:
    """In the official spelling, without brackets around URLs; a second round changes nothing."""
    body = category_body(codec.loads(CATEGORY), operation="create", managed=False, wait=False)

    record = category_record(body)

    assert category_body(record, operation="create", managed=False, wait=False) == body
    assert record["featuredAssetId"] == "22314"
    assert "featuredExternalAssetId" not in record


def test_the_product_comes_back() -> None:
    """Prices in the minor unit, attributes as arrays; a second round changes nothing."""
    body = product_body(codec.loads(PRODUCT), operation="update", wait=False, location="main")

    record = product_record(body, currency=None)

    assert product_body(record, operation="update", wait=False, location="main") == body
    assert record["variants"][0]["price"] == 3999
    assert record["variants"][0]["externalSystemId"] == "101101"


def _assert_accounted(record: JSON, body: JSON, fields: dict[str, tuple[str, Any]]) -> None:
    given, came = dict(_leaves(record)), dict(_leaves(body))
    assert {path for path in given if path not in FRAME} == set(fields)
    assert {place: value for place, value in came.items() if place not in SAID} == dict(fields.values())


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    children = value.items() if isinstance(value, dict) else enumerate(value)
    for name, each in children:
        below = f"{path}.{name}".lstrip(".")
        if isinstance(each, dict | list) and each:
            yield from _leaves(each, below)
        else:
            yield below, each
