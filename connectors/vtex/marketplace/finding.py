"""What has to be known of an SKU before it can be decided what is to hold for it; what changed says what is read."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

from connectors.vtex.marketplace import goods, sellable
from connectors.vtex.marketplace.batches import Batches
from connectors.vtex.marketplace.messages import coded
from connectors.vtex.marketplace.reader import Reader
from connectors.vtex.marketplace.simulation import Simulated
from hub.errors import HubError, ReauthorizationError
from hub.marketplace import Marketplace, Standing
from hub.records import JSON, Item

#: What is read anew as a whole when this changed.
WHOLE: Final = frozenset({"content", "load", "off"})
#: What asks for price and stock.
OFFERED: Final = frozenset({"price", "stock", "check"})


@dataclass(frozen=True, kw_only=True)
class Found:
    """``standing``: what the marketplace has. ``details`` (and ``product`` where they leave open whether it is active): what
    VTEX has, None where it was not asked or has no such SKU (``unknown``). ``simulated`` says whether ``offer`` was asked for,
    which is None where VTEX does not sell it. ``category``: the marketplace's, where it is mapped. ``error``: what was in the way.
    """

    standing: Standing | None = None
    details: JSON | None = None
    product: JSON | None = None
    unknown: bool = False
    simulated: bool = False
    offer: Simulated | None = None
    category: str | None = None
    error: HubError | None = None

    @cached_property
    def document(self) -> JSON:
        """The product document of ``details``; not to be changed."""
        return goods.product_document(self.details, self.product)


@dataclass(frozen=True, kw_only=True, slots=True)
class Need:
    """What is to be read. ``offer_if_sold``: price and stock where the details say that it is for sale."""

    details: bool = False
    offer: bool = False
    offer_if_sold: bool = False


def need_of(payload: JSON, standing: Standing | None, *, needs_product: bool, selling: bool = True) -> Need:
    """An SKU that is to go is not read, but for one that is sold: a notification may be older than what was worked last, and
    its details say whether it is so. One that the marketplace does not sell is looked at as a whole, whatever changed; so is
    one that was to be switched off, when the integration is on again by now.

    Of a product that changed all SKUs are told of: of one that is sold and has not changed nothing is read.
    """
    changed = frozenset(payload["changed"])
    if not selling:
        return Need()
    is_sold = standing is not None and standing.active
    if payload.get("removed") or payload.get("inactive"):
        return Need(details=is_sold, offer_if_sold=is_sold)
    if not is_sold or changed & WHOLE:
        return Need(details=True, offer=True)
    offered = bool(changed & OFFERED)
    return Need(details=offered and needs_product, offer=offered)


class Finder:
    """Reads for a slice at once."""

    def __init__(
        self,
        reader: Reader,
        marketplace: Marketplace,
        batches: Batches,
        *,
        sales_channel: int,
        selling: bool = True,
    ) -> None:
        self._reader, self._marketplace, self._batches = reader, marketplace, batches
        self._sales_channel, self._selling = sales_channel, selling

    async def find(self, items: Sequence[Item]) -> Mapping[str, Found]:
        """By SKU. What goes wrong with one stands in its ``error``."""
        standings = await self._standings(items)
        needs = {
            item.key: need_of(
                item.payload,
                standings.get(item.key),
                needs_product=self._marketplace.needs_product,
                selling=self._selling,
            )
            for item in items
        }
        read, offers = await asyncio.gather(
            asyncio.gather(*(self._details(sku) for sku, need in needs.items() if need.details)),
            self._batches.simulate([sku for sku, need in needs.items() if need.offer]),
        )
        found = {sku: Found(standing=standings.get(sku)) for sku in needs}
        for sku, one in zip((sku for sku, need in needs.items() if need.details), read, strict=True):
            found[sku] = replace(one, standing=standings.get(sku))
        doubted = [sku for sku, need in needs.items() if need.offer_if_sold and self._is_for_sale(found[sku])]
        for sku, offer in {**offers, **await self._batches.simulate(doubted)}.items():
            found[sku] = (
                replace(found[sku], error=found[sku].error or _by_vtex(offer))
                if isinstance(offer, HubError)
                else replace(found[sku], simulated=True, offer=offer)
            )
        return found

    def _is_for_sale(self, one: Found) -> bool:
        details = one.details
        return details is not None and not sellable.off_sale(details, self._sales_channel, one.product)

    async def _standings(self, items: Sequence[Item]) -> Mapping[str, Standing]:
        """Where something is compared, as the marketplace itself says it."""
        standings = dict(await self._marketplace.standings([item.key for item in items]))
        compared = {
            item.key: standings[item.key]
            for item in items
            if "check" in item.payload["changed"] and item.key in standings
        }
        if compared:
            real = await self._marketplace.offers(compared)
            standings = {sku: one for sku, one in standings.items() if sku not in compared} | dict(real)
        return standings

    async def _details(self, sku: str) -> Found:
        try:
            details = await self._reader.sku(sku)
            if details is None:
                return Found(unknown=True)
            product = None
            number = goods.identifier(details.get("ProductId"))
            if sellable.needs_product(details) and number is not None:
                product = await self._reader.product(number)
        except HubError as error:
            return Found(error=_by_vtex(error))
        return Found(details=details, product=product)


def _by_vtex(error: HubError) -> HubError:
    """A refused key says whose it is, so that the logs do not blame the marketplace."""
    if not isinstance(error, ReauthorizationError):
        return error
    (text,) = coded("H15", str(error))
    return ReauthorizationError(text, response_code=error.response_code)
