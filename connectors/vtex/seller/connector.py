"""VTEX, as a seller: the catalog is offered to a marketplace, kept current there, and answered for."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar

from connectors.vtex.seller import categories
from connectors.vtex.seller.client import SellerClient
from connectors.vtex.seller.endpoint import FulfillmentEndpoint
from connectors.vtex.seller.feed import (
    ANEW,
    ASKED_FOR_ANYWAY,
    CATALOG,
    KINDS,
    PRICE,
    STOCK,
    Named,
    Place,
    names_of,
    records_of,
    sku_of,
    variants_of,
)
from connectors.vtex.seller.following import Follower
from connectors.vtex.seller.identity import id_faults
from connectors.vtex.seller.lifecycle import Lifecycle
from connectors.vtex.seller.mapping import Mapped, suggestion
from connectors.vtex.seller.offers import Offers, Terms
from connectors.vtex.seller.settings import VtexSellerCredentials, VtexSellerSettings
from connectors.vtex.seller.shipping import Shipping
from connectors.vtex.seller.simulation import Simulation
from connectors.vtex.seller.standing import KIND, Standing, parsed
from hub import codec
from hub.catalog import Catalog, Change
from hub.connector import Cadence, CheckResult, Connector, Ports, Stream, each
from hub.errors import ConfigurationError
from hub.records import JSON, Item, Page, PollRequest, PushResult, Record, Skipped, Success, Yielded

#: So many changes are read at once.
PAGE = 500
#: A poll goes on over pages without news for so long, in seconds; it has a minute.
LOOK_FOR = 20.0
#: What variants were called whose SKU is no key of theirs, in the id map: they may be gone when that is asked.
NAMES = "sku"
#: What cannot be suggested is never asked about either: the refusal of its path would stop the connection.
NEVER_OFFERED = Skipped(reason="no path takes what it is called, so that it was never offered")


class VtexSeller(Connector[VtexSellerSettings, VtexSellerCredentials]):
    """Follows the catalog for one marketplace account and seller id; several marketplaces are several connections."""

    name = "vtex-seller"
    title = "VTEX: offers the catalog to a marketplace, as an external seller"
    Settings = VtexSellerSettings
    Credentials = VtexSellerCredentials
    streams: ClassVar[Sequence[Stream]] = (
        Stream(name=CATALOG, title="SKUs", read_anew=True, follow_on_newer=True, rejected_again=True),
        Stream(name=PRICE, title="Prices", read_anew=True),
        Stream(name=STOCK, title="Stock", read_anew=True),
    )
    #: The source is the hub's own store: looking is cheap, and a price should be there within a second or two.
    cadence = Cadence(
        least=timedelta(seconds=0.05),
        interval=timedelta(seconds=0.5),
        interval_max=timedelta(seconds=1),
        idle=timedelta(seconds=1),
    )
    may_own = frozenset[str]()
    poll_target_title = "marketplace and seller"
    poll_target_field = "settings.seller_id"

    def __init__(
        self, settings: VtexSellerSettings, credentials: VtexSellerCredentials, ports: Ports
    ) -> None:
        super().__init__(settings, credentials, ports)
        self._client = SellerClient(ports.http, settings, credentials)
        self._follower: Follower | None = None
        self._endpoint: FulfillmentEndpoint | None = None

    @property
    def _catalog(self) -> Catalog:
        if self.ports.catalog is None:
            raise ConfigurationError("this hub hands out no catalog; upgrade it")
        return self.ports.catalog

    def circuit_key(self) -> str:
        """The marketplace."""
        return self.settings.endpoint or f"{self.settings.account}.{self.settings.environment}"

    def poll_target(self) -> str:
        """One connection for each marketplace and seller: two would tell of everything twice."""
        where = self.settings.endpoint or self.settings.environment
        return f"{self.name}:{where}:{self.settings.account}:{self.settings.seller_id}"

    async def check(self) -> CheckResult:
        """Ask for a suggestion that nobody made: it shows that host and key are right."""
        await self._client.suggestion("hub-check")
        secret = "/SECRET" if self.credentials.endpoint_secret else ""
        warnings = []
        if not self.settings.shipping:
            warnings.append("without settings.shipping there is no delivery, so that nothing can be bought")
        if self.credentials.endpoint_secret is None:
            warnings.append("without credentials.endpoint_secret everybody may ask for prices and stock")
        return CheckResult(
            facts={
                "account": self.settings.account,
                "seller": self.settings.seller_id,
                "fulfillment endpoint": f"{self.ports.public_url}/c/{self.ports.connection}{secret}/api",
            },
            warnings=warnings,
        )

    async def poll(self, request: PollRequest) -> Page:
        """What changed in the catalog, by SKU and stream, and prices that begin or end by themselves."""
        now = self.ports.clock.now()
        place = Place.of(request.cursor, full_pass=request.full_pass, now=now.isoformat())
        deadline = time.monotonic() + LOOK_FOR
        while not place.behind:
            found = await self._catalog.changes(ASKED_FOR_ANYWAY, after=place.changes, limit=PAGE)
            place = replace(place, changes=found.cursor, behind=not found.full)
            if time.monotonic() > deadline:
                break
        news: list[Record] = []
        full = True
        while place.behind and full and not news and time.monotonic() < deadline:
            found = await self._catalog.changes(KINDS, after=place.changes, limit=PAGE)
            news = records_of(found.changes, await self._names(found.changes), passing=place.passing)
            place, full = replace(place, changes=found.cursor), found.full
        turned = await self._catalog.prices_turned(after=place.turned, until=now, limit=PAGE)
        news += records_of(turned.changes, await self._names(turned.changes), turned_at=now.isoformat())
        place = replace(place, turned=turned.cursor, passing=place.passing if full else None)
        return Page(records=_once(news), cursor=place.cursor, full=full or turned.full)

    async def fetch(self, items: Sequence[Item]) -> Sequence[Item]:
        """What is offered of each SKU now: its product, its variant, and the names of its category."""
        keys = {item.payload["variant"] for item in items if item.stream == CATALOG}
        if not keys:
            return items
        variants = await self._catalog.read("variant", keys)
        products = await self._catalog.read("product", {one["product"] for one in variants.values()})
        paths = await categories.paths(self._catalog, products.values(), self.settings)
        return [
            _hydrated(item, variants, products, paths) if item.stream == CATALOG else item for item in items
        ]

    def transform(self, item: Item) -> Any:
        """The suggestion, with all that is wrong with it at once; None for what is not offered (any more)."""
        product, variant = item.payload.get("product"), item.payload.get("of_product")
        if product is None or variant is None or not _is_on(product) or not _is_on(variant):
            return None
        if self.settings.sku == "sku" and sku_of(variant) != item.key:
            return None  # it has another name by now, and is offered under that
        return suggestion(
            product,
            variant,
            category=item.payload["category"],
            settings=self.settings,
            now=self.ports.clock.now(),
        )

    async def push(self, items: Sequence[Item]) -> Sequence[PushResult]:
        """Tell the marketplace; what is known of each SKU is kept whatever becomes of the others."""
        known = parsed(await self.ports.ids.get(KIND, [item.key for item in items]))
        if items[0].stream != CATALOG:
            told = {item.key: self._life(item, known) for item in items}
            notified: Sequence[PushResult] = await each(
                items, lambda item: self._notify(item, told[item.key])
            )
            await self._keep(told, known)
            return notified
        if self.settings.sku != "key":
            await self.ports.ids.put(NAMES, names_of(items))
        # A slice that was under way when a person had it forgotten may have written down again what it knew.
        kept = {item.key: known[item.key] for item in items if item.key in known and ANEW not in item.payload}
        lives = {item.key: self._life(item, kept) for item in items}
        results: Sequence[PushResult] = await each(items, lambda item: self._offer(item, lives[item.key]))
        await self._keep(lives, known)
        return results

    async def follow(self, items: Sequence[Item]) -> Sequence[PushResult]:
        """Ask what the marketplace decided; newer content goes first."""
        known = parsed(await self.ports.ids.get(KIND, [item.key for item in items]))
        lives = {item.key: self._life(item, known) for item in items}
        results: Sequence[PushResult] = await each(items, lambda item: _looked(item, lives[item.key]))
        await self._keep(lives, known)
        return results

    def asgi(self) -> FulfillmentEndpoint:
        """Answers fulfillment simulations, from memory: the same one whenever it is asked for."""
        if self._endpoint is None:
            self._endpoint = self._made_endpoint()
        return self._endpoint

    def _made_endpoint(self) -> FulfillmentEndpoint:
        settings = self.settings
        terms = Terms(
            sku=settings.sku,
            currency=settings.currency,
            price_kind=settings.price_kind,
            locations=settings.locations,
            merchant_name=settings.merchant_name,
        )
        offers = Offers(terms)
        self._follower = Follower(self._catalog, offers, self.ports.log)
        self._follower.start()
        secret = self.credentials.endpoint_secret
        return FulfillmentEndpoint(
            Simulation(offers, Shipping(settings.shipping)),
            self._follower,
            secret=None if secret is None else secret.get_secret_value(),
            stale_for=settings.answer_without_store_seconds,
            variants_by_key=settings.sku == "key",
            log=self.ports.log,
        )

    async def close(self) -> None:
        """Follow no more."""
        if self._follower is not None:
            await self._follower.stop()

    async def _names(self, changes: Sequence[Change]) -> Named:
        """What the variants that changes stand for are called; those without a name by their key, to be rejected with it."""
        products = await self._catalog.read("product", {one.key for one in changes if one.kind == "product"})
        of_product = {
            key: [one["key"] for one in (*product["variants"], *product.get("gone_variants", ()))]
            for key, product in products.items()
        }
        keys = variants_of(changes).union(*of_product.values())
        if self.settings.sku == "key":
            return Named(skus={key: key for key in keys}, of_product=of_product)
        variants = await self._catalog.read("variant", keys)
        skus = {key: sku_of(one) for key, one in variants.items()}
        before = await self.ports.ids.get(NAMES, [key for key in keys if key not in skus])
        return Named(skus={**before, **skus}, of_product=of_product)

    def _life(self, item: Item, known: Mapping[str, Standing]) -> Lifecycle:
        return Lifecycle(
            self._client, self.settings, self.ports.clock, sku=item.key, standing=known.get(item.key)
        )

    async def _offer(self, item: Item, life: Lifecycle) -> PushResult:
        mapped: Mapped | None = item.body
        if mapped is None:
            return NEVER_OFFERED if id_faults(item.key) else await life.withdraw()
        if mapped.defaulted:
            self.ports.log.info("defaults were sent", sku=item.key, fields=dict(mapped.defaulted))
        return await life.offer(mapped.body, codec.fingerprint(mapped.body))

    async def _notify(self, item: Item, life: Lifecycle) -> PushResult:
        if id_faults(item.key):
            return NEVER_OFFERED
        if await life.catch_up():
            return Success(external_id=item.key)
        known = life.standing
        if known is not None and (known.is_open or known.state == "denied"):
            return Skipped(reason=f"the marketplace does not have it ({known.state}); it asks once it has")
        notify = self._client.notify_price if item.stream == PRICE else self._client.notify_stock
        if await notify(item.key) == "known":
            return Success(external_id=item.key, response_code=202)
        return Skipped(reason="the marketplace does not have it; it asks once it has", response_code=404)

    async def _keep(self, lives: Mapping[str, Lifecycle], before: Mapping[str, Standing]) -> None:
        now = {key: life.standing for key, life in lives.items() if life.standing != before.get(key)}
        if changed := {key: str(one) for key, one in now.items() if one is not None}:
            await self.ports.ids.put(KIND, changed)
        if forgotten := [key for key, one in now.items() if one is None]:
            await self.ports.ids.remove(KIND, forgotten)


async def _looked(item: Item, life: Lifecycle) -> PushResult:
    if item.newer is not None:
        life.leave()
        return Yielded()
    return await life.look(item.handle or {})


def _once(records: Collection[Record]) -> list[Record]:
    """A price may have been changed and have turned."""
    return list({(record.stream, record.key): record for record in records}.values())


def _is_on(document: JSON) -> bool:
    return document.get("enabled") is not False


def _hydrated(
    item: Item, variants: Mapping[str, JSON], products: Mapping[str, JSON], paths: Mapping[str, Sequence[str]]
) -> Item:
    variant = variants.get(item.payload["variant"])
    product = None if variant is None else products.get(variant["product"])
    if variant is None or product is None:
        return item
    found = {"product": product, "of_product": variant, "category": paths.get(product["key"])}
    return replace(item, payload={**item.payload, **found})
