"""Keys, headers, limits, paths and counters."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from connectors.vtex.simulator import SIMULATOR
from hub.errors import ConfigurationError
from tests.connectors.vtex.simulator.conftest import CHANGED, SUGGESTIONS, Serve

PRODUCT = "/api/catalog_system/pvt/products/productget/1000001"


@pytest.mark.parametrize(
    "headers",
    (
        {"X-VTEX-API-AppKey": ""},
        {"X-VTEX-API-AppToken": ""},
        {"X-VTEX-API-AppKey": "another"},
        {"X-VTEX-API-AppToken": "another"},
    ),
)
async def test_a_key_and_its_token_are_needed(account: Serve, headers: dict[str, str]) -> None:
    """Both of them."""
    async with account() as vtex:
        answer = await vtex.ask("GET", PRODUCT, headers=headers)
        summary = await vtex.summary()

    assert answer.status_code == 401
    assert (summary["refused"], summary["by_status"]) == (1, {"401": 1})


async def test_the_public_simulation_needs_no_key(account: Serve) -> None:
    """The private one does, and says so in Checkout's shape."""
    async with account() as vtex:
        vtex.client.headers["X-VTEX-API-AppKey"] = ""
        body = {"items": [{"id": "2000001", "quantity": 1, "seller": "1"}]}
        public = await vtex.ask("POST", "/api/checkout/pub/orderForms/simulation", body)
        private = await vtex.ask("POST", "/api/fulfillment/pvt/orderForms/simulation", body)

    assert (public.status_code, private.status_code) == (200, 401)
    assert private.json()["error"].keys() == {"code", "message", "exception"}
    assert len(private.json()["operationId"]) == 32


async def test_a_key_may_lack_a_permission_or_be_revoked(account: Serve) -> None:
    """403 for the group of routes, 401 for everything."""
    async with account() as vtex:
        key = {"app_key": "vtexappkey-simulated", "app_token": "simulator-token"}
        await vtex.tell("keys", **key, denied=["notificator"])
        denied = await vtex.ask("POST", "/api/notificator/seller/changenotification/1/price")
        allowed = await vtex.ask("GET", PRODUCT)
        await vtex.tell("keys", **key, revoked=True)
        revoked = await vtex.ask("GET", PRODUCT)

    assert [one.status_code for one in (denied, allowed, revoked)] == [403, 200, 401]


@pytest.mark.parametrize(("required", "status"), ((True, 400), (False, 200)))
async def test_accept_and_content_type_are_required_by_option(
    account: Serve, required: bool, status: int
) -> None:
    """Even of a GET."""
    async with account(require_headers=required) as vtex:
        without = await vtex.ask("GET", PRODUCT, headers={"Content-Type": ""})
        complete = await vtex.ask("GET", PRODUCT)

    assert (without.status_code, complete.status_code) == (status, 200)


@pytest.mark.parametrize(
    ("shape", "body"), (("text", "Product not found."), ("json", '"Product not found."'), ("empty", ""))
)
async def test_catalog_errors_have_the_shape_of_the_option(account: Serve, shape: str, body: str) -> None:
    """Plain text, a JSON string, or nothing."""
    async with account(error_shape=shape) as vtex:
        answer = await vtex.ask("GET", "/api/catalog_system/pvt/products/productget/5")

    assert (answer.status_code, answer.text) == (404, body)


async def test_a_limit_lets_pass_what_was_saved_up_and_what_comes_back(account: Serve) -> None:
    """Each group of routes has a bucket of its own."""
    async with account(rate=10, burst=3) as vtex:
        await vtex.tell("clock", stopped=True)
        statuses = [(await vtex.ask("GET", PRODUCT)).status_code for _ in range(5)]
        other = await vtex.ask("POST", "/api/notificator/seller/changenotification/1/price")
        await vtex.tell("clock", advance=0.2)
        later = [(await vtex.ask("GET", PRODUCT)).status_code for _ in range(3)]
        summary = await vtex.summary()

    assert statuses == [200, 200, 200, 429, 429]
    assert other.status_code == 202
    assert later == [200, 200, 429]
    assert summary["throttled"] == 3
    assert set(summary["throttled_by_route"].values()) == {3}


async def test_a_limit_may_be_that_of_the_account_or_of_one_group(account: Serve) -> None:
    """One bucket for all, but for the group that has its own."""
    async with account(rate=1, burst=2, limit_scope="account", limit=["catalog=1/3"]) as vtex:
        await vtex.tell("clock", stopped=True)
        notify = "/api/notificator/seller/changenotification/1/price"
        shared = [
            (await vtex.ask(*one)).status_code
            for one in (("POST", notify), ("GET", SUGGESTIONS), ("POST", notify))
        ]
        own = [(await vtex.ask("GET", PRODUCT)).status_code for _ in range(4)]

    assert shared == [202, 200, 429]
    assert own == [200, 200, 200, 429]


@pytest.mark.parametrize(
    "text",
    ("catalog", "catalog=0/1", "catalog=1/0", "nothing=1/1", "catalog=x/1", "catalog=nan", "catalog=inf"),
)
def test_a_limit_that_makes_no_sense_is_refused(text: str) -> None:
    """Naming the option."""
    with pytest.raises(ConfigurationError) as refused:
        SIMULATOR.app(limit=[text])

    assert refused.value.field == "limit"


async def test_a_429_says_when_to_come_again(account: Serve) -> None:
    """In seconds, as a date of HTTP, or not at all."""
    said: dict[str, Any] = {}
    for form in ("seconds", "date", "none"):
        async with account(rate=0.25, burst=1, retry_after_form=form) as vtex:
            await vtex.tell("clock", stopped=True)
            now = vtex.platform.clock.seconds()
            await vtex.ask("GET", PRODUCT)
            said[form] = (await vtex.ask("GET", PRODUCT)).headers.get("retry-after"), now

    assert said["seconds"][0] == "4"
    text, now = said["date"]
    assert now + 4 <= parsedate_to_datetime(text).timestamp() <= now + 5
    assert said["none"][0] is None


@pytest.mark.parametrize(("style", "prefix"), (("x-ratelimit", "X-RateLimit"), ("ratelimit", "Ratelimit")))
async def test_answers_speak_of_the_limit_by_option(account: Serve, style: str, prefix: str) -> None:
    """The reset is a time in the one style and seconds in the other."""
    async with account(rate=1, burst=10, limit_headers=style) as vtex:
        await vtex.tell("clock", stopped=True)
        await vtex.ask("GET", PRODUCT)
        headers = (await vtex.ask("GET", PRODUCT)).headers
        now = vtex.platform.clock.seconds()

    assert (headers[f"{prefix}-Limit"], headers[f"{prefix}-Remaining"]) == ("10", "8")
    reset = int(headers[f"{prefix}-Reset"])
    assert reset == 2 if style == "ratelimit" else now + 2 <= reset <= now + 3


async def test_paths_that_lead_nowhere_answer_html(account: Serve) -> None:
    """Another account's too; a method that a path does not have is 405."""
    async with account() as vtex:
        nowhere = [
            await vtex.ask("POST", path)
            for path in (
                "/",
                "/api/nothing",
                "/notificator/seller/changenotification/1/price",
                "/another/suggestions/a/b",
            )
        ]
        other = await vtex.ask("GET", "/another/suggestions")
        wrong_method = await vtex.ask("GET", f"{CHANGED}/1")
        summary = await vtex.summary()

    assert {one.status_code for one in nowhere[:3]} == {404}
    assert all(one.text.startswith("<!DOCTYPE html>") for one in [*nowhere[:3], other])
    assert (nowhere[3].status_code, wrong_method.status_code) == (405, 405)
    assert summary["unknown_paths"] == 5


async def test_paths_are_read_without_case_and_with_escapes(account: Serve) -> None:
    """A seller's SKU id may contain a slash."""
    async with account(approve="manual") as vtex:
        await vtex.tell("bind", skus=["A/1 ä"])
        path = f"{CHANGED}/A%2F1%20%C3%A4"
        statuses = [
            (await vtex.ask("POST", one)).status_code
            for one in (path, path.replace("skuseller", "SkuSeller"))
        ]

    assert statuses == [204, 204]


async def test_requests_are_counted_by_route_and_sku(account: Serve) -> None:
    """What is refused is no request for a SKU."""
    async with account() as vtex:
        for sku in ("A", "A", "B"):
            await vtex.ask("POST", f"{CHANGED}/{sku}")
        await vtex.ask("POST", f"{CHANGED}/C", headers={"X-VTEX-API-AppKey": ""})
        await vtex.simulate(2000001, 2000002)
        summary = await vtex.summary()

    route = "POST /api/catalog_system/pvt/skuseller/changenotification/{sellerId}/{sellerSkuId}"
    assert summary["by_route"][route] == 4
    assert summary["by_sku"][route] == {"skus": 2, "most": 2}
    assert summary["by_sku"]["POST /api/fulfillment/pvt/orderForms/simulation"] == {"skus": 2, "most": 1}
    assert summary["requests"] == 5


async def test_a_reset_leaves_nothing(account: Serve) -> None:
    """Neither suggestions nor bindings, keys, counters and clock."""
    async with account(approve="manual") as vtex:
        await vtex.tell("keys", app_key="other", app_token="t")
        await vtex.tell("clock", stopped=True, advance=1000)
        await vtex.tell("bind", skus=["B"])
        await vtex.tell("change", skus=[2000001], notify=False)
        await vtex.suggest()
        before = (await vtex.simulate(2000001))["items"][0]["price"]
        await vtex.tell("reset")
        state = await vtex.state()
        after = (await vtex.simulate(2000001))["items"][0]["price"]
        refused = await vtex.ask("GET", PRODUCT, headers={"X-VTEX-API-AppKey": "other"})

    assert (state["suggestions"], state["bindings"], state["requests"]) == ([], [], 0)
    assert (before - after, refused.status_code) == (1, 401)


@pytest.mark.parametrize(
    ("option", "value", "said"),
    (
        ("rate", "inf", "finite"),
        ("seller_endpoint", "http://127.0.0.1:9600/t/acme", "contains /api"),
        ("seller_endpoint", "127.0.0.1:9600/api", "begins with http"),
        ("callback_header", ["no colon"], "NAME: VALUE"),
        ("callback_header", ["X-A: b\r\nX-C: d"], "NAME: VALUE"),
        ("account", "a/b", "is not an account's name"),
    ),
)
def test_an_option_that_makes_no_sense_is_refused(option: str, value: Any, said: str) -> None:
    """Naming it, before anything is served."""
    with pytest.raises(ConfigurationError, match=said) as refused:
        SIMULATOR.app(**{option: value})

    assert str(refused.value.field).partition(".")[0] == option


@pytest.mark.parametrize("seconds", (1e300, 1e18, -1e12))
async def test_a_time_that_no_date_has_is_refused(account: Serve, seconds: float) -> None:
    """And the clock goes on."""
    async with account() as vtex:
        refused = await vtex.ask("POST", "/_simulator/clock", {"advance": seconds})
        now = await vtex.tell("clock", advance=0)

    assert (refused.status_code, "advance" in refused.text) == (422, True)
    assert now["stopped"] is False


@pytest.mark.parametrize(
    ("method", "path"),
    (
        ("PUT", f"{SUGGESTIONS}/seller/A-1"),
        ("POST", "/api/fulfillment/pvt/orderForms/simulation"),
        ("PUT", "/api/fulfillment/pvt/affiliates/HBB"),
    ),
)
async def test_a_body_that_goes_too_deep_is_a_bad_request(account: Serve, method: str, path: str) -> None:
    """As any other that is no JSON."""
    async with account() as vtex:
        answer = await vtex.client.request(method, path, content=b"[" * 50_000)

    assert answer.status_code == 400
