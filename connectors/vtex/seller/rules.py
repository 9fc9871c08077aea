"""Field by field, what VTEX wants of a suggestion and what becomes of ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import ROUND_CEILING, Decimal
from typing import Any, Final

from connectors.vtex.cents import in_cents
from connectors.vtex.seller.amounts import available, price_at
from connectors.vtex.seller.draft import Draft
from connectors.vtex.seller.images import image, pictures
from connectors.vtex.seller.settings import VtexSellerSettings
from connectors.vtex.values import gtin, image_fault, number, text, tidy
from hub.exact import EXACT, Number
from hub.excerpt import excerpt
from hub.records import JSON

#: Characters (SUG; of no other text does it name a limit).
LONGEST_PRODUCT_NAME: Final = 150

#: Of each measure our field, and by which power of ten it shrinks: centimetres from millimetres, grams as they are.
MEASURES: Final = {
    "Height": ("height_mm", 1),
    "Width": ("width_mm", 1),
    "Length": ("length_mm", 1),
    "Weight": ("weight_grams", 0),
}

#: ``EAN`` of a variant without a code: the field has to be there, the code only where there is no ``RefId`` (SUG).
_NO_EAN: Final = {"list": [], "text": ""}


def texts(draft: Draft, product: JSON, variant: JSON, settings: VtexSellerSettings) -> None:
    """``ProductName``, ``ProductDescription``, ``SkuName``, ``NameComplete``."""
    translation = _translation(draft, product.get("translations") or (), settings)
    if translation is None:
        return
    description = text(translation.get("description"))
    draft.set_or_default(
        "ProductDescription",
        description,
        settings.defaults.description,
        ours="translations.description",
        setting="description",
    )
    name = text(translation.get("name"))
    if name is None:
        language = excerpt(translation.get("language"))
        draft.fault(
            "ProductName", "translations.name", f"is missing in {language}", "name the product in the catalog"
        )
        return
    if len(name) > LONGEST_PRODUCT_NAME:
        what = f"has {len(name)} characters, and VTEX takes {LONGEST_PRODUCT_NAME}"
        draft.fault("ProductName", "translations.name", what, "shorten it in the catalog")
    draft.set("ProductName", name)
    draft.set("SkuName", _sku_name(name, product, variant))
    draft.set(
        "NameComplete", name if draft.fields["SkuName"] == name else f"{name} {draft.fields['SkuName']}"
    )


def category(draft: Draft, names: Sequence[str] | None, settings: VtexSellerSettings) -> None:
    """``CategoryFullPath``: the names from the department down, with slashes between them."""
    path = [name.strip() for name in names or ()]
    for name in path:
        if not name or "/" in name:
            what = f"has the category {excerpt(name)}, " + (
                "which holds a slash" if name else "without a name"
            )
            draft.fault("CategoryFullPath", "categories", what, "rename the category in the catalog")
    default = settings.defaults.category_path
    draft.set_or_default(
        "CategoryFullPath",
        "/".join(path) or None,
        None if default is None else "/".join(default),
        ours="categories",
        setting="category_path",
    )


def brand(draft: Draft, product: JSON, settings: VtexSellerSettings) -> None:
    """``BrandName``, as the marketplace has it."""
    found = text(product.get("brand"))
    draft.set_or_default("BrandName", found, settings.defaults.brand, ours="brand", setting="brand")


def measures(draft: Draft, variant: JSON, settings: VtexSellerSettings) -> None:
    """``Height``, ``Width``, ``Length`` in centimetres and ``Weight`` in grams: all of them more than 0."""
    for field, (ours, shrink) in MEASURES.items():
        given, default = number(variant.get(ours)), getattr(settings.defaults, ours)
        if given is not None and given > 0:
            draft.set(field, _measure(given, shrink, settings))
        elif default is not None:
            draft.default(field, _measure(default, shrink, settings))
        else:
            what = "is missing" if given is None else f"is {given}"
            remedy = f"give the variant its measure in the catalog, or set settings.defaults.{ours}"
            draft.fault(field, f"variants.{ours}", what, remedy)


def images(draft: Draft, product: JSON, variant: JSON, settings: VtexSellerSettings) -> None:
    """``Images``: each address once."""
    found = pictures(product, variant)
    sources: dict[str, JSON] = {}
    for ours, medium in found:
        if fault := image_fault(medium.get("source")):
            remedy = "serve the image with https and correct its address in the catalog"
            draft.fault("Images", ours, fault, remedy)
        else:
            sources.setdefault(medium["source"], medium)
    if found:
        draft.set("Images", [image(medium, place) for place, medium in enumerate(sources.values())])
        return
    default = settings.defaults.image
    stand_in = None if default is None else [image({"source": default}, 0)]
    draft.set_or_default("Images", None, stand_in, ours="media", setting="image")


def codes(draft: Draft, variant: JSON, settings: VtexSellerSettings) -> None:
    """``RefId`` and ``EAN``, whose check digit has to be right."""
    draft.set("RefId", text(variant.get("sku")) or variant["key"])
    given = text(variant.get("gtin"))
    if given is None:
        draft.set("EAN", _NO_EAN[settings.ean_as])
        return
    code = gtin(given)
    if code is None:
        what = (
            f"{excerpt(given)} is no code of 8, 12, 13 or 14 digits whose last one is the right check digit"
        )
        draft.fault("EAN", "variants.gtin", what, "correct it in the catalog, or clear it there")
        return
    draft.set("EAN", [code] if settings.ean_as == "list" else code)


def price(draft: Draft, variant: JSON, settings: VtexSellerSettings, now: datetime) -> None:
    """``Pricing``: the price of the moment."""
    found = price_at(
        variant.get("prices") or (), currency=settings.currency, kind=settings.price_kind, now=now
    )
    if found is None:
        what = f"there is none of more than 0 now in {settings.currency} of kind {settings.price_kind}"
        remedy = "give the variant one in the catalog, or change settings.currency or settings.price_kind"
        draft.fault("Pricing", "variants.prices", what, remedy)
        return
    try:
        amount = (
            in_cents(found["amount"])
            if settings.price_unit == "cents"
            else tidy(number(found["amount"]) or 0)
        )
    except (ValueError, ArithmeticError) as error:
        draft.fault("Pricing", "variants.prices", str(error), "correct the price in the catalog")
        return
    draft.set(
        "Pricing",
        {"Currency": settings.currency, "SalePrice": amount, "CurrencySymbol": settings.symbol},
    )


def quantity(draft: Draft, variant: JSON, settings: VtexSellerSettings) -> None:
    """``AvailableQuantity``; a variant out of stock may be suggested."""
    draft.set("AvailableQuantity", available(variant.get("stock") or (), settings.locations))


def specifications(attributes: Mapping[str, Any] | None) -> list[JSON]:
    """Names with at least one value that is no blank."""
    named = {
        name: [found for value in values or () if (found := text(value))]
        for name, values in (attributes or {}).items()
    }
    return [
        {"fieldName": name, "fieldValues": values}
        for name, values in named.items()
        if name.strip() and values
    ]


def _measure(value: Number, shrink: int, settings: VtexSellerSettings) -> Number:
    measure = EXACT.scaleb(Decimal(value), -shrink)
    return tidy(measure.to_integral_value(ROUND_CEILING) if settings.measures_as == "whole" else measure)


def _translation(draft: Draft, translations: Sequence[JSON], settings: VtexSellerSettings) -> JSON | None:
    """In the language of the settings, or a variant of it; else in the default one; without a setting the first."""
    if settings.language is None and translations:
        return translations[0]
    if settings.language is not None and (found := _in(translations, settings.language)) is not None:
        return found
    default = settings.defaults.language
    if default is not None and (found := _in(translations, default)) is not None:
        draft.defaulted["language"] = default
        return found
    what = (
        "there are no texts"
        if settings.language is None
        else f"there are none in {excerpt(settings.language)}"
    )
    remedy = "translate the product in the catalog, or set settings.language or settings.defaults.language"
    draft.fault("ProductName", "translations", what, remedy)
    return None


def _in(translations: Sequence[JSON], language: str) -> JSON | None:
    """The language itself, else the plain one of it, else a regional one: ``pt`` and ``pt-BR`` stand in for each other."""
    wanted = language.casefold()
    by_language = {str(each.get("language")).casefold(): each for each in reversed(translations)}
    plain = wanted.partition("-")[0]
    regional = sorted(each for each in by_language if each.partition("-")[0] == plain)
    return next((by_language[each] for each in (wanted, plain, *regional) if each in by_language), None)


def _sku_name(name: str, product: JSON, variant: JSON) -> str:
    """Its title; else, where the product has several variants, what tells it apart."""
    if title := text(variant.get("title")):
        return title
    if len(product.get("variants") or ()) < 2:
        return name
    values = [value for each in specifications(variant.get("attributes")) for value in each["fieldValues"]]
    return " ".join(values) or text(variant.get("sku")) or str(variant["key"])
