"""What a variant costs and how many there are, for suggestions and for whoever answers the marketplace."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from connectors.vtex.values import number
from hub.catalog.moments import moment
from hub.records import JSON

#: ``AvailableQuantity`` is an int32 (SUG).
MOST_PIECES: Final = 2**31 - 1

#: A time before all others.
_ALWAYS = datetime.min.replace(tzinfo=UTC)


def price_at(prices: Sequence[JSON], *, currency: str, kind: str, now: datetime) -> JSON | None:
    """The price that holds at ``now``: of those that have begun and not ended, the one that began last.

    Prices without an amount of more than 0 are none.
    """
    fitting = [
        each for each in prices if each.get("currency") == currency and each.get("kind", "sale") == kind
    ]
    holding = [each for each in fitting if _holds(each, now) and (number(each.get("amount")) or 0) > 0]
    return max(holding, key=_start, default=None)


def available(levels: Sequence[JSON], locations: Collection[str] | None = None) -> int:
    """Pieces over all locations, or over ``locations``: what a location has at or below its threshold does not count."""
    counted = [each for each in levels if locations is None or each.get("location", "default") in locations]
    pieces = (
        _count(each, "on_hand") for each in counted if _count(each, "on_hand") > _count(each, "threshold")
    )
    return min(sum(pieces), MOST_PIECES)


def _holds(price: Mapping[str, Any], now: datetime) -> bool:
    start, end = price.get("valid_from"), price.get("valid_to")
    if start is not None and ((begin := moment(start)) is None or begin > now):
        return False
    return end is None or ((until := moment(end)) is not None and until > now)


def _start(price: Mapping[str, Any]) -> datetime:
    return moment(price.get("valid_from")) or _ALWAYS


def _count(level: Mapping[str, Any], field: str) -> int:
    value = level.get(field)
    return max(value, 0) if isinstance(value, int) else 0
