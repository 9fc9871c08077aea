"""Beside the goods: the category mapping, VTEX Mapper, the logs, and the endpoint that shows them."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from typing import Final
from zoneinfo import ZoneInfo

from connectors.vtex.access import Hosts
from connectors.vtex.marketplace.addresses import Addresses
from connectors.vtex.marketplace.category_map import CategoryMap
from connectors.vtex.marketplace.category_tree import tree
from connectors.vtex.marketplace.endpoint import MarketplaceEndpoint
from connectors.vtex.marketplace.logs import Logs
from connectors.vtex.marketplace.mapper import Mapper
from connectors.vtex.marketplace.remapped import Remapped
from connectors.vtex.marketplace.settings import VtexMarketplaceCredentials, VtexMarketplaceSettings
from hub.connector import IdMap, Ledger, Ports
from hub.errors import ConfigurationError
from hub.marketplace import Category, Marketplace
from hub.records import JSON

#: The marketplace's category tree is believed for so long, in seconds.
TREE_FOR: Final = 300.0


class Desk:
    """One for each connection and process."""

    def __init__(
        self,
        settings: VtexMarketplaceSettings,
        credentials: VtexMarketplaceCredentials,
        addresses: Addresses,
        ports: Ports,
        marketplace: Marketplace,
    ) -> None:
        if ports.ledger is None:
            raise ConfigurationError("this hub hands out no ledger; upgrade it")
        self._marketplace = marketplace
        self._tree: Sequence[Category] | None = None
        self._by_id: Mapping[str, Category] | None = None
        self._tree_at = -TREE_FOR
        title = marketplace.title_for_people
        self.history: Ledger = ports.ledger
        self.categories = CategoryMap(ports.ids, ports.documents, ports.clock)
        self.remapped = Remapped(ports.ids, self.categories)
        self.logs = _logs(settings, credentials, ports.ledger, ports.ids, title)
        self.mapper = _mapper(settings, credentials, addresses, ports, title)
        self.endpoint = MarketplaceEndpoint(
            account=settings.account,
            secret=addresses.secret,
            logs=self.logs,
            categories=self.categories,
            tree=self._shown_tree,
            processed=self.mapper.processed,
            documents=ports.documents,
            clock=ports.clock,
            log=ports.log,
        )

    async def tree(self) -> Sequence[Category] | None:
        """The marketplace's categories, at most ``TREE_FOR`` old; None where it has none. Raises what it raises."""
        if time.monotonic() - self._tree_at >= TREE_FOR:
            self._tree = await self._marketplace.categories()
            self._by_id = None if self._tree is None else {one.id: one for one in _flat(self._tree)}
            self._tree_at = time.monotonic()
        return self._tree

    async def by_id(self) -> Mapping[str, Category] | None:
        """The same, each by its id."""
        await self.tree()
        return self._by_id

    async def _shown_tree(self) -> JSON | None:
        found = await self._marketplace.categories()  # the endpoint remembers it by itself
        return None if found is None else tree(found)


def _logs(
    settings: VtexMarketplaceSettings,
    credentials: VtexMarketplaceCredentials,
    ledger: Ledger,
    ids: IdMap,
    title: str,
) -> Logs:
    secrets = (credentials.app_key, credentials.app_token, credentials.endpoint_secret)
    return Logs(
        ledger,
        ids,
        zone=ZoneInfo(settings.time_zone),
        marketplace=title,
        mapper=settings.mapper_url or f"VTEX Mapper, in the admin of the account {settings.account}",
        secrets=[one.get_secret_value() for one in secrets if one is not None],
    )


def _mapper(
    settings: VtexMarketplaceSettings,
    credentials: VtexMarketplaceCredentials,
    addresses: Addresses,
    ports: Ports,
    title: str,
) -> Mapper:
    return Mapper(
        ports.http,
        ports.documents,
        ports.clock,
        ports.log,
        hosts=Hosts.of(settings.account, settings.environment, settings.endpoint),
        credentials=credentials,
        title=title,
        base=addresses.endpoint,
        requests_per_second=settings.requests_per_second,
    )


def _flat(categories: Collection[Category]) -> Collection[Category]:
    return [one for top in categories for one in (top, *_flat(top.children))]
