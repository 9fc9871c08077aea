"""The fulfillment simulation: what VTEX asks, and the answer as bytes. Pure, and no slower than it has to be.

The shapes are those of the external seller fulfillment API (``POST {fulfillmentEndpoint}/pvt/orderForms/simulation``).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from connectors.vtex.seller.offers import Offers, text
from connectors.vtex.seller.shipping import Shipping
from hub.excerpt import excerpt

#: A cart has no more lines than this; VTEX documents no limit, and its own clients ask for fifty.
MOST_ITEMS = 2000

#: More of one thing than anybody orders: what is beyond is answered as this many.
MOST_QUANTITY = 10**9

#: A price without an end of its own is promised for so long, in seconds: an hour, as in the seed's sample.
PROMISED_FOR = 3600


class BadSimulationError(ValueError):
    """The request cannot be read; the text names the field."""


class RequestedItem(msgspec.Struct):
    """A line of the cart."""

    id: str
    quantity: int = 1
    seller: str = "1"


class SimulationRequest(msgspec.Struct):
    """What is asked for; ``postalCode`` and ``country`` are absent or null at indexation. Other fields are not needed."""

    items: list[RequestedItem]
    postalCode: str | None = None  # noqa: N815 - the wire's own spelling
    country: str | None = None


class Answer(msgspec.Struct):
    """The body, and the ids that nobody knows or that have no price, which were left out."""

    body: bytes
    left_out: Sequence[str] = ()


_read = msgspec.json.Decoder(SimulationRequest).decode


def parse(body: bytes) -> SimulationRequest:
    """The request; numbers for ids and numbers in texts are taken, too. Raises ``BadSimulationError``."""
    try:
        request = _read(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        request = _tolerantly(body)
    if len(request.items) > MOST_ITEMS:
        raise BadSimulationError(f"items: has {len(request.items)} lines, more than {MOST_ITEMS}")
    return request


class Simulation:
    """Answers from the offers in memory."""

    def __init__(self, offers: Offers, shipping: Shipping) -> None:
        self._offers = offers
        self._shipping = shipping
        self._promise_at = -math.inf
        self._promise = "null}"
        self._promise_ends = -math.inf

    def answer(self, request: SimulationRequest, now: float) -> Answer:
        """The whole answer at ``now``, in seconds since 1970.

        A line keeps its quantity as far as there is stock, and never has 0 where there is some; without stock both the
        quantity and ``stockBalance`` are 0. Where an id comes twice, each line is answered as if it were alone. What is
        not known or has no price is left out, and ``logisticsInfo`` is empty where everything is.
        """
        ends = self._shipping.to(request.country, request.postalCode).ends
        items: list[str] = []
        logistics: list[str] = []
        left_out: list[str] = []
        by_sku, promise, promise_ends = self._offers.by_sku, self._promised(now), self._promise_ends
        for index, asked in enumerate(request.items):
            offer = by_sku.get(asked.id)
            if offer is not None and now >= offer.until:
                offer.turn(now)
            if offer is None or offer.tail is None:
                left_out.append(asked.id)
                continue
            stock, wanted = offer.stock, asked.quantity
            if wanted == 1 and stock and index < len(_ONE_EACH) and asked.seller == "1":
                line, place = _ONE_EACH[index]
            else:
                quantity = (wanted if 0 < wanted < stock else min(max(wanted, 1), stock)) if stock else 0
                line, place = _middle(index, quantity, asked.seller)
            until = promise if offer.valid_to > promise_ends else _moment(offer.valid_to)
            items += (offer.head, line, offer.tail, until)
            logistics += (place, ends[stock])
        if items:  # each line begins with the comma behind the one before it
            items[0], logistics[0] = items[0][1:], logistics[0][1:]
        body = "".join(
            (
                f'{{"country":{text(request.country or None)},"postalCode":{text(request.postalCode or None)},"items":[',
                *items,
                '],"logisticsInfo":[',
                *logistics,
                '],"allowMultipleDeliveries":true}',
            )
        )
        return Answer(body.encode(), left_out)

    def _promised(self, now: float) -> str:
        """``priceValidUntil`` of prices without an end, and the end of their lines; built once a second."""
        if not self._promise_at <= now < self._promise_at + 1:
            self._promise_at = float(int(now))
            self._promise_ends = self._promise_at + PROMISED_FOR
            self._promise = _moment(self._promise_ends)
        return self._promise


def _moment(at: float) -> str:
    """The end of a line."""
    return datetime.fromtimestamp(int(at), UTC).strftime('"%Y-%m-%dT%H:%M:%S.000Z"}')


def _middle(index: int, quantity: int, seller: str) -> tuple[str, str]:
    """Of a line what stands between the offer's parts, and the beginning of its ``logisticsInfo``."""
    return (
        f'{index},"quantity":{quantity},"seller":{text(seller)}',
        f',{{"itemIndex":{index},"quantity":{quantity}',
    )


#: Nearly all that is asked for, by index.
_ONE_EACH = [_middle(index, 1, "1") for index in range(100)]


def _tolerantly(body: bytes) -> SimulationRequest:
    """For what is spelled otherwise than documented; says what is wrong where that cannot be understood."""
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadSimulationError(f"the body is no JSON ({excerpt(str(error))})") from None
    if not isinstance(found, dict):
        raise BadSimulationError("the body has to be an object with items")
    items = found.get("items")
    if not isinstance(items, list):
        raise BadSimulationError("items: has to be a list of lines with id, quantity and seller")
    return SimulationRequest(
        items=[_line(item, place) for place, item in enumerate(items)],
        postalCode=_optional_text(found.get("postalCode")),
        country=_optional_text(found.get("country")),
    )


def _line(item: Any, place: int) -> RequestedItem:
    if not isinstance(item, dict) or not (sku := _optional_text(item.get("id"))):
        raise BadSimulationError(f"items.{place}.id: is missing")
    try:
        quantity = int(float(item.get("quantity", 1) or 0))
    except (TypeError, ValueError, OverflowError):
        raise BadSimulationError(
            f"items.{place}.quantity: {excerpt(item.get('quantity'))} is no whole number"
        ) from None
    return RequestedItem(
        id=sku, quantity=min(quantity, MOST_QUANTITY), seller=_optional_text(item.get("seller")) or "1"
    )


def _optional_text(value: Any) -> str | None:
    """A text, or a number as one; null, and anything else, is nothing said."""
    if isinstance(value, str):
        return value or None
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return None
