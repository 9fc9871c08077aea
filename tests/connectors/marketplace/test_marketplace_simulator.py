"""The simulated marketplace by itself: its rules, its limits, its books."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from connectors.marketplace.simulator import SIMULATOR

AUTHORISED = {"Authorization": "Bearer marketplace-token"}
BODY = {"product": {"name": "Shirt", "brand": "Plain"}, "currency": "BRL", "price": 10, "stock": 5}


@asynccontextmanager
async def market(**options: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A client that may."""
    async with (
        SIMULATOR.running(**options) as simulator,
        httpx.AsyncClient(base_url=simulator.url, headers=AUTHORISED, verify=False) as client,
    ):
        yield client


async def put(client: httpx.AsyncClient, sku: str = "15", key: str = "", **changed: Any) -> httpx.Response:
    headers = {"Idempotency-Key": key} if key else {}
    return await client.put(f"/products/{sku}", json={**BODY, **changed}, headers=headers)


async def test_all_faults_of_a_write_are_named() -> None:
    """And nothing is kept."""
    async with market(images=1, name_length=3, known_categories=True) as client:
        answer = await put(client, price=0, stock=-1, category="nowhere", product={"name": "Shirt"})

        assert answer.status_code == 422
        assert len(answer.json()["errors"]) == 6
        assert (await client.get("/offers/15")).status_code == 404


async def test_a_repetition_is_answered_as_before_and_another_content_refused() -> None:
    """By its idempotency key."""
    async with market() as client:
        first, again = await put(client, key="k"), await put(client, key="k")
        other = await put(client, key="k", stock=6)
        summary = (await client.get("/_simulator/summary")).json()

        assert (first.status_code, again.status_code, other.status_code) == (201, 201, 409)
        assert (summary["writes"], summary["repeated"], summary["doubled"]) == (1, 1, 1)


async def test_updates_of_what_is_not_sold_are_counted() -> None:
    """They are answered 404."""
    async with market() as client:
        answer = await client.put("/offers/15/stock", json={"stock": 1})

        assert answer.status_code == 404
        assert (await client.get("/_simulator/state")).json()["unknown_skus"] == {"15": 1}


async def test_a_limit_says_when_to_come_again() -> None:
    """In whole seconds."""
    async with market(rate=0.5, burst=2) as client:
        statuses = [(await client.get("/offers/15")).status_code for _ in range(3)]
        answer = await client.get("/offers/15")

        assert statuses == [404, 404, 429]
        assert answer.headers["retry-after"] == "2"


async def test_without_a_good_token_nothing_is_answered() -> None:
    """But the token endpoint, which knows its clients."""
    async with market(token_seconds=60) as client:
        await client.post("/_simulator/expire")
        refused = await client.get("/categories")
        wrong = await client.post("/oauth/token", data={"grant_type": "client_credentials", "client_id": "x"})
        told = {
            "grant_type": "client_credentials",
            "client_id": "hub",
            "client_secret": "marketplace-secret",
        }
        token = (await client.post("/oauth/token", data=told)).json()
        answer = await client.get("/categories", headers={"Authorization": f"Bearer {token['access_token']}"})

        assert (refused.status_code, wrong.status_code, answer.status_code) == (401, 400, 200)
        assert token["expires_in"] == 60


async def test_what_it_does_not_do_is_answered_405() -> None:
    """By its options."""
    async with market(blocks=False, deletes=False) as client:
        await put(client)

        assert (await client.post("/offers/15/block")).status_code == 405
        assert (await client.delete("/offers/15")).status_code == 405


async def test_wrong_arguments_of_a_command_are_refused() -> None:
    """With what is wrong."""
    async with market() as client:
        assert (await client.post("/_simulator/put", json={"sku": "15"})).status_code == 422
        assert (await client.post("/_simulator/put", json={"ski": "15"})).status_code == 422
        assert (await client.post("/_simulator/lose", json={"all": True})).status_code == 422


async def test_a_reset_brings_back_the_start() -> None:
    """Offers, lots and tokens."""
    async with market() as client:
        await put(client)
        await client.post("/_simulator/expire")

        await client.post("/_simulator/reset")

        assert (await client.get("/_simulator/summary")).json()["offers"] == 0
        assert (await client.get("/categories")).status_code == 200


async def test_what_is_no_json_or_no_path_is_told() -> None:
    """400 and 404."""
    async with market() as client:
        assert (await client.put("/products/15", content=b"{")).status_code == 400
        assert (await client.put("/product/15", json={})).status_code == 404
        assert (await client.post("/lots/upsert", json={"items": []})).status_code == 422
