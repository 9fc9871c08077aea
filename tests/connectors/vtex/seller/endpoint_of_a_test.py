"""The fulfillment endpoint alone, over a real catalog that may be held up, served on a port of this machine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx

from connectors.vtex.seller.endpoint import FulfillmentEndpoint
from connectors.vtex.seller.following import Follower
from connectors.vtex.seller.offers import Offers, Terms
from connectors.vtex.seller.shipping import Shipping
from connectors.vtex.seller.simulation import Simulation
from hub import codec
from hub.catalog import Catalog, Changes, Watch
from hub.records import JSON
from hub.store.database import Database
from hub.testing.simulator import running
from tests.catalog.shelf import Shelf
from tests.connectors.vtex.seller.seller_world import goods

PATH = "/api/pvt/orderForms/simulation"


class Lines:
    """A log that is read by the test."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, Mapping[str, Any]]] = []

    def info(self, event: str, **fields: Any) -> None:
        self.lines.append((event, fields))

    warning = error = info


class Held:
    """A catalog whose answers wait for a gate to open: ``changes``, ``has_news``, ``read``, or the ``read`` of a kind."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._gate = asyncio.Event()
        self._closed: set[str] = set()
        self._once: set[str] = set()
        self.waiting = 0

    def close(self, *calls: str) -> None:
        """These wait from now on, after they have been answered."""
        self._closed |= set(calls)
        self._gate.clear()

    def close_once(self, call: str) -> None:
        """The next one waits, and no other."""
        self._once.add(call)
        self._gate.clear()

    def open(self) -> None:
        """Nobody waits any more."""
        self._closed.clear()
        self._gate.set()

    async def until_waiting(self, calls: int) -> None:
        """Return when so many of them wait."""
        async with asyncio.timeout(10):
            while self.waiting < calls:  # noqa: ASYNC110 - it is another's to know when
                await asyncio.sleep(0.01)

    async def changes(self, kinds: Collection[str], **told: Any) -> Changes:
        found = await self._catalog.changes(kinds, **told)
        await self._wait("changes")
        return found

    async def has_news(self, kinds: Collection[str], **told: Any) -> bool:
        found = await self._catalog.has_news(kinds, **told)
        await self._wait("has_news")
        return found

    def watch(self, kinds: Collection[str]) -> Watch:
        return self._catalog.watch(kinds)

    async def read(self, kind: str, keys: Collection[str]) -> Mapping[str, JSON]:
        found = await self._catalog.read(kind, keys)
        await self._wait("read", kind)
        return found

    async def _wait(self, *names: str) -> None:
        once = self._once.intersection(names)
        self._once -= once
        if once or self._closed.intersection(names):
            self.waiting += 1
            try:
                await self._gate.wait()
            finally:
                self.waiting -= 1


@dataclass(kw_only=True)
class Counter:
    """Where offers are asked for. ``shelf`` writes the catalog."""

    shelf: Shelf
    catalog: Held
    follower: Follower
    endpoint: FulfillmentEndpoint
    url: str
    client: httpx.AsyncClient
    log: Lines = field(default_factory=Lines)

    def offer(self, *keys: str, **fields: Any) -> None:
        """Products with one variant each, of the same key with ``-v``."""
        self.shelf.write("shop", *(goods(key, **fields) for key in keys))

    def stock(self, key: str, on_hand: int) -> None:
        """Another stock level."""
        self.shelf.write("shop", {"kind": "stock", "variant": f"{key}-v", "on_hand": on_hand})

    async def ask(self, *skus: str, **how: Any) -> httpx.Response:
        """One of each."""
        return await self.client.post(PATH, content=body_of(*skus), **how)

    async def stocks(self, *skus: str) -> dict[str, int]:
        """What is answered of each that is known. Raises ``AssertionError`` for anything but 200."""
        answer = await self.ask(*skus)
        assert answer.status_code == 200, answer.text
        found = codec.loads(answer.content)
        return {
            item["id"]: one["stockBalance"]
            for item, one in zip(found["items"], found["logisticsInfo"], strict=True)
        }

    async def send(self, *pieces: bytes, length: int | None = None) -> tuple[int, str]:
        """A request in pieces over a socket that stays open; status and text of the answer."""
        parts = urlsplit(self.url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        size = sum(map(len, pieces)) if length is None else length
        writer.write(f"POST {PATH} HTTP/1.1\r\nhost: a\r\ncontent-length: {size}\r\n\r\n".encode())
        for piece in pieces:
            await writer.drain()
            await asyncio.sleep(0)
            writer.write(piece)
        try:
            async with asyncio.timeout(20):
                head = await reader.readuntil(b"\r\n\r\n")
                count = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
                return int(head.split()[1]), (await reader.readexactly(count)).decode()
        finally:
            writer.close()
            await writer.wait_closed()


def body_of(*skus: str) -> bytes:
    """One of each."""
    return codec.dumps({"items": [{"id": sku, "quantity": 1, "seller": "1"} for sku in skus]})


@asynccontextmanager
async def counter(
    db: Database,
    *,
    offered: Sequence[str] = ("a",),
    sku: Any = "key",
    hold: Sequence[str] = (),
    loaded: bool = True,
    stale_for: float = 900,
    **told: Any,
) -> AsyncIterator[Counter]:
    """``hold``: calls of the catalog that wait from the start. Without ``loaded`` nothing is waited for."""
    shelf = Shelf(db, "acme", "shop", "market")
    catalog = Held(shelf.catalog("market"))
    catalog.close(*hold)
    offers, log = Offers(Terms(currency="BRL", sku=sku)), Lines()
    follower = Follower(catalog, offers, log)  # type: ignore[arg-type]  # as much of one as is asked for
    endpoint = FulfillmentEndpoint(
        Simulation(offers, Shipping([])),
        follower,
        log=log,
        **{"secret": None, "stale_for": stale_for, "variants_by_key": sku == "key", **told},
    )
    async with running(endpoint) as url, httpx.AsyncClient(base_url=url, timeout=10) as client:
        one = Counter(
            shelf=shelf,
            catalog=catalog,
            follower=follower,
            endpoint=endpoint,
            url=url,
            client=client,
            log=log,
        )
        one.offer(*offered)
        follower.start()
        try:
            if loaded:
                async with asyncio.timeout(10):
                    await follower.loaded.wait()
            yield one
        finally:
            catalog.open()
            await follower.stop()
