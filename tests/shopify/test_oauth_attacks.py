"""Nobody connects a shop who was not given the link and is not its owner; each refusal says why and shows no secret."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable, MutableMapping
from typing import Any
from urllib.parse import quote, urlencode

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.shopify.callback import is_signed
from connectors.shopify.simulator.oauth import signature
from hub import connection_save
from hub.errors import ConfigurationError
from hub.loop.authorization import begin_authorization
from hub.store import connections
from hub.testing.faults import Faults
from hub.testing.simulator import Running
from tests.shopify.shop import (
    SECRET,
    SHOP,
    authorise,
    callback_of,
    come_back,
    connect,
    credentials_of,
    secrets_of,
    signed,
)
from tests.web.driver import Hub

Query = dict[str, str]
Logs = list[MutableMapping[str, Any]]


class Attack:
    """A connection that nobody has authorised, and what is seen of an attempt to."""

    def __init__(self, hub: Hub, shop: Running, logs: Logs, caplog: pytest.LogCaptureFixture) -> None:
        self.hub, self.shop, self._logs, self._caplog = hub, shop, logs, caplog
        self._secrets: set[str] = set()

    async def begin(self, browser: httpx.AsyncClient, name: str = "north", **changes: str) -> Query:
        """What the shop would send with the browser."""
        query = await callback_of(self.hub, browser, name, **changes)
        self._secrets |= {query["code"], query["hmac"], query["state"]} | secrets_of(self.shop)
        return query

    def assert_refused(self, page: httpx.Response, *said: str, names: tuple[str, ...] = ("north",)) -> None:
        """The page says why; nothing is stored, and no secret stands in the page, in a log or in the store."""
        assert page.status_code == 400, page.text
        assert all(one in page.text for one in said), page.text
        for name in names:
            assert credentials_of(self.hub, name) == {"client_secret": SECRET}
            assert connections.get_connection(self.hub.runtime.db, name).revision == 1
        shown = f"{page.text} {page.headers} {self._logs} {self._caplog.text}"
        assert [one for one in self._secrets | secrets_of(self.shop) if one in shown] == []


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """How a state is kept and taken, on both databases, is tested where the core's authorization is."""
    return sqlite_url


@pytest.fixture
async def attack(hub: Hub, shop: Running, logs: Logs, caplog: pytest.LogCaptureFixture) -> Attack:
    await connect(hub, shop)
    return Attack(hub, shop, logs, caplog)


async def test_the_owner_connects_the_shop(hub: Hub, shop: Running, logs: Logs) -> None:
    """Who was given the link and grants all that is asked for: the pair is stored, and the page shows what is connected."""
    await connect(hub, shop)

    page = await authorise(hub)

    held = credentials_of(hub)
    assert page.status_code == 200, page.text
    assert f"<dt>shop</dt><dd>{SHOP}</dd>" in page.text
    assert "<dt>scopes</dt><dd>read_inventory, read_products</dd>" in page.text
    assert "<dt>account</dt>" in page.text
    assert held.keys() == {
        "access_token",
        "access_token_expires_at",
        "authorised_at",
        "client_secret",
        "refresh_token",
        "refresh_token_expires_at",
    }
    assert [one for one in secrets_of(shop) if one in f"{page.text} {logs}"] == []
    assert shop.platform.summary()["token_requests"] == 1


async def test_the_screen_is_asked_for_offline_access(
    hub: Hub, shop: Running, browser: httpx.AsyncClient
) -> None:
    """For this app, these scopes and the hub's own callback."""
    await connect(hub, shop)

    started = await browser.get(await begin_authorization(hub.runtime, "north"))

    asked = httpx.URL(started.headers["location"])
    assert f"{asked.scheme}://{asked.netloc.decode()}{asked.path}" == f"{shop.url}/admin/oauth/authorize"
    assert dict(asked.params) == {
        "client_id": "simulator-client",
        "scope": "read_products,read_inventory",
        "redirect_uri": f"{hub.url}/authorize/callback",
        "state": asked.params["state"],
    }


@pytest.mark.parametrize("forged", ("", "made-up", "é" * 40, "\0"))
async def test_a_forged_state_is_refused(attack: Attack, browser: httpx.AsyncClient, forged: str) -> None:
    """Although the rest is the shop's own, and signed."""
    query = await attack.begin(browser)

    page = await come_back(browser, signed({**query, "state": forged}))

    attack.assert_refused(page, "This answer belongs to no authorization that was begun in this browser")


async def test_a_replayed_state_is_refused(attack: Attack, browser: httpx.AsyncClient) -> None:
    """Its first use has spent it, whatever came of that."""
    query = await attack.begin(browser)
    first = await come_back(browser, query | {"hmac": "0" * 64})

    again = await come_back(browser, query)

    attack.assert_refused(first, "The signature of the answer is wrong")
    attack.assert_refused(again, "or it was used already")


async def test_a_replayed_callback_is_refused_and_what_it_brought_stays(
    hub: Hub, shop: Running, browser: httpx.AsyncClient
) -> None:
    """After a success."""
    await connect(hub, shop)
    query = await callback_of(hub, browser)
    await come_back(browser, query)
    before = credentials_of(hub)

    page = await come_back(browser, query)

    assert (page.status_code, credentials_of(hub)) == (400, before)
    assert "or it was used already" in page.text


async def test_another_tenants_state_is_refused(attack: Attack, browser: httpx.AsyncClient) -> None:
    """In another browser than the one that began: of both tenants, nobody is connected."""
    await connect(attack.hub, attack.shop, "south", tenant="south")
    north = await attack.begin(browser)
    async with httpx.AsyncClient(base_url=attack.hub.url) as other:
        await attack.begin(other, "south")
        page = await come_back(other, north)

    attack.assert_refused(page, "begun in this browser", names=("north", "south"))


async def test_another_tenants_state_in_a_signed_answer_is_refused(
    attack: Attack, browser: httpx.AsyncClient
) -> None:
    """The attacker's own state in an answer for somebody else: of a shop that is not the attacker's connection's."""
    await connect(attack.hub, attack.shop, "south", tenant="south", shop="another.myshopify.com")
    north = await attack.begin(browser)
    async with httpx.AsyncClient(base_url=attack.hub.url) as attacker:
        south = await attack.begin(attacker, "south")
        page = await come_back(attacker, signed({**north, "state": south["state"]}))

    attack.assert_refused(page, "of another shop", names=("north", "south"))


def _off_by_one(digest: str) -> str:
    return f"{digest[:-1]}{(int(digest[-1], 16) + 1) % 16:x}"


@pytest.mark.parametrize(
    "change",
    (
        pytest.param(lambda query: query | {"hmac": _off_by_one(query["hmac"])}, id="off by one"),
        pytest.param(lambda query: query | {"hmac": query["hmac"][:-1]}, id="cut off"),
        pytest.param(lambda query: query | {"hmac": query["hmac"] + "0"}, id="too long"),
        pytest.param(lambda query: query | {"hmac": ""}, id="empty"),
        pytest.param(lambda query: query | {"hmac": "é" * 64}, id="not ASCII"),
        pytest.param(lambda query: query | {"hmac": query["hmac"].upper()}, id="in capitals"),
        pytest.param(
            lambda query: {name: value for name, value in query.items() if name != "hmac"}, id="missing"
        ),
        pytest.param(lambda query: signed(query, secret="another-secret"), id="another app's"),
        pytest.param(lambda query: query | {"code": "another"}, id="another code"),
        pytest.param(lambda query: query | {"shop": "another.myshopify.com"}, id="another shop"),
        pytest.param(lambda query: query | {"timestamp": str(int(time.time()) + 1)}, id="another time"),
        pytest.param(lambda query: query | {"unknown": "parameter"}, id="one parameter more"),
        pytest.param(lambda query: query | {"ünknown": "é"}, id="one more that is not ASCII"),
        pytest.param(
            lambda query: {name: value for name, value in query.items() if name != "host"},
            id="one parameter less",
        ),
        pytest.param(
            lambda query: (
                {name: value for name, value in query.items() if name not in {"code", "host"}}
                | {"code": f"{query['code']}&host={query['host']}"}
            ),
            id="two parameters in one",
        ),
    ),
)
async def test_what_the_shop_did_not_sign_is_refused(
    attack: Attack, browser: httpx.AsyncClient, change: Callable[[Query], Query]
) -> None:
    """Whatever was changed of it."""
    query = await attack.begin(browser)

    page = await come_back(browser, change(query))

    attack.assert_refused(page, "The signature of the answer is wrong")


async def test_unknown_parameters_are_signed_too(hub: Hub, shop: Running, browser: httpx.AsyncClient) -> None:
    """Those that the shop adds one day are no hindrance, whatever is written in them."""
    await connect(hub, shop)
    query = await callback_of(hub, browser)

    page = await come_back(browser, signed({**query, "locale": "de", "ünknown": "é & = % ü", "empty": ""}))

    assert page.status_code == 200, page.text


@pytest.mark.parametrize("name", ("code", "shop", "state", "hmac", "timestamp", "unknown"))
async def test_a_parameter_that_comes_twice_is_refused(
    attack: Attack, browser: httpx.AsyncClient, name: str
) -> None:
    """Whichever it is, and whether its values differ or not."""
    query = await attack.begin(browser) | {"unknown": "x"}
    good = signed(query)

    page = await come_back(browser, [*good.items(), (name, good[name])])

    attack.assert_refused(page, "This answer names something twice")


@pytest.mark.parametrize(
    ("shop_named", "said"),
    (
        ("simulated.myshopify.com.evil.com", "not the domain of a shop"),
        ("evil.com/simulated.myshopify.com", "not the domain of a shop"),
        ("evil.com#.myshopify.com", "not the domain of a shop"),
        ("simulated.myshopify.com\n", "not the domain of a shop"),
        ("-simulated.myshopify.com", "not the domain of a shop"),
        ("simulated.myshopify.com:443", "not the domain of a shop"),
        ("user@simulated.myshopify.com", "not the domain of a shop"),
        ("s\u0131mulated.myshopify.com", "not the domain of a shop"),
        ("", "not the domain of a shop"),
        ("evil.myshopify.com", "of another shop"),
    ),
)
async def test_a_domain_that_is_not_the_shops_is_refused(
    attack: Attack, browser: httpx.AsyncClient, shop_named: str, said: str
) -> None:
    """Even where it is signed; it is matched in full, and nobody is asked there."""
    query = await attack.begin(browser)

    page = await come_back(browser, signed({**query, "shop": shop_named}))

    attack.assert_refused(page, said)
    assert attack.shop.platform.summary()["token_requests"] == 0


@pytest.mark.parametrize(
    ("timestamp", "said"),
    (
        (lambda: str(int(time.time()) - 100), "within 90 seconds"),
        (lambda: str(int(time.time()) + 100), "within 90 seconds"),
        (lambda: "0", "within 90 seconds"),
        (lambda: "9" * 12, "within 90 seconds"),
        (lambda: "9" * 400, "when it was made"),
        (lambda: f"{time.time():.1f}", "when it was made"),
        (lambda: "", "when it was made"),
        (lambda: "-1", "when it was made"),
        (lambda: "\u0661\u0667" + "\u0660" * 8, "when it was made"),
        (lambda: "nan", "when it was made"),
    ),
)
async def test_an_answer_of_another_time_is_refused(
    attack: Attack, browser: httpx.AsyncClient, timestamp: Callable[[], str], said: str
) -> None:
    """Early or late."""
    query = await attack.begin(browser)

    page = await come_back(browser, signed({**query, "timestamp": timestamp()}))

    attack.assert_refused(page, said)


async def test_an_answer_within_the_window_is_taken(
    hub: Hub, shop: Running, browser: httpx.AsyncClient
) -> None:
    """Clocks differ a little."""
    await connect(hub, shop)
    query = await callback_of(hub, browser)

    page = await come_back(browser, signed({**query, "timestamp": str(int(time.time()) - 80)}))

    assert page.status_code == 200, page.text


async def test_fewer_scopes_than_asked_for_are_refused(attack: Attack, browser: httpx.AsyncClient) -> None:
    """Whoever opens the link may change it; the missing ones are named."""
    query = await attack.begin(browser, scope="read_products")

    page = await come_back(browser, query)

    attack.assert_refused(page, "missing: read_inventory")


async def test_the_right_to_write_includes_that_to_read(
    hub: Hub, shop: Running, browser: httpx.AsyncClient
) -> None:
    """As the platform has it."""
    await connect(hub, shop)
    shop.platform.tokens.grant({"write_products", "read_inventory"})
    query = await callback_of(hub, browser, scope="write_products,read_inventory")

    page = await come_back(browser, query)

    assert page.status_code == 200, page.text


@pytest.mark.parametrize(
    ("faults", "said"),
    (
        ({"error": 1, "error_status": 503}, "HTTP 503"),
        ({"error": 1, "error_status": 429}, "HTTP 429"),
        ({"error": 1, "error_status": 400}, "does not trade the code for a token"),
        ({"error": 1, "error_status": 403}, "HTTP 403"),
        ({"garbage": 1}, "is no token"),
        ({"drop": 1}, "no connection"),
        ({"lose": 1}, "the connection broke"),
    ),
)
async def test_a_token_exchange_that_fails_connects_nobody(
    attack: Attack, browser: httpx.AsyncClient, faults: dict[str, Any], said: str
) -> None:
    """Whatever it fails of."""
    query = await attack.begin(browser)
    attack.shop.app.faults.set([Faults(match="access_token", **faults)])

    page = await come_back(browser, query)

    attack.assert_refused(page, said if "drop" not in faults else "Nothing was changed")


async def test_a_code_that_the_shop_does_not_know_is_refused(
    attack: Attack, browser: httpx.AsyncClient
) -> None:
    """Or not any more."""
    query = await attack.begin(browser)

    page = await come_back(browser, signed({**query, "code": "c0de-of-somebody-else"}))

    attack.assert_refused(page, "invalid_request: The authorization code was not found")
    assert "c0de" not in page.text


async def test_a_code_without_a_value_is_refused(attack: Attack, browser: httpx.AsyncClient) -> None:
    """Before anybody is asked."""
    query = await attack.begin(browser)

    page = await come_back(browser, signed({**query, "code": ""}))

    attack.assert_refused(page, "no code")


async def test_an_owner_who_says_no_is_understood(attack: Attack, browser: httpx.AsyncClient) -> None:
    """The page says so."""
    await connect(attack.hub, attack.shop, "asks")
    query = await attack.begin(browser)

    page = await come_back(browser, {"error": "access_denied", "state": query["state"]})

    attack.assert_refused(page, "did not grant access (access_denied)")


@pytest.mark.parametrize(
    ("body", "said"),
    (
        (b'{"access_token": "shpat_good", "scope": "read_products"}', "missing: read_inventory"),
        (b'{"access_token": "shpat_good"}', "missing: read_inventory, read_products"),
        (b'{"access_token": "shpat_good", "scope": 7}', "missing"),
        (b'{"access_token": "", "scope": "read_products,read_inventory"}', "without an access token"),
        (b'{"access_token": "a\\r\\nb", "scope": "read_products"}', "without an access token"),
        (b'{"access_token": ["x"]}', "without an access token"),
        (b"[]", "is no token"),
        (b"", "is no token"),
    ),
)
async def test_an_answer_that_is_no_token_connects_nobody(
    attack: Attack, browser: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, body: bytes, said: str
) -> None:
    """Whatever a shop may answer 200."""
    query = await attack.begin(browser)

    async def answered(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})

    monkeypatch.setattr(attack.shop.platform.oauth, "token", answered)
    page = await come_back(browser, query)

    attack.assert_refused(page, said)
    assert "shpat_good" not in page.text


async def test_a_connection_that_names_no_app_is_not_authorised(
    hub: Hub, shop: Running, browser: httpx.AsyncClient
) -> None:
    """A custom app's token is the other way in. The operator is told so instead of a link; a link that is older says so too."""
    stored = await connect(hub, shop)
    link = await begin_authorization(hub.runtime, "north")
    file = hub.runtime.file_of(stored)
    del file.settings["client_id"]
    await connection_save.save(
        hub.runtime, tenant="north", name="north", file=file, check=False, replace=True
    )

    with pytest.raises(ConfigurationError, match=r"^settings\.client_id: .* credentials\.access_token=env:"):
        await begin_authorization(hub.runtime, "north")
    page = await browser.get(link)

    assert page.status_code == 400
    assert "<p>settings.client_id: the app&#x27;s client id is missing" in page.text


def test_the_published_vector() -> None:
    """The secret ``hush`` of the platform's own library, without state."""
    query = {
        "code": "a94a110d86d2452eb3e2af4cfb8a3828",
        "shop": "some-shop.myshopify.com",
        "timestamp": "1337178173",
        "hmac": "2cb1a277650a659f1b11e92a4a64275b128e037f2c3390e3c8fd2d8721dac9e2",
    }

    assert is_signed(query, "hush")
    assert not is_signed(query, "hus")
    assert not is_signed({**query, "hmac": _off_by_one(query["hmac"])}, "hush")


def test_both_ways_to_write_a_value_are_known() -> None:
    """As it is and percent-encoded: the ``=`` at the end of a host, say."""
    query = {"host": "YWJj==", "state": "é %&"}
    as_it_is = "host=YWJj==&state=é %25%26"
    encoded = urlencode(query, quote_via=quote)

    for message in (as_it_is, encoded):
        digest = hmac.new(b"hush", message.encode(), hashlib.sha256).hexdigest()
        assert is_signed({**query, "hmac": digest}, "hush")


_TEXTS = st.text(st.characters(exclude_categories=[]), max_size=8) | st.sampled_from(
    ["a=b", "a&b=c", "%26", "%3D", "&", "=", "%"]
)
_QUERIES = st.dictionaries(_TEXTS.filter(lambda name: name != "hmac"), _TEXTS, max_size=4)


@settings(suppress_health_check=[HealthCheck.too_slow])  # the first draw loads tables
@given(signed_query=_QUERIES, presented=_QUERIES)
def test_no_other_parameters_have_the_same_signature(signed_query: Query, presented: Query) -> None:
    """And whatever stands in them, nothing is raised."""
    good = {name.encode("utf-8", "replace").decode(): value for name, value in signed_query.items()}
    good = {name: value.encode("utf-8", "replace").decode() for name, value in good.items()}
    digest = signature(good, "hush")

    assert is_signed({**good, "hmac": digest}, "hush")
    assert is_signed({**presented, "hmac": digest}, "hush") == (presented == good)
    assert not is_signed({**presented, "hmac": "é\ud800"}, "hush")
