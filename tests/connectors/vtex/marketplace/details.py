"""A SKU as VTEX answers it (CAT; VTEX facts, 2), whole, changed and of any shape, and what becomes of it."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from connectors.vtex.marketplace.checking import Checked, checked
from connectors.vtex.marketplace.goods import product_document
from connectors.vtex.marketplace.rules import Rules
from hub.marketplace import Attribute, Category
from hub.records import JSON

_DETAILS: JSON = {
    "Id": 15,
    "ProductId": 123,
    "NameComplete": "Desk Lamp Blue",
    "ProductName": "Desk Lamp",
    "ProductDescription": "<p>A lamp</p>",
    "SkuName": "Blue",
    "IsActive": True,
    "DetailUrl": "/desk-lamp/p",
    "BrandId": "2000018",
    "BrandName": "Aurora",
    "Dimension": {"cubicweight": 0.5, "height": 10.0, "length": 20.5, "weight": 850, "width": 15},
    "ManufacturerCode": "DL-7",
    "SkuSellers": [{"SellerId": "1", "StockKeepingUnitId": 15, "IsActive": True}],
    "SalesChannels": [1, 3],
    "Images": [
        {"ImageUrl": "https://cdn.example/front.jpg", "ImageName": "Front", "FileId": 1},
        {"ImageUrl": "https://cdn.example/back.jpg", "ImageName": None, "FileId": 2},
    ],
    "SkuSpecifications": [
        {"FieldId": 1, "FieldName": "Color", "FieldValueIds": [1], "FieldValues": ["Blue"]}
    ],
    "ProductSpecifications": [
        {"FieldId": 51, "FieldName": "Material", "FieldValueIds": [], "FieldValues": ["Steel", "Glass"]}
    ],
    "ProductCategoryIds": "/10/101/",
    "ProductCategories": {"101": "Lamps", "10": "Home"},
    "AlternateIds": {"Ean": "4006381333931", "RefId": "S-15"},
    "MeasurementUnit": "un",
    "UnitMultiplier": 1.0,
    "IsProductActive": True,
}


def details(**changes: Any) -> JSON:
    """A whole SKU, with some of its fields as given."""
    return {**_DETAILS, **changes}


def document(**changes: Any) -> JSON:
    """A whole product document, with some of its fields as given."""
    return {**product_document(_DETAILS), **changes}


def rules(**fields: Any) -> Rules:
    """For fields of the document; ``__`` stands for the dot."""
    return Rules.model_validate({"fields": {name.replace("__", "."): rule for name, rule in fields.items()}})


def errors(product: JSON, found: Rules, category: Category | None = None) -> list[str]:
    return list(checked(product, found, category).errors)


def passed(found: Checked) -> bool:
    return not found.errors


#: Anything that JSON can hold.
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=4,
)

_entries = st.lists(
    anything
    | st.fixed_dictionaries(
        {},
        optional={
            "ImageUrl": anything
            | st.sampled_from(["http://a.vteximg.com.br/1.jpg", "http://[", "//h/1.png"]),
            "ImageName": anything,
            "FieldName": anything | st.sampled_from(["Color", " color", "Material"]),
            "FieldValues": anything | st.lists(st.sampled_from(["Blue", "", " "])),
            "SellerId": anything | st.just("1"),
            "IsActive": anything,
        },
    ),
    max_size=3,
)

#: A SKU's details in which any field is missing, null, of another type, or of its own shape with anything in it.
shapes = st.fixed_dictionaries(
    {},
    optional={name: anything | st.just(value) for name, value in _DETAILS.items()}
    | dict.fromkeys(
        ("Images", "SkuSpecifications", "ProductSpecifications", "SkuSellers"), anything | _entries
    )
    | {
        "ProductCategoryIds": anything | st.sampled_from(["/10/101/", "//", "/10/"]),
        "ProductCategories": anything | st.dictionaries(st.sampled_from(["10", "101"]), anything),
        "AlternateIds": anything | st.fixed_dictionaries({"Ean": anything, "RefId": anything}),
        "Dimension": anything | st.fixed_dictionaries({"weight": anything, "height": anything}),
    },
)

#: Rules of every kind, with defaults.
STRICT = Rules.model_validate(
    {
        "fields": {
            "name": {"required": True, "min_length": 3, "max_length": 60},
            "description": {"required": True, "max_length": 4000, "default": "None yet."},
            "brand": {"pattern": "[A-Z].*", "hint": "a capital first", "default": "No brand"},
            "weight_grams": {"required": True, "minimum": 1, "maximum": 30000, "default": 300},
            "unit": {"values": ["un", "kg"], "default": "un"},
            "category_path": {"required": True},
            "sku_attributes.Color": {"required": True, "values": ["Blue", "Red"], "default": "Blue"},
            "product_attributes.Material": {"max_length": 10},
        },
        "images": {"minimum": 1, "maximum": 2, "endings": ["jpg", "png"]},
        "gtin": {"required": True, "lengths": [13]},
    }
)

LAMPS = Category(
    id="L1",
    name="Lamps",
    attributes=(
        Attribute(name="Color", required=True, values=("Blue", "Red", "Green")),
        Attribute(name="Material", values=("Steel", "Glass")),
        Attribute(name="Socket", required=True),
    ),
)
