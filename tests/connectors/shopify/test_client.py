"""Whatever a shop answers becomes data or the error that says what happens next."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from connectors.shopify.client import AccessDeniedError, ShopifyClient, TooExpensiveError
from hub import codec
from hub.connector import Bucket
from hub.errors import (
    BadPageError,
    ConnectionFailedError,
    HubError,
    RejectedError,
    RetryableError,
    ThrottledError,
)

COST = {
    "requestedQueryCost": 500,
    "actualQueryCost": None,
    "throttleStatus": {"maximumAvailable": 2000, "currentlyAvailable": 100, "restoreRate": 100},
}
THROTTLED = {
    "errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}],
    "extensions": {"cost": COST},
}


class Told:
    """An ``Http`` that answers what it is told, and a log that remembers."""

    def __init__(self, status: int, body: Any, **headers: str) -> None:
        content = body if isinstance(body, bytes) else codec.dumps(body)
        self.answer = httpx.Response(status, content=content, headers=headers)
        self.warnings: list[str] = []

    async def request(self, method: str, url: str, **options: Any) -> httpx.Response:
        return self.answer

    def stream(self, method: str, url: str, **options: Any) -> Any:
        raise NotImplementedError

    def info(self, event: str, **facts: Any) -> None: ...

    def warning(self, event: str, **facts: Any) -> None:
        self.warnings.append(event)

    async def fresh_token(self) -> str:
        return "token"

    async def token_after(self, refused: str) -> str:
        return "other"


def _client(told: Told) -> ShopifyClient:
    return ShopifyClient(
        told, told, origin="http://x", version="2026-10", bucket=Bucket(key="x"), tokens=told
    )


@pytest.mark.parametrize("status", (200, 429))
async def test_both_shapes_of_throttled_say_when_there_are_points(status: int) -> None:
    """Requested less available, by the rate: four seconds."""
    with pytest.raises(ThrottledError) as raised:
        await _client(Told(status, THROTTLED)).ask("shop")

    assert raised.value.wait.total_seconds() == 4


@pytest.mark.parametrize("body", ({}, {"errors": "x"}, b"<html>", THROTTLED | {"extensions": {"cost": 3}}))
async def test_a_429_of_any_body_waits_at_least_a_second(body: Any) -> None:
    with pytest.raises(ThrottledError) as raised:
        await _client(Told(429, body)).ask("shop")

    assert raised.value.wait.total_seconds() == 1


def _errors(code: str | None, data: Any = None, **more: Any) -> Any:
    extensions = {"code": code, **more} if code else {}
    error = {"message": "no", "extensions": extensions, "path": ["customers", "nodes", 0, "firstName"]}
    return {"data": data, "errors": [error]}


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    (
        (402, {"errors": "frozen"}, ConnectionFailedError),
        (423, {"errors": "locked"}, ConnectionFailedError),
        (430, {"errors": "attack"}, RetryableError),
        (200, _errors("MAX_COST_EXCEEDED"), TooExpensiveError),
        (200, _errors("SHOP_INACTIVE"), ConnectionFailedError),
        (200, _errors("INTERNAL_SERVER_ERROR"), RetryableError),
        (200, _errors("INTERNAL_SERVER_ERROR", {"shop": {}}), RetryableError),
        (200, _errors("ACCESS_DENIED", requiredAccess="read_x"), AccessDeniedError),
        (200, _errors("undefinedField"), RejectedError),
        (200, {"errors": "[API] Invalid"}, RetryableError),
        (200, {"data": None}, RetryableError),
        (200, b"not json", BadPageError),
        (200, [1], BadPageError),
    ),
)
async def test_an_answer_becomes_the_right_error(status: int, body: Any, expected: type[HubError]) -> None:
    """Each says what to do."""
    with pytest.raises(expected) as raised:
        await _client(Told(status, body)).ask("shop")

    assert str(raised.value)


async def test_data_beside_denied_fields_is_accepted() -> None:
    """Protected customer data is null, and its fields are named."""
    answer = await _client(Told(200, _errors("ACCESS_DENIED", {"customers": {}}))).ask("customers_page")

    assert answer.data == {"customers": {}}
    assert answer.denied == [["customers", "nodes", "firstName"]]


async def test_operations_beside_what_is_denied_are_no_data() -> None:
    """They were looked at along with it: what was asked for is refused all the same."""
    data = {"customers": None, "operations": [{"status": "COMPLETED"}]}
    with pytest.raises(AccessDeniedError):
        await _client(Told(200, _errors("ACCESS_DENIED", data))).ask("customers_page")


async def test_a_version_that_was_not_asked_for_is_warned_of_once() -> None:
    """A retired version falls forward silently."""
    told = Told(200, {"data": {"shop": {}}}, **{"X-Shopify-API-Version": "2027-01"})
    client = _client(told)
    await client.ask("shop")
    await client.ask("shop")

    assert told.warnings == ["api_version"]
