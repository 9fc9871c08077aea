"""Who may not read something is told so in the platform's own ways."""

from __future__ import annotations

from typing import Any

import pytest

CUSTOMERS = """{ customers(first: 5) { nodes { id firstName lastName defaultEmailAddress { emailAddress marketingState }
    addressesV2(first: 2) { nodes { id city address1 zip } } state } } }"""


@pytest.mark.parametrize("token", (None, "", "shpat_wrong"))
async def test_a_wrong_token_is_401_with_errors_that_are_a_text(app: Any, token: str | None) -> None:
    """No list, as everywhere else."""
    app.token = token

    answer = await app.post("{ shop { id } }")

    assert answer.status_code == 401
    assert answer.json()["errors"].startswith("[API] Invalid API key or access token")
    assert (await app.summary())["refused"] == 1


async def test_a_missing_scope_denies_the_field_and_leaves_the_others(app: Any) -> None:
    """ACCESS_DENIED names the scope and the path; the field is null."""
    await app.tell("scopes", granted=["read_products"])

    body = await app.ask("{ productsCount { count } customersCount { count } }")

    [error] = body["errors"]
    assert body["data"] == {"productsCount": {"count": 30}, "customersCount": None}
    assert error["path"] == ["customersCount"]
    assert error["extensions"]["code"] == "ACCESS_DENIED"
    assert "`read_customers`" in error["extensions"]["requiredAccess"]


async def test_a_field_that_may_not_be_null_takes_the_answer_with_it(app: Any) -> None:
    """As a connection at the root does."""
    await app.tell("scopes", granted=["read_products"])

    body = await app.ask(CUSTOMERS)

    assert body["data"] is None
    assert body["errors"][0]["extensions"]["code"] == "ACCESS_DENIED"


async def test_a_scope_to_write_implies_the_one_to_read(app: Any) -> None:
    """And inventory is readable with products, its levels are not."""
    await app.tell("scopes", granted=["write_products"])

    await app.data("{ inventoryItems(first: 1) { nodes { id sku } } }")
    denied = await app.ask(
        "{ inventoryItems(first: 1) { nodes { inventoryLevels(first: 1) { nodes { id } } } } }"
    )

    assert denied["errors"][0]["extensions"]["requiredAccess"] == "`read_inventory` access scope."


async def test_protected_customer_data_is_null_and_an_error_at_200(app: Any) -> None:
    """Everything else of the customers is there."""
    await app.tell("protect", fields=["name", "email", "address"])

    body = await app.ask(CUSTOMERS)

    nodes = body["data"]["customers"]["nodes"]
    assert len(nodes) == 5
    assert all(node["firstName"] is None and node["lastName"] is None for node in nodes)
    assert all(node["defaultEmailAddress"] is None for node in nodes)
    addresses = [one for node in nodes for one in node["addressesV2"]["nodes"]]
    assert addresses
    assert all(one["city"] and one["address1"] is None for one in addresses)
    assert all(node["state"] for node in nodes)
    assert {error["extensions"]["code"] for error in body["errors"]} == {"ACCESS_DENIED"}
    assert ["customers", "nodes", 0, "firstName"] in [error["path"] for error in body["errors"]]


@pytest.mark.parametrize("status", (402, 403, 423, 430))
async def test_a_closed_shop_answers_with_its_status(app: Any, status: int) -> None:
    """Until it is opened."""
    await app.tell("close", status=status)
    closed = await app.post("{ shop { id } }")
    await app.tell("close")

    assert closed.status_code == status
    assert isinstance(closed.json()["errors"], str)
    await app.data("{ shop { id } }")


@pytest.mark.parametrize("code", ("SHOP_INACTIVE", "INTERNAL_SERVER_ERROR"))
async def test_a_shop_may_also_be_closed_by_an_error_at_200(app: Any, code: str) -> None:
    """Without data and without a cost."""
    await app.tell("close", code=code)

    body = await app.ask("{ shop { id } }")

    assert body["errors"][0]["extensions"]["code"] == code
    assert body.keys() == {"errors"}


@pytest.mark.parametrize(
    ("asked", "served"),
    (("2026-10", "2026-10"), ("2026-07", "2026-07"), ("2024-01", "2026-01"), ("unstable", "unstable")),
)
async def test_a_retired_version_falls_forward_and_says_so_in_a_header(
    app: Any, asked: str, served: str
) -> None:
    """Silently otherwise."""
    answer = await app.post("{ shop { id } }", version=asked)

    assert answer.status_code == 200
    assert answer.headers["X-Shopify-API-Version"] == served


@pytest.mark.parametrize("version", ("2026-02", "latest", "2030-01"))
async def test_what_was_never_a_version_is_not_found(app: Any, version: str) -> None:
    """404."""
    assert (await app.post("{ shop { id } }", version=version)).status_code == 404


@pytest.mark.parametrize(
    "query",
    (
        "{",
        "{ nothing }",
        "{ products(first: 1) { nodes { bodyHtml } } }",
        "query A { shop { id } } query B { shop { id } }",
        "",
    ),
)
async def test_a_query_that_is_none_is_an_error_without_data(app: Any, query: str) -> None:
    """Fields that are deprecated are not in this schema at all."""
    body = await app.ask(query)

    assert body["errors"]
    assert "data" not in body


@pytest.mark.parametrize(
    "body", (b"", b"[]", b"{}", b'{"query": 1}', b"\xff", b'{"query": "{ shop { id } }", "variables": 1}')
)
async def test_a_body_that_is_none_is_refused(app: Any, body: bytes) -> None:
    """400, whatever comes."""
    headers = {"X-Shopify-Access-Token": app.token}
    answer = await app.client.post(f"{app.url}/admin/api/2026-10/graphql.json", content=body, headers=headers)

    assert answer.status_code == 400


@pytest.mark.parametrize("variables", ({"id": 1.5}, {"id": None}, {}, {"id": ["a"]}))
async def test_variables_that_do_not_fit_are_an_error(app: Any, variables: dict[str, Any]) -> None:
    """At HTTP 200, before anything is run."""
    body = await app.ask("query ($id: ID!) { product(id: $id) { id } }", **variables)

    assert "$id" in body["errors"][0]["message"]
