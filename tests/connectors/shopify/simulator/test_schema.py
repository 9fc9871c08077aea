"""Every field of the schema is answered, by pages and in a bulk result."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from graphql import (
    GraphQLField,
    GraphQLNamedType,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
    is_required_argument,
)

from connectors.shopify.simulator.schema import load

#: What is told to fields that have to be told something.
ARGUMENTS = {"names": '["available"]', "locationId": '"gid://shopify/Location/66000000001"'}
CONNECTIONS = (
    "products",
    "productVariants",
    "collections",
    "inventoryItems",
    "locations",
    "customers",
    "publications",
    "markets",
)


def fields(kind: GraphQLNamedType) -> dict[str, GraphQLField]:
    return getattr(kind, "fields", {})


def selection(kind: GraphQLNamedType, depth: int, seen: tuple[str, ...] = ()) -> str:
    """All fields of a type but connections, as deep as that, no type within itself."""
    if is_leaf_type(kind):
        return ""
    parts = ["__typename"]
    for name, field in fields(kind).items():
        inner = get_named_type(field.type)
        told = [f"{one}: {ARGUMENTS[one]}" for one, arg in field.args.items() if is_required_argument(arg)]
        if (
            inner.name.endswith("Connection")
            or inner.name in seen
            or (depth == 0 and not is_leaf_type(inner))
        ):
            continue
        brackets = f"({', '.join(told)})" if told else ""
        parts.append(f"{name}{brackets} {selection(inner, depth - 1, (*seen, kind.name))}")
    if is_abstract_type(kind):
        parts += [
            f"... on {one.name} {selection(one, depth, (*seen, kind.name))}"
            for one in load().get_possible_types(kind)
        ]
    return "{ " + " ".join(parts) + " }"


def children(kind: GraphQLNamedType) -> Iterator[tuple[str, GraphQLNamedType]]:
    """Connections of a type with the type of their objects."""
    for name, field in fields(kind).items():
        inner = get_named_type(field.type)
        if inner.name.endswith("Connection"):
            yield name, get_named_type(fields(inner)["nodes"].type)


def connection(name: str) -> GraphQLNamedType:
    query = load().query_type
    assert query
    return get_named_type(fields(get_named_type(query.fields[name].type))["nodes"].type)


@pytest.mark.parametrize("name", CONNECTIONS)
async def test_every_field_is_answered_by_pages(serve: Any, name: str) -> None:
    """Of everything that can be listed, and of what is listed below it."""
    kind = connection(name)
    async with serve(products=60, media=4, locations=6, bucket=10**6) as app:
        whole = await app.data(f"{{ {name}(first: 25) {{ nodes {selection(kind, 2)} }} }}")
        for child, inner in children(kind):
            query = "{ %s(first: 3) { nodes { %s(first: 3) { nodes %s } } } }"
            await app.data(query % (name, child, selection(inner, 1)))

    assert whole[name]["nodes"]


@pytest.mark.parametrize("name", CONNECTIONS)
async def test_every_field_is_answered_in_a_bulk_result(serve: Any, name: str) -> None:
    """By the plan, which knows the resolvers and nothing else of the executor."""
    kind = connection(name)
    below = " ".join(
        f"{child} {{ edges {{ node {selection(inner, 1)} }} }}" for child, inner in list(children(kind))[:4]
    )
    query = f"{{ {name} {{ edges {{ node {{ id {selection(kind, 1)[1:-1]} {below} }} }} }} }}"
    run = "mutation ($q: String!) { bulkOperationRunQuery(query: $q, groupObjects: false) { bulkOperation { id } userErrors { message } } }"
    async with serve(products=60, media=4, locations=6) as app:
        told = (await app.data(run, q=query))["bulkOperationRunQuery"]
        assert told["userErrors"] == []
        await app.platform.bulk.idle()
        state = "query ($id: ID!) { bulkOperation(id: $id) { status url } }"
        operation = (await app.data(state, id=told["bulkOperation"]["id"]))["bulkOperation"]
        rows = [json.loads(row) for row in (await app.client.get(operation["url"])).text.splitlines()]

    assert operation["status"] == "COMPLETED"
    assert rows


def test_nothing_in_the_schema_is_deprecated() -> None:
    """So that a query which uses something deprecated is refused here."""
    for kind in load().type_map.values():
        for field in fields(kind).values():
            assert field.deprecation_reason is None
