"""Which category of the marketplace each VTEX category is mapped to, and what was mapped lately."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from connectors.vtex.marketplace.log_codes import CATEGORY
from hub.connector import Clock, Documents, IdMap
from hub.records import EVERYTHING, JSON

#: In the id map: the marketplace's id, and the names from the root down, by VTEX id.
KIND, NAMES = "category", "category-name"
#: The document: ``revision``, ``news`` as [VTEX id, revision, time], and the ``floor``, a revision of which news are missing.
DOCUMENT: Final = "mapping"
#: News that are kept, and for how long; who has seen less is told that everything may have changed.
MOST_NEWS: Final = 5000
KEPT_FOR: Final = timedelta(days=1)
#: A slice that read the mapping before it changed parks its SKUs after they were woken. So they are woken for this long,
#: this often in each process.
LINGER, AGAIN = timedelta(minutes=10), timedelta(seconds=30)
#: Ids that are read or written at once.
PAGE: Final = 2000


@dataclass(frozen=True, kw_only=True, slots=True)
class News:
    """What a poll is to wake, and the revision that it has seen then."""

    revision: int
    wakes: Sequence[str] = ()


class CategoryMap:
    """Several processes may write it at the same time."""

    def __init__(self, ids: IdMap, documents: Documents, clock: Clock) -> None:
        self._ids, self._documents, self._clock = ids, documents, clock
        self._told: datetime | None = None

    async def get(self, categories: Sequence[str]) -> Mapping[str, str]:
        """The marketplace's ids of these VTEX ids; what is not mapped is left out."""
        return await self._ids.get(KIND, list(dict.fromkeys(categories)))

    async def put(self, pairs: Mapping[str, str | None]) -> Sequence[str]:
        """Map these, and end the mappings to None; the VTEX ids of which that changed something.

        It is told before and after it is written: should the process die in between, nobody could tell any more that
        something has changed, and who waits is woken for a while (``LINGER``).
        """
        changed: dict[str, str | None] = {}
        for page in _pages(pairs):
            known = await self._ids.get(KIND, list(page))
            changed |= {one: theirs for one, theirs in page.items() if known.get(one) != theirs}
        mapped = [one for one, theirs in changed.items() if theirs is not None]
        if mapped:
            await self._tell(mapped)
        for page in _pages(changed):
            await self._put(page)
        if mapped:
            await self._tell(mapped)
        return list(changed)

    async def news(self, seen: int) -> News:
        """What was mapped since the revision ``seen``, and a little longer."""
        document = await self._documents.get(DOCUMENT) or {}
        revision = document.get("revision", 0)
        if revision > seen and document.get("floor", 0) > seen:
            return News(revision=revision, wakes=(EVERYTHING,))
        now = self._clock.now()
        again = self._told is None or now - self._told >= AGAIN
        since = (now - LINGER).isoformat()
        wakes = {
            f"{CATEGORY}{one}"
            for one, number, at in document.get("news", ())
            if number > seen or (again and at > since)
        }
        if again and wakes:
            self._told = now
        return News(revision=revision, wakes=sorted(wakes))

    async def remember_names(self, paths: Mapping[str, str]) -> None:
        """What VTEX categories are called, from the root down, as people are shown them."""
        if paths:
            await self._ids.put(NAMES, paths)

    async def names(self, categories: Sequence[str]) -> Mapping[str, str]:
        """The inverse of ``remember_names``."""
        return await self._ids.get(NAMES, list(categories))

    async def all(self) -> AsyncIterator[tuple[str, str]]:
        """Every VTEX id that is mapped, with the marketplace's."""
        after = ""
        while page := await self._ids.page(KIND, after=after, limit=PAGE):
            for pair in page.items():
                yield pair
            after = list(page)[-1]

    async def _put(self, changed: Mapping[str, str | None]) -> None:
        new = {one: theirs for one, theirs in changed.items() if theirs is not None}
        ended = [one for one, theirs in changed.items() if theirs is None]
        if new:
            await self._ids.put(KIND, new)
        if ended:
            await self._ids.remove(KIND, ended)

    async def _tell(self, mapped: Sequence[str]) -> None:
        now = self._clock.now()
        at, old = now.isoformat(), (now - KEPT_FOR).isoformat()

        def noted(document: JSON | None) -> JSON:
            before = document or {}
            revision = before.get("revision", 0) + 1
            again = set(mapped)
            news: list[Any] = [one for one in before.get("news", ()) if one[0] not in again]
            news += [[one, revision, at] for one in mapped]
            kept = [one for one in news[-MOST_NEWS:] if one[2] > old]
            lost = [number for _, number, _ in news[: len(news) - len(kept)]]
            return {
                "revision": revision,
                "news": kept,
                "floor": max([before.get("floor", 0), *lost]),
            }

        await self._documents.change(DOCUMENT, noted)


def _pages(pairs: Mapping[str, str | None]) -> Iterator[dict[str, str | None]]:
    every = list(pairs.items())
    return (dict(every[start : start + PAGE]) for start in range(0, len(every), PAGE))
