"""An entity as a connector gives it, taken apart into the rows that it writes."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from hub import codec, money
from hub.catalog import shapes
from hub.records import JSON

#: Fields that say what to do, or that are rows of their own: they are no content.
_NO_CONTENT = frozenset(
    {
        "kind",
        "key",
        "operation",
        "source_id",
        "variants",
        "prices",
        "stock",
        "media_changes",
        "all_variants",
        "wait_for_categories",
        "wait_for_parent",
        "enriches",
    }
)
#: Fields that are part of the row's key.
_OF_PRICE = _NO_CONTENT | {"variant", "price_kind", "currency", "valid_from"}
_OF_STOCK = _NO_CONTENT | {"variant", "location"}


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """What one row is to become. ``fields`` holds what was given: null clears, what is missing stays as it is.

    ``identity`` are columns that never change, ``main`` marks the row that the entity is about. A variant that ``leaves``
    a product is gone if it is still there; ``with_product``: because that is deleted, whoever owns variants.
    """

    kind: str
    key: str
    fields: Mapping[str, Any] = {}
    identity: Mapping[str, Any] = {}
    media_changes: Sequence[shapes.MediaChange] = ()
    gone: bool = False
    enriches: bool = False
    main: bool = False
    source_id: str = ""
    leaves: str | None = None
    with_product: bool = False


def drafts_of(entity: shapes.Entity) -> Sequence[Draft]:
    """Every row that an entity writes, its own first."""
    given: JSON = msgspec.to_builtins(entity, builtin_types=(Decimal,))
    match entity:
        case shapes.PriceOf():
            return [_price(given, entity.variant, entity.price_kind, entity)]
        case shapes.StockOf():
            return [_stock(given, entity.variant, entity)]
        case shapes.Product():
            return [_main(entity, given), *_variants(entity.key, given)]
        case _:
            return [_main(entity, given)]


def price_key(variant: str, kind: str, currency: str, valid_from: str | None) -> str:
    """What a price is called in the catalog."""
    return codec.dumps([variant, kind, currency, valid_from]).decode()


def stock_key(variant: str, location: str) -> str:
    """What a stock level is called in the catalog."""
    return codec.dumps([variant, location]).decode()


def _main(entity: Any, given: JSON) -> Draft:
    return Draft(
        kind=given["kind"],
        key=entity.key,
        fields=_fields(given),
        media_changes=getattr(entity, "media_changes", ()),
        gone=entity.operation == "delete",
        enriches=getattr(entity, "enriches", False),
        main=True,
        source_id=entity.source_id or entity.key,
    )


def _variants(product: str, given: JSON) -> Iterator[Draft]:
    for variant in given.get("variants", ()):
        key = variant["key"]
        identity = {"product_key": product}
        yield Draft(kind="variant", key=key, fields=_fields(variant), identity=identity, source_id=key)
        for price in variant.get("prices", ()):
            yield _price(price, key, price.get("kind", "sale"))
        for stock in variant.get("stock", ()):
            yield _stock(stock, key)


def _price(given: JSON, variant: str, kind: str, alone: shapes.PriceOf | None = None) -> Draft:
    currency, valid_from = given["currency"], given.get("valid_from")
    fields = _fields(given, _OF_PRICE)
    for name in ("amount", "compare_at"):
        if fields.get(name) is not None:
            fields[name] = money.written_out(fields[name], currency)
    return Draft(
        kind="price",
        key=price_key(variant, kind, currency, valid_from),
        fields=fields,
        identity={"variant_key": variant, "kind": kind, "currency": currency, "valid_from": valid_from},
        **_alone(alone, variant),
    )


def _stock(given: JSON, variant: str, alone: shapes.StockOf | None = None) -> Draft:
    location = given.get("location", "default")
    return Draft(
        kind="stock",
        key=stock_key(variant, location),
        fields=_fields(given, _OF_STOCK),
        identity={"variant_key": variant, "location_key": location},
        **_alone(alone, variant),
    )


def _alone(entity: shapes.Entity | None, variant: str) -> Mapping[str, Any]:
    """Whether it came with its product or on its own."""
    if entity is None:
        return {"source_id": variant}
    return {
        "main": True,
        "gone": entity.operation == "delete",
        "source_id": entity.source_id or variant,
    }


def _fields(given: JSON, without: Collection[str] = _NO_CONTENT) -> JSON:
    return {name: value for name, value in given.items() if name not in without}
