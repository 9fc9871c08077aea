"""VTEX, as a marketplace's connector. As thin as logs and categories need it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from connectors.vtex.access import Hosts
from connectors.vtex.marketplace.category_map import CategoryMap
from connectors.vtex.marketplace.category_tree import tree
from connectors.vtex.marketplace.endpoint import MarketplaceEndpoint
from connectors.vtex.marketplace.feed import OFFERS
from connectors.vtex.marketplace.logs import Logs
from connectors.vtex.marketplace.mapper import Mapper
from connectors.vtex.marketplace.settings import VtexMarketplaceCredentials, VtexMarketplaceSettings
from hub.connector import Connector, Ledger, Ports, Stream
from hub.errors import ConfigurationError
from hub.records import JSON, Page, PollRequest


class VtexMarketplace(Connector[VtexMarketplaceSettings, VtexMarketplaceCredentials]):
    """One account and sales channel."""

    name = "vtex-marketplace"
    title = "VTEX: an account's goods are sold in a marketplace"
    Settings = VtexMarketplaceSettings
    Credentials = VtexMarketplaceCredentials
    streams: ClassVar[Sequence[Stream]] = (Stream(name=OFFERS, title="SKUs", read_anew=True),)
    uses_destination = True

    def __init__(
        self, settings: VtexMarketplaceSettings, credentials: VtexMarketplaceCredentials, ports: Ports
    ) -> None:
        super().__init__(settings, credentials, ports)
        secret = credentials.endpoint_secret.get_secret_value() if credentials.endpoint_secret else None
        marketplace = ports.marketplace.title_for_people if ports.marketplace else "the marketplace"
        base = f"{ports.public_url}/c/{ports.connection}{f'/{secret}' if secret else ''}"
        self.categories = CategoryMap(ports.ids, ports.documents, ports.clock)
        self.logs = Logs(
            self.history,
            ports.ids,
            zone=ZoneInfo(settings.time_zone),
            marketplace=marketplace,
            mapper=settings.mapper_url or f"VTEX Mapper, in the admin of the account {settings.account}",
            secrets=[
                credentials.app_key.get_secret_value(),
                credentials.app_token.get_secret_value(),
                *([secret] if secret else []),
            ],
        )
        self.mapper = Mapper(
            ports.http,
            ports.documents,
            ports.clock,
            ports.log,
            hosts=Hosts.of(settings.account, settings.environment, settings.endpoint),
            credentials=credentials,
            title=marketplace,
            base=base,
            requests_per_second=settings.requests_per_second,
        )
        self._endpoint = MarketplaceEndpoint(
            account=settings.account,
            secret=secret,
            logs=self.logs,
            categories=self.categories,
            tree=self._tree,
            processed=self.mapper.processed,
            documents=ports.documents,
            clock=ports.clock,
            log=ports.log,
        )

    @property
    def history(self) -> Ledger:
        """What became of this connection's records."""
        if self.ports.ledger is None:
            raise ConfigurationError("this hub hands out no ledger; upgrade it")
        return self.ports.ledger

    def asgi(self) -> Callable[..., Awaitable[None]]:
        """Logs, category tree and mapping."""
        return self._endpoint

    async def poll(self, request: PollRequest) -> Page:
        """What was mapped wakes the SKUs that wait for it."""
        news = await self.categories.news(request.cursor.get("mapping", 0))
        return Page(wakes=news.wakes, cursor={"mapping": news.revision})

    async def _tree(self) -> JSON | None:
        marketplace = self.ports.marketplace
        found: Any = None if marketplace is None else await marketplace.categories()
        return None if found is None else tree(found)
