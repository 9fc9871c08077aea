"""Shopify: a shop is read, in full and then by what changed, for the catalog of its tenant."""

from __future__ import annotations

import time
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar, Final
from urllib.parse import urlsplit

from connectors.shopify import planning, progress, tally
from connectors.shopify.bulk import RESULT_HOSTS, BulkOperations
from connectors.shopify.client import ShopifyClient
from connectors.shopify.joining import joined
from connectors.shopify.mapping import UNKNOWN_LANGUAGE, Shop, UnfitError, gone
from connectors.shopify.oauth import ShopifyAuthorization
from connectors.shopify.passes import Passes
from connectors.shopify.preflight import allows
from connectors.shopify.resources import ALL, names_only
from connectors.shopify.settings import SCOPES, ShopifyCredentials, ShopifySettings
from connectors.shopify.steps import PAGE, protected_of
from connectors.shopify.tokens import Tokens
from connectors.shopify.webhooks import ShopifyWebhooks
from hub.connector import (
    Bucket,
    Cadence,
    CheckResult,
    Connector,
    ImportReport,
    PlanResult,
    Ports,
    Stream,
)
from hub.errors import (
    ConfigurationError,
    ConnectionFailedError,
    HubError,
    NotNowError,
    RejectedError,
    RetryableError,
)
from hub.records import JSON, GroupTally, Item, Page, PollRequest

#: A poll makes steps until it has a page, or for so many seconds.
POLL_SECONDS: Final = 15.0


class Shopify(ShopifyWebhooks, ShopifyAuthorization, Connector[ShopifySettings, ShopifyCredentials]):
    """One shop. A record is one entity of the catalog, and its key the catalog's (a global id, mostly).

    Each resource is a stream. A record's payload is what is written, or names what is read when it is worked.
    """

    name = "shopify"
    title = "Shopify: imports products, collections, warehouses, stock and customers of a shop"
    Settings = ShopifySettings
    Credentials = ShopifyCredentials
    streams: ClassVar[Sequence[Stream]] = tuple(
        Stream(name=one.name, title=one.title, read_anew=True) for one in ALL.values()
    )
    cadence: ClassVar[Cadence] = Cadence(
        least=timedelta(0), interval=timedelta(seconds=60), interval_max=timedelta(seconds=90)
    )
    uses_destination = True
    app_credentials = ("client_secret",)
    revive_dead_after: ClassVar[timedelta | None] = timedelta(hours=1)

    def __init__(self, settings: ShopifySettings, credentials: ShopifyCredentials, ports: Ports) -> None:
        super().__init__(settings, credentials, ports)
        self._client = ShopifyClient(
            ports.http,
            ports.log,
            origin=settings.origin,
            version=settings.api_version,
            bucket=Bucket(key=f"shopify {settings.client_id or 'custom'} {settings.shop}"),
            tokens=Tokens(settings, credentials, ports),
        )
        own_host = urlsplit(settings.endpoint).hostname if settings.endpoint else None
        hosts = (*RESULT_HOSTS, *settings.result_hosts, *([own_host] if own_host else []))
        self._bulk = BulkOperations(self._client, ports.http, shop=settings.shop, hosts=hosts)
        self._passes = Passes(
            self._client,
            self._bulk,
            settings,
            documents=ports.documents,
            catalog=ports.catalog,
            clock=ports.clock,
        )

    def circuit_key(self) -> str:
        """The shop: its API is its own."""
        return self.settings.shop

    def poll_target(self) -> str:
        """A shop is polled once by each tenant."""
        return f"shopify {self.ports.tenant} {self.settings.origin} {self.settings.shop}"

    async def check(self) -> CheckResult:
        """Look at the shop: that it is this one, and what is granted."""
        try:
            found = (await self._client.ask("shop")).data
        except (RejectedError, RetryableError, ConnectionFailedError) as error:
            raise ConfigurationError(
                f"the shop {self.settings.shop} cannot be read ({error}); see that its domain is right and that it is up",
                field="settings.shop",
            ) from error
        shop = found.get("shop") or {}
        if shop.get("myshopifyDomain") != self.settings.shop:
            raise ConfigurationError(
                f"the token is one of {shop.get('myshopifyDomain')}; name that shop or use a token of this one",
                field="settings.shop",
            )
        scopes = sorted(
            str(one.get("handle"))
            for one in (found.get("currentAppInstallation") or {}).get("accessScopes") or []
        )
        missing = sorted({SCOPES[name] for name in self.settings.wanted if not allows(scopes, SCOPES[name])})
        return CheckResult(
            facts={
                "account": shop.get("name"),
                "shop": shop.get("myshopifyDomain"),
                "plan": (shop.get("plan") or {}).get("publicDisplayName"),
                "currency": shop.get("currencyCode"),
                "scopes": scopes,
            },
            warnings=[f"the scope {scope} is not granted; what needs it is left out" for scope in missing],
        )

    async def poll(self, request: PollRequest) -> Page:
        """Some steps of a pass; see docs/decisions/0011."""
        cursor, seals = deepcopy(dict(request.cursor)), list[str]()
        if request.full_pass or "pass" not in cursor:
            kind = "full" if request.full_pass else self._passes.due(cursor)
            seals += await self._broken_off(cursor)
            cursor = await self._passes.begin(cursor, kind)
        page = Page(cursor=cursor, seals=seals, full=True)
        stored = (request.cursor.get("pass") or {}).get("name") == cursor["pass"]["name"]
        begun = time.monotonic()
        while len(page.records) < PAGE and time.monotonic() - begun < POLL_SECONDS:
            moved = deepcopy(cursor)
            try:
                step = await self._passes.step(moved, stored=stored)
            except HubError as error:
                # What was read is taken in first; the next poll meets what is wrong again.
                if not page.records and cursor == request.cursor:
                    raise
                wait = error.wait if isinstance(error, NotNowError) else timedelta(0)
                return replace(page, poll_after=wait)
            if step.ended:
                # A page of its own: one with records would have who drains look again, and begin another pass.
                if page.records or page.bad:
                    break
                return await self._ended(page, moved)
            cursor = moved
            page = replace(
                page,
                records=[*page.records, *step.records],
                bad=[*page.bad, *step.bad],
                cursor=cursor,
            )
            if step.wait is not None:
                return replace(page, poll_after=step.wait, unfinished=True)
        return replace(page, poll_after=timedelta(0), read_on=stored and self._passes.reads_on(cursor))

    async def fetch(self, items: Sequence[Item]) -> Sequence[Item]:
        """Read anew what a record only names."""
        return [await self._fetched(item) if names_only(item.payload) else item for item in items]

    def transform(self, item: Item) -> Any:
        """What the catalog is given: it was made when it was read."""
        return item.payload

    def merge(self, waiting: JSON, newer: JSON) -> JSON:
        """What is still to be read is read when its turn comes, and is newer than anything read before."""
        return waiting if names_only(waiting) and not names_only(newer) else newer

    async def close_group(self, tally_of_group: GroupTally) -> None:
        """Count what a pass did, in the document ``import:last``."""
        await self.ports.documents.change(
            tally.LAST, lambda last: None if last is None else tally.closed(last, tally_of_group)
        )

    async def import_report(self, cursor: JSON) -> ImportReport | None:
        """See ``hub.connector.Imports``."""
        return progress.report_of(cursor, await self.ports.documents.get(tally.LAST))

    def cancelled(self, cursor: JSON) -> JSON:
        """See ``hub.connector.Imports``."""
        return progress.cancelled(cursor)

    async def plan(self) -> PlanResult:
        """What a full pass would change now, without a write."""
        return await planning.plan(self._client, self._bulk, self.settings, self.ports)

    async def revoke(self) -> bool:
        """Uninstall the app, which voids its tokens; a token that its owner made by hand is theirs to remove."""
        if self.credentials.refresh_token is None:
            return False
        found = (await self._client.ask("uninstall")).data.get("appUninstall") or {}
        if errors := found.get("userErrors"):
            raise RejectedError(*(str(one.get("message")) for one in errors))
        return True

    async def close(self) -> None:
        """Let spools and downloads go."""
        await self._bulk.close()

    async def _broken_off(self, cursor: JSON) -> Sequence[str]:
        """The groups of a pass that is given up for another one."""
        if "pass" not in cursor:
            return ()
        for counts in cursor["pass"]["tallies"].values():
            counts["complete"] = False
        report = self._passes.end(cursor)
        await self._keep(report)
        return [report["pass"], report["pass"] + tally.GONE]

    async def _ended(self, page: Page, cursor: JSON) -> Page:
        counts = cursor["pass"]["tallies"]
        report = self._passes.end(cursor)
        page = replace(page, cursor=cursor, full=False)
        # An incremental pass that found nothing is no news: it must not hide the report of the last one that did.
        if report["kind"] == "full" or any(one["read"] or one["bad"] for one in counts.values()):
            await self._keep(report)
            names = [report["pass"]]
            if any(one["gone"] for one in counts.values()):
                names.append(report["pass"] + tally.GONE)
            page = replace(page, seals=[*page.seals, *names])
        if report["kind"] == "full" and not report["cancelled"]:  # that one was noted when it was given up
            page = replace(page, milestones=[progress.milestone(report)])
        return page

    async def _keep(self, report: JSON) -> None:
        await self.ports.documents.change(tally.LAST, lambda last: tally.kept(last, report))

    async def _fetched(self, item: Item) -> Item:
        resource, gid = ALL[item.stream], str(item.payload["read"])
        answer = await self._client.ask(resource.one, id=gid)
        found = answer.data.get("found")
        place = item.payload.get("location")
        if found is None:
            if resource.name == "stock":
                raise RejectedError(
                    f"{gid} is not there any more; the next full pass marks its stock as gone"
                )
            return replace(item, payload=gone(resource.kind, gid))
        shop = await self._shop(answer.denied)
        bodies: list[JSON] = []
        for node in await joined(self._client, resource.name, found, answer.denied):
            try:
                bodies += resource.bodies(node, shop, lambda _kind, _text: None)
            except UnfitError as error:
                raise RejectedError(str(error)) from error
        fitting = [one for one in bodies if place is None or one.get("location") == place]
        if not fitting:
            raise RejectedError(
                f"{gid} has no stock at {place} any more; the next full pass marks it as gone"
            )
        return replace(item, payload=fitting[0])

    async def _shop(self, denied: Sequence[Sequence[str]]) -> Shop:
        found = (await self._client.ask("shop")).data.get("shop") or {}
        return Shop(
            currency=str(found.get("currencyCode")),
            language=self.settings.language or UNKNOWN_LANGUAGE,
            max_variants=(found.get("resourceLimits") or {}).get("maxProductVariants") or 2048,
            quantity=self.settings.quantity,
            protected=protected_of(denied),
        )
