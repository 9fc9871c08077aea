"""The authorization code grant, as a standalone app goes through it."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest

from connectors.shopify.simulator.oauth import signature

CALLBACK = "http://127.0.0.1:1/callback"
INACTIVE = "This request requires an active refresh_token"


async def authorize(app: Any, **more: str) -> httpx.Response:
    query = {
        "client_id": "simulator-client",
        "scope": "read_products",
        "redirect_uri": CALLBACK,
        "state": "abc",
    }
    return await app.client.get(f"{app.url}/admin/oauth/authorize", params=query | more)


def returned(answer: httpx.Response) -> dict[str, str]:
    assert answer.status_code == 302
    return dict(parse_qsl(httpx.URL(answer.headers["Location"]).query.decode()))


async def token(app: Any, **fields: str) -> httpx.Response:
    told = {"client_id": "simulator-client", "client_secret": "simulator-secret"} | fields
    headers = {"Accept": "application/json"}
    return await app.client.post(f"{app.url}/admin/oauth/access_token", data=told, headers=headers)


async def pair(app: Any) -> Any:
    """A first pair of tokens."""
    code = returned(await authorize(app))["code"]
    return (await token(app, code=code, expiring="1")).json()


async def refreshed(app: Any, refresh_token: str) -> httpx.Response:
    return await token(app, grant_type="refresh_token", refresh_token=refresh_token)


def test_a_callback_is_signed_as_the_published_vector_is() -> None:
    """From the tests of the platform's own library (shopify facts, "OAuth")."""
    told = {
        "code": "a94a110d86d2452eb3e2af4cfb8a3828",
        "shop": "some-shop.myshopify.com",
        "timestamp": "1337178173",
    }

    assert signature(told, "hush") == "2cb1a277650a659f1b11e92a4a64275b128e037f2c3390e3c8fd2d8721dac9e2"


async def test_the_merchant_comes_back_with_a_signed_code(app: Any) -> None:
    """Everything that an app has to check is there."""
    told = returned(await authorize(app))

    assert told.keys() == {"code", "hmac", "host", "shop", "state", "timestamp"}
    assert (told["shop"], told["state"]) == ("simulated.myshopify.com", "abc")
    assert told["hmac"] == signature(told, "simulator-secret")
    assert int(told["timestamp"]) == int(app.platform.clock.seconds())
    assert base64.b64decode(told["host"] + "===").decode() == "admin.shopify.com/store/simulated"


async def test_a_code_is_exchanged_once_for_tokens_that_work(app: Any) -> None:
    """The second time it is refused with 400."""
    code = returned(await authorize(app, scope="read_products,read_orders"))["code"]
    first = await token(app, code=code, expiring="1")
    again = await token(app, code=code, expiring="1")
    app.token = first.json()["access_token"]

    assert first.json() | {"access_token": "", "refresh_token": ""} == {
        "access_token": "",
        "scope": "read_products",
        "expires_in": 3600,
        "refresh_token": "",
        "refresh_token_expires_in": 7_776_000,
    }
    assert again.status_code == 400
    assert (await app.data("{ productsCount { count } }"))["productsCount"]["count"] == 30
    assert (await app.ask("{ customersCount { count } }"))["errors"]


async def test_without_expiring_there_is_one_token_for_good(app: Any) -> None:
    """The documented default."""
    code = returned(await authorize(app))["code"]
    body = (await token(app, code=code)).json()
    await app.tell("clock", advance=10**8)
    app.token = body["access_token"]

    assert body.keys() == {"access_token", "scope"}
    await app.data("{ shop { id } }")


async def test_a_code_lives_for_a_minute(app: Any) -> None:
    """By the simulator's clock."""
    code = returned(await authorize(app))["code"]
    await app.tell("clock", advance=60)

    assert (await token(app, code=code)).status_code == 400


async def test_the_screen_can_wait_for_the_merchant(serve: Any) -> None:
    """Who may also say no."""
    async with serve(approve="ask") as app:
        screen = await authorize(app)
        yes = returned(await authorize(app, approve="1"))
        no = returned(await authorize(app, approve="0"))

    assert screen.status_code == 200
    assert "approve=1" in screen.text
    assert "code" in yes
    assert no == {"error": "access_denied", "state": "abc"}


@pytest.mark.parametrize(
    "wrong",
    (
        {"client_id": "another"},
        {"redirect_uri": "http://evil.example/"},
        {"redirect_uri": "javascript:alert(1)"},
    ),
)
async def test_another_app_and_another_address_get_no_code(serve: Any, wrong: dict[str, str]) -> None:
    """An error on the spot, without a redirect."""
    async with serve(redirect_uri=CALLBACK) as app:
        answer = await authorize(app, **wrong)

    assert answer.status_code == 400
    assert "Location" not in answer.headers


@pytest.mark.parametrize(
    "fields", ({"client_secret": "wrong", "code": "x"}, {"client_id": "x", "code": "x"}, {"code": "x"}, {})
)
async def test_a_wrong_exchange_is_400(app: Any, fields: dict[str, str]) -> None:
    """Wrong app, wrong secret, wrong code, none at all."""
    answer = await token(app, **fields)

    assert answer.status_code == 400
    assert answer.json()["error"] in {"invalid_client", "invalid_request"}


@pytest.mark.parametrize("body", (b"[1]", b"{", b"\xff\xfe", b'{"code": {"a": 1}}'))
async def test_an_exchange_that_cannot_be_read_is_400(app: Any, body: bytes) -> None:
    """Whatever comes."""
    assert (await app.client.post(f"{app.url}/admin/oauth/access_token", content=body)).status_code == 400


async def test_an_exchange_may_be_json(app: Any) -> None:
    """As well as a form."""
    told = {"client_id": "simulator-client", "client_secret": "simulator-secret", "expiring": 1}
    told["code"] = returned(await authorize(app))["code"]
    answer = await app.client.post(f"{app.url}/admin/oauth/access_token", json=told)

    assert "refresh_token" in answer.json()


async def test_an_access_token_expires_and_a_refresh_brings_another_pair(app: Any) -> None:
    """The old access token lives to its own end."""
    first = await pair(app)
    await app.tell("clock", advance=3000)
    second = (await refreshed(app, first["refresh_token"])).json()
    statuses = []
    for seconds in (0, 600, 3000):
        await app.tell("clock", advance=seconds)
        for one in (first, second):
            app.token = one["access_token"]
            statuses.append((await app.post("{ shop { id } }")).status_code)

    assert second["refresh_token"] != first["refresh_token"]
    assert statuses == [200, 200, 401, 200, 401, 401]


async def test_the_older_refresh_token_works_until_the_newer_one_is_used(app: Any) -> None:
    """An answer that got lost costs nothing."""
    first = await pair(app)
    lost = (await refreshed(app, first["refresh_token"])).json()
    again = (await refreshed(app, first["refresh_token"])).json()
    used = await refreshed(app, again["refresh_token"])
    late = [await refreshed(app, one["refresh_token"]) for one in (first, lost)]

    assert used.status_code == 200
    assert [answer.status_code for answer in late] == [401, 401]
    assert late[0].json() == {"error": "invalid_request", "error_description": INACTIVE}


async def test_a_replaced_refresh_token_ends_after_thirty_days(app: Any) -> None:
    """Though its replacement was never used."""
    first = await pair(app)
    await refreshed(app, first["refresh_token"])
    await app.tell("clock", advance=30 * 86_400)

    assert (await refreshed(app, first["refresh_token"])).status_code == 401


async def test_a_token_taken_again_makes_the_older_refresh_token_void(app: Any) -> None:
    """One refreshable token for an app in a shop."""
    first = await pair(app)
    second = await pair(app)

    assert (await refreshed(app, first["refresh_token"])).status_code == 401
    assert (await refreshed(app, second["refresh_token"])).status_code == 200
    app.token = first["access_token"]
    await app.data("{ shop { id } }")


async def test_a_refresh_is_refused_as_html_unless_json_is_asked_for(app: Any) -> None:
    """401 either way."""
    told = {
        "client_id": "simulator-client",
        "client_secret": "simulator-secret",
        "grant_type": "refresh_token",
    }
    answer = await app.client.post(f"{app.url}/admin/oauth/access_token", data=told | {"refresh_token": "x"})

    assert answer.status_code == 401
    assert answer.headers["Content-Type"].startswith("text/html")
    assert INACTIVE in answer.text


async def test_an_uninstalled_app_has_nothing_left(app: Any) -> None:
    """Neither tokens nor a way to refresh them, until it is installed again."""
    first = await pair(app)
    await app.tell("uninstall")
    app.token = first["access_token"]
    gone = await app.post("{ shop { id } }")
    void = await refreshed(app, first["refresh_token"])
    app.token = (await pair(app))["access_token"]

    assert (gone.status_code, void.status_code) == (401, 401)
    await app.data("{ shop { id } }")


async def test_revoked_access_tokens_can_be_refreshed(app: Any) -> None:
    """401 for the API, another pair for the refresh token."""
    first = await pair(app)
    await app.tell("revoke")
    app.token = first["access_token"]
    revoked = await app.post("{ shop { id } }")
    app.token = (await refreshed(app, first["refresh_token"])).json()["access_token"]

    assert revoked.status_code == 401
    await app.data("{ shop { id } }")
