"""What a poll brings: pages of the initial load, what is compared on a schedule, and what is switched off."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from connectors.vtex.marketplace.place import Load, Place, Walk
from connectors.vtex.marketplace.reader import Reader
from connectors.vtex.marketplace.settings import VtexMarketplaceSettings
from hub import codec
from hub.connector import Documents, Log
from hub.marketplace import Marketplace
from hub.records import JSON, Milestone, Record

#: The one stream of SKUs: content, price and stock of an SKU take turns, so that none is sent for what is not there yet.
OFFERS: Final = "offers"
#: What takes an SKU off sale, without its price and stock being read where VTEX's details say the same.
GOING: Final = ("inactive", "removed")
#: SKUs of the marketplace that one poll goes over.
WALKED: Final = 500
#: An empty list of SKUs is asked for again after this: it was seen to be wrong (VTEX facts, "SKU list").
EMPTY_WAIT: Final = timedelta(minutes=10)

#: A list that changes while it is read is gone over so often at most.
MOST_OVER_AGAIN: Final = 5

#: What changed lately, by SKU the time (ISO 8601): they are compared first. In a document, at most so many.
CHANGED: Final = "changed"
MOST_CHANGED: Final = 10_000


@dataclass(frozen=True, kw_only=True)
class Step:
    """What one step of a poll brought, and the place after it."""

    place: Place
    records: Collection[Record] = ()
    full: bool = False
    milestones: Collection[Milestone] = ()


def record(sku: str, changed: Collection[str], at: str, **fields: object) -> Record:
    """A piece of work: one SKU, and in what respect it is to be looked at. ``at`` sets it apart from earlier ones."""
    payload: JSON = {
        "sku": sku,
        "changed": sorted(changed),
        "date": at,
        **{k: v for k, v in fields.items() if v},
    }
    return Record(
        stream=OFFERS, key=sku, version=None, payload=payload, content_hash=codec.fingerprint(payload)
    )


def merged(waiting: JSON, newer: JSON) -> JSON:
    """All that changed, as of the newer one. What is to go by one of them and not by the other is looked at as a whole:
    a notification may leave out whether the SKU is active, and the later one may have come first. A comparison of the hub's
    own says nothing of it.
    """
    changed, product = (
        {*waiting["changed"], *newer["changed"]},
        newer.get("product") or waiting.get("product"),
    )
    flags = {name for name in GOING if newer.get(name)}
    if newer["changed"] == ["check"]:
        flags |= {name for name in GOING if waiting.get(name)}
    elif any(waiting.get(name) for name in GOING) and not flags:
        changed.add("content")
    elif flags and not any(waiting.get(name) for name in GOING) and _is_before(newer, waiting):
        flags, changed = set(), changed | {"content"}
    return {
        "sku": newer["sku"],
        "changed": sorted(changed),
        "date": waiting["date"] if _is_before(newer, waiting) else newer["date"],
        **({"product": product} if product else {}),
        **dict.fromkeys(sorted(flags), True),
    }


def _is_before(one: JSON, other: JSON) -> bool:
    """By what they say themselves; a time without a zone is UTC."""
    here, there = (datetime.fromisoformat(each["date"]) for each in (one, other))
    return (here if here.tzinfo else here.replace(tzinfo=UTC)) < (
        there if there.tzinfo else there.replace(tzinfo=UTC)
    )


class Feed:
    """One for each connection and process; all that it knows is in the place and in documents."""

    def __init__(
        self,
        settings: VtexMarketplaceSettings,
        reader: Reader,
        marketplace: Marketplace,
        documents: Documents,
        log: Log,
    ) -> None:
        self._settings, self._reader, self._marketplace = settings, reader, marketplace
        self._documents, self._log = documents, log

    async def load(self, place: Place, load: Load, now: datetime) -> Step:
        """One page of the sales channel. First all of them, up to an empty one, or one that was read before: ``page`` may be
        ignored. Then they are gone over backwards until all are as they were.

        A list that shrinks between two pages has moved an SKU from the next page to the one that was read, where it would not
        be met; one that is read backwards cannot lose any in that way. Whoever was met before is a duplicate to the ledger.
        """
        skus = list(dict.fromkeys(await self._reader.skus(load.page, self._settings.page_size)))
        if not skus and load.page == 1 and load.last is None:
            return self._empty(place, load, now)
        page = codec.fingerprint(sorted(skus))
        is_new = bool(skus) and page not in load.pages
        records = [record(sku, ("load",), load.began) for sku in skus] if is_new else []
        further = self._further(load.met(page) if is_new else load, is_new=is_new)
        if further is not None:
            return Step(place=replace(place, load=further), records=records, full=True)
        facts = {"what": "initial load", "pages": load.last}
        ended = replace(place, load=None, loaded=load.began, checked=place.checked or load.began)
        return Step(place=ended, records=records, milestones=(Milestone(what="imported", facts=facts),))

    def _empty(self, place: Place, load: Load, now: datetime) -> Step:
        self._log.warning(
            "VTEX lists no SKU in the sales channel; nothing is switched off for that, and it is asked again",
            sales_channel=self._settings.sales_channel,
        )
        again = replace(load, again=(now + EMPTY_WAIT).isoformat())
        return Step(place=replace(place, load=again))

    def _further(self, load: Load, *, is_new: bool) -> Load | None:
        """The page after this one, None where nothing is left to look at."""
        if load.last is None:
            return replace(load, page=load.page + 1) if is_new else load.over_again(load.page - 1)
        if load.page > 1:
            return replace(load, page=load.page - 1)
        if load.moved and load.again_over < MOST_OVER_AGAIN:
            return load.over_again(load.last + 1)
        if load.moved:
            self._log.warning(
                "VTEX's list of SKUs changed whenever it was read; an SKU may have been missed",
                sales_channel=self._settings.sales_channel,
                times=load.again_over + 1,
            )
        return None

    async def switch_off(self, place: Place, walk: Walk) -> Step:
        """Everything that the marketplace has from this connection."""
        listed = await self._marketplace.listed(after=walk.after, limit=WALKED)
        records = [record(sku, ("off",), walk.began) for sku in listed]
        if len(listed) < WALKED:
            return Step(place=replace(place, off=None, is_off=True), records=records)
        further = replace(walk, after=list(listed)[-1])
        return Step(place=replace(place, off=further), records=records, full=True)

    async def check(self, place: Place, walk: Walk) -> Step:
        """What the marketplace sells, compared anew: prices and stock, whatever notifications have said."""
        listed = await self._marketplace.listed(after=walk.after, limit=WALKED)
        records = [record(sku, ("check",), walk.began) for sku, one in listed.items() if one.active]
        if len(listed) < WALKED:
            return Step(place=replace(place, check=None, checked=walk.began), records=records)
        further = replace(walk, after=list(listed)[-1])
        return Step(place=replace(place, check=further), records=records, full=True)

    def begin_check(self, place: Place, now: datetime) -> Place:
        """Where it is time for the next comparison, at its beginning."""
        every, last = self._settings.check_hours, place.checked or place.loaded
        if every is None or place.check is not None or last is None:
            return place
        due = datetime.fromisoformat(last) + timedelta(hours=every)
        return replace(place, check=Walk(began=now.isoformat())) if now >= due else place

    async def recheck(self, place: Place, now: datetime) -> Step:
        """SKUs whose price or stock changed a while ago, once more: VTEX's caches may have been behind.

        What is told of is forgotten with the next recheck, when it has been taken in for sure.
        """
        if self._settings.recheck_seconds is None or not (noted := await self._documents.get(CHANGED)):
            return Step(place=place)
        until = (now - timedelta(seconds=self._settings.recheck_seconds)).isoformat()
        due = [sku for sku, at in noted.items() if place.rechecked < at <= until]

        def kept(document: JSON | None) -> JSON:
            return {sku: at for sku, at in (document or {}).items() if at > place.rechecked}

        if any(at <= place.rechecked for at in noted.values()):
            await self._documents.change(CHANGED, kept)
        records = [record(sku, ("check",), noted[sku]) for sku in due]
        return Step(place=replace(place, rechecked=until) if due else place, records=records)

    async def note_changed(self, skus: Collection[str], now: datetime) -> None:
        """Remember them for ``recheck``; an SKU that goes on changing is read again after its last change."""
        at = now.isoformat()

        def noted(document: JSON | None) -> JSON:
            known: Mapping[str, str] = {**(document or {}), **dict.fromkeys(skus, at)}
            latest = sorted(known.items(), key=lambda one: one[1])[-MOST_CHANGED:]
            return dict(latest)

        await self._documents.change(CHANGED, noted)
