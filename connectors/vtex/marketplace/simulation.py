"""What a fulfillment simulation says of each SKU: its price in cents and its stock. Pure.

Answers leave out what is not sold, split what a promotion splits, number their logistics in two ways, and say
``available`` of what is not (VTEX facts, "Simulation"): nothing is matched by its position, and nothing is believed but
price and stock.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from hub.records import JSON

#: The account's own goods; sellers of a marketplace account have other names.
MAIN_SELLER: Final = "1"
#: Stock where an answer says that there is some, but not how much: the public route never does.
SOME: Final = 1
#: No stock and no price in cents is as much.
_TOO_MUCH: Final = 10**15


@dataclass(frozen=True, kw_only=True, slots=True)
class Simulated:
    """What one SKU is sold for, in cents; ``list_cents`` is the price before, None where there is none."""

    cents: int
    list_cents: int | None
    stock: int


def request_of(skus: Sequence[str], *, nulls: bool = False) -> JSON:
    """The body of a simulation without an address, one piece of each SKU.

    ``nulls``: fields without a value are sent as null, as one of VTEX's guides has it; the others leave them out.
    """
    body: JSON = {"items": [{"id": sku, "quantity": 1, "seller": MAIN_SELLER} for sku in skus]}
    return body | {"postalCode": None, "country": None} if nulls else body


def read(answer: Any, skus: Sequence[str]) -> Mapping[str, Simulated]:
    """What is sold of the SKUs that were asked for. Raises ``ValueError`` for an answer that is none.

    An SKU without a price is left out like one that the answer does not name: neither can be bought.
    """
    items = answer.get("items") if isinstance(answer, dict) else None
    if not isinstance(items, list):
        raise ValueError("the answer has no list of items")  # noqa: TRY004 - whatever it is, it is no answer
    lines = [(_sku(one, skus), one) for one in items if isinstance(one, dict)]
    stocks = _stocks(answer.get("logisticsInfo"), lines, skus)
    found: dict[str, Simulated] = {}
    for sku in skus:
        mine = [one for name, one in lines if name == sku]
        priced = [(_pieces(one), cents, one) for one in mine if (cents := _cents(one)) is not None]
        if not priced:
            continue
        # A promotion may take some pieces of an SKU: what most of them cost, and rather the dearer.
        _, cents, one = max(priced, key=lambda line: line[:2])
        stock = stocks.get(sku)
        if stock is None:
            stock = SOME if one.get("availability") == "available" else 0
        found[sku] = Simulated(cents=cents, list_cents=_integer(one.get("listPrice")), stock=stock)
    return found


def _sku(item: JSON, skus: Sequence[str]) -> str | None:
    """By both ids where they agree, else by its own: an index may count anything."""
    name, index = str(item.get("id")), item.get("requestIndex")
    if isinstance(index, int) and 0 <= index < len(skus) and skus[index] == name:
        return name
    return name if name in skus else None


def _stocks(
    logistics: Any, lines: Sequence[tuple[str | None, JSON]], skus: Sequence[str]
) -> Mapping[str, int]:
    """By SKU. An ``itemIndex`` counts the items of the answer or those of the request, and nothing says which.

    Where one reading alone fits all lines it is taken; where both fit and disagree, an SKU has the least that it may have.
    """
    given = logistics if isinstance(logistics, list) else []
    entries = [(index, one) for one in given if isinstance(one, dict) and (index := _index(one)) is not None]
    sold = {name for name, _ in lines}
    readings = [
        names
        for names in ([name for name, _ in lines], list(skus))
        if all(index < len(names) and names[index] in sold for index, _ in entries)
    ]
    # Of a split SKU's lines the later indices of a request stand for others: what leaves a line without its entry is wrong.
    whole = [names for names in readings if sold <= {names[index] for index, _ in entries}]
    possible: dict[str, list[int]] = {}
    for names in whole or readings:
        of_reading: dict[str, int] = {}
        for index, one in entries:
            name, stock = names[index], _stock(one)
            if name is not None and stock is not None:
                # Lines of one SKU all tell the whole of its stock.
                of_reading[name] = max(stock, of_reading.get(name, 0))
        for name, stock in of_reading.items():
            possible.setdefault(name, []).append(stock)
    return {name: min(stocks) for name, stocks in possible.items()}


def _index(logistics: JSON) -> int | None:
    index = logistics.get("itemIndex")
    return index if isinstance(index, int) and not isinstance(index, bool) and index >= 0 else None


def _stock(logistics: JSON) -> int | None:
    own = _integer(logistics.get("stockBalance"))
    if own is not None:
        return own
    channels = logistics.get("deliveryChannels")
    balances = [
        balance
        for one in (channels if isinstance(channels, list) else ())
        if isinstance(one, dict) and (balance := _integer(one.get("stockBalance"))) is not None
    ]
    return max(balances, default=None)


def _cents(item: JSON) -> int | None:
    """The sale price of one piece, after promotions; ``sellingPrice`` is of ``unitMultiplier`` pieces and rounded."""
    return next((cents for cents in _prices(item) if cents is not None and cents > 0), None)


def _prices(item: JSON) -> Iterator[int | None]:
    yield _integer(item.get("price"))
    definition = item.get("priceDefinition")
    if isinstance(definition, dict):
        yield _integer(definition.get("calculatedSellingPrice"))
    # The guides' name for it, which no answer was seen to have.
    yield _integer(item.get("salesprice"))


def _pieces(item: JSON) -> int:
    return _integer(item.get("quantity")) or 0


def _integer(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    return int(value) if 0 <= value < _TOO_MUCH and value == int(value) else None
