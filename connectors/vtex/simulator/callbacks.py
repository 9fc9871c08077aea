"""The account asks sellers for price and stock: one call for a SKU however often it was notified meanwhile."""

from __future__ import annotations

import asyncio
from collections import Counter

import aiohttp
from pydantic import BaseModel, ConfigDict, Field

from connectors.vtex.simulator.bindings import Key
from connectors.vtex.simulator.clock import Clock
from connectors.vtex.simulator.offers import offer_of, parsed, problems
from connectors.vtex.simulator.options import Options
from connectors.vtex.simulator.outbox import JSON_HEADERS, Outbox, Reply, post, session_for
from connectors.vtex.simulator.sellers import Sellers
from hub import codec
from hub.records import JSON

#: Under the seller's fulfillment endpoint.
SIMULATION = "/pvt/orderForms/simulation"


class Callbacks:
    """Fulfillment simulations at the sellers, as at indexation and as at a checkout."""

    def __init__(self, options: Options, clock: Clock, sellers: Sellers) -> None:
        self._options, self._clock, self._sellers = options, clock, sellers
        self._headers = {**JSON_HEADERS, **_headers_of(options.callback_header)}
        self._outbox = Outbox(options.callback_concurrency)
        self._waiting: dict[Key, set[str]] = {}
        self._timers: dict[Key, asyncio.TimerHandle] = {}
        self._nothing_later = asyncio.Event()
        self._nothing_later.set()
        self._begun = 0
        self._order: dict[Key, int] = {}
        self.counters: Counter[str] = Counter()
        self.offers: dict[Key, JSON] = {}

    def ask(self, key: Key, reason: str) -> None:
        """Ask for this SKU soon, unless that is already on its way."""
        if reasons := self._waiting.get(key):
            reasons.add(reason)
            self.counters["coalesced"] += 1
            return
        if not self._sellers.endpoint(key[0]):
            self.counters["without_endpoint"] += 1
            return
        self._waiting[key] = {reason}
        if self._options.callback_delay:
            loop = asyncio.get_running_loop()
            self._timers[key] = loop.call_later(self._options.callback_delay, self._enqueue, key)
            self._nothing_later.clear()
        else:
            self._enqueue(key)

    async def checkout(self, told: Checkout) -> JSON:
        """The command ``checkout``: what the seller answers a shopper, and what is wrong with it."""
        seller = told.seller_id or self._options.seller_id
        items = [
            {"id": one.id, "quantity": one.quantity, "seller": one.seller or seller} for one in told.items
        ]
        body = {"postalCode": told.postal_code, "country": told.country, "items": items, "sc": str(told.sc)}
        async with session_for(1) as session:
            reply = await self._post(session, seller, body, told.sc)
        answer = parsed(reply.body)
        return {
            "status": reply.status,
            "error": reply.error,
            "duration_ms": round(reply.seconds * 1000, 1),
            "answer": answer,
            "problems": problems(answer) if answer is not None else [],
        }

    async def idle(self) -> None:
        """Until nobody is being asked, nor is to be."""
        await self._nothing_later.wait()
        await self._outbox.idle()

    def close(self) -> None:
        """Stop asking."""
        self._outbox.close()
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        self._nothing_later.set()

    def summary(self) -> JSON:
        """Counters, what is under way, and the offers by status."""
        by_status = Counter(one["status"] for one in self.offers.values())
        names = ("calls", "coalesced", "without_endpoint", "timeouts", "failed")
        return {f"callbacks_{name}": self.counters[name] for name in names} | {
            "callbacks_pending": len(self._waiting) + self._outbox.in_flight,
            "callbacks_at_once": self._outbox.most_at_once,
            "offers": dict(by_status),
        }

    def shown(self) -> JSON:
        """The offers by seller and SKU."""
        shown: JSON = {}
        for (seller, sku), offer in self.offers.items():
            shown.setdefault(seller, {})[sku] = offer
        return shown

    def _enqueue(self, key: Key) -> None:
        self._timers.pop(key, None)
        if not self._timers:
            self._nothing_later.set()
        self._outbox.put(lambda session: self._call(session, key))

    async def _call(self, session: aiohttp.ClientSession, key: Key) -> None:
        reasons = self._waiting.pop(key, set())
        self._begun += 1
        number = self._begun
        seller, sku = key
        # Neither address nor anything that may be left out: that is how VTEX asks at indexation.
        reply = await self._post(
            session, seller, {"items": [{"id": sku, "quantity": 1, "seller": seller}]}, 1
        )
        self.counters["calls"] += 1
        self.counters["timeouts"] += reply.error == "timeout"
        self.counters["failed"] += reply.status != 200
        if self._order.get(key, 0) < number:  # an answer that was overtaken says nothing any more
            self._order[key] = number
            calls = self.offers.get(key, {}).get("calls", 0) + 1
            about = {"reasons": sorted(reasons), "at": self._clock.text(), "calls": calls}
            self.offers[key] = offer_of(reply, sku) | about

    async def _post(self, session: aiohttp.ClientSession, seller: str, body: JSON, sc: int) -> Reply:
        url = f"{self._sellers.endpoint(seller)}{SIMULATION}?sc={sc}&an={self._options.account}"
        return await post(session, url, codec.dumps(body), self._headers, self._options.callback_timeout)


class CheckoutItem(BaseModel):
    """What a shopper puts into the cart."""

    model_config = ConfigDict(extra="forbid")

    id: str
    quantity: int = 1
    seller: str | None = None


class Checkout(BaseModel):
    """A shopper with an address and several items."""

    model_config = ConfigDict(extra="forbid")

    items: list[CheckoutItem] = Field(min_length=1)
    seller_id: str | None = None
    postal_code: str | None = "01310-100"
    country: str | None = "BRA"
    sc: int = 1


def _headers_of(texts: list[str]) -> dict[str, str]:
    pairs = (text.partition(":") for text in texts)
    return {name.strip(): value.strip() for name, _, value in pairs}
