"""Whatever an app sends is answered in one of the platform's ways."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.shopify.simulator import bulk_rules, ids
from connectors.shopify.simulator.dice import mix
from connectors.shopify.simulator.schema import load
from connectors.shopify.simulator.search import parse

FIELDS = {"id", "updated_at", "status", "sku"}
WORDS = st.sampled_from(
    ["id:", "sku:", "updated_at:", "status:", ">", "<=", "'", '"', "-", "AND", "2026-01-01", "5", "(", " "]
)


@given(st.one_of(st.text(), st.lists(WORDS).map("".join)))
def test_a_search_is_read_or_refused(text: str) -> None:
    """With a ``ValueError`` and nothing else; what is read can be applied."""
    with contextlib.suppress(ValueError):
        search = parse(text, FIELDS)
        search.finds(
            {"id": "gid://shopify/Product/5", "updatedAt": "2026-01-01T00:00:00Z", "status": "ACTIVE"}
        )


@given(
    st.one_of(
        st.text(),
        st.lists(
            st.sampled_from(["{", "}", "products", "edges", "node", "id", "(", ")", ":", "1", "$", "..."])
        ).map(" ".join),
    )
)
def test_a_bulk_query_is_accepted_or_refused_with_reasons(text: str) -> None:
    """Never with an exception."""
    document, problems = bulk_rules.check(load(), text)

    assert (document is None) <= bool(problems)


@given(st.text())
def test_an_id_is_read_or_none(text: str) -> None:
    """Digits of other scripts included."""
    for kind in ("Product", "InventoryLevel"):
        assert ids.number_of(f"gid://shopify/{kind}/{text}", kind) is None or text.partition("?")[0].isascii()
    assert ids.level_of(text) is None or text.startswith("gid://shopify/InventoryLevel/")


@given(st.integers(0, 2**40), st.integers(0, 2**40))
def test_neighbours_have_nothing_in_common(seed: int, number: int) -> None:
    """Any bit may differ between a number and the next."""
    one, other = mix(seed, number), mix(seed, number + 1)

    assert 0 <= one < 2**64
    assert one != other


@pytest.mark.parametrize(
    "query",
    (
        "{ products(first: 1) " + "{ nodes { variants(first: 1) " * 4000 + "}" * 8000,
        "query { ...A } fragment A on QueryRoot { ...B } fragment B on QueryRoot { ...A }",
        "subscription { products }",
        "query ($a: Int = 99999999999) { products(first: $a) { nodes { id } } }",
        "{ products(first: 2147483648) { nodes { id } } }",
        '{ location(id: "x") { id } }',
        '{ node(id: "x") { id } }',
        '{ inventoryItems(first: 1, query: "updated_at:>never") { nodes { id } } }',
        '{ products(first: 1, query: "id:1 OR id:2") { nodes { id } } }',
        '{ inventoryLevel(id: "gid://shopify/InventoryLevel/143000000001?inventory_item_id=99999999999999999999") { id } }',
        "{ __schema { types { name } } }",
        "{ __typename }",
    ),
)
async def test_a_strange_query_is_answered_at_200(app: Any, query: str) -> None:
    """With data or with errors."""
    body = await app.ask(query)

    assert body.keys() & {"data", "errors"}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    (
        ("GET", "/admin/api/2026-10/graphql.json", 404),
        ("POST", "/admin/api/2026-10/products.json", 404),
        ("POST", "/admin/oauth/authorize", 404),
        ("GET", "/admin/oauth/authorize", 400),
        ("GET", "/bulk-results/nothing.jsonl", 403),
        ("GET", "/", 404),
    ),
)
async def test_other_paths_are_refused(app: Any, method: str, path: str, status: int) -> None:
    """Each in its own way."""
    assert (await app.client.request(method, f"{app.url}{path}")).status_code == status
