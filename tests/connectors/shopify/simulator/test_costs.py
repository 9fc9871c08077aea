"""Queries cost what the platform was seen to take, and run only when the bucket holds it."""

from __future__ import annotations

from typing import Any

import pytest

COSTS = (
    ("{ shop { name } }", 1),
    ("{ shop { name primaryDomain { url } plan { shopifyPlus } } }", 3),
    ("{ products(first: 1) { nodes { id } } }", 3),
    ("{ products(first: 10) { nodes { id } } }", 6),
    ("{ products(first: 250) { nodes { id } } }", 13),
    # 2 + 4·(1 + seo 1 + (2 + 5·1))
    ("{ products(first: 10) { nodes { seo { title } variants(first: 20) { nodes { id price } } } } }", 38),
    # nodes and edges are charged twice, page information is not
    (
        "{ products(first: 10) { nodes { seo { title } } edges { node { seo { title } } } pageInfo { endCursor } } }",
        14,
    ),
    ("{ products(first: 10) { nodes { variantsCount { count } } } }", 10),
    ("{ productsCount { count } }", 10),
    # money costs nothing
    ("{ inventoryItems(first: 10) { nodes { unitCost { amount } } } }", 6),
    # the most expensive type that a medium may have: 2 + 1·(1 + max(image 1, sources 1) + preview 1 + image 1)
    (
        (
            '{ product(id: "gid://shopify/Product/8000000000001") { media(first: 1) { nodes { preview { image { url } }'
            " ... on MediaImage { image { url } } ... on Video { sources { url } } } } } }"
        ),
        7,
    ),
    ('{ bulkOperation(id: "gid://shopify/BulkOperation/1") { status } }', 1),
    ('mutation { bulkOperationCancel(id: "gid://shopify/BulkOperation/1") { userErrors { message } } }', 10),
)

EXPENSIVE = "{ products(first: %d) { nodes { variants(first: 100) { nodes { media(first: 100) { nodes { id } } } } } } }"


@pytest.mark.parametrize(("query", "cost"), COSTS)
async def test_a_query_is_requested_at_what_the_model_says(app: Any, query: str, cost: int) -> None:
    """The examples are counted by hand from the model in the shopify facts."""
    told = (await app.ask(query))["extensions"]["cost"]

    assert told["requestedQueryCost"] == cost
    assert told["actualQueryCost"] <= cost


async def test_what_was_not_spent_comes_back(app: Any) -> None:
    """The bucket loses the actual cost; the shape is the documented one."""
    query = 'query ($n: Int!) { products(first: $n, query: "id:8000000000001") { nodes { id } } }'
    cost = (await app.ask(query, n=250))["extensions"]["cost"]

    assert cost == {
        "requestedQueryCost": 13,
        "actualQueryCost": 3,
        "throttleStatus": {"maximumAvailable": 2000.0, "currentlyAvailable": 1997, "restoreRate": 100.0},
    }


async def test_an_empty_page_costs_next_to_nothing(app: Any) -> None:
    """And an object that is not there nothing at all."""
    query = '{ products(first: 250, query: "id:1") { nodes { variants(first: 250) { nodes { id } } } } customer(id: "gid://shopify/Customer/1") { id } }'

    assert (await app.ask(query))["extensions"]["cost"]["actualQueryCost"] == 2


@pytest.mark.parametrize("status", (200, 429))
async def test_a_query_waits_until_the_bucket_holds_what_it_may_cost(serve: Any, status: int) -> None:
    """THROTTLED with both statuses; (requested - available) / rate is how long."""
    async with serve(products=1, throttled_status=str(status)) as app:
        await app.tell("bucket", points=3)
        throttled = await app.post("{ products(first: 10) { nodes { id } } }")
        await app.tell("clock", advance=0.02)
        still = await app.post("{ products(first: 10) { nodes { id } } }")
        await app.tell("clock", advance=0.01)
        through = await app.ask("{ products(first: 10) { nodes { id } } }")
        summary = await app.summary()

    body = throttled.json()
    assert throttled.status_code == still.status_code == status
    assert body["errors"][0]["message"] == "Throttled"
    assert body["errors"][0]["extensions"]["code"] == "THROTTLED"
    assert body["extensions"]["cost"]["requestedQueryCost"] == 6
    assert body["extensions"]["cost"]["actualQueryCost"] is None
    assert body["extensions"]["cost"]["throttleStatus"]["currentlyAvailable"] == 3
    assert "data" not in body
    assert len(through["data"]["products"]["nodes"]) == 1
    assert summary["throttled"] == 2


async def test_the_bucket_fills_up_and_not_over(app: Any) -> None:
    """A hundred points a second, two thousand at most."""
    await app.tell("bucket", points=0)
    await app.tell("clock", advance=7.5)
    after = (await app.ask("{ shop { id } }"))["extensions"]["cost"]["throttleStatus"]["currentlyAvailable"]
    await app.tell("clock", advance=3600)
    full = (await app.ask("{ shop { id } }"))["extensions"]["cost"]["throttleStatus"]["currentlyAvailable"]

    assert (after, full) == (749, 1999)


async def test_a_query_that_costs_more_than_a_thousand_is_refused(app: Any) -> None:
    """MAX_COST_EXCEEDED, without touching the bucket; half the page may pass."""
    refused = await app.ask(EXPENSIVE % 250)
    passed = await app.ask(EXPENSIVE % 20)

    [error] = refused["errors"]
    assert error["extensions"]["code"] == "MAX_COST_EXCEEDED"
    assert error["extensions"]["maxCost"] == 1000
    assert error["extensions"]["cost"] > 1000
    assert refused["extensions"]["cost"]["throttleStatus"]["currentlyAvailable"] == 2000
    assert passed["data"]["products"]["nodes"]
