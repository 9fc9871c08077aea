"""An entity as a connector gives it, taken apart into the rows that it writes."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec
from msgspec.structs import replace

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
#: What a price or a stock level on its own says beside that.
_NO_OFFER = _NO_CONTENT | {"variant", "price_kind"}


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """What one row is to become. ``fields`` holds what was given: null clears, what is missing stays as it is.

    ``identity`` are columns that never change, ``main`` marks the row that the entity is about. A variant that ``leaves``
    a product is gone if it is still there; ``with_product``: because that is deleted, whoever owns variants.
    """

    kind: str
    key: str
    fields: JSON = {}
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
            return [_alone(entity, _price(_content(given, _NO_OFFER), entity.variant, entity.price_kind))]
        case shapes.StockOf():
            return [_alone(entity, _stock(_content(given, _NO_OFFER), entity.variant))]
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
        fields=_content(given, _NO_CONTENT),
        media_changes=getattr(entity, "media_changes", ()),
        gone=entity.operation == "delete",
        enriches=getattr(entity, "enriches", False),
        main=True,
        source_id=entity.source_id or entity.key,
    )


def _variants(product: str, given: JSON) -> Iterator[Draft]:
    identity = {"product_key": product}
    for fields in given.get("variants", ()):
        key, prices, stock = fields.pop("key"), fields.pop("prices", ()), fields.pop("stock", ())
        yield Draft(kind="variant", key=key, fields=fields, identity=identity, source_id=key)
        for price in prices:
            yield _price(price, key, price.pop("kind", "sale"))
        for level in stock:
            yield _stock(level, key)


def _price(fields: JSON, variant: str, kind: str) -> Draft:
    """Takes what is part of the row's key out of the ``fields``."""
    currency, valid_from = fields.pop("currency"), fields.pop("valid_from", None)
    for name in ("amount", "compare_at"):
        if fields.get(name) is not None:
            fields[name] = money.written_out(fields[name], currency)
    return Draft(
        kind="price",
        key=price_key(variant, kind, currency, valid_from),
        fields=fields,
        identity={"variant_key": variant, "kind": kind, "currency": currency, "valid_from": valid_from},
        source_id=variant,
    )


def _stock(fields: JSON, variant: str) -> Draft:
    """Takes what is part of the row's key out of the ``fields``."""
    location = fields.pop("location", "default")
    return Draft(
        kind="stock",
        key=stock_key(variant, location),
        fields=fields,
        identity={"variant_key": variant, "location_key": location},
        source_id=variant,
    )


def _alone(entity: shapes.Entity, draft: Draft) -> Draft:
    """It came without its product, and has a name and an end of its own."""
    source_id, gone = entity.source_id or draft.source_id, entity.operation == "delete"
    return replace(draft, main=True, gone=gone, source_id=source_id)


def _content(given: JSON, without: Collection[str]) -> JSON:
    return {name: value for name, value in given.items() if name not in without}
