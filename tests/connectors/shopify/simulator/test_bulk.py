"""Bulk operations go through the platform's states, and their results are what pages would have brought."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

RUN = """mutation ($query: String!, $grouped: Boolean! = false) {
  bulkOperationRunQuery(query: $query, groupObjects: $grouped) {
    bulkOperation { id status } userErrors { field message code } } }"""
STATE = """query ($id: ID!) { bulkOperation(id: $id) { id type status errorCode createdAt completedAt objectCount
    rootObjectCount fileSize url partialDataUrl query } }"""
CANCEL = """mutation ($id: ID!) { bulkOperationCancel(id: $id) { bulkOperation { status } userErrors { field message } } }"""
PRODUCTS = """# tag: run 7
{ products { edges { node { id title seo { title } featuredMedia { id }
    variants { edges { node { id sku price inventoryItem { id unitCost { amount } } media { edges { node { id } } } } } }
    media { edges { node { __typename id ... on MediaImage { image { url } } } } }
    metafields { edges { node { id value } } } } } } }"""
SIMPLE = "{ products { edges { node { id } } } }"


async def run(app: Any, query: str, **more: Any) -> Any:
    """Start it and wait until its result is there."""
    operation = await started(app, query, **more)
    await app.platform.bulk.idle()
    return await state(app, operation["id"])


async def started(app: Any, text: str, **more: Any) -> Any:
    headers = {"X-Shopify-Access-Token": app.token}
    body = {"query": RUN, "variables": {"query": text, **more}}
    answer = await app.client.post(f"{app.url}/admin/api/2026-10/graphql.json", json=body, headers=headers)
    told = answer.json()["data"]["bulkOperationRunQuery"]
    assert told["userErrors"] == []
    return told["bulkOperation"]


async def refusals(app: Any, text: str) -> list[Any]:
    body = {"query": RUN, "variables": {"query": text}}
    headers = {"X-Shopify-Access-Token": app.token}
    answer = await app.client.post(f"{app.url}/admin/api/2026-10/graphql.json", json=body, headers=headers)
    told = answer.json()["data"]["bulkOperationRunQuery"]
    assert told["bulkOperation"] is None or not told["userErrors"]
    return told["userErrors"]


async def state(app: Any, gid: str) -> Any:
    return (await app.data(STATE, id=gid))["bulkOperation"]


async def lines(app: Any, url: str) -> list[Any]:
    answer = await app.client.get(url)
    assert answer.status_code == 200
    return [json.loads(line) for line in answer.text.splitlines()]


def joined(rows: list[Any]) -> Iterator[Any]:
    """Roots with their children below them, by kind, as an importer joins them."""
    children: dict[str, list[Any]] = {row["id"]: [] for row in rows}
    for row in rows:
        parent = row.pop("__parentId", None)
        whole = row | {"children": children[row["id"]]}
        if parent is None:
            yield whole
        else:
            children[parent].append(whole)


def without_children(row: Any) -> Any:
    return {name: value for name, value in row.items() if name != "children"}


async def test_an_operation_is_created_runs_and_is_completed(serve: Any) -> None:
    """Counts and sizes are texts, the query is echoed with its comments."""
    async with serve(products=10) as app:
        await app.tell("bulk", hold="created")
        operation = await started(app, PRODUCTS)
        created = await state(app, operation["id"])
        await app.tell("bulk", hold="running")
        await app.platform.bulk.idle()
        running = await state(app, operation["id"])
        await app.tell("bulk", hold="none")
        completed = await state(app, operation["id"])
        rows = await app.client.get(completed["url"])

    assert (created["status"], running["status"], completed["status"]) == ("CREATED", "RUNNING", "COMPLETED")
    assert created["url"] is running["url"] is running["completedAt"] is None
    assert created["query"] == PRODUCTS
    assert completed["rootObjectCount"] == "10"
    assert completed["objectCount"] == str(len(rows.text.splitlines()))
    assert completed["fileSize"] == str(len(rows.content))
    assert rows.headers["Content-Type"] == "application/jsonl"


@pytest.mark.parametrize("chunk", (1, 3, 100))
async def test_parents_come_before_their_children_but_not_next_to_them(serve: Any, chunk: int) -> None:
    """A child names its parent; nothing else says where it belongs."""
    async with serve(products=10, bulk_chunk=chunk) as app:
        rows = await lines(app, (await run(app, PRODUCTS))["url"])
    seen: set[str] = set()
    for row in rows:
        assert row.get("__parentId", row["id"]) in seen | {row["id"]}
        seen.add(row["id"])
    roots = [at for at, row in enumerate(rows) if "__parentId" not in row]

    assert len(roots) == 10
    assert roots[: min(chunk, 10)] == list(range(min(chunk, 10)))
    assert not any("__typename" in row for row in rows if "/Product/" in row["id"])


async def test_a_result_holds_what_pages_hold(serve: Any) -> None:
    """The same objects with the same fields, by the plan here and by the executor there."""
    query = """{ products(first: 7) { nodes { id title seo { title } featuredMedia { id }
        variants(first: 50) { nodes { id sku price inventoryItem { id unitCost { amount } } media(first: 5) { nodes { id } } } }
        media(first: 5) { nodes { __typename id ... on MediaImage { image { url } } } }
        metafields(first: 5) { nodes { id value } } } } }"""
    async with serve(products=7) as app:
        found = list(joined(await lines(app, (await run(app, PRODUCTS))["url"])))
        nodes = (await app.data(query))["products"]["nodes"]

    for row, node in zip(found, nodes, strict=True):
        variants = [one for one in row["children"] if "/ProductVariant/" in one["id"]]
        others = [without_children(one) for one in row["children"] if one not in variants]
        for variant in variants:
            variant["media"] = {"nodes": [{"id": one["id"]} for one in variant.pop("children")]}
        assert variants == node["variants"]["nodes"]
        assert others == node["media"]["nodes"] + node["metafields"]["nodes"]
        assert {name: row[name] for name in ("id", "title", "seo", "featuredMedia")} == {
            name: node[name] for name in ("id", "title", "seo", "featuredMedia")
        }


async def test_with_group_objects_children_follow_their_parent(serve: Any) -> None:
    """Each with its own below it."""
    async with serve(products=5) as app:
        rows = await lines(app, (await run(app, PRODUCTS, grouped=True))["url"])
    way: list[str] = []
    for row in rows:
        parent = row.get("__parentId")
        way = way[: way.index(parent) + 1] if parent else []
        way.append(row["id"])

    assert len(rows) > 20


async def test_slashes_are_escaped_in_a_result(serve: Any) -> None:
    """JSON all the same, but not as a parser of texts would expect it."""
    async with serve(products=1) as app:
        answer = await app.client.get((await run(app, SIMPLE))["url"])

    assert answer.content == b'{"id":"gid:\\/\\/shopify\\/Product\\/8000000000001"}\n'


async def test_an_empty_result_has_no_address(serve: Any) -> None:
    """Null, and a count of nothing."""
    async with serve(products=0) as app:
        operation = await run(app, SIMPLE)

    assert operation["status"] == "COMPLETED"
    assert (operation["url"], operation["objectCount"], operation["fileSize"]) == (None, "0", None)


async def test_a_result_is_as_large_as_the_largest_product(serve: Any) -> None:
    """2,048 variants below one parent; ``first`` does not matter."""
    query = "{ products { edges { node { id variants(first: 3) { edges { node { id } } } } } } }"
    async with serve(products=3, largest=2048, simple_every=0) as app:
        rows = await lines(app, (await run(app, query))["url"])

    assert sum("__parentId" in row for row in rows) == 2048 + 4


REFUSED = (
    ("{ products { edges { node { title } } }", "Syntax Error"),
    ("{ products { edges { node { nothing } } } }", "nothing"),
    ("{ products { nodes { id } } }", "`edges` and `node`"),
    ("{ products { edges { node { id } } nodes { id } } }", "`edges` and `node`"),
    ("{ shop { id } }", "at least one connection"),
    ("{ products { edges { node { id } } } locations { edges { node { id } } } }", "single top-level field"),
    ('{ node(id: "gid://shopify/Product/1") { id } }', "cannot have `node`"),
    ("query ($n: Int) { products(first: $n) { edges { node { id } } } }", "Variables"),
    ("mutation { appUninstall { app { id } } }", "one query"),
    ("{ products { edges { node { title variants { edges { node { id } } } } } } }", "'id' field"),
    ("{ products { edges { node { x: id variants { edges { node { id } } } } } } }", "'id' field"),
    (
        (
            "{ collections { edges { node { id products { edges { node { id variants { edges { node { id media {"
            " edges { node { id } } } } } } } } } } } } }"
        ),
        "nesting depth",
    ),
    (
        (
            "{ products { edges { node { id variants { edges { node { id media { edges { node { id } } } metafields {"
            " edges { node { id } } } } } } media { edges { node { id } } } metafields { edges { node { id } } } } } } }"
        ),
        "more than 5 connections",
    ),
    (
        (
            "{ collections { edges { node { id sources { ... on CollectionConditionsSource { products { edges {"
            " node { id } } } } } } } } }"
        ),
        "within a list",
    ),
    ("{ products { edges { node { id } } } }" + " " * 65_500, "65535 bytes"),
)


@pytest.mark.parametrize(("query", "problem"), REFUSED, ids=[problem for _, problem in REFUSED])
async def test_queries_against_the_rules_are_refused(app: Any, query: str, problem: str) -> None:
    """INVALID, by a user error and not by one of the request."""
    errors = await refusals(app, query)

    assert {error["code"] for error in errors} == {"INVALID"}
    assert any(problem in error["message"] for error in errors)
    assert (await app.summary())["bulk_operations"] == 0


async def test_the_sixth_operation_is_refused_and_told_which_are_under_way(app: Any) -> None:
    """Until one of the five is over."""
    await app.tell("bulk", hold="created")
    running = [(await started(app, SIMPLE))["id"] for _ in range(5)]

    [error] = await refusals(app, SIMPLE)
    await app.tell("bulk", hold="none")
    await app.platform.bulk.idle()

    assert error["code"] == "OPERATION_IN_PROGRESS"
    assert all(gid in error["message"] for gid in running)
    assert await refusals(app, SIMPLE) == []


async def test_running_operations_are_found_again(app: Any) -> None:
    """By status and type, the newest first: how an operation is re-adopted after a crash."""
    query = """{ bulkOperations(first: 5, query: "status:RUNNING operation_type:QUERY", sortKey: CREATED_AT,
        reverse: true) { nodes { id status query } } }"""
    done = await run(app, SIMPLE)
    await app.tell("bulk", hold="running")
    operation = await started(app, PRODUCTS)
    await app.platform.bulk.idle()

    nodes = (await app.data(query))["bulkOperations"]["nodes"]

    assert done["status"] == "COMPLETED"
    assert nodes == [{"id": operation["id"], "status": "RUNNING", "query": PRODUCTS}]


async def test_an_operation_can_be_cancelled_while_it_runs(app: Any) -> None:
    """CANCELING first; one that is over cannot be."""
    await app.tell("bulk", hold="running")
    operation = await started(app, SIMPLE)
    answer = (await app.data(CANCEL, id=operation["id"]))["bulkOperationCancel"]
    seen = [(await state(app, operation["id"]))["status"] for _ in range(2)]
    again = (await app.data(CANCEL, id=operation["id"]))["bulkOperationCancel"]
    unknown = (await app.data(CANCEL, id="gid://shopify/BulkOperation/1"))["bulkOperationCancel"]

    assert answer == {"bulkOperation": {"status": "CANCELING"}, "userErrors": []}
    assert seen == ["CANCELING", "CANCELED"]
    assert "canceled" in again["userErrors"][0]["message"]
    assert unknown["userErrors"][0]["message"] == "Bulk operation does not exist"


@pytest.mark.parametrize("partial", (True, False))
async def test_a_failed_operation_may_leave_a_part_of_its_result(serve: Any, partial: bool) -> None:
    """Under another name, and with an error code."""
    async with serve(products=20) as app:
        await app.tell("bulk", fail_next={"after": 8, "error_code": "TIMEOUT", "partial": partial})
        failed = await run(app, SIMPLE)
        rows = await lines(app, failed["partialDataUrl"]) if partial else []
        after = await run(app, SIMPLE)

    assert (failed["status"], failed["errorCode"], failed["url"]) == ("FAILED", "TIMEOUT", None)
    assert (failed["partialDataUrl"] is not None) == partial
    assert len(rows) == (8 if partial else 0)
    assert after["status"] == "COMPLETED"


async def test_a_missing_scope_fails_the_operation(app: Any) -> None:
    """It is accepted first."""
    await app.tell("scopes", granted=["read_products"])

    operation = await run(app, "{ customers { edges { node { id } } } }")

    assert (operation["status"], operation["errorCode"]) == ("FAILED", "ACCESS_DENIED")


async def test_protected_data_is_null_in_a_result(app: Any) -> None:
    """A bulk operation has no place for errors."""
    await app.tell("protect", fields=["name", "email"])
    query = "{ customers { edges { node { id firstName defaultEmailAddress { emailAddress } locale } } } }"

    rows = await lines(app, (await run(app, query))["url"])

    assert rows
    assert all(
        row["firstName"] is None and row["defaultEmailAddress"] is None and row["locale"] for row in rows
    )


async def test_a_result_takes_no_token(app: Any) -> None:
    """A client that sends it to another host has leaked it, and is counted."""
    url = (await run(app, SIMPLE))["url"]

    leaked = await app.client.get(url, headers={"X-Shopify-Access-Token": app.token})

    assert leaked.status_code == 400
    assert (await app.summary())["leaked_tokens"] == 1
    assert (await app.client.get(url)).status_code == 200


async def test_the_address_of_a_result_is_signed_and_expires(app: Any) -> None:
    """After a week, with the operation."""
    operation = await run(app, SIMPLE)
    url = httpx.URL(operation["url"])
    forged = await app.client.get(url.copy_set_param("Signature", "0" * 32))
    await app.tell("clock", advance=604_799)
    good = await app.client.get(url)
    await app.tell("clock", advance=1)
    expired = await app.client.get(url)

    assert [answer.status_code for answer in (forged, good, expired)] == [403, 200, 403]
    assert (await state(app, operation["id"]))["status"] == "EXPIRED"


async def test_a_download_can_go_on_where_it_was_cut(app: Any) -> None:
    """With the header Range."""
    url = (await run(app, SIMPLE))["url"]
    whole = (await app.client.get(url)).content

    rest = await app.client.get(url, headers={"Range": "bytes=100-"})

    assert rest.status_code == 206
    assert rest.content == whole[100:]


async def test_a_result_may_lie_on_another_host(serve: Any) -> None:
    """As it does on the platform; the port is the simulator's."""
    async with serve(products=1, result_host="localhost") as app:
        operation = await run(app, SIMPLE)

    assert httpx.URL(operation["url"]).host == "localhost"
    assert httpx.URL(operation["url"]).port == httpx.URL(app.url).port


async def test_a_mistake_of_the_simulator_fails_the_operation(app: Any) -> None:
    """Instead of leaving it running for ever."""
    app.platform.shop.products.change(2, {"seo": "no object"}, "2026-01-01T00:00:00Z")

    operation = await run(app, "{ products { edges { node { id seo { title } } } } }")

    assert (operation["status"], operation["errorCode"]) == ("FAILED", "INTERNAL_SERVER_ERROR")


async def test_an_operation_takes_its_time(serve: Any) -> None:
    """By the simulator's clock."""
    async with serve(products=1, bulk_seconds=3600) as app:
        operation = await started(app, SIMPLE)
        await app.tell("clock", advance=3599)
        before = await state(app, operation["id"])
        await app.tell("clock", advance=1)
        after = await state(app, operation["id"])

    assert before["status"] in {"CREATED", "RUNNING"}
    assert after["status"] == "COMPLETED"


async def test_a_reset_stops_what_runs(app: Any) -> None:
    """And forgets it."""
    await app.tell("bulk", hold="created")
    operation = await started(app, SIMPLE)
    await app.tell("reset")

    assert await state(app, operation["id"]) is None


async def test_an_operation_that_is_not_there_cannot_be_ended(app: Any) -> None:
    """The command says so."""
    answer = await app.client.post(f"{app.url}/_simulator/bulk", json={"id": "x", "status": "FAILED"})

    assert answer.status_code == 422
    assert "there is no bulk operation" in answer.text
