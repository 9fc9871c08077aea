"""Destination ``marketplace``: any marketplace with a REST API, by configuration."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import ClassVar, Final

from pydantic import BaseModel

from connectors.marketplace.calling import work_off
from connectors.marketplace.client import Client
from connectors.marketplace.known import Known, Shelf
from connectors.marketplace.lots import LotDesk, Wait
from connectors.marketplace.reading import CategoryReader, OffersReader
from connectors.marketplace.settings import MarketplaceCredentials, MarketplaceSettings
from connectors.marketplace.task import LACKS_PRODUCT, Task
from hub.connector import CheckResult, Destination, Ports
from hub.marketplace import Category, Listing, Standing
from hub.records import Awaiting, Item, PushResult, Rejected, Released, Retry

#: A look at the server without a write: whatever it answers, it was reached. 401 and 403 stay what they are.
_REACHED: Final = frozenset(range(300, 600)) - {401, 403}
#: An answer that says that an SKU is not there.
_GONE: Final = frozenset({404, 410})
#: What could not be finished while a lot was followed is tried again after this.
PAUSE: Final = timedelta(seconds=15)


class MarketplaceDestination(Destination[MarketplaceSettings, MarketplaceCredentials]):
    """Satisfies ``hub.marketplace.Marketplace``. Bodies are those of ``Listing``: what is to hold.

    What the marketplace has is kept in the id map, written when it is certain. Before a call is made, what it is to
    change is marked as doubtful there, so that whatever happens to the process nothing is believed that is not so.
    """

    name: ClassVar[str] = "marketplace"
    title: ClassVar[str] = "Any marketplace with a REST API"
    Settings: ClassVar[type[BaseModel]] = MarketplaceSettings
    Credentials: ClassVar[type[BaseModel]] = MarketplaceCredentials

    def __init__(
        self, settings: MarketplaceSettings, credentials: MarketplaceCredentials, ports: Ports
    ) -> None:
        """Raises ``ConfigurationError`` if ``auth`` needs a credential that is not there."""
        super().__init__(settings, credentials, ports)
        self._client = Client(settings, credentials, ports)
        self._shelf = Shelf(ports.ids)
        self._abilities = settings.abilities()
        self._lots = LotDesk(settings.lots, self._client) if settings.lots else None
        self._offers = OffersReader(settings.offers) if settings.offers else None
        self._tree = CategoryReader(settings.categories) if settings.categories else None

    def circuit_key(self) -> str:
        """The host."""
        return self._client.host

    @property
    def title_for_people(self) -> str:
        """See ``hub.marketplace.Marketplace``."""
        return self.settings.title

    @property
    def needs_product(self) -> bool:
        """See ``hub.marketplace.Marketplace``."""
        return self._abilities.needs_product

    async def check(self) -> CheckResult:
        """Read something that needs the credentials, where the settings name it; otherwise look whether it answers."""
        path = self.settings.check_path or (self.settings.categories and self.settings.categories.path)
        if path:
            answer = await self._client.ask("GET", path)
        else:
            answer = await self._client.ask("HEAD", "", accept=_REACHED)
        status = answer.status_code
        warnings = [f"the marketplace answers HTTP {status}: it may be down"] if status >= 500 else []
        return CheckResult(
            facts={"marketplace": self.settings.title, "host": self._client.host, "status": status},
            warnings=warnings,
        )

    async def push(self, items: Sequence[Item]) -> Sequence[PushResult]:
        """Say what is not so yet; one result for each listing, in order."""
        results: dict[int, PushResult] = {}
        listings = _listings(items, results)
        known = await self._shelf.get([listing.sku for listing in listings.values()])
        tasks = {
            place: Task(
                listing=listing,
                known=known.get(listing.sku),
                abilities=self._abilities,
                key=items[place].idempotency_key,
            )
            for place, listing in listings.items()
        }
        await self._doubt([task for task in tasks.values() if task.todo.steps])
        results |= await self._worked(tasks)
        return [results[place] for place in range(len(items))]

    async def follow(self, items: Sequence[Item]) -> Sequence[PushResult]:
        """Ask about each lot once, and go on with what it has decided."""
        waits = [Wait.of(item.handle or {}) for item in items]
        known = await self._shelf.get([wait.listing.sku for wait in waits])
        tasks = [
            Task(
                listing=wait.listing,
                known=known.get(wait.listing.sku),
                abilities=self._abilities,
                key=item.idempotency_key,
                sent=wait.sent,
            )
            for item, wait in zip(items, waits, strict=True)
        ]
        results = await self._asked(waits, tasks)
        await self._keep([tasks[place] for place in results])
        left = {place: task for place, task in enumerate(tasks) if place not in results}
        await self._doubt([task for task in left.values() if task.todo.steps])
        worked = await self._worked(left)
        results |= {place: self._later(left[place], result) for place, result in worked.items()}
        return [results[place] for place in range(len(items))]

    async def standings(self, skus: Collection[str]) -> Mapping[str, Standing]:
        """See ``hub.marketplace.Marketplace``: those that it has for certain."""
        found = await self._shelf.get(skus)
        return {sku: one.standing for sku, one in found.items() if one.exists}

    async def listed(self, *, after: str = "", limit: int = 500) -> Mapping[str, Standing]:
        """See ``hub.marketplace.Marketplace``; also those of which nobody knows whether they have arrived there."""
        return {sku: one.standing for sku, one in (await self._shelf.page(after=after, limit=limit)).items()}

    async def offers(self, standings: Mapping[str, Standing]) -> Mapping[str, Standing]:
        """See ``hub.marketplace.Marketplace``. What is otherwise than it was thought to be is said again at the next
        push; what is not there any more is forgotten, and made anew."""
        if self._offers is None or not standings:
            return standings
        reader, known = self._offers, await self._shelf.get(list(standings))
        parts = list(_parts(known, reader.batch))
        answers = await asyncio.gather(*(self._read(reader, part) for part in parts))
        really = {sku: one for answer in answers for sku, one in answer.items()}
        changed = {sku: really.get(sku) for sku, one in known.items() if really.get(sku) != one}
        await self._shelf.keep(changed)
        return {sku: one.standing for sku, one in really.items()}

    async def categories(self) -> Sequence[Category] | None:
        """See ``hub.marketplace.Marketplace``."""
        if self._tree is None or self.settings.categories is None:
            return None
        return self._tree.read(await self._client.ask("GET", self.settings.categories.path))

    async def _asked(self, waits: Sequence[Wait], tasks: Sequence[Task]) -> dict[int, PushResult]:
        """By place what became of those in lots, but for those that go on."""
        lots = self._lots
        if lots is None:
            return {}
        places: dict[str, list[int]] = defaultdict(list)
        for place, wait in enumerate(waits):
            if wait.lot is not None:
                places[wait.lot].append(place)
        members = {
            lot: [lots.member(tasks[place], waits[place]) for place in those] for lot, those in places.items()
        }
        answers = await asyncio.gather(*(lots.follow(lot, those) for lot, those in members.items()))
        return {
            place: result
            for those, answered in zip(places.values(), answers, strict=True)
            for place, result in zip(those, answered, strict=True)
            if result is not None
        }

    async def _worked(self, tasks: Mapping[int, Task]) -> dict[int, PushResult]:
        """All that there is to do, in lots and one by one; what came of it is kept."""
        in_lots = self.settings.lots.takes if self.settings.lots else frozenset()
        worked = await asyncio.gather(*(work_off(self._client, task, in_lots) for task in tasks.values()))
        results = {place: result for place, result in zip(tasks, worked, strict=True) if result is not None}
        together = [place for place in tasks if place not in results]
        if together and self._lots is not None:
            handed_in = await self._lots.hand_in([tasks[place] for place in together])
            results |= zip(together, handed_in, strict=True)
        await self._keep(tasks.values())
        return results

    async def _doubt(self, tasks: Iterable[Task]) -> None:
        """Nothing that is about to be changed is certain until it is known to be so."""
        await self._remember({task: task.doubtful() for task in tasks})

    async def _keep(self, tasks: Iterable[Task]) -> None:
        await self._remember({task: task.found_out() for task in tasks})

    async def _remember(self, known: Mapping[Task, Known | None]) -> None:
        news = {task: one for task, one in known.items() if one != task.kept}
        await self._shelf.keep({task.listing.sku: one for task, one in news.items()})
        for task, one in news.items():
            task.kept = one

    async def _read(self, reader: OffersReader, known: Mapping[str, Known]) -> Mapping[str, Known]:
        answer = await self._client.ask("GET", reader.path(known), accept=_GONE)
        return {} if answer.status_code in _GONE else reader.read(answer, known)

    def _later(self, task: Task, result: PushResult) -> PushResult:
        """The result of what was tried while a record was followed: it cannot be pushed again, so it goes on waiting."""
        match result:
            case Retry() if task.todo.lacks_product:
                return Rejected(errors=[LACKS_PRODUCT])
            case Retry(error=why, after=after):
                wait = max(after or PAUSE, PAUSE)
            case Released(reason=why, after=wait):
                pass
            case _:
                return result
        return Awaiting(handle=Wait.at(task).handle(), check_after=wait, note=why)


def _listings(items: Sequence[Item], results: dict[int, PushResult]) -> dict[int, Listing]:
    """Those that are some, by place; the ``results`` of the others are rejections."""
    listings: dict[int, Listing] = {}
    for place, item in enumerate(items):
        try:
            listings[place] = Listing.of(item.body)
        except ValueError as error:
            results[place] = Rejected(errors=[str(error)])
    return listings


def _parts(known: Mapping[str, Known], size: int) -> Iterable[Mapping[str, Known]]:
    pairs = list(known.items())
    return (dict(pairs[start : start + size]) for start in range(0, len(pairs), size))
