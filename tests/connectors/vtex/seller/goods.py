"""A product as the catalog hands it out, the settings of a marketplace, and what a suggestion's body has to be."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from connectors.vtex.seller.mapping import Mapped, suggestion
from connectors.vtex.seller.settings import VtexSellerSettings
from hub.records import JSON

NOW = datetime(2026, 6, 1, tzinfo=UTC)

_TEXT = {"type": "string"}
_NAMED = {"type": "string", "minLength": 1}
_SPECIFICATIONS = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["fieldName", "fieldValues"],
        "additionalProperties": False,
        "properties": {"fieldName": _NAMED, "fieldValues": {"type": "array", "minItems": 1, "items": _NAMED}},
    },
}
_MEASURE = {"type": "number", "exclusiveMinimum": 0}

#: The body of a suggestion, as we read VTEX's documentation of it (VTEX facts, 3).
SCHEMA: JSON = {
    "type": "object",
    "additionalProperties": False,
    "required": [
        "ProductName",
        "ProductId",
        "ProductDescription",
        "BrandName",
        "SkuName",
        "SellerId",
        "Height",
        "Width",
        "Length",
        "Weight",
        "Updated",
        "RefId",
        "CategoryFullPath",
        "Images",
        "EAN",
        "AvailableQuantity",
        "Pricing",
    ],
    "properties": {
        "ProductName": {"type": "string", "minLength": 1, "maxLength": 150},
        "ProductId": _NAMED,
        "ProductDescription": _NAMED,
        "BrandName": _NAMED,
        "SkuName": _NAMED,
        "NameComplete": _NAMED,
        "SellerId": _NAMED,
        "Height": _MEASURE,
        "Width": _MEASURE,
        "Length": _MEASURE,
        "Weight": _MEASURE,
        "Updated": {"type": "null"},
        "RefId": _NAMED,
        "CategoryFullPath": {"type": "string", "pattern": "^[^/]+(/[^/]+)*$"},
        "Images": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["imageName", "imageUrl"],
                "additionalProperties": False,
                "properties": {
                    "imageName": _NAMED,
                    "imageUrl": {"type": "string", "pattern": "^https://[^ ]+$"},
                },
            },
        },
        "EAN": {
            "anyOf": [
                {
                    "type": "array",
                    "maxItems": 1,
                    "items": {"type": "string", "pattern": "^([0-9]{8}|[0-9]{12,14})$"},
                },
                {"type": "string", "pattern": "^([0-9]{8}|[0-9]{12,14})?$"},
            ]
        },
        "AvailableQuantity": {"type": "integer", "minimum": 0, "maximum": 2**31 - 1},
        "Pricing": {
            "type": "object",
            "required": ["Currency", "SalePrice", "CurrencySymbol"],
            "additionalProperties": False,
            "properties": {
                "Currency": {"type": "string", "pattern": "^[A-Z]{3}$"},
                "SalePrice": {"type": "number", "exclusiveMinimum": 0},
                "CurrencySymbol": _NAMED,
            },
        },
        "ProductSpecifications": _SPECIFICATIONS,
        "SkuSpecifications": _SPECIFICATIONS,
        "MeasurementUnit": _TEXT,
        "UnitMultiplier": {"type": "integer"},
    },
}


def settings(**told: Any) -> VtexSellerSettings:
    """Of the seller ``shop`` at the marketplace ``mystore``, in BRL."""
    return VtexSellerSettings.model_validate(
        {"account": "mystore", "seller_id": "shop", "currency": "BRL", **told}
    )


def product(**fields: Any) -> JSON:
    """With all that a suggestion needs."""
    return {
        "kind": "product",
        "key": "456",
        "brand": "Nike",
        "categories": ["sneakers"],
        "translations": [
            {"language": "en", "name": "Air Force", "description": "<p>A shoe</p>"},
            {"language": "pt-BR", "name": "Força Aérea", "description": "<p>Um tênis</p>"},
        ],
        "media": [
            {"key": "m1", "name": "side.jpg", "type": "IMAGE", "source": "https://cdn.example/side.jpg"},
            {"key": "m2", "type": "EXTERNAL_VIDEO", "source": "https://cdn.example/film"},
        ],
        "attributes": {"Material": ["Leather", "Rubber"]},
        "variants": [variant()],
        **fields,
    }


def variant(**fields: Any) -> JSON:
    """With all that a suggestion needs."""
    return {
        "key": "101101",
        "sku": "661595-01",
        "gtin": "4006381333931",
        "title": "White, 42",
        "weight_grams": Decimal(850),
        "length_mm": Decimal(320),
        "width_mm": Decimal("205.5"),
        "height_mm": Decimal(120),
        "attributes": {"Color": ["White"], "Size": ["42"]},
        "prices": [{"kind": "sale", "currency": "BRL", "amount": Decimal("399.90"), "valid_from": None}],
        "stock": [{"location": "default", "on_hand": 22, "threshold": 2}],
        **fields,
    }


def without(document: JSON, *names: str) -> JSON:
    """The document as if nobody had ever given these."""
    return {name: value for name, value in document.items() if name not in names}


def mapped(
    goods: JSON | None = None,
    one: JSON | None = None,
    *,
    category: Any = ("Shoes", "Sneakers"),
    now: datetime = NOW,
    **told: Any,
) -> Mapped:
    """The suggestion of a variant."""
    goods = product() if goods is None else goods
    one = goods["variants"][0] if one is None else one
    return suggestion(goods, one, category=category, settings=settings(**told), now=now)
