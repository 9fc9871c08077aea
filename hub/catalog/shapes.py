"""The canonical shapes of the catalog, as a connector's ``transform`` (or a user's mapping) gives them.

Everywhere three things are different: a field that is absent leaves what is there, null clears it, and an empty list
or text is stored as such. Money and measures are decimals, keys are texts of 1 to 512 characters.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Any, Literal, TypeAlias, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

from hub import codec, money
from hub.exact import MAX_DIGITS, bounded
from hub.excerpt import excerpt

T = TypeVar("T")

#: What a thing is called in the whole catalog of its tenant.
Key = Annotated[str, Meta(min_length=1, max_length=512)]
Currency = Annotated[str, Meta(pattern="^[A-Z]{3}$")]
Count = Annotated[int, Meta(ge=0, le=2**53)]
Quantity = Annotated[int, Meta(ge=-(2**53), le=2**53)]
#: A moment in ISO 8601 with its offset, as text.
Moment = Annotated[str, Meta(min_length=10, max_length=40)]
#: A code by which things are found: an index holds no longer one.
Code = Annotated[str, Meta(max_length=512)]
Maybe: TypeAlias = T | UnsetType | None


class Shape(msgspec.Struct, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What all have in common: fields of the source that the catalog has no name for are kept in ``extra``."""

    extra: Maybe[dict[str, Any]] = UNSET


class Translation(Shape, kw_only=True):
    """Texts in one language (BCP 47)."""

    language: Annotated[str, Meta(min_length=1, max_length=64)]
    name: Maybe[str] = UNSET
    navigation_name: Maybe[str] = UNSET
    slug: Maybe[str] = UNSET
    description: Maybe[str] = UNSET
    page_title: Maybe[str] = UNSET
    page_description: Maybe[str] = UNSET


class FocalPoint(Shape, kw_only=True):
    """Where an image must not be cropped, in the source's own unit."""

    x: Maybe[Decimal | int] = UNSET
    y: Maybe[Decimal | int] = UNSET


class Medium(Shape, kw_only=True):
    """An image, video or document. ``source`` says where it is; width and height are pixels."""

    key: Key
    name: Maybe[str] = UNSET
    type: Maybe[str] = UNSET
    mime_type: Maybe[str] = UNSET
    width: Maybe[Count] = UNSET
    height: Maybe[Count] = UNSET
    source: Maybe[str] = UNSET
    alt: Maybe[str] = UNSET
    focal_point: Maybe[FocalPoint] = UNSET


class MediaChange(Shape, kw_only=True):
    """One change to the media that are there: add or update puts ``medium`` over what has its key, delete takes it away."""

    operation: Literal["add", "update", "delete"]
    medium: Medium


class Price(Shape, kw_only=True):
    """What a variant costs; one for each kind, currency and start. ``amount`` has at most the currency's digits."""

    currency: Currency
    kind: Key = "sale"
    valid_from: Moment | None = None
    valid_to: Maybe[Moment] = UNSET
    amount: Maybe[Decimal] = UNSET
    compare_at: Maybe[Decimal] = UNSET


class Stock(Shape, kw_only=True):
    """How many there are at one location. At or below ``threshold`` the variant counts as out of stock."""

    location: Key = "default"
    on_hand: Maybe[Quantity] = UNSET
    threshold: Maybe[Count] = UNSET


class Variant(Shape, kw_only=True):
    """What is sold: weight in grams, lengths in millimetres."""

    key: Key
    sku: Maybe[Code] = UNSET
    gtin: Maybe[Code] = UNSET
    title: Maybe[str] = UNSET
    enabled: Maybe[bool] = UNSET
    position: Maybe[Quantity] = UNSET
    weight_grams: Maybe[Decimal] = UNSET
    length_mm: Maybe[Decimal] = UNSET
    width_mm: Maybe[Decimal] = UNSET
    height_mm: Maybe[Decimal] = UNSET
    attributes: Maybe[dict[str, list[str]]] = UNSET
    media: Maybe[list[Medium]] = UNSET
    featured_medium: Maybe[str] = UNSET
    prices: Sequence[Price] = ()
    stock: Sequence[Stock] = ()


class Entity(Shape, kw_only=True, tag_field="kind"):
    """What one record writes. ``source_id`` is what its source calls it (default: ``key``)."""

    operation: Literal["upsert", "delete"] = "upsert"
    source_id: str | None = None


class Product(Entity, kw_only=True, tag="product"):
    """A product and those of its variants that the source names; with ``all_variants`` the others are gone.

    ``categories`` are keys. Where one of them is unknown and ``wait_for_categories`` is true, the record waits for it;
    else the link is kept as it is and holds from the moment when the category comes.
    """

    key: Key
    brand: Maybe[str] = UNSET
    enabled: Maybe[bool] = UNSET
    status: Maybe[str] = UNSET
    categories: Maybe[list[Key]] = UNSET
    translations: Maybe[list[Translation]] = UNSET
    media: Maybe[list[Medium]] = UNSET
    featured_medium: Maybe[str] = UNSET
    attributes: Maybe[dict[str, list[str]]] = UNSET
    options: Maybe[list[dict[str, Any]]] = UNSET
    tags: Maybe[list[str]] = UNSET
    variants: Sequence[Variant] = ()
    media_changes: Sequence[MediaChange] = ()
    all_variants: bool = False
    wait_for_categories: bool = False


class FacetDetail(Shape, kw_only=True):
    """A page of its own for one value of a facet."""

    name: Maybe[str] = UNSET
    url: Maybe[str] = UNSET


class Facet(Shape, kw_only=True):
    """An attribute by which a category can be narrowed down and found by search engines."""

    attribute: Key
    details: Sequence[FacetDetail] = ()


class Category(Entity, kw_only=True, tag="category"):
    """A node of the tree. ``managed``: made by a merchandising system, which is its system of record.

    ``wait_for_parent`` is to ``parent`` what ``wait_for_categories`` is to a product's categories. ``enriches``: where
    another system's unmanaged category has this key, only ``facets``, ``related`` and ``extra`` are taken.
    """

    key: Key
    parent: Maybe[Key] = UNSET
    managed: Maybe[bool] = UNSET
    enabled: Maybe[bool] = UNSET
    private: Maybe[bool] = UNSET
    root: Maybe[bool] = UNSET
    assignment: Maybe[str] = UNSET
    translations: Maybe[list[Translation]] = UNSET
    media: Maybe[list[Medium]] = UNSET
    featured_medium: Maybe[str] = UNSET
    facets: Maybe[list[Facet]] = UNSET
    related: Maybe[list[Any]] = UNSET
    custom_fields: Maybe[dict[str, Any]] = UNSET
    media_changes: Sequence[MediaChange] = ()
    wait_for_parent: bool = False
    enriches: bool = False


class Location(Entity, kw_only=True, tag="location"):
    """A warehouse or shop that holds stock."""

    key: Key
    name: Maybe[str] = UNSET
    enabled: Maybe[bool] = UNSET
    address: Maybe[dict[str, Any]] = UNSET


class PriceOf(Entity, kw_only=True, tag="price"):
    """A price on its own, for sources that know nothing of the rest; ``variant`` is a variant's key."""

    variant: Key
    currency: Currency
    price_kind: Key = "sale"
    valid_from: Moment | None = None
    valid_to: Maybe[Moment] = UNSET
    amount: Maybe[Decimal] = UNSET
    compare_at: Maybe[Decimal] = UNSET


class StockOf(Entity, kw_only=True, tag="stock"):
    """A stock level on its own."""

    variant: Key
    location: Key = "default"
    on_hand: Maybe[Quantity] = UNSET
    threshold: Maybe[Count] = UNSET


class Customer(Entity, kw_only=True, tag="customer"):
    """Somebody who buys. Personal data: erased on request, never in a log."""

    key: Key
    email: Maybe[str] = UNSET
    phone: Maybe[str] = UNSET
    first_name: Maybe[str] = UNSET
    last_name: Maybe[str] = UNSET
    language: Maybe[str] = UNSET
    addresses: Maybe[list[dict[str, Any]]] = UNSET
    tags: Maybe[list[str]] = UNSET


_MEASURES = ("weight_grams", "length_mm", "width_mm", "height_mm")
_ENTITIES: Mapping[str, type[Entity]] = {
    "product": Product,
    "category": Category,
    "location": Location,
    "price": PriceOf,
    "stock": StockOf,
    "customer": Customer,
}
#: What a body's ``kind`` may be.
KINDS: Sequence[str] = tuple(_ENTITIES)


class ShapeError(ValueError):
    """A body that is no entity of the catalog. ``errors`` lists all that is wrong, each with its field."""

    def __init__(self, errors: Sequence[str]) -> None:
        super().__init__("; ".join(errors))
        self.errors = errors


def parse(body: Any) -> Entity:
    """A body, as JSON, as the entity that it describes. Raises ``ShapeError`` with every fault and its field."""
    if not isinstance(body, Mapping):
        raise ShapeError(["must be an object with a kind and a key: see docs/catalog.md"])
    shape = _ENTITIES.get(str(body.get("kind")))
    if shape is None:
        raise ShapeError([f"kind: is {excerpt(body.get('kind'))}, not one of {', '.join(KINDS)}"])
    try:
        entity: Entity = msgspec.convert(body, shape)
    except msgspec.ValidationError as error:
        raise ShapeError(_faults(body, shape) or [_text(error)]) from None
    if faults := [*_numbers_at_fault(entity), *_texts_at_fault(body)]:
        raise ShapeError(faults)
    return entity


def _faults(body: Mapping[str, Any], shape: type[Entity]) -> list[str]:
    """Msgspec names one fault; here every field is tried on its own, beside stand-ins for what is required."""
    fields = {field.encode_name: field for field in msgspec.structs.fields(shape)}
    stand_ins = {name: "USD" for name, field in fields.items() if field.required}
    faults = [f"{name}: is required" for name in stand_ins if name not in body]
    for name, value in body.items():
        try:
            msgspec.convert({**stand_ins, "kind": body["kind"], name: value}, shape)
        except msgspec.ValidationError as error:
            faults.append(_text(error))
    return faults


def _text(error: msgspec.ValidationError) -> str:
    what, _, where = str(error).partition(" - at `$")
    field = where.rstrip("`").lstrip(".").replace("[", ".").replace("]", "")
    return f"{field}: {what}" if field else what


def _numbers_at_fault(entity: Entity) -> Iterator[str]:
    match entity:
        case Product(variants=variants):
            for place, variant in enumerate(variants):
                for field in _MEASURES:
                    if getattr(variant, field) is not UNSET:
                        yield from _out_of_bounds(getattr(variant, field), f"variants.{place}.{field}")
                for number, price in enumerate(variant.prices):
                    yield from _price_at_fault(price, f"variants.{place}.prices.{number}.")
        case PriceOf():
            yield from _price_at_fault(entity, "")


def _price_at_fault(price: Price | PriceOf, where: str) -> Iterator[str]:
    try:
        digits = money.digits(price.currency)
    except ValueError as error:
        yield f"{where}currency: {error}"
        return
    for field, amount in (("amount", price.amount), ("compare_at", price.compare_at)):
        if isinstance(amount, Decimal) and _is_out_of_bounds(amount):
            yield from _out_of_bounds(amount, f"{where}{field}")
        elif isinstance(amount, Decimal) and money.places(amount) > digits:
            yield f"{where}{field}: {amount} has more than the {digits} digits of {price.currency}"


def _out_of_bounds(number: Decimal | UnsetType | None, field: str) -> Iterator[str]:
    if isinstance(number, Decimal) and _is_out_of_bounds(number):
        yield f"{field}: must be a number of 0 or more, in full not longer than {MAX_DIGITS} digits"


def _is_out_of_bounds(number: Decimal) -> bool:
    if not number.is_finite() or number < 0:
        return True
    return not -20 < number.adjusted() < 20 and bounded(number) is None


def _texts_at_fault(body: Mapping[str, Any]) -> Iterator[str]:
    if b"\\u0000" not in codec.dumps(body):  # a quick look: a text may hold these six characters, too
        return
    for name, value in body.items():
        if _holds_nul(value):
            yield f"{name}: holds a NUL character, which no database keeps; take it out"


def _holds_nul(value: Any) -> bool:
    match value:
        case str():
            return "\x00" in value
        case Mapping():
            return any(_holds_nul(one) for item in value.items() for one in item)
        case list() | tuple():
            return any(map(_holds_nul, value))
        case _:
            return False
