"""The columns beside a row's content: what never changes, and copies of what rows are found by."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hub.catalog.moments import microseconds, moment
from hub.exact import plain
from hub.store.catalog.merge import Row


def columns_of(kind: str, row: Row) -> Sequence[Any]:
    """In the order of ``Kind.columns``."""
    columns = _COLUMNS.get(kind)
    return () if columns is None else columns(row)


def _category(row: Row) -> Sequence[Any]:
    return row.content.get("parent"), bool(row.content.get("managed"))


def _variant(row: Row) -> Sequence[Any]:
    return row.identity["product_key"], row.content.get("sku"), row.content.get("gtin")


def _price(row: Row) -> Sequence[Any]:
    identity, amount = row.identity, row.content.get("amount")
    return (
        identity["variant_key"],
        identity["kind"],
        identity["currency"],
        identity["valid_from"],
        None if amount is None else plain(amount),
        _moment(identity["valid_from"]),
        _moment(row.content.get("valid_to")),
    )


def _stock(row: Row) -> Sequence[Any]:
    identity, content = row.identity, row.content
    return identity["variant_key"], identity["location_key"], content.get("on_hand"), content.get("threshold")


_COLUMNS: Mapping[str, Callable[[Row], Sequence[Any]]] = {
    "category": _category,
    "variant": _variant,
    "price": _price,
    "stock": _stock,
}


def _moment(text: str | None) -> int | None:
    at = None if text is None else moment(text)
    return None if at is None else microseconds(at)
