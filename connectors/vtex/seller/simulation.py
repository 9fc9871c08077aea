"""The fulfillment simulation: what VTEX asks, and the answer as bytes. Pure, and no slower than it has to be.

The shapes are those of the external seller fulfillment API (``POST {fulfillmentEndpoint}/pvt/orderForms/simulation``).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec

from connectors.vtex.seller.offers import PROMISED_FOR, Offer, Offers, text
from connectors.vtex.seller.shipping import LineEnds, Shipping
from hub.excerpt import excerpt

#: A cart has no more lines than this; VTEX documents no limit, and its own clients ask for fifty.
MOST_ITEMS = 2000

#: More of one thing than anybody orders: what is beyond is answered as this many.
MOST_QUANTITY = 10**9

#: Lines of an answer whose parts lie ready; there are more once somebody has asked for more.
_READY_LINES = 100


class BadSimulationError(ValueError):
    """The request cannot be read; the text names the field."""


class RequestedItem(msgspec.Struct, gc=False):
    """A line of the cart."""

    id: str
    quantity: int = 1
    seller: str = "1"


class SimulationRequest(msgspec.Struct, gc=False):
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
        self._promise_ends = -math.inf
        #: By index, what nearly all is asked for: one, of this seller, at a price that is promised for now.
        self._one_each: list[_Middle] = []
        #: By the number of such lines, the parts of their answer, without what is the SKU's own.
        self._forms: dict[int, list[str]] = {}

    def answer(self, request: SimulationRequest, now: float) -> Answer:
        """The whole answer at ``now``, in seconds since 1970.

        A line keeps its quantity as far as there is stock, and never has 0 where there is some; without stock both the
        quantity and ``stockBalance`` are 0. Where an id comes twice, each line is answered as if it were alone. What is
        not known or has no price is left out, and ``logisticsInfo`` is empty where everything is.
        """
        ends = self._shipping.to(request.country, request.postalCode).ends
        begins = f'{{"country":{text(request.country or None)},"postalCode":{text(request.postalCode or None)},"items":['
        asked_for = request.items
        skus = [asked.id for asked in asked_for if asked.quantity == 1 and asked.seller == "1"]
        if len(skus) == len(asked_for) and (found := self._all_at_hand(skus, now)) is not None:
            return Answer(self._filled_in(begins, skus, found, ends, now))
        parts = [begins]
        logistics: list[str] = []
        left_out: list[str] = []
        by_sku, one_each = self._offers.by_sku, self._promised(now, len(asked_for))
        for asked, (index, line, place) in zip(asked_for, one_each, strict=False):
            offer = by_sku.get(asked.id)
            if (
                offer is not None
                and now < offer.at_hand_until
                and asked.quantity == 1
                and asked.seller == "1"
                and (tail := offer.tail) is not None
            ):
                parts += (_LINE, asked.id, line, tail)
                logistics += (place, ends[offer.stock])
                continue
            if offer is not None and now >= offer.until:
                offer.turn(now)
                if now < offer.at_hand_until:
                    self._offers.keep_at_hand(offer)
            if offer is None or offer.tail is None:
                left_out.append(asked.id)
                continue
            quantity = min(max(asked.quantity, 1), offer.stock)
            ends_at = min(offer.valid_to, self._promise_ends)
            _, own_line, own_place = _middle(index, quantity, asked.seller, ends_at)
            parts += (_LINE, text(asked.id)[1:-1], own_line, offer.tail)
            logistics += (own_place, ends[offer.stock])
        if logistics:  # each line begins with the comma behind the one before it
            parts[1], logistics[0] = _LINE[1:], logistics[0][1:]
        parts += (_LOGISTICS, *logistics, _END)
        return Answer("".join(parts).encode(), tuple(left_out))

    def _all_at_hand(self, skus: Sequence[str], now: float) -> list[Offer] | None:
        """The offers, where there is nothing to think about any of them."""
        if now >= self._offers.at_hand_until:
            self._offers.look_over(now)
        at_hand = self._offers.at_hand
        try:
            return [at_hand[sku] for sku in skus]
        except KeyError:
            return None

    def _filled_in(
        self, begins: str, skus: Sequence[str], offers: Sequence[Offer], ends: LineEnds, now: float
    ) -> bytes:
        """One of each, as nearly all carts are: what the SKUs have of their own goes into a form that lies ready."""
        one_each = self._promised(now, len(skus))
        form = self._forms.get(len(skus))
        if form is None:
            form = _form(one_each[: len(skus)])
            if len(skus) <= _READY_LINES:
                self._forms[len(skus)] = form
        parts = form.copy()
        parts[0] = begins
        last = 4 * len(skus) + 1
        parts[2:last:4] = skus
        parts[4:last:4] = [offer.tail or "" for offer in offers]
        parts[last + 2 :: 2] = [ends[offer.stock] for offer in offers]
        return "".join(parts).encode()

    def _promised(self, now: float, lines: int) -> list[_Middle]:
        """So many middles of lines at least, with ``priceValidUntil`` of prices without an end; made once a second."""
        if not self._promise_at <= now < self._promise_at + 1:
            self._promise_at = float(int(now))
            self._promise_ends = self._promise_at + PROMISED_FOR
            self._one_each, self._forms = [], {}
        if len(self._one_each) < lines:
            self._one_each = [
                _middle(index, 1, "1", self._promise_ends) for index in range(max(lines, _READY_LINES))
            ]
        return self._one_each


#: How a line begins; the SKU follows, and its middle.
_LINE = ',{"id":"'
#: What follows all lines, and what follows all of theirs in it.
_LOGISTICS, _END = '],"logisticsInfo":[', '],"allowMultipleDeliveries":true}'
#: Of a line: its index, what stands between SKU and price, and the beginning of its ``logisticsInfo``.
_Middle = tuple[int, str, str]


def _middle(index: int, quantity: int, seller: str, ends: float) -> _Middle:
    return (
        index,
        f'","requestIndex":{index},"quantity":{quantity},"seller":{text(seller)},"priceValidUntil":"{_moment(int(ends))}"',
        f',{{"itemIndex":{index},"quantity":{quantity}',
    )


def _form(one_each: Sequence[_Middle]) -> list[str]:
    """The parts of an answer: how it begins, four of each line, ``logisticsInfo``, two of each line, and how it ends.

    Left empty: how it begins, of the four the second (the SKU) and the last (its tail), of the two the last (its end).
    """
    lines: list[str] = []
    logistics: list[str] = []
    for _, line, place in one_each:
        lines += (_LINE, "", line, "")
        logistics += (place, "")
    if one_each:
        lines[0], logistics[0] = _LINE[1:], logistics[0][1:]
    return ["", *lines, _LOGISTICS, *logistics, _END]


@lru_cache(maxsize=1000)
def _moment(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


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
