"""Products and what belongs to them come by pages, as the Admin API hands them out."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.shopify.simulator.clock import Clock
from connectors.shopify.simulator.options import Options
from connectors.shopify.simulator.pages import page
from connectors.shopify.simulator.search import parse
from connectors.shopify.simulator.shop import Shop

PRODUCTS = """query ($first: Int, $after: String, $last: Int, $before: String, $query: String,
    $sortKey: ProductSortKeys, $reverse: Boolean) {
  products(first: $first, after: $after, last: $last, before: $before, query: $query, sortKey: $sortKey,
      reverse: $reverse) {
    nodes { id updatedAt } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"""


def number(gid: str) -> int:
    return int(gid.rpartition("/")[2]) - 8_000_000_000_000


async def all_pages(app: Any, size: int, **arguments: Any) -> list[int]:
    found, after = [], None
    while True:
        page = (await app.data(PRODUCTS, first=size, after=after, **arguments))["products"]
        found += [number(node["id"]) for node in page["nodes"]]
        if not page["pageInfo"]["hasNextPage"]:
            return found
        after = page["pageInfo"]["endCursor"]


@pytest.mark.parametrize("size", (1, 7, 30, 250))
async def test_pages_bring_every_product_once(app: Any, size: int) -> None:
    """Whatever their size."""
    assert await all_pages(app, size) == list(range(1, 31))


async def test_a_product_that_goes_between_two_pages_hides_no_other(app: Any) -> None:
    """A cursor says where to go on, not how many to leave out."""
    first = (await app.data(PRODUCTS, first=10))["products"]
    await app.tell("delete", ids=[node["id"] for node in first["nodes"][:4]] + [first["nodes"][-1]["id"]])

    rest = (await app.data(PRODUCTS, first=250, after=first["pageInfo"]["endCursor"]))["products"]

    assert [number(node["id"]) for node in rest["nodes"]] == list(range(11, 31))


async def test_pages_go_backward_and_in_reverse(app: Any) -> None:
    """``last`` takes the end in the same order, ``reverse`` turns the order."""
    last = (await app.data(PRODUCTS, last=3))["products"]
    before = (await app.data(PRODUCTS, last=2, before=last["pageInfo"]["startCursor"]))["products"]
    reverse = (await app.data(PRODUCTS, first=2, reverse=True))["products"]

    assert [number(node["id"]) for node in last["nodes"]] == [28, 29, 30]
    assert [number(node["id"]) for node in before["nodes"]] == [26, 27]
    assert before["pageInfo"]["hasPreviousPage"]
    assert before["pageInfo"]["hasNextPage"]
    assert [number(node["id"]) for node in reverse["nodes"]] == [30, 29]


async def test_what_changed_is_found_by_its_time(app: Any) -> None:
    """``updated_at`` with ``sortKey: UPDATED_AT``, the way of an incremental run."""
    nodes = (await app.data(PRODUCTS, first=250, sortKey="UPDATED_AT"))["products"]["nodes"]
    times = [node["updatedAt"] for node in nodes]
    since = times[-1]
    await app.tell("change", count=3)
    await app.tell("add", count=1)

    found = await all_pages(app, 2, query=f"updated_at:>'{since}'", sortKey="UPDATED_AT")

    assert times == sorted(times)
    assert len(found) == 4
    assert found[-1] == 31


@pytest.mark.parametrize(
    ("query", "expected"),
    (
        ("updated_at:>='2025-01-01T00:00:00Z'", 30),
        ("updated_at:<'2025-01-01T00:00:00Z'", 0),
        ("updated_at:<2025-01-01T01:00:00+01:00", 0),
        ("updated_at:>2024-12-31", 30),
        ("id:>8000000000020", 10),
        ("-id:8000000000020", 29),
        ("id:>8000000000020 AND id:<=8000000000022", 2),
    ),
)
async def test_terms_of_a_search_all_have_to_hold(app: Any, query: str, expected: int) -> None:
    """Times with and without quotes, offsets and hours; ids; negated ones."""
    assert (await app.data("query ($q: String) { productsCount(query: $q) { count } }", q=query)) == {
        "productsCount": {"count": expected}
    }


async def test_a_field_that_cannot_be_searched_is_ignored_and_warned_of(app: Any) -> None:
    """So that a typo finds everything (shopify facts, "Rate limits and errors")."""
    body = await app.ask(PRODUCTS, first=250, query="updatedat:>'2030-01-01'")

    assert len(body["data"]["products"]["nodes"]) == 30
    [search] = body["extensions"]["search"]
    assert search["path"] == ["products"]
    assert search["warnings"][0]["field"] == "updatedat"
    assert search["warnings"][0]["code"] == "invalid_field"


async def test_a_cursor_that_is_none_is_refused(app: Any) -> None:
    """As an error of the query, at HTTP 200."""
    body = await app.ask(PRODUCTS, first=1, after="bm9uc2Vuc2U=")

    assert "Invalid cursor" in body["errors"][0]["message"]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    (
        ("", "one of first or last"),
        ("first: 251", "cannot exceed 250"),
        ("first: 0", "greater than 0"),
        ("first: 1, last: 1", "only one"),
    ),
)
async def test_a_page_has_a_size_and_not_more_than_250(app: Any, arguments: str, problem: str) -> None:
    """Refused before anything is run or counted."""
    brackets = f"({arguments})" if arguments else ""
    body = await app.ask(f"{{ products{brackets} {{ nodes {{ id }} }} }}")

    assert problem in body["errors"][0]["message"]
    assert "data" not in body


async def test_one_product_hands_out_all_its_variants_at_once(serve: Any) -> None:
    """2,048 of them, at the root alone."""
    query = "{ product(id: %s) { variantsCount { count } variants(first: %d) { nodes { sku selectedOptions { value } } } } }"
    async with serve(products=2, largest=2048) as app:
        product = (await app.data(query % ('"gid://shopify/Product/8000000000001"', 2048)))["product"]
        nested = await app.ask("{ products(first: 1) { nodes { variants(first: 251) { nodes { id } } } } }")

    combinations = {
        tuple(one["value"] for one in node["selectedOptions"]) for node in product["variants"]["nodes"]
    }
    assert product["variantsCount"]["count"] == 2048
    assert len(combinations) == 2048
    assert "cannot exceed 250" in nested["errors"][0]["message"]


async def test_no_more_than_25000_objects_are_reached_by_pages(serve: Any) -> None:
    """Beyond them a bulk operation is needed; counts end there too."""
    async with serve(products=25_300, bucket=100_000) as app:
        after = None
        for _ in range(100):
            answer = (await app.data(PRODUCTS, first=250, after=after))["products"]
            after = answer["pageInfo"]["endCursor"]
        beyond = await app.ask(PRODUCTS, first=1, after=after)
        counts = await app.data(
            "{ a: productsCount(limit: null) { count precision } b: productsCount { count precision }"
            " c: productsCount(limit: 30000) { count precision } }"
        )

    assert number(answer["nodes"][-1]["id"]) == 25_000
    assert "25000" in beyond["errors"][0]["message"]
    assert counts["a"] == {"count": 25_001, "precision": "AT_LEAST"}
    assert counts["b"] == {"count": 10_000, "precision": "AT_LEAST"}
    assert counts["c"] == {"count": 25_300, "precision": "EXACT"}


async def test_more_than_250_ids_are_too_many(app: Any) -> None:
    """Of any array that goes in."""
    ids = ["gid://shopify/Product/8000000000001"] * 250
    query = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }"

    assert len((await app.data(query, ids=ids))["nodes"]) == 250
    assert (await app.ask(query, ids=[*ids, ids[0]]))["errors"][0]["extensions"][
        "code"
    ] == "MAX_INPUT_SIZE_EXCEEDED"


@given(
    products=st.integers(0, 40),
    gone=st.sets(st.integers(1, 40)),
    size=st.integers(1, 50),
    sort=st.sampled_from((None, "UPDATED_AT", "TITLE")),
    reverse=st.booleans(),
    backward=st.booleans(),
)
@settings(deadline=None)
def test_any_way_through_the_pages_brings_everything_once(
    products: int, gone: set[int], size: int, sort: str | None, reverse: bool, backward: bool
) -> None:
    """All sizes, orders and directions, with holes."""
    shop = Shop(Options(products=products), Clock())
    for one in gone & set(range(1, products + 1)):
        shop.products.delete(one)
    listing = shop.listing("products", search=parse(None, ()), sort=sort)
    found: list[str] = []
    cursor = None
    for _ in range(products + 1):
        told: dict[str, Any] = (
            {"last": size, "before": cursor} if backward else {"first": size, "after": cursor}
        )
        answer = page(listing, told | {"reverse": reverse})
        ids = [node["id"] for node in answer["nodes"]]
        found = ids + found if backward else found + ids
        cursor = answer["pageInfo"]["startCursor" if backward else "endCursor"]
        if not answer["pageInfo"]["hasPreviousPage" if backward else "hasNextPage"]:
            break

    whole = page(listing, {"first": 250, "reverse": reverse})
    assert found == [node["id"] for node in whole["nodes"]]
    assert len(set(found)) == len(found) == len(shop.products)
