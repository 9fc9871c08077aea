"""VTEX, as a marketplace sees it: an account's goods are validated and kept current in an external marketplace."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, ClassVar

from connectors.vtex.marketplace import feed, goods
from connectors.vtex.marketplace.addresses import Addresses
from connectors.vtex.marketplace.batches import Batches
from connectors.vtex.marketplace.category_map import CategoryMap
from connectors.vtex.marketplace.connection_check import check
from connectors.vtex.marketplace.desk import Desk
from connectors.vtex.marketplace.feed import Feed, Step
from connectors.vtex.marketplace.finding import OFFERED, Finder, Found
from connectors.vtex.marketplace.intake import Intake
from connectors.vtex.marketplace.listing import Terms, listing_of
from connectors.vtex.marketplace.logs import SKU, TRANSLATED, Logs, SkuInfo
from connectors.vtex.marketplace.mapper import Mapper
from connectors.vtex.marketplace.place import Place
from connectors.vtex.marketplace.reader import Reader
from connectors.vtex.marketplace.settings import VtexMarketplaceCredentials, VtexMarketplaceSettings
from hub import codec
from hub.connector import (
    Cadence,
    CheckResult,
    Connector,
    Ledger,
    Ports,
    Stream,
    WebhookAnswer,
    WebhookRequest,
)
from hub.errors import ConfigurationError, HubError, RejectedError, RetryableError
from hub.marketplace import Listing
from hub.records import JSON, Item, Page, PollRequest

#: The mapper's tree is compared with the marketplace's this often, and sent again this soon while the mapper is away.
LOOK_AT_TREE, SEND_AGAIN = timedelta(hours=1), timedelta(minutes=1)


class VtexMarketplace(Connector[VtexMarketplaceSettings, VtexMarketplaceCredentials]):
    """One for each account and sales channel; where its goods go to is a destination that is a marketplace."""

    name = "vtex-marketplace"
    title = "VTEX: an account's goods are sold at an external marketplace"
    Settings = VtexMarketplaceSettings
    Credentials = VtexMarketplaceCredentials
    streams: ClassVar[Sequence[Stream]] = (
        Stream(name=feed.OFFERS, title="SKUs", read_anew=True, rejected_again=True),
    )
    #: Notifications come by themselves; a poll looks after the load, what is compared, and what was mapped.
    cadence = Cadence(
        least=timedelta(seconds=0.05),
        interval=timedelta(seconds=2),
        interval_max=timedelta(seconds=3),
        idle=timedelta(seconds=5),
    )
    uses_destination = True
    poll_target_title = "account and sales channel"
    poll_target_field = "settings.sales_channel"
    #: "After the attempt number is exceeded, we recommend using a dead letter queue for infinite retrials" (VTEX's logs).
    revive_dead_after = timedelta(hours=1)

    def __init__(
        self, settings: VtexMarketplaceSettings, credentials: VtexMarketplaceCredentials, ports: Ports
    ) -> None:
        super().__init__(settings, credentials, ports)
        if ports.marketplace is None:
            raise ConfigurationError(
                "has to be a marketplace: marketplace, catalog-marketplace, or one of your own",
                field="destination.name",
            )
        self._reader = Reader(ports.http, settings, credentials)
        self._marketplace = ports.marketplace
        self._feed = Feed(settings, self._reader, ports.marketplace, ports.documents, ports.log)
        self._finder = Finder(
            self._reader,
            ports.marketplace,
            Batches(self._reader, settings.simulation_size),
            sales_channel=settings.sales_channel,
            selling=settings.selling,
        )
        self._intake = Intake(settings, credentials, ports.clock)
        self._addresses = Addresses.of(ports, credentials)
        self._desk = Desk(settings, credentials, self._addresses, ports, ports.marketplace)

    @property
    def categories(self) -> CategoryMap:
        """Which category of the marketplace each of VTEX's is."""
        return self._desk.categories

    @property
    def logs(self) -> Logs:
        """What VTEX asks for."""
        return self._desk.logs

    @property
    def mapper(self) -> Mapper:
        """Where merchants map categories."""
        return self._desk.mapper

    @property
    def history(self) -> Ledger:
        """What became of this connection's records."""
        return self._desk.history

    def circuit_key(self) -> str:
        """The account's host."""
        return self.settings.endpoint or f"{self.settings.account}.{self.settings.environment}"

    def poll_target(self) -> str:
        """Several marketplaces may sell the goods of one sales channel: one connection for each of them."""
        where = self.settings.endpoint or self.settings.environment
        return f"{self.name}:{where}:{self.settings.account}:{self.settings.sales_channel}:{self.ports.connection}"

    async def check(self) -> CheckResult:
        """List a few SKUs, and look where the affiliate's notifications go."""
        return await check(self._reader, self.settings, self._addresses)

    def receive(self, request: WebhookRequest) -> WebhookAnswer:
        """Notifications. Raises ``SignatureError`` and ``RejectedError``."""
        return self._intake.take(request)

    def asgi(self) -> Callable[..., Awaitable[None]]:
        """Logs, the category tree, and where the mapper sends its mapping."""
        return self._desk.endpoint

    async def poll(self, request: PollRequest) -> Page:
        """One step of what is to be done by itself: switching off, the initial load, what was mapped, what is compared."""
        now = self.ports.clock.now()
        place = Place.of(
            request.cursor,
            full_pass=request.full_pass,
            selling=self.settings.selling,
            now=now.isoformat(),
        )
        place = await self._keep_mapper(place, now)
        news = await self.categories.news(place.mapping)
        remap = await self._remap(replace(place, mapping=news.revision), now)
        step = await self._step(remap.place, now)
        return Page(
            records=[*remap.records, *step.records],
            cursor=step.place.cursor,
            full=remap.full or step.full,
            milestones=list(step.milestones),
            wakes=news.wakes,
        )

    async def fetch(self, items: Sequence[Item]) -> Sequence[Item]:
        """What VTEX and the marketplace have of each SKU, as far as that is needed, and what is to hold by that."""
        found = await self._with_categories(await self._finder.find(items))
        terms = await self._terms(any(one.details is not None for one in found.values()))
        decided = await self._decide(items, found, terms)
        await self._note(items, found, decided)
        return [replace(item, payload={**item.payload, "decided": decided[item.key]}) for item in items]

    def transform(self, item: Item) -> Any:
        """What is to hold at the marketplace, as it was decided."""
        decided = item.payload["decided"]
        if isinstance(decided, HubError):
            raise decided
        return decided.body()

    def merge(self, waiting: JSON, newer: JSON) -> JSON:
        """All that changed."""
        return feed.merged(waiting, newer)

    async def _decide(
        self, items: Sequence[Item], found: Mapping[str, Found], terms: Terms
    ) -> Mapping[str, Listing | HubError]:
        """By a mapping that holds still when it is noted: who maps anew later finds the note, and wakes the SKU."""
        while True:
            decided = {item.key: _decided(item, found[item.key], terms) for item in items}
            await self._desk.remapped.note(found, decided, terms.categories)
            now = found if terms.categories is None else await self._with_categories(found)
            if all(one.category == found[sku].category for sku, one in now.items()):
                return decided
            found = now

    async def _remap(self, place: Place, now: datetime) -> Step:
        """SKUs whose category is mapped anew, to be looked at as a whole; beside whatever else is to be done."""
        place = place.with_remap(now)
        if place.remap is None or not self.settings.selling:
            return Step(place=replace(place, remap=None))
        try:
            there_are = await self._desk.by_id()
        except HubError as error:
            self.ports.log.warning("SKUs whose category is mapped anew wait for the tree", error=str(error))
            return Step(place=place)
        skus, after = await self._desk.remapped.behind(place.remap.after, there_are or ())
        records = [feed.record(sku, ("content",), place.remap.began) for sku in skus]
        further = None if after is None else replace(place.remap, after=after)
        return Step(place=replace(place, remap=further), records=records, full=after is not None)

    async def _step(self, place: Place, now: datetime) -> Step:
        if place.off is not None:
            return await self._feed.switch_off(place, place.off)
        if not self.settings.selling:
            return Step(place=place)
        if place.load is not None and place.load.is_due(now):
            return await self._feed.load(place, place.load, now)
        recheck = await self._feed.recheck(place, now)
        if recheck.records:
            return recheck
        place = self._feed.begin_check(recheck.place, now)
        return Step(place=place) if place.check is None else await self._feed.check(place, place.check)

    async def _keep_mapper(self, place: Place, now: datetime) -> Place:
        """The mapper has the marketplace's tree. What is wrong with it holds nothing up but SKUs that are not mapped."""
        if not self.settings.mapper:
            return place
        every = SEND_AGAIN if await self.mapper.trouble() else LOOK_AT_TREE
        if place.tree_at and now < datetime.fromisoformat(place.tree_at) + every:
            return place
        try:
            if (tree := await self._desk.tree()) is not None:
                await self.mapper.keep(tree)
        except HubError as error:
            self.ports.log.warning("the category tree is not at VTEX Mapper", error=str(error))
        return replace(place, tree_at=now.isoformat())

    async def _terms(self, with_categories: bool) -> Terms:
        """A tree that cannot be read holds up those that are described alone."""
        settings, categories = self.settings, None
        trouble: HubError | None = None
        if with_categories:
            try:
                categories = await self._desk.by_id()
            except RejectedError as error:  # it is no SKU's fault
                trouble = RetryableError(f"the marketplace's category tree cannot be read: {error}")
            except HubError as error:
                trouble = error
        return Terms(
            currency=settings.currency,
            sales_channel=settings.sales_channel,
            rules=settings.rules,
            categories=categories,
            no_categories=trouble,
            mapper_url=settings.mapper_url,
            mapper_trouble=await self.mapper.trouble() if settings.mapper else None,
            selling=settings.selling,
            needs_product=self._marketplace.needs_product,
        )

    async def _with_categories(self, found: Mapping[str, Found]) -> Mapping[str, Found]:
        leaves = {
            sku: leaf
            for sku, one in found.items()
            if one.details is not None and (leaf := goods.category_id(one.details, one.product))
        }
        mapped = await self.categories.get(list(leaves.values())) if leaves else {}
        return {
            sku: replace(one, category=mapped.get(leaves[sku])) if sku in leaves else one
            for sku, one in found.items()
        }

    async def _note(
        self, items: Sequence[Item], found: Mapping[str, Found], decided: Mapping[str, Listing | HubError]
    ) -> None:
        """What the logs tell beside the ledger, and which SKUs are to be looked at once more."""
        ids = self.ports.ids
        documents = {sku: one.document for sku, one in found.items() if one.details is not None}
        if documents:
            await ids.put(SKU, {sku: _about(document) for sku, document in documents.items()})
            names = {
                one["category_id"]: " > ".join(one["category_path"])
                for one in documents.values()
                if one["category_id"] and one["category_path"]
            }
            await self.categories.remember_names({one: path for one, path in names.items() if path})
        listings = {sku: one for sku, one in decided.items() if isinstance(one, Listing)}
        if listings:
            texts = {sku: codec.dumps(one.body()).decode() for sku, one in listings.items()}
            await ids.put(TRANSLATED, texts)
        if self.settings.recheck_seconds is not None:
            changed = [item.key for item in items if _may_be_behind(item.payload)]
            if changed:
                await self._feed.note_changed(changed, self.ports.clock.now())


def _decided(item: Item, found: Found, terms: Terms) -> Listing | HubError:
    try:
        return listing_of(item.key, item.payload, found, terms)
    except HubError as error:
        return error


def _may_be_behind(payload: JSON) -> bool:
    """VTEX's caches may have been, also where they deny a notification that was to take the SKU off sale."""
    told = OFFERED.intersection(payload["changed"]) - {"check"}
    return bool(told) or any(payload.get(name) for name in feed.GOING)


def _about(document: JSON) -> str:
    path = " > ".join(document["category_path"]) or None
    return SkuInfo(name=document["name"], category=path).text()
