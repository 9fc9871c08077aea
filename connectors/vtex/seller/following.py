"""Keeps the offers in memory as the catalog has them: loads all of them, then follows its changes closely."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Collection, Sequence

from connectors.vtex.seller.deadlines import Deadlines
from connectors.vtex.seller.offers import Offers
from hub.catalog import Catalog, Change
from hub.connector import Log
from hub.errors import HubError
from hub.records import JSON

#: What an offer is made of.
KINDS: Sequence[str] = ("product", "variant", "price", "stock")

#: Seconds between two looks: a change is answered with well within a second of its commit.
LOOK_EVERY = 0.2

#: Whoever is asked looks first where the last look is older than this, in seconds: a marketplace asks back as soon as it
#: is told of a change, and has to find that change. Between the commit of a change and that question lie a look at the
#: catalog, three transactions of the ledger, a message over the broker, and a request over the network each way.
FRESH = 0.02
#: While questions come, the next look begins when the last one is so old, in seconds, and nobody
#: waits for it: it ends before anybody would have to.
AHEAD = 0.01
#: Longest wait for such a look, in seconds: a slow store must not make a slow answer.
PATIENCE = 0.25
#: A store that has said nothing for so long, in seconds, is not reached, though it refuses nobody.
SILENT_FOR = 10.0

#: Seconds until the next try after the store could not be reached.
TRY_EVERY = 1.0

#: Changes that are asked for at once, and products that are read at once.
PAGE, BATCH = 1000, 200


class Follower:
    """One a connection and process. ``start`` it on the event loop; ``stop`` it with the connection."""

    def __init__(
        self, catalog: Catalog, offers: Offers, log: Log, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._catalog, self._offers, self._log, self._clock = catalog, offers, log, clock
        self._watch = catalog.watch(KINDS)
        self._task: asyncio.Task[None] | None = None
        self._cursor: JSON = {}
        self._lost_since: float | None = None
        self._look: asyncio.Future[None] | None = None
        self._looked_at = -FRESH
        self._heard_at = clock()
        self._patience = Deadlines(PATIENCE)
        self._reads = self._reading = 0
        self._read_at: dict[str, int] = {}
        self.loaded = asyncio.Event()

    def start(self) -> None:
        """Begin to load, unless that was begun."""
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """Follow no more."""
        tasks = [task for task in (self._task, self._look) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    @property
    def out_of_touch(self) -> float:
        """For how many seconds the store has not been reached; 0 while it is."""
        silent = self._clock() - self._heard_at
        return silent if self._lost_since is not None or silent > SILENT_FOR else 0.0

    def is_fresh(self) -> bool:
        """Whether what was committed up to a moment ago is in memory. Begins the next look before it is not."""
        now = self._clock()
        if now - self._known_at() < AHEAD:
            return True
        if self.loaded.is_set():
            self._watch.look(self._cursor)
        return now - self._known_at() < FRESH

    async def refresh(self) -> bool:
        """Look now; many who ask at once share one look. False where that failed, or takes too long."""
        asked = self._clock()
        with contextlib.suppress(Exception):
            await self._patience.within(self._looked(asked - FRESH))
            return True
        return False

    async def read_variants(self, keys: Sequence[str]) -> None:
        """Take these in at once, before their turn comes in following; keys that nobody knows are ignored."""
        variants = await self._catalog.read("variant", keys)
        await self._read({document["product"] for document in variants.values()} | self._offering(keys))

    async def read_offered(self, skus: Sequence[str]) -> None:
        """The same for what is offered as these; SKUs that nothing is offered as are ignored."""
        await self._read(self._offering(skus))

    def _offering(self, skus: Sequence[str]) -> set[str]:
        offers = self._offers.by_sku
        return {offers[sku].product for sku in skus if sku in offers}

    def _known_at(self) -> float:
        """What was committed up to then is in memory."""
        return max(self._looked_at, self._watch.quiet_at)

    async def _run(self) -> None:
        while True:
            try:
                if not self.loaded.is_set():
                    await self._load()
                await asyncio.shield(self._looking())
            except Exception as error:  # noqa: BLE001 - whatever it is, what is in memory is answered meanwhile
                self._lost(error)
                await asyncio.sleep(TRY_EVERY)
            else:
                self._lost_since = None
                await asyncio.sleep(LOOK_EVERY)

    async def _load(self) -> None:
        """All documents are read after the cursor was reached, so that they hold all that is before it."""
        cursor: JSON = {}
        keys: set[str] = set()
        full = True
        while full:
            page = await self._catalog.changes(KINDS, after=cursor, limit=PAGE)
            self._heard_at = self._clock()
            cursor, full = page.cursor, page.full
            keys |= _products(page.changes)
        await self._read(keys)
        self._cursor = cursor
        self.loaded.set()
        self._log.info("offers are in memory", skus=len(self._offers.by_sku))

    async def _looked(self, since: float) -> None:
        """The look that is under way may have begun before."""
        while self._looked_at < since:
            await asyncio.shield(self._looking())

    def _looking(self) -> asyncio.Future[None]:
        """The look that is under way, or a new one."""
        if self._look is None or self._look.done():
            self._look = asyncio.ensure_future(self._follow())
            self._look.add_done_callback(_heard)
        return self._look

    async def _follow(self) -> None:
        began = self._clock()
        while await self._catalog.has_news(KINDS, after=self._cursor):
            page = await self._catalog.changes(KINDS, after=self._cursor, limit=PAGE)
            await self._read(_products(page.changes))
            self._cursor = page.cursor
            if not page.full:
                break
        self._looked_at, self._heard_at = began, self._clock()

    async def _read(self, products: Collection[str]) -> None:
        keys = sorted(products)
        for start in range(0, len(keys), BATCH):
            if doubled := await self._read_batch(keys[start : start + BATCH]):
                self._log.warning(
                    "more than one variant has this SKU; the one whose key comes first is offered",
                    skus=doubled[:20],
                )

    async def _read_batch(self, batch: Sequence[str]) -> Sequence[str]:
        """Of several who read a product at once, whoever began last is right, also when another one comes after it."""
        self._reads += 1
        began = self._reads
        self._reading += 1
        try:
            documents = await self._catalog.read("product", batch)
            self._heard_at = self._clock()
            mine = [key for key in batch if self._read_at.get(key, 0) < began]
            self._read_at |= dict.fromkeys(mine, began)
            return self._offers.put(mine, documents)
        finally:
            self._reading -= 1
            if not self._reading:
                self._read_at.clear()

    def _lost(self, error: Exception) -> None:
        if self._lost_since is None:
            self._lost_since = self._clock()
            what = str(error) if isinstance(error, HubError) else type(error).__name__
            self._log.warning("the catalog cannot be followed; offers are answered as they were", error=what)


def _heard(look: asyncio.Future[None]) -> None:
    """Its error is told by the loop, not by whoever waited for it."""
    if not look.cancelled():
        look.exception()


def _products(changes: Sequence[Change]) -> set[str]:
    return {change.product for change in changes if change.product is not None}
