"""What is wrong with a suggestion, all of it at once (specs, suggestions; vtex facts, "Suggestion")."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

Problems = dict[str, list[str]]

#: Longest ``ProductName``, in characters.
NAME_LENGTH = 150

REQUIRED = (
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
)


def problems(body: Any, *, seller: str, whole_dimensions: bool) -> Problems:
    """By field; empty when it is accepted. ``Updated`` has no type, and an EAN may be a text or a list of them."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    if not isinstance(body, dict):
        return {"": ["The body has to be a JSON object."]}
    for name in REQUIRED:
        if name not in body:
            found[name].append(f"The {name} field is required.")
    dimension = _whole if whole_dimensions else _number
    checks = {**_TYPES, **dict.fromkeys(("Height", "Width", "Length", "Weight"), dimension)}
    for name, check in checks.items():
        if name in body:
            _check(found, name, body[name], check)
    if isinstance(title := body.get("ProductName"), str) and len(title) > NAME_LENGTH:
        found["ProductName"].append(f"The field ProductName must have at most {NAME_LENGTH} characters.")
    if isinstance(named := body.get("SellerId"), str) and named != seller:
        found["SellerId"].append("SellerId is not the seller of the address.")
    for name, inner in _OBJECTS.items():
        _check_inside(found, name, body.get(name), inner)
    return dict(found)


def _check(found: Problems, name: str, value: Any, check: Callable[[Any], str | None]) -> None:
    if wrong := check(value):
        found[name].append(f"The field {name} has to be {wrong}.")


def _check_inside(found: Problems, name: str, value: Any, inner: Mapping[str, Any]) -> None:
    """Of one object, or of every object of a list; what is none has been found before."""
    listed = isinstance(value, list)
    for place, one in enumerate(value if listed else [value]):
        if not isinstance(one, dict):
            continue
        where = f"{name}[{place}]" if listed else name
        for field, (check, required) in inner.items():
            if field in one:
                _check(found, f"{where}.{field}", one[field], check)
            elif required:
                found[f"{where}.{field}"].append(f"The {field} field is required.")


def _text(value: Any) -> str | None:
    return None if isinstance(value, str) else "text"


def _whole(value: Any) -> str | None:
    return None if isinstance(value, int) and not isinstance(value, bool) else "a whole number"


def _number(value: Any) -> str | None:
    return None if isinstance(value, int | Decimal) and not isinstance(value, bool) else "a number"


def _object(value: Any) -> str | None:
    return None if isinstance(value, dict) else "an object"


def _objects(value: Any) -> str | None:
    good = isinstance(value, list) and all(isinstance(one, dict) for one in value)
    return None if good else "a list of objects"


def _texts(value: Any) -> str | None:
    good = isinstance(value, list) and all(isinstance(one, str) for one in value)
    return None if good else "a list of texts"


def _text_or_texts(value: Any) -> str | None:
    return "text" if _text(value) and _texts(value) else None


_TYPES: Mapping[str, Callable[[Any], str | None]] = {
    "ProductName": _text,
    "ProductId": _text,
    "ProductDescription": _text,
    "BrandName": _text,
    "SkuName": _text,
    "SellerId": _text,
    "RefId": _text,
    "CategoryFullPath": _text,
    "EAN": _text_or_texts,
    "Images": _objects,
    "AvailableQuantity": _whole,
    "Pricing": _object,
    "SellerStockKeepingUnitId": _whole,
    "SkuSpecifications": _objects,
    "ProductSpecifications": _objects,
    "MeasurementUnit": _text,
    "UnitMultiplier": _whole,
}
_SPECIFICATION = {"fieldName": (_text, False), "fieldValues": (_texts, False)}
#: The fields inside, each with its check and whether it has to be there.
_OBJECTS: Mapping[str, Mapping[str, tuple[Callable[[Any], str | None], bool]]] = {
    "Images": {"imageName": (_text, True), "imageUrl": (_text, True)},
    "Pricing": {
        "Currency": (_text, False),
        "SalePrice": (_whole, False),
        "CurrencySymbol": (_text, False),
    },
    "SkuSpecifications": _SPECIFICATION,
    "ProductSpecifications": _SPECIFICATION,
}
