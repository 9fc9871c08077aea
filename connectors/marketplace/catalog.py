"""Destination ``catalog-marketplace``: the hub's own catalog as a marketplace, from which other connections sell on."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from msgspec import UNSET, structs
from pydantic import BaseModel, Field

from connectors.destinations.catalog import CatalogDestination, CatalogSettings
from connectors.marketplace.task import ABSENT, LACKS_PRODUCT, LACKS_PRODUCT_WAIT
from connectors.marketplace.to_catalog import PATH, category_entities, category_key, entity, kept_of, standing
from hub import catalog
from hub.catalog import CatalogWriter
from hub.catalog.shapes import Product
from hub.errors import RejectedError
from hub.marketplace import Category, Listing, Standing
from hub.records import Item, PushResult, Retry, Skipped, Success


class CatalogMarketplaceSettings(CatalogSettings):
    """``[destination.settings]`` of ``catalog-marketplace``."""

    title: str = Field(
        "the catalog", min_length=1, description="What people call it, as in messages to merchants."
    )
    language: str = Field(
        "en", min_length=1, max_length=64, description="The language of the texts that come (BCP 47)."
    )
    location: str = Field(
        "default", min_length=1, max_length=512, description="The location that the stock is at."
    )


class CatalogMarketplace(CatalogDestination):
    """Satisfies ``hub.marketplace.Marketplace`` and ``hub.catalog.WritesCatalog``. Bodies are those of ``Listing``.

    An SKU is a variant of that key; what is off sale is not enabled and has no stock. What holds is the catalog itself.
    """

    name: ClassVar[str] = "catalog-marketplace"
    title: ClassVar[str] = "The hub's own catalog as a marketplace"
    Settings: ClassVar[type[BaseModel]] = CatalogMarketplaceSettings
    settings: CatalogMarketplaceSettings

    @property
    def title_for_people(self) -> str:
        """See ``hub.marketplace.Marketplace``."""
        return self.settings.title

    @property
    def needs_product(self) -> bool:
        """See ``hub.marketplace.Marketplace``: the catalog is told of anything by itself."""
        return False

    def entity(self, body: Any) -> catalog.Entity:
        """See ``hub.catalog.WritesCatalog``."""
        try:
            listing = Listing.of(body)
        except ValueError as error:
            raise RejectedError(str(error)) from None
        settings = self.settings
        made = super().entity(entity(listing, language=settings.language, location=settings.location))
        return made if listing.note is None else _noted(made, listing.note)

    def write(self, writer: CatalogWriter, items: Sequence[Item]) -> Sequence[PushResult]:
        """See ``hub.catalog.WritesCatalog``."""
        there = writer.products_of([_sku(item) for item in items])
        results: dict[int, PushResult] = {}
        ready: dict[int, Item] = {}
        for place, item in enumerate(items):
            refused = _refusal(item, there)
            if refused is None:
                ready[place] = item if _is_whole(item) else _within(item, there[_sku(item)])
            else:
                results[place] = _with_note(item, refused)
        self._write_categories(writer, list(ready.values()))
        written = super().write(writer, list(ready.values()))
        for (place, item), result in zip(ready.items(), written, strict=True):
            named = _named(item, result, is_new=_sku(item) not in there)
            results[place] = _with_note(items[place], named)
        return [results[place] for place in range(len(items))]

    async def standings(self, skus: Collection[str]) -> Mapping[str, Standing]:
        """See ``hub.marketplace.Marketplace``."""
        if self.ports.catalog is None:
            return {}
        found = await self.ports.catalog.read("variant", skus)
        return {sku: standing(document, location=self.settings.location) for sku, document in found.items()}

    async def listed(self, *, after: str = "", limit: int = 500) -> Mapping[str, Standing]:
        """See ``hub.marketplace.Marketplace``."""
        if self.ports.catalog is None:
            return {}
        keys = await self.ports.catalog.given("variant", after=after, limit=limit)
        found = await self.standings(keys)
        return {sku: found[sku] for sku in keys if sku in found}

    async def offers(self, standings: Mapping[str, Standing]) -> Mapping[str, Standing]:
        """See ``hub.marketplace.Marketplace``."""
        return await self.standings(list(standings))

    async def categories(self) -> Sequence[Category] | None:
        """See ``hub.marketplace.Marketplace``: whatever category a product has is taken along."""
        return None

    def _write_categories(self, writer: CatalogWriter, items: Sequence[Item]) -> None:
        """Those that products stand in by their source's path, unless they have one of the catalog."""
        paths = {tuple(path) for item in items if (path := _path(item))}
        bodies = {
            body["key"]: body
            for path in sorted(paths)
            for body in category_entities(path, self.settings.language)
        }
        if bodies:
            writer.write([super(CatalogMarketplace, self).entity(body) for body in bodies.values()])


class _Noted(Product, kw_only=True, tag="product", dict=True):
    """A product with a ``note`` beside its fields: it is for the result and never stored."""


def _noted(made: catalog.Entity, note: str) -> catalog.Entity:
    noted = _Noted(**structs.asdict(made))
    vars(noted)["note"] = note
    return noted


def _with_note(item: Item, result: PushResult) -> PushResult:
    """As the destination ``marketplace`` has it: with a success, or why there was nothing to take off sale."""
    note = vars(item.body).get("note") if isinstance(item.body, _Noted) else None
    match result:
        case Success() if note:
            return replace(result, warning="; ".join(filter(None, [note, result.warning])))
        case Skipped() if note and _product(item).variants[0].enabled is False:
            return replace(result, reason=f"{note}; {result.reason}")
    return result


def _product(item: Item) -> Product:
    product = item.body
    assert isinstance(product, Product)  # noqa: S101 - for mypy; nothing else is made here
    return product


def _sku(item: Item) -> str:
    return _product(item).variants[0].key


def _is_whole(item: Item) -> bool:
    return _product(item).translations is not UNSET


def _path(item: Item) -> Sequence[str]:
    """That of its source, where the product stands in it."""
    product = _product(item)
    path: Sequence[str] = kept_of(product.extra).get(PATH) or ()
    return path if path and product.categories == [category_key(path)] else ()


def _within(item: Item, product: str) -> Item:
    """A change of something that is there belongs to the product that it is in."""
    return replace(item, body=structs.replace(_product(item), key=product))


def _refusal(item: Item, there: Mapping[str, str]) -> PushResult | None:
    """Why something cannot be written that is not there."""
    if _sku(item) in there:
        return None
    if _product(item).variants[0].enabled is False:
        return Skipped(reason=ABSENT)
    return None if _is_whole(item) else Retry(error=LACKS_PRODUCT, after=LACKS_PRODUCT_WAIT)


def _named(item: Item, result: PushResult, *, is_new: bool) -> PushResult:
    match result:
        case Success():
            code = 201 if is_new else result.response_code
            return replace(result, external_id=_sku(item), created=is_new, response_code=code)
        case Skipped():
            return replace(result, external_id=_sku(item))
    return result
