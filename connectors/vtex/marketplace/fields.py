"""The fields of a product document: what each is read from, and where a merchant fills it in.

Names of pages and fields are those of VTEX's admin as its help center has them ("Adding or editing products", "… SKUs").
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

#: ``fixed``: a text that nobody can change. ``texts``: a list of them.
Kind = Literal["text", "fixed", "number", "texts", "gtin", "images", "attributes"]

#: Where products and SKUs are edited.
PRODUCT: Final = "Catalog > Products and SKUs"
SKU: Final = f"{PRODUCT} > SKUs"


@dataclass(frozen=True, slots=True)
class Field:
    """``vtex`` is the field of the SKU's details, ``label`` what a merchant calls it, ``where`` its place in VTEX's admin."""

    kind: Kind
    vtex: str
    label: str
    where: str

    def remedy(self, verb: str) -> str:
        """What to do in VTEX: ``shorten the SKU's name in VTEX, under …``."""
        if self.kind == "fixed":
            return f"{self.label} cannot be changed in VTEX: have the marketplace's rule changed"
        return f"{verb} {self.label} in VTEX, under {self.where}"


#: In the order of the document, which is that of the errors as well.
FIELDS: Final[Mapping[str, Field]] = {
    "sku": Field("fixed", "Id", "the SKU's id", "VTEX gives it"),
    "product_id": Field("fixed", "ProductId", "the product's id", "VTEX gives it"),
    "name": Field(
        "text",
        "NameComplete",
        "the name of the product or of the SKU",
        f"{PRODUCT} > Product name, or {SKU} > Name",
    ),
    "product_name": Field("text", "ProductName", "the product's name", f"{PRODUCT} > Product name"),
    "sku_name": Field("text", "SkuName", "the SKU's name", f"{SKU} > Name"),
    "description": Field(
        "text", "ProductDescription", "the product's description", f"{PRODUCT} > Description"
    ),
    "brand": Field("text", "BrandName", "the product's brand", f"{PRODUCT} > Brand"),
    "images": Field("images", "Images", "the SKU's images", f"{SKU} > Images"),
    "gtin": Field("gtin", "AlternateIds.Ean", "the SKU's EAN", f"{SKU} > EAN/UPC"),
    "reference": Field("text", "AlternateIds.RefId", "the SKU's reference code", f"{SKU} > Reference code"),
    "manufacturer_code": Field(
        "text", "ManufacturerCode", "the SKU's manufacturer code", f"{SKU} > Manufacturer code"
    ),
    "weight_grams": Field("number", "Dimension.weight", "the package's weight", f"{SKU} > Package weight"),
    "length_cm": Field("number", "Dimension.length", "the package's length", f"{SKU} > Package length"),
    "width_cm": Field("number", "Dimension.width", "the package's width", f"{SKU} > Package width"),
    "height_cm": Field("number", "Dimension.height", "the package's height", f"{SKU} > Package height"),
    "unit": Field("text", "MeasurementUnit", "the unit of measure", f"{SKU} > Unit of measure"),
    "unit_multiplier": Field("number", "UnitMultiplier", "the unit multiplier", f"{SKU} > Unit multiplier"),
    "category_path": Field("texts", "ProductCategories", "the product's category", f"{PRODUCT} > Category"),
    "category_id": Field("text", "ProductCategoryIds", "the product's category", f"{PRODUCT} > Category"),
    "product_attributes": Field(
        "attributes",
        "ProductSpecifications",
        "the product's specifications",
        f"{PRODUCT} > Category attributes",
    ),
    "sku_attributes": Field(
        "attributes", "SkuSpecifications", "the SKU's specifications", f"{SKU} > Specifications"
    ),
    "url": Field("text", "DetailUrl", "the product's URL", f"{PRODUCT} > Product URL"),
}


def field(path: str) -> Field:
    """By its dotted path: ``name``, ``sku_attributes.Color``. Raises ``ValueError`` for what is no field of the document."""
    name, dot, attribute = path.partition(".")
    found = FIELDS.get(name)
    if found is not None and found.kind == "attributes" and attribute.strip():
        return Field("texts", found.vtex, f"the specification {attribute.strip()}", found.where)
    if found is not None and found.kind == "attributes":
        raise ValueError(f"names no specification: write {name}.Color, with its name in VTEX")
    if found is None or dot:
        raise ValueError(f"is no field of a product: write one of {', '.join(FIELDS)}")
    return found
