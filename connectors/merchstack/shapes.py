"""A category and a product as Merchstack writes them, in every spelling that seed 003 shows.

A field is called here as the catalog calls it; its first spelling is the official one. What is absent is ``UNSET``,
null is None. Fields without a name here are kept as they are, in ``model_extra``.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import UNSET
from pydantic import AfterValidator, AliasChoices, BaseModel, ConfigDict, Field, WrapValidator

from connectors.merchstack.values import (
    Attributes,
    Coordinate,
    CurrencyCode,
    Flag,
    Id,
    Language,
    Minor,
    Pixels,
    Text,
    Url,
    Whole,
    not_negative,
    text_as_it_is,
)


def is_given(value: object) -> bool:
    """Whether a field stood in the record, be it null."""
    return value is not UNSET


def spelled(*spellings: str) -> Any:
    """A field that may be absent, by its spellings, the official one first."""
    return Field(UNSET, validation_alias=AliasChoices(*spellings))


def required(*spellings: str) -> Any:
    """A field without which its object means nothing."""
    return Field(validation_alias=AliasChoices(*spellings))


class Shape(BaseModel):
    """What all have in common: unknown fields stay, texts are not numbers, numbers no texts."""

    model_config = ConfigDict(extra="allow", arbitrary_types_allowed=True, protected_namespaces=())


class Translation(Shape):
    """Texts in one language."""

    language: Language = required("languageCode")
    name: Text = spelled("name")
    navigation_name: Text = spelled("navName")
    slug: Text = spelled("slug")
    description: Text = spelled("description")
    page_title: Text = spelled("pageTitle")
    page_description: Text = spelled("pageDescription")


class FocalPoint(Shape):
    """Where an image must not be cropped."""

    x: Coordinate | None = spelled("x")
    y: Coordinate | None = spelled("y")


class Asset(Shape):
    """A medium. A focal point that is a text, as the property table says, has no form that is known: it stays a text."""

    key: Id = required("externalSystemAssetId")
    name: Text = spelled("name")
    type: Text = spelled("type")
    mime_type: Text = spelled("mimeType")
    width: Pixels | None = spelled("width")
    height: Pixels | None = spelled("height")
    source: Url | None = spelled("source")
    focal_point: Annotated[FocalPoint | None, WrapValidator(text_as_it_is)] = spelled(
        "focalPoint", "forcalPoint"
    )
    operation: Literal["addAsset", "updateAsset", "deleteAsset"] | None = spelled("operation")


class FacetDetail(Shape):
    """A page for one value of a facet."""

    name: Text = spelled("name")
    url: Url | None = spelled("url")


class Facet(Shape):
    """The pages of one attribute."""

    attribute: Id = required("facetAttribute")
    details: list[FacetDetail] | None = spelled("details")


class CategoryRecord(Shape):
    """A category. ``relatedItems``: the seed speaks of related items without showing any."""

    key: Id = required("externalSystemId", "externalSystemID")
    parent: Text = spelled("externalSystemParentId", "externalSystemParentID")
    enabled: Flag = spelled("enabled")
    private: Flag = spelled("isPrivate")
    root: Flag = spelled("isRoot")
    assignment: Text = spelled("assignmentMethod")
    featured_medium: Text = spelled(
        "featuredAssetId", "featuredExternalAssetId", "featuredAsset", "featuredExternalAsset"
    )
    custom_fields: dict[str, Any] | None = spelled("customFields")
    translations: list[Translation] | None = spelled("translations")
    facets: list[Facet] | None = spelled("indexableFacets")
    related: Any = spelled("relatedItems")
    media: list[Asset] | None = spelled("assets")


class VariantRecord(Shape):
    """A variant, with the one price and the one stock level that Merchstack knows of it."""

    key: Id = required("externalSystemId", "externalSystemID")
    sku: Text = spelled("sku")
    enabled: Flag = spelled("enabled")
    featured_medium: Text = spelled(
        "featuredAssetId", "featuredExternalAssetId", "featuredAsset", "featuredExternalAsset"
    )
    attributes: Attributes | None = spelled("attributes")
    # The currency comes first, so that the remedy for a price can be reckoned in it.
    currency_code: CurrencyCode | None = spelled("currencyCode")
    price: Minor | None = spelled("price")
    compare_at_price: Minor | None = spelled("compareAtPrice")
    stock_on_hand: Whole | None = spelled("stockOnHand")
    out_of_stock_threshold: Annotated[Whole, AfterValidator(not_negative)] | None = spelled(
        "outOfStockThreshold"
    )


class ProductRecord(Shape):
    """A product and its variants."""

    key: Id = required("externalSystemId", "externalSystemID")
    brand: Text = spelled("brand")
    enabled: Flag = spelled("enabled")
    featured_medium: Text = spelled(
        "featuredAssetId", "featuredExternalAssetId", "featuredAsset", "featuredExternalAsset"
    )
    categories: list[Id] | None = spelled("categoryIds")
    translations: list[Translation] | None = spelled("translations")
    media: list[Asset] | None = spelled("assets")
    attributes: Attributes | None = spelled("attributes")
    variants: list[VariantRecord] | None = spelled("variants")
