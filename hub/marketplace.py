"""What a marketplace is told of the goods that it is to sell, and what it can be asked: a destination with more to it.

A connector that sells at marketplaces hands each of its records over as a ``Listing``: what is to hold for one SKU, not what
is to be called. The marketplace knows what holds (``Standing``), so it finds out by itself whether that takes an upsert, a
price, a stock level, a block or its end, a deletion, or nothing: said twice, it is done once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any, Protocol, Self, runtime_checkable

from hub import codec
from hub.exact import exact, parse
from hub.excerpt import excerpt
from hub.records import JSON


@dataclass(frozen=True, kw_only=True, slots=True)
class Offer:
    """What an SKU costs, in major units of ``currency`` (ISO 4217); ``list_price`` is the one that is crossed out."""

    currency: str
    price: Decimal
    list_price: Decimal | None = None

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Self:
        """From a body. Raises ``ValueError`` or ``TypeError`` for what is none."""
        told = dict(given)
        for name in ("price", "list_price"):
            if told.get(name) is not None:
                told[name] = _amount(name, told[name])
        return cls(**told)


@dataclass(frozen=True, kw_only=True)
class Listing:
    """What is to hold for one SKU at a marketplace; what is None stays as it is.

    ``product`` is its whole description and needed wherever the marketplace does not have it yet. ``active`` False: it is
    blocked with no stock, or deleted where a marketplace cannot block; then nothing else counts. ``group`` is what the source
    calls the product of which it is an SKU, ``category`` the marketplace's own name of its category. ``note`` is for people
    and stands with the result as its warning.
    """

    sku: str
    group: str | None = None
    active: bool = True
    product: JSON | None = None
    category: str | None = None
    offer: Offer | None = None
    stock: int | None = None
    note: str | None = None

    @cached_property
    def content(self) -> str | None:
        """The fingerprint of what it says of the product itself; None where it says nothing."""
        if self.product is None:
            return None
        return codec.fingerprint([self.group, self.category, self.product])

    def body(self) -> JSON:
        """As the body of an item; user mappings work on it."""
        offer = self.offer
        return {
            "sku": self.sku,
            "group": self.group,
            "active": self.active,
            "product": self.product,
            "category": self.category,
            "offer": None
            if offer is None
            else {"currency": offer.currency, "price": offer.price, "list_price": offer.list_price},
            "stock": self.stock,
            "note": self.note,
        }

    @classmethod
    def of(cls, body: Any) -> Self:
        """From a body. Raises ``ValueError`` for what is none, as a mapping may have left it."""
        try:
            given = dict(body)
            offer = given.pop("offer", None)
            listing = cls(**given, offer=None if offer is None else Offer.of(offer))
        except (TypeError, ValueError) as error:
            raise ValueError(f"this is no listing of a marketplace: {error}") from None
        if wrong := sorted(_wrong(listing)):
            raise ValueError(f"this is no listing of a marketplace: {'; '.join(wrong)}")
        return listing


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """What a marketplace has of an SKU, as far as the hub knows: what it was told last, or what it says itself.

    ``content`` is the fingerprint of product and category as they were sent, ``url`` where people see it.
    """

    external_id: str
    group: str | None = None
    active: bool = True
    content: str | None = None
    offer: Offer | None = None
    stock: int | None = None
    url: str | None = None

    def text(self) -> str:
        """For the id map."""
        return codec.dumps(self.facts()).decode()

    def facts(self) -> JSON:
        """What ``text`` holds; nothing is None."""
        offer = self.offer
        found = {
            "id": self.external_id,
            "group": self.group,
            "active": self.active,
            "content": self.content,
            "offer": None if offer is None else [offer.currency, offer.price, offer.list_price],
            "stock": self.stock,
            "url": self.url,
        }
        return {name: value for name, value in found.items() if value is not None}

    @classmethod
    def of(cls, text: str) -> Self:
        """From the id map."""
        found = codec.loads(text.encode())
        offer = found.get("offer")
        return cls(
            external_id=found["id"],
            group=found.get("group"),
            active=found["active"],
            content=found.get("content"),
            offer=None if offer is None else _offer(*offer),
            stock=found.get("stock"),
            url=found.get("url"),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Attribute:
    """Something that a marketplace wants to know of the SKUs of a category; without ``values`` any text will do."""

    name: str
    required: bool = False
    values: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Category:
    """A category of a marketplace, with those below it."""

    id: str
    name: str
    children: Sequence[Category] = ()
    attributes: Sequence[Attribute] = field(default=())


@runtime_checkable
class Marketplace(Protocol):
    """What a destination has beside ``push`` and ``follow`` that is a marketplace; a connector finds it as
    ``ports.destination``."""

    @property
    def title_for_people(self) -> str:
        """What the marketplace is called in messages to merchants."""
        ...

    @property
    def needs_product(self) -> bool:
        """It can be told of a price, a stock level or an activation only together with the whole product: a ``Listing``
        without ``product`` is not enough for it then."""
        ...

    async def standings(self, skus: Collection[str]) -> Mapping[str, Standing]:
        """What it has of these SKUs; what it does not have is left out.

        Ask anew at each attempt: an SKU that is left out needs its ``product``, and one that the marketplace has lost
        meanwhile is tried again (``Retry``) so that it comes with it.
        """
        ...

    async def listed(self, *, after: str = "", limit: int = 500) -> Mapping[str, Standing]:
        """At most ``limit`` of all that it has from this connection, by SKU in the store's order, from behind ``after`` on.

        Pass the last SKU for what comes next; fewer than ``limit`` are the last ones.
        """
        ...

    async def offers(self, standings: Mapping[str, Standing]) -> Mapping[str, Standing]:
        """What it really sells these SKUs for, where it can be asked; otherwise as they are. Deleted ones are left out."""
        ...

    async def categories(self) -> Sequence[Category] | None:
        """Its category tree; None where it has none, so that no category has to be mapped."""
        ...


def _amount(name: str, given: Any) -> Decimal:
    """From a number, or a text that holds one."""
    number = parse(given) if isinstance(given, str) else exact(given)
    if number is None or number < 0:
        raise ValueError(f"offer.{name}: {excerpt(given)} is no amount; map it with cast = 'decimal'")
    return Decimal(number)


def _wrong(listing: Any) -> Iterator[str]:
    """What a mapping may have left of another type."""
    if not isinstance(listing.sku, str) or not listing.sku:
        yield f"sku: {excerpt(listing.sku)} is no text; map it from sku"
    if listing.offer is not None and not isinstance(listing.offer.currency, str):
        yield f"offer.currency: {excerpt(listing.offer.currency)} is no text; map it from offer.currency"
    if not isinstance(listing.active, bool):
        yield f"active: {excerpt(listing.active)} is neither true nor false; map it from active"
    if listing.product is not None and not isinstance(listing.product, dict):
        yield f"product: {excerpt(listing.product)} is no object; map it from product"
    stock = listing.stock
    if stock is not None and (not isinstance(stock, int) or isinstance(stock, bool) or stock < 0):
        yield f"stock: {excerpt(stock)} is no whole number of 0 or more; map it with cast = 'integer'"
    for name in ("group", "category"):
        if not isinstance(value := getattr(listing, name), str | None):
            yield f"{name}: {excerpt(value)} is no text; map it with cast = 'string'"


def _offer(currency: str, price: Any, list_price: Any) -> Offer:
    return Offer(
        currency=currency,
        price=Decimal(price),
        list_price=None if list_price is None else Decimal(list_price),
    )
