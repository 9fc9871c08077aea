"""The objects of the shop look as the platform's do (shopify facts, "Data model")."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from stdnum import ean

from connectors.shopify.simulator.clock import Clock
from connectors.shopify.simulator.options import Options
from connectors.shopify.simulator.products import base_product, base_variant
from connectors.shopify.simulator.shop import Shop

LEVELS = """{ inventoryItems(first: 3) { nodes { id inventoryLevels(first: 10, includeInactive: true) {
    nodes { id isActive item { id } location { id } quantities(names: ["available", "on_hand", "incoming"]) {
      name quantity } } } } } }"""


async def test_equal_options_make_equal_shops_and_another_seed_another_one() -> None:
    """Whatever was asked for before."""
    one, again, other = (Shop(Options(seed=seed), Clock()) for seed in (1, 1, 2))
    again.product(7)

    assert one.product(3) == again.product(3)
    assert one.variant(3, 2) == again.variant(3, 2)
    assert one.product(3) != other.product(3)


def test_products_come_in_every_status() -> None:
    """UNLISTED among them, which older versions do not know."""
    seen = Counter(base_product(Options(), number)["status"] for number in range(1, 1001))

    assert seen.keys() == {"ACTIVE", "DRAFT", "ARCHIVED", "UNLISTED"}
    assert seen["ACTIVE"] > 700


def test_bar_codes_are_codes_each_of_its_own() -> None:
    """Thirteen digits with the right check digit, also at the end of the largest shop."""
    found = [
        base_variant(Options(), product, position, 2048)["barcode"]
        for product in (1, 2, 4_999_999)
        for position in range(1, 60)
    ]
    codes = [code for code in found if code is not None]

    assert len(codes) == len(set(codes)) > len(found) / 2
    assert all(len(code) == 13 and ean.is_valid(code) for code in codes)
    assert None in found


def test_a_shop_of_millions_costs_nothing_until_it_is_asked() -> None:
    """An object is made from its number alone."""
    shop = Shop(Options(products=5_000_000, largest=2048), Clock())

    assert shop.product(4_999_999)["legacyResourceId"] == "8000004999999"
    assert not shop.products.changes


async def test_money_is_text_and_written_in_two_ways(app: Any) -> None:
    """``price`` with two digits, the amount of a MoneyV2 without the last zero."""
    data = await app.data(
        "{ productVariants(first: 50) { nodes { price inventoryItem { unitCost { amount currencyCode } } } } }"
    )
    nodes = data["productVariants"]["nodes"]
    amounts = [
        node["inventoryItem"]["unitCost"]["amount"] for node in nodes if node["inventoryItem"]["unitCost"]
    ]

    assert all(re.fullmatch(r"\d+\.\d\d", node["price"]) for node in nodes)
    assert all(re.fullmatch(r"\d+\.(\d|\d[1-9])", amount) for amount in amounts)


async def test_the_number_of_an_inventory_level_repeats_at_its_location(app: Any) -> None:
    """The item stands in the query of the id; the whole id finds it again."""
    items = (await app.data(LEVELS))["inventoryItems"]["nodes"]
    levels = [level for item in items for level in item["inventoryLevels"]["nodes"]]
    bare = {level["id"].partition("?")[0] for level in levels}
    again = await app.data("query ($id: ID!) { inventoryLevel(id: $id) { item { id } } }", id=levels[5]["id"])

    assert len({level["id"] for level in levels}) == len(levels) == 12
    assert len(bare) == 4
    assert again["inventoryLevel"]["item"] == levels[5]["item"]


async def test_inactive_locations_and_those_of_services_are_hidden_unless_asked_for(app: Any) -> None:
    """And so are the levels at an inactive one."""
    query = "{ a: locations(first: 9) { nodes { id } } b: locations(first: 9, includeInactive: true, includeLegacy: true) { nodes { isActive isFulfillmentService } } inventoryItems(first: 1) { nodes { a: inventoryLevels(first: 9) { nodes { id } } b: inventoryLevels(first: 9, includeInactive: true) { nodes { isActive } } } } }"
    data = await app.data(query)
    [item] = data["inventoryItems"]["nodes"]

    assert len(data["a"]["nodes"]) == 2
    assert [one["isActive"] for one in data["b"]["nodes"]] == [True, True, True, False]
    assert [one["isFulfillmentService"] for one in data["b"]["nodes"]] == [False, False, True, False]
    assert (len(item["a"]["nodes"]), len(item["b"]["nodes"])) == (3, 4)


async def test_what_is_on_hand_is_all_but_what_is_incoming(app: Any) -> None:
    """Counts of a level add up, and an unknown name is an error."""
    names = ["available", "committed", "reserved", "damaged", "safety_stock", "quality_control"]
    told = '["on_hand", "incoming", {}]'.format(", ".join(f'"{name}"' for name in names))
    data = await app.data(LEVELS.replace('["available", "on_hand", "incoming"]', told))
    levels = [level for item in data["inventoryItems"]["nodes"] for level in item["inventoryLevels"]["nodes"]]

    for level in levels:
        counts = {one["name"]: one["quantity"] for one in level["quantities"]}
        assert counts["on_hand"] == sum(counts[name] for name in names)
        assert all(type(count) is int for count in counts.values())
    wrong = await app.ask(LEVELS.replace('"incoming"', '"soon"'))
    assert "quantity name" in wrong["errors"][0]["message"]


async def test_media_come_in_every_kind_and_status(serve: Any) -> None:
    """An image that is not ready is null; the address of one that is carries a version."""
    query = """query ($after: String) { products(first: 50, after: $after) { nodes { featuredMedia { id } media(first: 5) { nodes {
        __typename id status mediaErrors { code } ... on MediaImage { image { url } } } } } pageInfo { endCursor } } }"""
    async with serve(products=300, media=4, bucket=100_000) as app:
        media, after = [], None
        for _ in range(6):
            page = (await app.data(query, after=after))["products"]
            after = page["pageInfo"]["endCursor"]
            media += [one for node in page["nodes"] for one in node["media"]["nodes"]]
            assert all(
                node["featuredMedia"]["id"] == node["media"]["nodes"][0]["id"] for node in page["nodes"]
            )
    images = [one for one in media if one["__typename"] == "MediaImage"]

    assert {one["__typename"] for one in media} == {"MediaImage", "Video", "ExternalVideo", "Model3d"}
    assert {one["status"] for one in media} == {"READY", "PROCESSING", "FAILED", "UPLOADED"}
    assert all((one["image"] is not None) == (one["status"] == "READY") for one in images)
    assert all("?v=" in one["image"]["url"] for one in images if one["image"])
    assert all(bool(one["mediaErrors"]) == (one["status"] == "FAILED") for one in media)


async def test_collections_are_manual_by_condition_or_made_of_others(app: Any) -> None:
    """A condition that is not known yet among them; members are resolved for every kind."""
    query = """{ collections(first: 9) { nodes { productsCount { count } products(first: 250) { nodes { id tags } }
        sources { __typename ... on CollectionConditionsSource { inclusion { conditions { __typename } } }
          ... on CollectionSubCollectionsSource { collections { id } } } } } }"""
    nodes = (await app.data(query))["collections"]["nodes"]
    sources = [node["sources"][0] for node in nodes]
    members = [{one["id"] for one in node["products"]["nodes"]} for node in nodes]

    assert [len(one) for one in members] == [node["productsCount"]["count"] for node in nodes]
    assert sources[0]["inclusion"]["conditions"] == []
    assert [one["__typename"][-10:] for one in sources[4]["inclusion"]["conditions"]] == [
        "ProductTag",
        "ionUnknown",
    ]
    assert len(sources[5]["collections"]) == 2
    assert members[5] == members[0] | members[1]
    assert all("group-2" in one["tags"] for one in nodes[1]["products"]["nodes"])


async def test_a_product_moves_between_collections_with_its_tag(app: Any) -> None:
    """Where a condition decides."""
    query = '{ collection(id: "gid://shopify/Collection/480000000002") { products(first: 250) { nodes { id } } } }'
    before = {one["id"] for one in (await app.data(query))["collection"]["products"]["nodes"]}
    leaver, comer = min(before), "gid://shopify/Product/8000000000001"
    await app.tell("change", ids=[leaver], fields={"tags": []})
    await app.tell("change", ids=[comer], fields={"tags": ["group-2"]})

    after = {one["id"] for one in (await app.data(query))["collection"]["products"]["nodes"]}

    assert after == before - {leaver} | {comer}


async def test_every_object_is_found_by_its_id_and_nothing_else_is(app: Any) -> None:
    """``node`` for all kinds; null for one that is gone or was never there."""
    query = "query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }"
    listed = await app.data(
        "{ products(first: 1) { nodes { id } } collections(first: 1) { nodes { id } } locations(first: 1) { nodes { id } }"
        " customers(first: 1) { nodes { id } } productVariants(first: 1) { nodes { id } }"
        " inventoryItems(first: 1) { nodes { id inventoryLevels(first: 1) { nodes { id } } } } }"
    )
    ids = [one["nodes"][0]["id"] for one in listed.values()]
    ids.append(listed["inventoryItems"]["nodes"][0]["inventoryLevels"]["nodes"][0]["id"])
    gone = (await app.tell("delete", ids=["gid://shopify/Product/8000000000009"]))["ids"]
    strange = [
        "gid://shopify/Product/1",
        "gid://shopify/Order/8000000000001",
        "gid://shopify/InventoryLevel/1",
    ]

    found = (await app.data(query, ids=[*ids, *gone, *strange]))["nodes"]

    assert [one and one["id"] for one in found] == [*ids, None, None, None, None]


async def test_the_shop_says_what_it_is(app: Any) -> None:
    """Currency, limits, scopes and versions, as a check before an import asks for them."""
    data = await app.data(
        "{ shop { myshopifyDomain currencyCode resourceLimits { maxProductVariants } }"
        " currentAppInstallation { accessScopes { handle } } publicApiVersions { handle supported } }"
    )

    assert data["shop"]["myshopifyDomain"] == "simulated.myshopify.com"
    assert data["shop"]["resourceLimits"]["maxProductVariants"] == 2048
    assert {"handle": "read_products"} in data["currentAppInstallation"]["accessScopes"]
    assert {"handle": "2026-10", "supported": True} in data["publicApiVersions"]
