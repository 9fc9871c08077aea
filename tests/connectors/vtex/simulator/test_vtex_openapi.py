"""What the simulator answers is what VTEX's descriptions say, as far as they say anything."""

from __future__ import annotations

import gzip
from typing import Any

import httpx
import pytest
import yaml
from openapi_core import OpenAPI
from openapi_core.exceptions import OpenAPIError

from hub import codec
from tests.connectors.vtex.openapi_of_a_test import FOLDER, check, description
from tests.connectors.vtex.simulator.conftest import (
    CHANGED,
    SUGGESTIONS,
    Listener,
    Serve,
    offered,
    suggestion,
)

TREE = {"categories": [{"id": "1", "name": "Home", "children": [{"id": "1a", "name": "Lamps", "children": None,
    "specifications": [{"attributeName": "Size", "required": True, "attributeValues": [{"valueName": "S"}]}]}]}]}  # fmt: skip


@pytest.mark.parametrize("name", [one.stem for one in FOLDER.glob("*.yaml")])
def test_every_description_is_a_valid_one(name: str) -> None:
    """And each operation has an answer that is not an error."""
    assert isinstance(description(name), OpenAPI)
    paths = yaml.safe_load((FOLDER / f"{name}.yaml").read_text())["paths"]
    for path in paths.values():
        for method, operation in path.items():
            assert method == "parameters" or any(code.startswith("2") for code in operation["responses"])


@pytest.mark.parametrize(
    "path",
    (
        "/api/catalog_system/pvt/sku/stockkeepingunitidsbysaleschannel?sc=1&page=1&pageSize=10&onlyAssigned=true",
        "/api/catalog_system/pvt/sku/stockkeepingunitbyid/2000001?sc=1",
        "/api/catalog_system/pvt/sku/stockkeepingunitbyid/2000002?sc=1",
        "/api/catalog_system/pvt/products/productget/1000001",
        "/api/catalog/pvt/product/1000001",
        "/api/fulfillment/pvt/affiliates",
        "/api/fulfillment/pvt/affiliates/HBB",
    ),
)
async def test_what_a_marketplace_reads_is_as_described(account: Serve, path: str) -> None:
    """Of the account's catalog and affiliates."""
    async with account(no_ean=0.5) as vtex:
        answer = check(await vtex.ask("GET", path))

    assert answer.status_code == 200


@pytest.mark.parametrize("shares", ({}, {"no_ean": 1, "no_images": 1, "no_description": 1}, {"franchise": 1}))
async def test_skus_of_every_kind_are_as_described(account: Serve, shares: dict[str, Any]) -> None:
    """Also those without anything that may be missing."""
    async with account(skus=3, images=0 if not shares else 2, **shares) as vtex:
        for sku in vtex.platform.catalog.numbers:
            check(await vtex.ask("GET", f"/api/catalog_system/pvt/sku/stockkeepingunitbyid/{sku}"))


@pytest.mark.parametrize("host", ("fulfillment/pvt", "checkout/pub"))
@pytest.mark.parametrize("address", ({}, {"postalCode": "01310-100", "country": "BRA"}))
@pytest.mark.parametrize("count", (1, 50))
async def test_simulations_are_as_described(
    account: Serve, host: str, address: dict[str, str], count: int
) -> None:
    """With and without address, with SKUs that are missing, sold out and split."""
    async with account(skus=60, no_stock=0.2, no_price=0.2, inactive=0.2, split=0.5) as vtex:
        ids = [*list(vtex.platform.catalog.numbers)[:count], 7]
        items = [{"id": str(one), "quantity": 2, "seller": "1"} for one in ids]
        path = f"/api/{host}/orderForms/simulation?sc=1&affiliateId=HBB"
        answer = check(await vtex.ask("POST", path, {"items": items, **address}))

    assert answer.json()["messages"][-1]["fields"]["itemIndex"] == str(count)


async def test_a_simulation_that_fails_is_as_described(account: Serve) -> None:
    """In the shape of Checkout."""
    async with account(poison=[2000001]) as vtex:
        path, items = (
            "/api/fulfillment/pvt/orderForms/simulation",
            [{"id": "2000001", "quantity": 1, "seller": "1"}],
        )
        failed = check(await vtex.ask("POST", path, {"items": items}))
        refused = await vtex.ask("POST", path, {"items": []})

    assert failed.status_code == 500
    assert refused.status_code == 400
    assert refused.json()["error"]["code"] == "CHK003"


async def test_what_a_seller_calls_is_as_described(account: Serve, listener: Listener) -> None:
    """From the first notification to the binding."""
    listener.answer = offered
    async with account(approve="manual", seller_endpoint=f"{listener.url}/api") as vtex:
        check(await vtex.suggest(), base="/simulated")
        check(await vtex.suggest(EAN="7891000100103", Height=codec.loads("1.5")), base="/simulated")
        for path in ("", "?_from=1&_to=50&status=pending&type=new", "/seller/A-1", "/seller/A-1/versions/v2"):
            check(await vtex.ask("GET", SUGGESTIONS + path), base="/simulated")
        await vtex.tell("approve", skus=["A-1"])
        known = [
            check(await vtex.ask("POST", f"{CHANGED}/A-1")),
            *[
                check(await vtex.ask("POST", f"/api/{path}"))
                for path in (
                    "sku-binding/pvt/skuseller/changenotification/seller/A-1",
                    "catalog_system/pvt/skuseller/changenotification/9000001",
                    "sku-binding/pvt/skuseller/changenotification/9000001",
                    "notificator/seller/changenotification/A-1/price",
                    "notificator/seller/changenotification/A-1/inventory",
                )
            ],
        ]
        for path in ("catalog_system", "sku-binding"):
            check(await vtex.ask("GET", f"/api/{path}/pvt/skuseller/seller/A-1"))
        unknown = check(await vtex.ask("POST", "/api/catalog_system/pvt/skuseller/changenotification/5"))

    assert [one.status_code for one in known] == [204, 200, 200, 200, 202, 202]
    assert unknown.status_code == 404


async def test_affiliates_are_changed_and_removed_as_described(account: Serve) -> None:
    """PUT and DELETE answer 204."""
    async with account() as vtex:
        path = "/api/fulfillment/pvt/affiliates/HBB"
        body = {"name": "Hub", "searchURIEndpoint": "http://127.0.0.1:1/", "salesChannel": "1"}
        changed = check(await vtex.ask("PUT", path, body))
        shown = check(await vtex.ask("GET", path)).json()
        gone = check(await vtex.ask("DELETE", path))

    assert (changed.status_code, gone.status_code) == (204, 204)
    assert shown["name"] == "Hub"


@pytest.mark.parametrize("status", ("204", "200"))
async def test_the_mapper_answers_as_described(account: Serve, status: str) -> None:
    """By the guide or by the description."""
    registration = {"displayName": "M", "categoryTreeEndPoint": "http://a/", "mappingEndPoint": "http://a/"}
    async with account(tree_status=status) as vtex:
        path = "/api/mkp-category-mapper/connector/register?an=simulated"
        registered = check(
            await vtex.ask("POST", path, {**registration, "properties": {"allowsRemap": True}})
        )
        answer = await vtex.client.post(
            f"/api/mkp-category-mapper/categories/marketplace/{registered.json()['id']}?an=simulated",
            content=gzip.compress(codec.dumps(TREE)),
            headers={"Content-Encoding": "gzip"},
        )

    assert check(answer).status_code == int(status)


async def test_a_seller_is_asked_as_described(account: Serve, listener: Listener) -> None:
    """At indexation and at a checkout."""
    listener.answer = offered
    async with account(seller_endpoint=f"{listener.url}/api") as vtex:
        await vtex.tell("bind", skus=["A-1"])
        await vtex.ask("POST", f"{CHANGED}/A-1")
        await vtex.platform.idle()
        told = await vtex.tell("checkout", items=[{"id": "A-1"}, {"id": "A-2", "quantity": 3}])

    assert told["problems"] == []
    for target, headers, body in listener.requests:
        request = httpx.Request("POST", f"http://seller{target}", headers=headers, content=codec.dumps(body))
        check(httpx.Response(200, json=offered(body), request=request), "seller-fulfillment", base="/api")


GOOD = {"Accept": "application/json", "Content-Type": "application/json"}


@pytest.mark.parametrize(("headers", "answered"), (({}, 1), (GOOD, "one")))
def test_a_difference_is_found(headers: dict[str, str], answered: object) -> None:
    """The descriptions are not so wide that anything passes: a header is missing, a number is text."""
    url = "http://a/api/catalog_system/pvt/products/productget/1"
    answer = httpx.Response(200, json={"Id": answered}, request=httpx.Request("GET", url, headers=headers))

    with pytest.raises(OpenAPIError):
        check(answer)


def test_a_field_that_is_missing_in_a_request_is_found() -> None:
    """Of what is required of a suggestion."""
    body = suggestion()
    del body["EAN"]
    put = httpx.Request("PUT", f"http://a{SUGGESTIONS}/seller/1", headers=GOOD, content=codec.dumps(body))

    with pytest.raises(OpenAPIError):
        check(httpx.Response(200, request=put), base="/simulated")
