"""A pass over the shop's resources, step by step (docs/decisions/0011).

Where it stands is a plain document, the connection's cursor: ``done`` and ``full`` say from when the latest pass of
each resource is, ``shop`` what is known of the shop, and ``pass`` is the one that is under way.
"""

from __future__ import annotations

import asyncio
import secrets
from copy import deepcopy
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from connectors.shopify import tally
from connectors.shopify.bulk import BulkOperations, VoidResultError
from connectors.shopify.by_bulk import ByBulk
from connectors.shopify.by_pages import ByPages
from connectors.shopify.client import AccessDeniedError, ShopifyClient
from connectors.shopify.mapping import gone
from connectors.shopify.preflight import Preflight
from connectors.shopify.resources import ALL, Resource
from connectors.shopify.settings import SCOPES, ShopifySettings
from connectors.shopify.spool import Spool
from connectors.shopify.steps import PAGE, Step, by_bulk_next, by_pages_next, left_by, next_resource, refuse
from hub.catalog import Catalog
from hub.connector import Clock, Documents
from hub.records import JSON, Record

#: A full pass that was not complete is made again after this.
INCOMPLETE_AGAIN: Final = timedelta(hours=1)


class Passes:
    """Makes the steps of a pass. ``documents`` may be a stand-in, where nothing is to be written."""

    def __init__(
        self,
        client: ShopifyClient,
        bulk: BulkOperations,
        settings: ShopifySettings,
        *,
        documents: Documents,
        catalog: Catalog | None,
        clock: Clock,
    ) -> None:
        self._settings, self._catalog, self._clock = settings, catalog, clock
        self._preflight = Preflight(client, settings)
        self._by_pages = ByPages(client, settings, documents)
        self._by_bulk = ByBulk(bulk, settings, clock, documents)

    def due(self, cursor: JSON) -> str:
        """Whether the next pass is ``full`` or ``incremental``."""
        full, now = cursor.get("full") or {}, self._clock.now()
        least = timedelta(hours=self._settings.full_every_hours)
        for name in self._settings.wanted:
            at = full.get(name)
            if at is None or datetime.fromisoformat(at) + least <= now:
                return "full"
        return "incremental"

    async def begin(self, cursor: JSON, kind: str) -> JSON:
        """The cursor with a new pass. Raises ``ConnectionFailedError`` where the token is another shop's."""
        cursor = deepcopy(cursor)
        now = self._clock.now()
        under_way: JSON = {
            "name": f"{kind}-{now:%Y%m%dT%H%M%S}-{secrets.token_hex(4)}",
            "kind": kind,
            "begun": now.isoformat(),
            "left": self._wanted(cursor, kind),
            "modes": {},
            "ops": {},
        }
        under_way["tallies"] = {name: tally.new() for name in under_way["left"]}
        cursor["pass"] = under_way
        if kind == "full" or "shop" not in cursor:
            await self._preflight.look(cursor)
        next_resource(under_way, first=True)
        return cursor

    async def step(self, cursor: JSON, *, stored: bool = True) -> Step:
        """Make one step; the cursor moves on. Raises what asking does.

        ``stored``: the pass's name is in the store, so that an operation that bears it is found again after a crash.
        """
        under_way = cursor["pass"]
        if not under_way["left"]:
            if under_way.get("cancelled"):
                await self._by_bulk.cancel(under_way)
            return Step(ended=True)
        if under_way["stage"] == "gone":
            return await self._gone(under_way, ALL[under_way["left"][0]])
        awaited = by_bulk_next(under_way)
        name, looks = awaited or under_way["left"][0], False
        try:
            if awaited is not None:
                wait = await self._by_bulk.wait(under_way, ALL[awaited]) if stored else timedelta(0)
                if wait is not None:
                    return Step(wait=wait)
                looks = not self._by_bulk.completed(under_way, awaited)
                name = self._put_first(under_way, awaited)
            if under_way["modes"].get(name) == "bulk":
                return await self._by_bulk.step(cursor, ALL[name])
            ask = partial(self._by_bulk.ask_along, under_way) if looks else None
            return await self._by_pages.step(cursor, ALL[name], ask)
        except AccessDeniedError as error:
            refuse(under_way, name, f"needs {error.required or SCOPES[name]}: {error}")
            return Step()

    def _put_first(self, under_way: JSON, awaited: str) -> str:
        """What goes first, now that an operation has ended or is to be looked at. What is read by pages is kept as long as
        operations are looked at, which comes along with its requests; but stock follows what stands before it."""
        left = under_way["left"] = [name for name in ALL if name in under_way["left"]]
        if not self._by_bulk.completed(under_way, awaited):
            first = by_pages_next(under_way) or awaited
        elif awaited == "stock" or self._by_bulk.completed(under_way, *left_by(under_way, "bulk")):
            first = left[0]
        else:
            first = awaited
        under_way["left"] = [first, *(name for name in left if name != first)]
        return first

    def reads_on(self, cursor: JSON) -> bool:
        """Whether the next step reads on in a bulk result, from where the cursor says."""
        under_way = cursor["pass"]
        if not under_way["left"] or under_way["stage"] != "read" or under_way["after"] is None:
            return False
        mode: str | None = under_way["modes"].get(under_way["left"][0])
        return mode == "bulk"

    def end(self, cursor: JSON) -> JSON:
        """The report of the pass that has ended; the cursor says that none is under way."""
        under_way = cursor.pop("pass")
        begun = datetime.fromisoformat(under_way["begun"])
        soon = begun - timedelta(hours=self._settings.full_every_hours) + INCOMPLETE_AGAIN
        for name, counts in under_way["tallies"].items():
            if counts["complete"]:
                cursor.setdefault("done", {})[name] = under_way["begun"]
            if under_way["kind"] == "full":
                at = begun if counts["complete"] or counts.get("refused") else min(soon, begun)
                cursor.setdefault("full", {})[name] = at.isoformat()
        if under_way["kind"] == "full":
            cursor["refused"] = [name for name, one in under_way["tallies"].items() if one.get("refused")]
        self._by_bulk.forget(under_way)
        self._by_pages.forget()
        return tally.report(
            under_way["name"],
            under_way["kind"],
            under_way["begun"],
            self._clock.now(),
            under_way["tallies"],
            cancelled=under_way.get("cancelled", False),
        )

    def _wanted(self, cursor: JSON, kind: str) -> list[str]:
        """What was refused is tried again with the next full pass."""
        refused = () if kind == "full" else cursor.get("refused") or ()
        return [name for name in self._settings.wanted if name not in refused]

    async def _gone(self, under_way: JSON, resource: Resource) -> Step:
        """Keys of the catalog that this connection gave and that the pass, which was complete, did not name."""
        step = Step()
        if self._catalog is None:
            next_resource(under_way)
            return step
        counts = under_way["tallies"][resource.name]
        spool: Spool | None = None
        if resource.name in under_way["ops"]:
            try:
                spool = await self._by_bulk.seen(under_way, resource)
            except VoidResultError as error:
                tally.warn(counts, "incomplete", f"what is gone is not marked: {error}")
                next_resource(under_way)
                return step
            if spool is None:
                return Step(wait=timedelta(0))
        named = None if spool is not None else await self._by_pages.seen(under_way, resource)
        if spool is None and named is None:
            tally.warn(
                counts, "incomplete", "what is gone is not marked: what was read is not remembered any more"
            )
            next_resource(under_way)
            return step
        # What a webhook brought meanwhile may have come too late for the pass to name it.
        begun = datetime.fromisoformat(under_way["begun"])
        keys = await self._catalog.given(
            resource.kind, after=under_way["after"] or "", limit=PAGE, before=begun
        )
        unseen = (
            await asyncio.to_thread(spool.unseen, keys)
            if spool is not None
            else [key for key in keys if key not in (named or ())]
        )
        step.records = [
            Record(
                stream=resource.name,
                key=key,
                payload=gone(resource.kind, key),
                group=under_way["name"] + tally.GONE,
            )
            for key in unseen
        ]
        counts["gone"] += len(unseen)
        if keys:
            under_way["after"] = keys[-1]
        if len(keys) < PAGE:
            next_resource(under_way)
        return step
