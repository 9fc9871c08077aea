"""A simulated marketplace, and a hub with a connection whose source says what is to hold of each SKU."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

from connectors.marketplace.simulator import ROUTES, SIMULATOR
from hub.connector import Connector, Stream
from hub.errors import SkippedError
from hub.marketplace import Listing, Marketplace, Offer
from hub.records import JSON, Item, Page, PollRequest, Record
from hub.testing.simulator import Running
from tests.loop.hub_of_a_test import Hub

NAME = "market"
STREAM = "offers"
TOKEN = "marketplace-token"
#: Seconds that a simulator may take for what it does in its own time.
PATIENCE = 20.0

LOTS: JSON = {
    "path": "/lots/{call}",
    "status_path": "/lots/{lot}",
    "takes": ["upsert"],
    "limit": 10,
    "poll_seconds": 1,
}


def listing(sku: str, **said: Any) -> Listing:
    """All that there is to say of an SKU, unless ``said`` otherwise."""
    everything: dict[str, Any] = {
        "sku": sku,
        "group": f"p-{sku}",
        "product": product(sku),
        "category": "c1",
        "offer": offer("10.00"),
        "stock": 5,
    }
    return Listing(**{**everything, **said})


def offer(price: str, list_price: str | None = None) -> Offer:
    return Offer(
        currency="BRL",
        price=Decimal(price),
        list_price=None if list_price is None else Decimal(list_price),
    )


def product(sku: str, **fields: Any) -> JSON:
    """As a connector describes one."""
    return {
        "sku": sku,
        "product_id": f"p-{sku}",
        "name": f"Shirt {sku}",
        "product_name": "Shirt",
        "sku_name": sku,
        "description": "Cotton",
        "brand": "Plain",
        "images": [{"url": f"https://images.example/{sku}.jpg", "name": "front"}],
        "gtin": None,
        "reference": f"R-{sku}",
        "manufacturer_code": None,
        "weight_grams": 200,
        "length_cm": Decimal("30.5"),
        "width_cm": 20,
        "height_cm": 2,
        "unit": "un",
        "unit_multiplier": 1,
        "category_path": ["Clothes", "Shirts"],
        "category_id": "17",
        "product_attributes": {"fabric": ["cotton"]},
        "sku_attributes": {"colour": ["blue"]},
        "url": f"https://shop.example/{sku}",
        **fields,
    }


class Source(Connector[Any, Any]):
    """Says what is to hold, and adds the product where the marketplace lacks it, as a connector has to."""

    name = "source"
    streams: ClassVar[Sequence[Stream]] = (Stream(name=STREAM, read_anew=True),)
    uses_destination = True
    world: ClassVar[MarketplaceWorld]

    async def poll(self, request: PollRequest) -> Page:
        told, self.world.told = self.world.told, []
        return Page(records=told)

    async def fetch(self, items: Sequence[Item]) -> Sequence[Item]:
        market = self.ports.marketplace
        assert market is not None
        there = await market.standings([item.key for item in items])
        return [self._found(item, market, there=item.key in there) for item in items]

    def _found(self, item: Item, market: Marketplace, *, there: bool) -> Item:
        wanted = self.world.wanted[item.key]
        whole = wanted.product is None and wanted.active and (market.needs_product or not there)
        if whole and self.world.knows_products:
            wanted = replace(wanted, product=product(wanted.sku), category="c1")
        return replace(item, payload={**item.payload, "found": wanted.body()})

    def transform(self, item: Item) -> Any:
        if item.payload.get("found") is None:
            raise SkippedError("nothing is known of it")
        return item.payload["found"]


class MarketplaceWorld:
    """``tell`` is what the source says next, ``sync`` lets it arrive."""

    def __init__(self, home: Path, database_url: str, simulator: Running) -> None:
        self.simulator = simulator
        self.told: list[Record] = []
        self.wanted: dict[str, Listing] = {}
        self.knows_products = True
        self._count = 0
        source: type[Source] = type("Source", (Source,), {"world": self, "__doc__": Source.__doc__})
        self.hub = Hub(home, database_url, source=source)

    async def connect(
        self,
        *,
        credentials: JSON | None = None,
        delivery: JSON | None = None,
        without: Sequence[str] = (),
        **settings: Any,
    ) -> None:
        """The connection file of the docs, but for what is told otherwise."""
        told = {
            "title": "Simulated Market",
            "base_url": self.simulator.url,
            "auth": "bearer",
            **{name: route for name, route in ROUTES.items() if name not in without},
            **settings,
        }
        await self.connect_to(
            {"name": "marketplace", "settings": told, "credentials": credentials or {"token": TOKEN}},
            delivery=delivery,
        )

    async def connect_to(self, destination: JSON, *, delivery: JSON | None = None) -> None:
        await self.hub.connect(
            {"connector": "source", "destination": destination, "delivery": delivery or {}}, name=NAME
        )

    def tell(self, *listings: Listing) -> None:
        """From now on this is to hold."""
        for one in listings:
            self.wanted[one.sku] = one
            self._count += 1
            self.told.append(Record(stream=STREAM, key=one.sku, payload={"sku": one.sku, "n": self._count}))

    async def sync(self, *listings: Listing) -> None:
        """Poll, and push what is due."""
        self.tell(*listings)
        outcome = await self.hub.poll(NAME)
        assert outcome.result == "ok", outcome.error
        await self.hub.work_off(NAME)

    async def settle(self, *, rounds: int = 60, seconds: float = 30) -> None:
        """Until nothing waits any more. Only the hub's time is turned: a lot of the simulator's takes its own."""
        give_up = time.monotonic() + PATIENCE
        while rounds > 0 or time.monotonic() < give_up:
            rounds -= 1
            if rounds < 0:
                await asyncio.sleep(0.05)
            await self.hub.work_off(NAME)
            if not any(row["state"] in {"waiting", "awaiting"} for row in self.hub.rows(NAME)):
                return
            self.hub.pass_time(seconds)
            # What it believed of circuits and limits is as old.
            self.hub.runtime = self.hub.make_runtime()
        raise AssertionError(self.hub.states(NAME))

    async def open(self) -> Any:
        """The destination, as a connector sees it."""
        pipeline = await self.hub.runtime.pipeline(self.hub.connection(NAME).id)
        return pipeline.destination

    def row(self, sku: str) -> JSON:
        return self.hub.row(sku, NAME)

    @property
    def offers(self) -> dict[str, JSON]:
        """What the marketplace sells, by SKU."""
        state: JSON = self.simulator.platform.state()
        offers: dict[str, JSON] = state["offers"]
        return offers

    @property
    def requests(self) -> JSON:
        """How many of each route since ``forget_requests``."""
        return dict(self.simulator.platform.requests)

    def forget_requests(self) -> None:
        self.simulator.platform.requests.clear()


@asynccontextmanager
async def market_world(home: Path, database_url: str, **options: Any) -> AsyncIterator[MarketplaceWorld]:
    """All of it, over HTTP."""
    async with SIMULATOR.running(**options) as simulator:
        world = MarketplaceWorld(home, database_url, simulator)
        try:
            yield world
        finally:
            await world.hub.close()
