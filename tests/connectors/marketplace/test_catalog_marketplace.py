"""The hub's own catalog as a marketplace: what a listing says stands in it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from connectors.marketplace.simulator import SIMULATOR
from connectors.marketplace.task import ABSENT, LACKS_PRODUCT
from hub.marketplace import Marketplace, Offer
from hub.records import JSON
from hub.store.catalog.reader import StoredCatalog
from tests.connectors.marketplace.marketplace_world import (
    NAME,
    MarketplaceWorld,
    listing,
    offer,
    product,
)


@pytest.fixture
async def world(hub_home: Path, database_url: str) -> AsyncIterator[MarketplaceWorld]:
    """A connection into the catalog of its tenant."""
    async with SIMULATOR.running() as simulator:
        world = MarketplaceWorld(hub_home, database_url, simulator)
        await world.connect_to({"name": "catalog-marketplace"})
        yield world
        await world.hub.close()


async def read(world: MarketplaceWorld, kind: str, key: str) -> JSON | None:
    me = world.hub.connection(NAME)
    catalog = StoredCatalog(world.hub.db, tenant_id=me.tenant_id, connection_id=me.id)
    return (await catalog.read(kind, [key])).get(key)


async def test_a_listing_becomes_a_product_with_its_variant(world: MarketplaceWorld) -> None:
    """With texts, media, measures in millimetres, attributes, price and stock."""
    await world.sync(listing("15", offer=offer("19.90", "25.00"), category=None))

    found = await read(world, "product", "p-15")

    assert found is not None
    (variant,) = found["variants"]
    assert (found["brand"], found["attributes"]) == ("Plain", {"fabric": ["cotton"]})
    assert found["translations"] == [{"language": "en", "name": "Shirt", "description": "Cotton"}]
    assert (variant["key"], variant["sku"], variant["enabled"]) == ("15", "15", True)
    assert (variant["length_mm"], variant["width_mm"], variant["weight_grams"]) == (305, 200, 200)
    assert variant["media"] == [
        {
            "key": "https://images.example/15.jpg",
            "name": "front",
            "type": "IMAGE",
            "source": "https://images.example/15.jpg",
        }
    ]
    assert [(one["amount"], one["compare_at"]) for one in variant["prices"]] == [
        (Decimal("19.90"), Decimal("25.00"))
    ]
    assert variant["stock"] == [{"location": "default", "on_hand": 5}]
    assert (world.row("15")["state"], world.row("15")["response_code"]) == ("success", 201)


async def test_the_sources_categories_come_along(world: MarketplaceWorld) -> None:
    """So that no link leads nowhere; a category of the catalog's own goes before."""
    await world.sync(listing("15", category=None), listing("16", category="own"))

    shirts = await read(world, "category", "Clothes/Shirts")
    found = [await read(world, "product", key) for key in ("p-15", "p-16")]

    assert shirts is not None
    assert (shirts["path"], shirts["translations"][0]["name"]) == (["Clothes", "Clothes/Shirts"], "Shirts")
    assert [one and one["categories"] for one in found] == [["Clothes/Shirts"], ["own"]]
    assert world.row("15")["error"] is None


async def test_said_twice_nothing_is_written(world: MarketplaceWorld) -> None:
    """It is skipped as unchanged, with its id."""
    await world.sync(listing("15"))

    await world.sync(listing("15"))

    row = world.row("15")
    assert (row["state"], row["error"].split(";")[0], row["external_id"]) == ("skipped", "unchanged", "15")


async def test_a_price_alone_changes_the_price_alone(world: MarketplaceWorld) -> None:
    """Of the product that the variant is in, whatever the source calls it now."""
    await world.sync(listing("15"))

    await world.sync(listing("15", product=None, group=None, stock=None, offer=offer("12.34")))

    standing = (await (await world.open()).standings(["15"]))["15"]
    found = await read(world, "product", "p-15")
    assert standing.offer == Offer(currency="BRL", price=Decimal("12.34"))
    assert (standing.stock, standing.group) == (5, "p-15")
    assert found is not None
    assert found["brand"] == "Plain"
    assert await read(world, "product", "15") is None


async def test_off_sale_is_not_enabled_and_without_stock(world: MarketplaceWorld) -> None:
    """And comes back with what it is said to have."""
    await world.sync(listing("15"))

    await world.sync(listing("15", active=False, product=None, group=None, offer=None, stock=None))
    off = (await (await world.open()).standings(["15"]))["15"]
    await world.sync(listing("15", stock=2))
    again = (await (await world.open()).standings(["15"]))["15"]

    assert (off.active, off.stock) == (False, 0)
    assert (again.active, again.stock) == (True, 2)


async def test_what_it_never_had_is_not_made_to_be_off_sale(world: MarketplaceWorld) -> None:
    """It is skipped."""
    await world.sync(listing("15", active=False))

    assert (world.row("15")["state"], world.row("15")["error"]) == ("skipped", ABSENT)
    assert await read(world, "product", "p-15") is None


async def test_a_listing_without_a_product_waits_for_it(world: MarketplaceWorld) -> None:
    """No empty product is made for a price."""
    world.knows_products = False
    await world.sync(listing("15", product=None))
    first = world.row("15")
    world.knows_products = True
    await world.settle()

    assert (first["state"], first["error"]) == ("waiting", LACKS_PRODUCT)
    assert world.row("15")["state"] == "success"


async def test_another_sku_of_a_product_is_new(world: MarketplaceWorld) -> None:
    """And stands beside the first."""
    await world.sync(listing("15", group="p"))

    await world.sync(listing("16", group="p"))

    found = await read(world, "product", "p")
    assert found is not None
    assert [one["key"] for one in found["variants"]] == ["15", "16"]
    assert world.row("16")["response_code"] == 201


async def test_it_tells_what_it_has(world: MarketplaceWorld) -> None:
    """All of this connection's, page by page, with the content that was sent."""
    await world.sync(*(listing(sku) for sku in "abc"))
    market = await world.open()

    listed = await market.listed(limit=2)

    assert isinstance(market, Marketplace)
    assert (market.title_for_people, market.needs_product) == ("the catalog", False)
    assert list(listed) == ["a", "b"]
    assert list(await market.listed(after="b")) == ["c"]
    assert await market.offers(listed) == listed
    assert listed["a"].content is not None
    assert await market.categories() is None


async def test_another_text_is_another_content(world: MarketplaceWorld) -> None:
    """So that a connector sees whether it has to say anything."""
    await world.sync(listing("15"))
    before = (await (await world.open()).standings(["15"]))["15"]

    await world.sync(listing("15", product=product("15", description="Linen")))

    after = (await (await world.open()).standings(["15"]))["15"]
    assert before.content != after.content
    assert replace(before, content=None) == replace(after, content=None)


async def test_an_amount_with_too_many_digits_is_rejected(world: MarketplaceWorld) -> None:
    """Nothing is rounded."""
    await world.sync(listing("15", offer=offer("1.999")))

    assert world.row("15")["state"] == "rejected"
    assert "1.999 has more than the 2 digits of BRL" in world.row("15")["error"]


async def test_a_note_stands_with_the_result_and_not_in_the_catalog(world: MarketplaceWorld) -> None:
    """As a warning, or before the reason why there was nothing to take off sale."""
    await world.sync(
        listing("15", category=None, note="A3: no brand"), listing("16", active=False, note="A1: inactive")
    )
    first = world.row("15")
    await world.sync(listing("15", category=None, note="A3: another one"))

    assert (first["state"], first["error"]) == ("success", "A3: no brand")
    assert (world.row("16")["state"], world.row("16")["error"]) == ("skipped", f"A1: inactive; {ABSENT}")
    assert (world.row("15")["state"], world.row("15")["error"]) == ("skipped", "unchanged")
