"""VTEX, as a marketplace sees it: an account's goods are validated and kept current in an external marketplace."""

from __future__ import annotations

import hmac
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, ClassVar

from connectors.vtex.marketplace import feed, goods
from connectors.vtex.marketplace.batches import Batches
from connectors.vtex.marketplace.feed import Feed, Step
from connectors.vtex.marketplace.finding import OFFERED, Finder, Found
from connectors.vtex.marketplace.listing import Terms, listing_of
from connectors.vtex.marketplace.notification import Notification, parse
from connectors.vtex.marketplace.place import Place, Walk
from connectors.vtex.marketplace.reader import Reader
from connectors.vtex.marketplace.settings import VtexMarketplaceCredentials, VtexMarketplaceSettings
from hub import codec
from hub.connector import Cadence, CheckResult, Connector, Ports, Stream, WebhookAnswer, WebhookRequest
from hub.errors import ConfigurationError, HubError, RejectedError, SignatureError
from hub.marketplace import Category, Listing, Marketplace
from hub.records import JSON, Item, Page, PollRequest, Record

#: What the log shows beside a record, in the id map: an SKU's name, address and category, and what was made of it.
ABOUT, TRANSLATED = "sku", "translated"
#: A category tree is believed for so long, in seconds.
TREE_FOR = 300.0


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
        self._marketplace: Marketplace = ports.marketplace
        self._reader = Reader(ports.http, settings, credentials)
        self._feed = Feed(settings, self._reader, self._marketplace, ports.documents, ports.log)
        batches = Batches(self._reader, settings.simulation_size)
        self._finder = Finder(self._reader, self._marketplace, batches)
        self._tree: Mapping[str, Category] | None = None
        self._tree_at = -TREE_FOR

    def circuit_key(self) -> str:
        """The account's host."""
        return self.settings.endpoint or f"{self.settings.account}.{self.settings.environment}"

    def poll_target(self) -> str:
        """Several marketplaces may sell the goods of one sales channel: one connection for each of them."""
        where = self.settings.endpoint or self.settings.environment
        return f"{self.name}:{where}:{self.settings.account}:{self.settings.sales_channel}:{self.ports.connection}"

    async def check(self) -> CheckResult:
        """List a few SKUs, and look where the affiliate's notifications go."""
        skus = await self._reader.skus(1, 1)
        affiliate = await self._reader.affiliate() if self.settings.affiliate_id else None
        address = self._address("hooks") + "/api/notification/"
        warnings = []
        if not skus:
            warnings.append(
                f"VTEX lists no SKU in the sales channel {self.settings.sales_channel}: check settings.sales_channel"
            )
        if self.settings.affiliate_id and affiliate is None:
            warnings.append(
                f"the account has no affiliate {self.settings.affiliate_id}; create it in its admin"
            )
        if affiliate is not None and affiliate.get("searchURIEndpoint") != address:
            warnings.append(
                f"the affiliate's search endpoint is another one; set it to {self._shown('hooks')}/api/notification/"
            )
        if self.credentials.endpoint_secret is None:
            warnings.append(
                "without credentials.endpoint_secret everybody may send notifications and read the logs"
            )
        return CheckResult(
            facts={
                "account": self.settings.account,
                "sales channel": self.settings.sales_channel,
                "notification endpoint": f"{self._shown('hooks')}/api/notification/",
                "logs": f"{self._shown('c')}/{self.settings.account}/logs/",
            },
            warnings=warnings,
        )

    def receive(self, request: WebhookRequest) -> WebhookAnswer:
        """Notifications, at whatever path was registered. Raises ``SignatureError`` and ``RejectedError``."""
        self._authorize(request)
        if request.method not in {"POST", "PUT"}:
            return WebhookAnswer(status=405, headers={"allow": "POST"})
        told = parse(request.body)
        for one in told:
            self._refuse_strange(one)
        now = self.ports.clock.now().isoformat()
        return WebhookAnswer(records=[_record_of(one, now) for one in told])

    async def poll(self, request: PollRequest) -> Page:
        """One step of what is to be done by itself: switching off, the initial load, what was mapped, what is compared."""
        now = self.ports.clock.now()
        place = Place.of(
            request.cursor,
            full_pass=request.full_pass,
            selling=self.settings.selling,
            now=now.isoformat(),
        )
        if place.off is not None:
            return _page(await self._feed.switch_off(place, place.off))
        if not self.settings.selling:
            return Page(cursor=place.cursor)
        if place.load is not None:
            return _page(await self._feed.load(place, place.load))
        recheck = await self._feed.recheck(place, now)
        if recheck.records:
            return _page(recheck)
        place = self._begin_check(recheck.place, now)
        if place.check is not None:
            return _page(await self._feed.check(place, place.check))
        return Page(cursor=place.cursor)

    async def fetch(self, items: Sequence[Item]) -> Sequence[Item]:
        """What VTEX and the marketplace have of each SKU, as far as that is needed, and what is to hold by that."""
        now = self.ports.clock.now()
        found = await self._finder.find(items)
        found = await self._with_categories(found)
        terms = await self._terms()
        decided = {item.key: _decided(item, found[item.key], terms) for item in items}
        await self._note(items, found, decided, now)
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

    def _begin_check(self, place: Place, now: datetime) -> Place:
        every = self.settings.check_hours
        last = place.checked or place.loaded
        if every is None or place.check is not None or last is None:
            return place
        due = datetime.fromisoformat(last) + timedelta(hours=every)
        return replace(place, check=Walk(began=now.isoformat())) if now >= due else place

    async def _terms(self) -> Terms:
        if time.monotonic() - self._tree_at > TREE_FOR:
            tree = await self._marketplace.categories()
            self._tree = None if tree is None else {one.id: one for one in _flat(tree)}
            self._tree_at = time.monotonic()
        settings = self.settings
        return Terms(
            currency=settings.currency,
            sales_channel=settings.sales_channel,
            rules=settings.rules,
            categories=self._tree,
            mapper_url=settings.mapper_url,
        )

    async def _with_categories(self, found: Mapping[str, Found]) -> Mapping[str, Found]:
        leaves = {
            sku: leaf
            for sku, one in found.items()
            if one.details is not None and (leaf := goods.category_id(one.details, one.product))
        }
        mapped = await self.ports.ids.get("category", list(set(leaves.values()))) if leaves else {}
        return {
            sku: replace(one, category=mapped.get(leaves[sku])) if sku in leaves else one
            for sku, one in found.items()
        }

    async def _note(
        self,
        items: Sequence[Item],
        found: Mapping[str, Found],
        decided: Mapping[str, Listing | HubError],
        now: datetime,
    ) -> None:
        """What the logs tell beside the ledger, and which SKUs are to be looked at once more."""
        about = {sku: _about(one) for sku, one in found.items() if one.details is not None}
        if about:
            await self.ports.ids.put(ABOUT, about)
        listings = {sku: one for sku, one in decided.items() if isinstance(one, Listing)}
        if listings:
            texts = {sku: codec.dumps(one.body()).decode() for sku, one in listings.items()}
            await self.ports.ids.put(TRANSLATED, texts)
        if self.settings.recheck_seconds is not None:
            changed = [
                item.key for item in items if OFFERED.intersection(item.payload["changed"]) - {"check"}
            ]
            if changed:
                await self._feed.note_changed(changed, now)

    def _authorize(self, request: WebhookRequest) -> None:
        secret = self.credentials.endpoint_secret
        if secret is None:
            return
        given = request.path.lstrip("/").partition("/")[0]
        if not hmac.compare_digest(given.encode(), secret.get_secret_value().encode()):
            raise SignatureError("the secret in the address is missing or wrong")

    def _refuse_strange(self, one: Notification) -> None:
        settings = self.settings
        if one.account != settings.account:
            raise RejectedError(f"An: this connection is of the account {settings.account}")
        if settings.affiliate_id and one.affiliate and one.affiliate.upper() != settings.affiliate_id:
            raise RejectedError(f"IdAffiliate: this connection is the affiliate {settings.affiliate_id}")

    def _address(self, room: str) -> str:
        secret = self.credentials.endpoint_secret
        inner = f"/{secret.get_secret_value()}" if secret else ""
        return f"{self.ports.public_url}/{room}/{self.ports.connection}{inner}"

    def _shown(self, room: str) -> str:
        inner = "/SECRET" if self.credentials.endpoint_secret else ""
        return f"{self.ports.public_url}/{room}/{self.ports.connection}{inner}"


def _page(step: Step) -> Page:
    return Page(
        records=list(step.records),
        cursor=step.place.cursor,
        full=step.full,
        poll_after=step.wait,
        milestones=list(step.milestones),
    )


def _record_of(one: Notification, now: str) -> Record:
    return feed.record(
        one.sku,
        one.changed,
        one.at or now,
        product=one.product,
        inactive=one.active is False,
        removed=one.removed,
    )


def _decided(item: Item, found: Found, terms: Terms) -> Listing | HubError:
    try:
        return listing_of(item.key, item.payload, found, terms)
    except HubError as error:
        return error


def _about(found: Found) -> str:
    document = goods.product_document(found.details, found.product)
    facts = {
        "name": document["name"],
        "category": document["category_id"],
        "path": document["category_path"],
        "url": None if found.standing is None else found.standing.url,
    }
    return codec.dumps({name: value for name, value in facts.items() if value}).decode()


def _flat(tree: Collection[Category]) -> Collection[Category]:
    return [one for top in tree for one in (top, *_flat(top.children))]
