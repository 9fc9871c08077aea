"""A category and a product as Merchstack writes them, in every spelling that seed 003 shows.

A field is called here as the catalog calls it; its first spelling is the official one. What is absent stays absent,
null is None. Fields without a name here are kept as they are, in ``extra``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Annotated, Any, Literal

from msgspec import UNSET
from pydantic import AfterValidator, AliasChoices, BaseModel, Field, GetCoreSchemaHandler, WrapValidator
from pydantic_core import CoreSchema, core_schema

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
from hub.records import JSON

#: What stands in a record and is no content of the catalog.
NOT_CONTENT = frozenset({"exportMetaData", "importMetaData", "tenantId", "storeId"})


def spelled(*spellings: str) -> Any:
    """A field that may be absent, by its spellings, the official one first."""
    return Field(UNSET, validation_alias=AliasChoices(*spellings))


def required(*spellings: str) -> Any:
    """A field without which its object means nothing."""
    return Field(validation_alias=AliasChoices(*spellings))


class Shape(BaseModel):
    """What all have in common: unknown fields stay, texts are not numbers, numbers no texts.

    Validated, an object is a dict by the catalog's names and no instance: pydantic makes it in half the time.
    """

    @classmethod
    def spellings(cls) -> Mapping[str, Sequence[str]]:
        """Its fields, as the catalog calls them, in all their spellings."""
        return {
            name: [str(spelling) for spelling in field.validation_alias.choices]
            for name, field in cls.model_fields.items()
            if isinstance(field.validation_alias, AliasChoices)
        }

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler, /) -> CoreSchema:
        spellings = cls.spellings()
        fields = {
            name: core_schema.typed_dict_field(
                handler.generate_schema(field.rebuild_annotation()),
                required=field.is_required(),
                validation_alias=AliasChoices(*spellings[name]).convert_to_aliases(),
            )
            for name, field in cls.model_fields.items()
        }
        fields["extra"] = core_schema.typed_dict_field(core_schema.dict_schema(), required=False)
        usual = NOT_CONTENT.union(official for official, *_ in spellings.values())

        def with_unknown_apart(record: Any) -> Any:
            if not isinstance(record, dict) or usual.issuperset(record):  # as nearly all are
                return record
            return _unknown_apart(record, spellings.values())

        return core_schema.no_info_before_validator_function(
            with_unknown_apart, core_schema.typed_dict_schema(fields)
        )


def _unknown_apart(record: JSON, fields: Collection[Sequence[str]]) -> JSON:
    """What has no name here goes into ``extra``. Of two spellings of one field the first is known."""
    used = {next((spelling for spelling in field if spelling in record), None) for field in fields}
    known = {name: value for name, value in record.items() if name in used}
    extra = {name: value for name, value in record.items() if name not in used | NOT_CONTENT}
    return {**known, "extra": extra} if extra else known


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
