"""What a fulfillment simulation says of each SKU: its price in cents and its stock. Pure.

Answers leave out what is not sold, split what a promotion splits, number their logistics in two ways, and say
``available`` of what is not (VTEX facts, "Simulation"): nothing is matched by its position, and nothing is believed but
price and stock.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from connectors.vtex.marketplace.balances import Balances, balances
from connectors.vtex.marketplace.counts import cents, whole
from hub.errors import RetryableError
from hub.records import JSON

#: The account's own goods; sellers of a marketplace account have other names.
MAIN_SELLER: Final = "1"
#: Stock where an answer says that there is some, but not how much: the public route never does.
SOME: Final = 1
_REMEDY: Final = (
    "correct the SKU's price list and inventory in VTEX, or ask VTEX's support; it is asked for again"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Simulated:
    """What one SKU is sold for, in cents; ``list_cents`` is the price before, None where there is none.

    ``list_fault``: why the price before cannot be read.
    """

    cents: int
    list_cents: int | None
    stock: int
    list_fault: str | None = None


def request_of(skus: Sequence[str], *, nulls: bool = False) -> JSON:
    """The body of a simulation without an address, one piece of each SKU.

    ``nulls``: fields without a value are sent as null, as one of VTEX's guides has it; the others leave them out.
    """
    body: JSON = {"items": [{"id": sku, "quantity": 1, "seller": MAIN_SELLER} for sku in skus]}
    return body | {"postalCode": None, "country": None} if nulls else body


def read(answer: Any, skus: Sequence[str]) -> Mapping[str, Simulated | RetryableError]:
    """What is sold of the SKUs that were asked for. Raises ``ValueError`` for an answer that is none.

    An SKU without a price (null, 0) is left out like one that the answer does not name: neither can be bought. Of one whose
    price or stock cannot be read the error names the field.
    """
    items = answer.get("items") if isinstance(answer, dict) else None
    if not isinstance(items, list):
        raise ValueError("the answer has no list of items")  # noqa: TRY004 - whatever it is, it is no answer
    lines = [(_sku(one, skus), one) for one in items if isinstance(one, dict)]
    known = balances(answer.get("logisticsInfo"), [name for name, _ in lines], skus)
    found: dict[str, Simulated | RetryableError] = {}
    for sku in skus:
        try:
            one = _simulated(sku, [line for name, line in lines if name == sku], known)
        except ValueError as error:
            found[sku] = RetryableError(f"VTEX's simulation cannot be read: {error}; {_REMEDY}")
        else:
            if one is not None:
                found[sku] = one
    return found


def _simulated(sku: str, lines: Sequence[JSON], known: Balances) -> Simulated | None:
    """Of the lines of one SKU. Raises ``ValueError`` that names the field."""
    priced = [
        (whole(one.get("quantity")) or 0, price, one) for one in lines if (price := _cents(one)) is not None
    ]
    if not priced:
        return None
    # A promotion may take some pieces of an SKU: what most of them cost, and rather the dearer.
    _, price, one = max(priced, key=lambda line: line[:2])
    if sku in known.faults:
        raise ValueError(known.faults[sku])
    some = SOME if one.get("availability") == "available" else 0
    stock = known.stocks.get(sku, some)
    try:
        return Simulated(cents=price, list_cents=cents("listPrice", one.get("listPrice")), stock=stock)
    except ValueError as error:
        return Simulated(cents=price, list_cents=None, stock=stock, list_fault=str(error))


def _sku(item: JSON, skus: Sequence[str]) -> str | None:
    """By both ids where they agree, else by its own: an index may count anything."""
    name, index = str(item.get("id")), item.get("requestIndex")
    if isinstance(index, int) and 0 <= index < len(skus) and skus[index] == name:
        return name
    return name if name in skus else None


def _cents(item: JSON) -> int | None:
    """The sale price of one piece, after promotions; ``sellingPrice`` is of ``unitMultiplier`` pieces and rounded.

    Raises ``ValueError`` that names the field.
    """
    return next((price for price in _prices(item) if price is not None), None)


def _prices(item: JSON) -> Iterator[int | None]:
    yield cents("price", item.get("price"))
    definition = item.get("priceDefinition")
    if isinstance(definition, dict):
        name = "calculatedSellingPrice"
        yield cents(f"priceDefinition.{name}", definition.get(name))
    # The guides' name for it, which no answer was seen to have.
    yield cents("salesprice", item.get("salesprice"))
