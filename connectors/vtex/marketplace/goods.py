"""What VTEX has of a SKU as the product document that marketplaces are given. Pure; whatever a field holds, it does not raise.

Read is the answer of ``GET …/sku/stockkeepingunitbyid/{skuId}`` (CAT; VTEX facts, 2). What is missing, empty or of another type
is null: whether a marketplace minds is said by its rules.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from connectors.vtex import values
from connectors.vtex.values import text
from hub.exact import Number
from hub.records import JSON

#: VTEX's own hosts of images. They answer https too, also where the catalog has an address of http (as CAT's example does).
IMAGE_HOSTS: Final = (".vteximg.com.br", ".vtexassets.com")


def product_document(sku: Any, product: Any = None) -> JSON:
    """Of a SKU's details, and of its product's document where that was read. Lengths are centimetres, weights grams."""
    given = _object(sku)
    dimension, codes = _object(given.get("Dimension")), _object(given.get("AlternateIds"))
    product_name, sku_name = text(given.get("ProductName")), text(given.get("SkuName"))
    return {
        "sku": identifier(given.get("Id")),
        "product_id": identifier(given.get("ProductId")),
        "name": text(given.get("NameComplete")) or _joined(product_name, sku_name),
        "product_name": product_name,
        "sku_name": sku_name,
        "description": text(given.get("ProductDescription")),
        "brand": text(given.get("BrandName")),
        "images": _images(given.get("Images")),
        "gtin": _gtin(codes.get("Ean")),
        "reference": identifier(codes.get("RefId")),
        "manufacturer_code": identifier(given.get("ManufacturerCode")),
        "weight_grams": _measure(dimension.get("weight")),
        "length_cm": _measure(dimension.get("length")),
        "width_cm": _measure(dimension.get("width")),
        "height_cm": _measure(dimension.get("height")),
        "unit": text(given.get("MeasurementUnit")),
        "unit_multiplier": _measure(given.get("UnitMultiplier")),
        "category_path": _category_names(given),
        "category_id": category_id(given, product),
        "product_attributes": _attributes(given.get("ProductSpecifications")),
        "sku_attributes": _attributes(given.get("SkuSpecifications")),
        "url": text(given.get("DetailUrl")),
    }


def category_id(sku: Any, product: Any = None) -> str | None:
    """The leaf of the product's category: the last one of ``/1/2/``, else what the product's document says."""
    ids = _category_ids(_object(sku))
    if ids:
        return ids[-1]
    said = (identifier(_object(each).get("CategoryId")) for each in (sku, product))
    return next((found for found in said if found), None)


def identifier(value: Any) -> str | None:
    """A number or a text as the text that stands for it; None for anything else, and for nothing."""
    found = None if isinstance(value, str) else values.number(value)
    return text(value) if found is None else str(values.tidy(found))


def _joined(product: str | None, sku: str | None) -> str | None:
    """As VTEX makes ``NameComplete``: product and SKU, once where they are equal."""
    return " ".join(dict.fromkeys(name for name in (product, sku) if name)) or None


def _images(value: Any) -> list[JSON]:
    """Each address once."""
    images: dict[str, JSON] = {}
    for each in _objects(value):
        if url := text(each.get("ImageUrl")):
            secure = _secure(url)
            images.setdefault(secure, {"url": secure, "name": text(each.get("ImageName"))})
    return list(images.values())


def _secure(url: str) -> str:
    """With https where VTEX itself serves the image, or where the address leaves it open (``//host/…``)."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return url
    is_own = parts.scheme == "http" and port is None and host.endswith(IMAGE_HOSTS)
    return f"https:{url.partition(':')[2]}" if is_own else f"https:{url}" if url.startswith("//") else url


def _gtin(value: Any) -> str | None:
    """Without blanks and hyphens where it is one."""
    code = identifier(value)
    return None if code is None else values.gtin(code) or code


def _measure(value: Any) -> Number | None:
    found = values.number(value)
    return None if found is None else values.tidy(found)


def _category_ids(sku: Mapping[str, Any]) -> list[str]:
    """From the department down to the leaf."""
    return [each.strip() for each in (text(sku.get("ProductCategoryIds")) or "").split("/") if each.strip()]


def _category_names(sku: Mapping[str, Any]) -> list[str]:
    """From the department down; empty where one of them has no name, as a path with a hole is another category's."""
    known = _object(sku.get("ProductCategories"))
    names = [text(known.get(each)) for each in _category_ids(sku)]
    return [] if None in names else [name for name in names if name]


def _attributes(value: Any) -> dict[str, list[str]]:
    """By a specification's name its values, each once; those without a value are left out."""
    found: dict[str, dict[str, None]] = {}
    for each in _objects(value):
        name, given = text(each.get("FieldName")), each.get("FieldValues")
        for one in given if isinstance(given, list) else [given]:
            if name and (said := identifier(one)):
                found.setdefault(name, {})[said] = None
    return {name: list(said) for name, said in found.items()}


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _objects(value: Any) -> Iterator[Mapping[str, Any]]:
    """Of a list; whatever else stands in it is passed over."""
    return (each for each in value if isinstance(each, dict)) if isinstance(value, list) else iter(())
