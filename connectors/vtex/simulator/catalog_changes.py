"""What a test does to the account's own catalog, and which notifications follow from it."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from connectors.vtex.simulator.catalog import Catalog
from connectors.vtex.simulator.items import Offer, Sku
from connectors.vtex.simulator.notification import Happened
from connectors.vtex.simulator.notifications import Notifications
from connectors.vtex.simulator.options import Spelling
from hub.records import JSON

#: Fields of the product: all of its SKUs are told of.
_OF_PRODUCT = frozenset({"product_name", "description", "brand", "category", "product_active"})
#: Fields that are told of as a change of the registration.
_CONTENT = frozenset({"name", "ean", "images", "weight"})


class Addressed(BaseModel):
    """SKUs by id, of ``products``, or ``count`` that were never changed; ``notify`` tells the affiliates."""

    model_config = ConfigDict(extra="forbid")

    skus: list[int] = []
    products: list[int] = []
    count: int = Field(0, ge=0)
    notify: bool = True
    spelling: Spelling | None = None


class Change(Addressed):
    """New values; without any, ``what`` says which one is made up. Prices in cents; ``no_price`` takes it away."""

    what: Literal["price", "stock", "content", "activity"] = "price"
    price: int | None = Field(None, ge=1)
    no_price: bool = False
    list_price: int | None = None
    stock: int | None = Field(None, ge=0)
    active: bool | None = None
    assigned: bool | None = None
    name: str | None = None
    ean: str | None = None
    images: int | None = None
    weight: int | None = None
    product_name: str | None = None
    description: str | None = None
    brand: int | None = None
    category: int | None = None
    product_active: bool | None = None

    def given(self) -> JSON:
        """The new values."""
        addressed = {*Addressed.model_fields, "what", "no_price"}
        given = self.model_dump(exclude=addressed, exclude_none=True)
        return given | ({"price": None} if self.no_price else {})


class Notify(Addressed):
    """Notifications without a change: which flags they carry, and how often each is sent."""

    stock: bool = False
    price: bool = False
    content: bool = False
    removed: bool = False
    times: int = Field(1, ge=1)


class CatalogChanges:
    """The commands that concern the account's own catalog."""

    def __init__(self, catalog: Catalog, notifications: Notifications) -> None:
        self._catalog, self._notifications = catalog, notifications

    def change(self, told: Change) -> JSON:
        """The command ``change``."""
        chosen = self._chosen(told)
        happened: dict[int, Happened] = {}
        for sku in chosen:
            values = told.given() or self._made_up(told.what, sku)
            self._check(values)
            self._apply(sku, values)
            touched = self._catalog.skus_of(sku.product) if values.keys() & _OF_PRODUCT else [sku]
            happened |= {one.id: _happened(one, values) for one in touched}
        told_of = list(happened.values()) if told.notify else []
        sent = sum(self._notifications.send(one, told.spelling) for one in told_of)
        return {"skus": [sku.id for sku in chosen], "notifications": sent}

    def remove(self, told: Addressed) -> JSON:
        """The command ``remove``: out of the sales channel."""
        return self.change(Change(**told.model_dump(), assigned=False))

    def notify(self, told: Notify) -> JSON:
        """The command ``notify``."""
        flags = told.model_dump(include={"stock", "price", "content", "removed"})
        sent = 0
        chosen = self._chosen(told)
        for _ in range(told.times):
            for sku in chosen:
                happened = Happened(sku=sku.id, product=sku.product.id, active=sku.active, **flags)
                sent += self._notifications.send(happened, told.spelling)
        return {"skus": [sku.id for sku in chosen], "notifications": sent}

    def _chosen(self, told: Addressed) -> list[Sku]:
        """Raises ``ValueError`` naming what there is not."""
        fresh = self._catalog.unmodified()[: told.count] if told.count else []
        if len(fresh) < told.count:
            raise ValueError(f"count: there are {len(fresh)} SKUs that were never changed, not {told.count}")
        chosen = [self._sku(number) for number in [*told.skus, *fresh]]
        for number in told.products:
            product = self._catalog.product(number)
            if product is None:
                raise ValueError(f"products: there is no product {number}")
            chosen += self._catalog.skus_of(product)
        return chosen

    def _sku(self, number: int) -> Sku:
        sku = self._catalog.sku(number)
        if sku is None:
            raise ValueError(f"skus: there is no SKU {number}")
        return sku

    def _check(self, values: JSON) -> None:
        known = {"brand": list(self._catalog.brands), "category": list(self._catalog.categories)}
        for name, some in known.items():
            if name in values and values[name] not in some:
                raise ValueError(f"{name}: there is no {values[name]}; there are {some[0]} to {some[-1]}")

    def _made_up(self, what: str, sku: Sku) -> JSON:
        match what:
            case "price":
                return {"price": (sku.offer.price or 0) + 1}
            case "stock":
                return {"stock": sku.offer.stock + 1}
            case "activity":
                return {"active": not sku.active}
        return {"product_name": f"{sku.product.name} again"}

    def _apply(self, sku: Sku, values: JSON) -> None:
        if values.keys() & {"price", "list_price", "stock"}:
            price = values.get("price", sku.offer.price)
            raised = max(price or 0, sku.offer.list_price or 0) if price else None
            stock = values.get("stock", sku.offer.stock)
            self._catalog.set_offer(sku, Offer(price, values.get("list_price", raised), stock))
        for name in values.keys() & {*_CONTENT, "active", "assigned"}:
            setattr(sku, name, values[name])
        for name in values.keys() & _OF_PRODUCT:
            setattr(sku.product, name.removeprefix("product_"), values[name])
        self._catalog.changed(sku)


def _happened(sku: Sku, values: JSON) -> Happened:
    return Happened(
        sku=sku.id,
        product=sku.product.id,
        active=sku.active and sku.product.active,
        stock="stock" in values,
        price=bool(values.keys() & {"price", "list_price"}),
        content=bool(values.keys() & (_CONTENT | _OF_PRODUCT | {"active"})) or values.get("assigned") is True,
        removed=values.get("assigned") is False,
    )
