"""Fulfillment simulations that the account answers (vtex facts, "Simulation"): prices in cents, stock, and lies by option."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterator
from typing import Any

from connectors.vtex.simulator.catalog import Catalog
from connectors.vtex.simulator.counters import Counters
from connectors.vtex.simulator.dice import hits
from connectors.vtex.simulator.errors import INVALID, Errors
from connectors.vtex.simulator.items import Offer, Sku
from connectors.vtex.simulator.options import Options
from connectors.vtex.simulator.simulation_lines import Line, answer_of
from connectors.vtex.simulator.web import JSON_TYPE, Answer, Request, Route
from hub import codec
from hub.records import JSON

PRIVATE = "/api/fulfillment/pvt/orderForms/simulation"
PUBLIC = "/api/checkout/pub/orderForms/simulation"

_SPLIT_SALT = 31


class Simulation:
    """Both routes: the private one says how much stock there is, the public one needs no key."""

    def __init__(self, options: Options, errors: Errors, catalog: Catalog, counters: Counters) -> None:
        self._options, self._errors, self._catalog, self._counters = options, errors, catalog, counters
        self.poison = {str(one) for one in options.poison}
        self.poison_as, self.poison_seconds = options.poison_as, options.poison_seconds

    def all(self) -> list[Route]:
        """Every route."""
        return [
            Route(method="POST", path=PRIVATE, group="simulation", handler=self.private),
            Route(method="POST", path=PUBLIC, group="simulation", handler=self.public, public=True),
        ]

    def private(self, request: Request) -> Answer | Awaitable[Answer]:
        """With ``stockBalance``."""
        return self._simulate(request, PRIVATE, with_stock=True)

    def public(self, request: Request) -> Answer | Awaitable[Answer]:
        """Without it, as in both specs."""
        return self._simulate(request, PUBLIC, with_stock=False)

    def _simulate(self, request: Request, path: str, *, with_stock: bool) -> Answer | Awaitable[Answer]:
        try:
            body = codec.loads(request.body)
        except (codec.DecodeError, RecursionError):
            return self._errors.checkout(400, INVALID, "The request body is no JSON")
        if wrong := self._wrong(body):
            return self._errors.checkout(400, INVALID, wrong)
        items = [(str(one["id"]), one["quantity"], one["seller"]) for one in body["items"]]
        self._counters.asked(f"POST {path}", [sku for sku, _, _ in items])
        if self.poison and any(sku in self.poison for sku, _, _ in items):
            return self._poisoned()
        channel = request.query().get("sc", str(self._options.sales_channel))
        has_address = bool(body.get("postalCode"))
        lines = list(self._lines(items, channel, has_address=has_address))
        answer = answer_of(lines, items, body, with_stock=with_stock, by_request=self._by_request)
        return Answer(200, codec.dumps(answer), JSON_TYPE)

    @property
    def _by_request(self) -> bool:
        return self._options.item_index == "request"

    def _wrong(self, body: Any) -> str | None:
        """Why it is refused."""
        items = body.get("items") if isinstance(body, dict) else None
        if not isinstance(items, list) or not items or not all(_is_item(one) for one in items):
            return "items has to be a list of objects with id, quantity and seller"
        if self._options.simulation_cap and len(items) > self._options.simulation_cap:
            return f"A simulation has at most {self._options.simulation_cap} items"
        if bool(body.get("postalCode")) != bool(body.get("country")):
            return "postalCode and country go together"
        return None

    def _poisoned(self) -> Answer | Awaitable[Answer]:
        failure = self._errors.checkout(500, "CHK500", "Unexpected error")
        return _late(failure, self.poison_seconds) if self.poison_as == "timeout" else failure

    def _lines(self, items: list[tuple[str, int, str]], channel: str, *, has_address: bool) -> Iterator[Line]:
        for index, (number, quantity, seller) in enumerate(items):
            sku = self._sold(number, seller, channel)
            if sku is None:
                continue
            offer = self._catalog.offer(sku)
            availability = self._availability(offer, has_address=has_address)
            if availability is None:
                continue
            for part in self._parts(sku, quantity):
                yield Line(index, sku, offer, part, quantity, availability)

    def _sold(self, number: str, seller: str, channel: str) -> Sku | None:
        """What the main account sells in the channel."""
        known = number.isascii() and number.isdigit() and len(number) < 11 and seller == "1"
        sku = self._catalog.sku(int(number)) if known else None
        if sku is None or sku.franchise or not sku.active or not sku.product.active:
            return None
        return sku if sku.assigned and channel == str(self._options.sales_channel) else None

    def _availability(self, offer: Offer, *, has_address: bool) -> str | None:
        """The word for it; None leaves it out. With a price and no stock the platform is known to lie."""
        if offer.price is None:
            return None
        if offer.stock > 0:
            return "available"
        match self._options.out_of_stock:
            case "said":
                return "withoutStock"
            case "omitted":
                return None
        return "available" if has_address else "nullPrice"

    def _parts(self, sku: Sku, quantity: int) -> list[int]:
        """One line, or two where a promotion takes one piece."""
        split = quantity > 1 and hits(self._options.split, self._options.seed, sku.id, _SPLIT_SALT)
        return [1, quantity - 1] if split else [quantity]


async def _late(answer: Answer, seconds: float) -> Answer:
    await asyncio.sleep(seconds)
    return answer


def _is_item(one: JSON) -> bool:
    if not isinstance(one, dict):
        return False
    quantity = one.get("quantity")
    return (
        isinstance(one.get("id"), str | int)
        and isinstance(quantity, int)
        and not isinstance(quantity, bool)
        and quantity > 0
        and isinstance(one.get("seller"), str)
    )
