"""An entity as a connector gives it, taken apart into the rows that it writes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import msgspec

from hub import codec, money
from hub.catalog import shapes
from hub.exact import plain
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """What one row is to become. ``fields`` holds what was given: null clears, what is missing stays as it is.

    ``identity`` are columns that never change, ``main`` marks the row that the entity is about.
    """

    kind: str
    key: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    identity: Mapping[str, Any] = field(default_factory=dict)
    media_changes: Sequence[shapes.MediaChange] = ()
    gone: bool = False
    enriches: bool = False
    main: bool = False
    source_id: str = ""


def drafts_of(entity: shapes.Entity) -> Sequence[Draft]:
    """Every row that an entity writes, its own first."""
    return list(_TAKEN_APART[type(entity)](entity))


def price_key(variant: str, kind: str, currency: str, valid_from: str | None) -> str:
    """What a price is called in the catalog."""
    return codec.dumps([variant, kind, currency, valid_from]).decode()


def stock_key(variant: str, location: str) -> str:
    """What a stock level is called in the catalog."""
    return codec.dumps([variant, location]).decode()


def _simple(entity: Any) -> Iterator[Draft]:
    yield _main(entity, type(entity).__struct_config__.tag)


def _main(entity: Any, kind: str, **more: Any) -> Draft:
    return Draft(
        kind=kind,
        key=entity.key,
        fields=_fields(entity),
        gone=entity.operation == "delete",
        main=True,
        source_id=entity.source_id or entity.key,
        **more,
    )


def _category(entity: shapes.Category) -> Iterator[Draft]:
    yield _main(entity, "category", media_changes=entity.media_changes, enriches=entity.enriches)


def _product(entity: shapes.Product) -> Iterator[Draft]:
    yield _main(entity, "product", media_changes=entity.media_changes)
    for variant in entity.variants:
        yield Draft(
            kind="variant",
            key=variant.key,
            fields=_fields(variant),
            identity={"product_key": entity.key},
            source_id=variant.key,
        )
        for price in variant.prices:
            yield _price(price, variant.key, price.kind)
        for stock in variant.stock:
            yield _stock(stock, variant.key)


def _price_alone(entity: shapes.PriceOf) -> Iterator[Draft]:
    yield _price(
        entity,
        entity.variant,
        entity.price_kind,
        main=True,
        gone=entity.operation == "delete",
        source=entity.source_id,
    )


def _stock_alone(entity: shapes.StockOf) -> Iterator[Draft]:
    yield _stock(
        entity, entity.variant, main=True, gone=entity.operation == "delete", source=entity.source_id
    )


def _price(
    price: shapes.Price | shapes.PriceOf,
    variant: str,
    kind: str,
    *,
    main: bool = False,
    gone: bool = False,
    source: str | None = None,
) -> Draft:
    fields = _fields(price, "variant", "price_kind", "currency", "valid_from")
    digits = money.digits(price.currency)
    for name in ("amount", "compare_at"):
        if isinstance(fields.get(name), Decimal):
            fields[name] = Decimal(f"{fields[name]:.{digits}f}")
    return Draft(
        kind="price",
        key=price_key(variant, kind, price.currency, price.valid_from),
        fields=fields,
        identity={
            "variant_key": variant,
            "kind": kind,
            "currency": price.currency,
            "valid_from": price.valid_from,
        },
        main=main,
        gone=gone,
        source_id=source or variant,
    )


def _stock(
    stock: shapes.Stock | shapes.StockOf,
    variant: str,
    *,
    main: bool = False,
    gone: bool = False,
    source: str | None = None,
) -> Draft:
    return Draft(
        kind="stock",
        key=stock_key(variant, stock.location),
        fields=_fields(stock, "variant", "location"),
        identity={"variant_key": variant, "location_key": stock.location},
        main=main,
        gone=gone,
        source_id=source or variant,
    )


def _fields(entity: shapes.Shape, *identity: str) -> JSON:
    given: JSON = msgspec.to_builtins(entity, builtin_types=(Decimal,))
    return {name: value for name, value in given.items() if name not in _NO_CONTENT and name not in identity}


def columns_of(draft: Draft, content: JSON) -> JSON:
    """The columns beside the content: what never changes, and copies of what rows are found by."""
    match draft.kind:
        case "variant":
            return {"sku": content.get("sku"), "gtin": content.get("gtin"), **draft.identity}
        case "category":
            return {"parent_key": content.get("parent"), "managed": bool(content.get("managed"))}
        case "price":
            amount = content.get("amount")
            return {"amount": None if amount is None else plain(amount), **draft.identity}
        case "stock":
            return {
                "on_hand": content.get("on_hand"),
                "threshold": content.get("threshold"),
                **draft.identity,
            }
        case _:
            return {}


_TAKEN_APART: Mapping[type[shapes.Entity], Callable[[Any], Iterator[Draft]]] = {
    shapes.Product: _product,
    shapes.Category: _category,
    shapes.Location: _simple,
    shapes.Customer: _simple,
    shapes.PriceOf: _price_alone,
    shapes.StockOf: _stock_alone,
}
