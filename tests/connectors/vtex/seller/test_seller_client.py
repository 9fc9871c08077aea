"""Every call that a seller makes goes where VTEX has it, and every answer has one meaning."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import pytest

from connectors.vtex.seller.client import SellerClient
from connectors.vtex.seller.identity import LONGEST_ID
from hub import codec
from hub.errors import (
    ConnectionFailedError,
    ReauthorizationError,
    RejectedError,
    RetryableError,
    ThrottledError,
)

if TYPE_CHECKING:
    from tests.connectors.vtex.seller.conftest import MakeClient, Marketplace, WatchedHttp

CLASSIC = "/api/catalog_system/pvt/skuseller/changenotification/shop/15"
BINDING = "/api/sku-binding/pvt/skuseller/changenotification/shop/15"
SUGGESTION = "/mystore/suggestions/shop/15"
NOT_FOUND = b"Seller StockKeepingUnit `15` not found for this seller id `shop`"
PAGE = b"<!DOCTYPE html><html><head><title>404 - Page not found</title></head></html>"

Call = Callable[[SellerClient], Awaitable[Any]]

CALLS: dict[str, tuple[Call, str, str]] = {
    "changed": (lambda client: client.notify_changed("15"), "POST", CLASSIC),
    "price": (
        lambda client: client.notify_price("15"),
        "POST",
        "/api/notificator/shop/changenotification/15/price",
    ),
    "stock": (
        lambda client: client.notify_stock("15"),
        "POST",
        "/api/notificator/shop/changenotification/15/inventory",
    ),
    "suggestion": (lambda client: client.suggestion("15"), "GET", SUGGESTION),
    "suggest": (lambda client: client.suggest("15", {"ProductName": "a"}), "PUT", SUGGESTION),
    "forget": (lambda client: client.forget("15"), "DELETE", SUGGESTION),
}


@pytest.mark.parametrize("name", CALLS)
async def test_a_call_goes_to_its_path_with_all_headers(
    name: str, marketplace: Marketplace, make_client: MakeClient
) -> None:
    """Accept and Content-Type as well, on a GET and on an empty POST."""
    call, method, path = CALLS[name]
    await call(make_client())

    (asked,) = marketplace.asked
    assert (asked.method, asked.path) == (method, path)
    assert asked.headers["x-vtex-api-appkey"] == "vtexappkey-x"
    assert asked.headers["x-vtex-api-apptoken"] == "token-of-vtex"
    assert asked.headers["accept"] == asked.headers["content-type"] == "application/json"


async def test_a_notification_has_no_body_and_says_so(
    marketplace: Marketplace, make_client: MakeClient
) -> None:
    """Servers ask for a length with every POST."""
    await make_client().notify_changed("15")

    assert marketplace.asked[0].body == b""
    assert marketplace.asked[0].headers["content-length"] == "0"


async def test_a_suggestion_is_sent_as_it_is(marketplace: Marketplace, make_client: MakeClient) -> None:
    """With every digit."""
    await make_client().suggest("15", {"Height": 10, "Updated": None})

    assert codec.loads(marketplace.asked[0].body) == {"Height": 10, "Updated": None}


async def test_ids_are_one_segment_of_the_path(marketplace: Marketplace, make_client: MakeClient) -> None:
    """Whatever they hold."""
    await make_client(seller_id="the shop").notify_price("a b/ç?")

    assert marketplace.asked[0].path == (
        "/api/notificator/the%20shop/changenotification/a%20b%2F%C3%A7%3F/price"
    )


async def test_the_newer_route_is_taken_where_it_is_set(
    marketplace: Marketplace, make_client: MakeClient
) -> None:
    """That of SKU bindings."""
    await make_client(change_route="sku-binding").notify_changed("15")

    assert marketplace.asked[0].path == BINDING


@pytest.mark.parametrize("status", (200, 202, 204))
@pytest.mark.parametrize("name", ("changed", "price", "stock"))
async def test_any_success_says_that_the_sku_is_known(
    name: str, status: int, marketplace: Marketplace, make_client: MakeClient
) -> None:
    """The files say 204, the guides 200, the notificator 202."""
    marketplace.answers(status)

    assert await CALLS[name][0](make_client()) == "known"


@pytest.mark.parametrize(
    "body",
    (
        b"",
        b" \r\n",
        b'""',
        b"null",
        NOT_FOUND,
        codec.dumps(NOT_FOUND.decode()),
        b"Seller StockKeepingUnit 15 not found for this seller id shop.",
        codec.dumps({"Message": NOT_FOUND.decode()}),
    ),
)
async def test_an_empty_404_or_the_documented_text_says_that_the_sku_is_new(
    body: bytes, marketplace: Marketplace, make_client: MakeClient
) -> None:
    """As plain text or as JSON."""
    marketplace.answers(404, body, content_type="text/plain")

    assert await make_client().notify_changed("15") == "new"


@pytest.mark.parametrize("form", (str.encode, codec.dumps, lambda text: codec.dumps({"Message": text})))
async def test_the_documented_text_is_known_with_the_longest_ids(
    form: Callable[[str], bytes], marketplace: Marketplace, make_client: MakeClient
) -> None:
    """It quotes them; one SKU with a long name is no wrong account."""
    sku, seller = "s" * LONGEST_ID, "m" * LONGEST_ID
    text = f"Seller StockKeepingUnit `{sku}` not found for this seller id `{seller}`"
    marketplace.answers(404, form(text), content_type="text/plain")

    assert await make_client(seller_id=seller).notify_changed(sku) == "new"


@pytest.mark.parametrize(
    "body", (PAGE, b"Not Found", b'{"message": "no such account"}', b"{}", b"[]", b"<p>x</p>")
)
async def test_any_other_404_of_a_change_stops_the_connection(
    body: bytes, marketplace: Marketplace, make_client: MakeClient
) -> None:
    """And says what to check, for suggestions would follow by the thousand."""
    marketplace.answers(404, body, content_type="text/html")

    with pytest.raises(ConnectionFailedError) as raised:
        await make_client().notify_changed("15")

    text = str(raised.value)
    assert "wrong account, seller id or route" in text
    assert "settings.account (mystore), settings.seller_id (shop), settings.change_route (classic)" in text


@pytest.mark.parametrize("name", CALLS)
async def test_a_page_with_404_is_never_an_answer_about_a_sku(
    name: str, marketplace: Marketplace, make_client: MakeClient
) -> None:
    """Some other server has answered."""
    marketplace.answers(404, PAGE, content_type="text/html; charset=utf-8")

    with pytest.raises(ConnectionFailedError, match="a web page \\(404 - Page not found\\)"):
        await CALLS[name][0](make_client())


@pytest.mark.parametrize("name", CALLS)
async def test_a_page_with_200_is_tried_again(
    name: str, marketplace: Marketplace, make_client: MakeClient
) -> None:
    """A login page or a notice of maintenance is no success."""
    marketplace.answers(200, b"<html><title>Maintenance</title></html>", content_type="text/html")

    with pytest.raises(RetryableError, match="Maintenance"):
        await CALLS[name][0](make_client())


@pytest.mark.parametrize("name", CALLS)
async def test_a_redirect_stops_the_connection(
    name: str, marketplace: Marketplace, make_client: MakeClient
) -> None:
    """It leads to a login."""
    marketplace.answers(302, location="https://login.example/")

    with pytest.raises(ConnectionFailedError, match="HTTP 302"):
        await CALLS[name][0](make_client())
    assert len(marketplace.asked) == 1


@pytest.mark.parametrize("name", ("price", "stock"))
async def test_the_notificator_may_not_know_a_sku(
    name: str, marketplace: Marketplace, make_client: MakeClient
) -> None:
    """Its 404 is documented nowhere."""
    marketplace.answers(404, b'{"error": {"code": "1", "message": "unknown"}}')

    assert await CALLS[name][0](make_client()) == "new"


async def test_a_suggestion_that_is_not_there_is_none(
    marketplace: Marketplace, make_client: MakeClient
) -> None:
    """Nor can it be taken back."""
    marketplace.answers(404, b"")

    assert await make_client().suggestion("15") is None
    assert await make_client().forget("15") is False


async def test_a_suggestion_is_read_and_taken_back(marketplace: Marketplace, make_client: MakeClient) -> None:
    """As far as its answer can be read."""
    marketplace.answers(200, b'{"Status": "Pending", "latestVersionId": "v2"}')

    found = await make_client().suggestion("15")

    assert found is not None
    assert (found.state, found.version) == ("pending", "v2")
    assert await make_client().forget("15") is True


@pytest.mark.parametrize("body", (b"", b"{", b"\xff\xfe", b"[" * 100_000))
async def test_an_answer_that_cannot_be_read_is_unknown(
    body: bytes, marketplace: Marketplace, make_client: MakeClient
) -> None:
    """So that nobody writes over what is there."""
    marketplace.answers(200, body)

    found = await make_client().suggestion("15")

    assert found is not None
    assert found.state == "unknown"


async def test_a_suggestion_that_has_no_place_stops_the_connection(
    marketplace: Marketplace, make_client: MakeClient
) -> None:
    """A PUT makes its own place, so that a 404 is about account or seller."""
    marketplace.answers(404, b"")

    with pytest.raises(ConnectionFailedError, match=r"settings\.account"):
        await make_client().suggest("15", {})


@pytest.mark.parametrize(
    ("name", "settings", "resource"),
    (
        ("changed", {}, "Catalog > Marketplace > Seller SKUs"),
        ("changed", {"change_route": "sku-binding"}, "Catalog API > General > Edit Product"),
        ("price", {}, "Seller Register > Seller Administration > View Seller"),
        ("stock", {}, "Seller Register > Seller Administration > View Seller"),
        ("suggestion", {}, "Channels > UI resources > Send marketplace suggestion"),
        ("suggest", {}, "Channels > UI resources > Send marketplace suggestion"),
        ("forget", {}, "Channels > UI resources > Save suggestion rules"),
    ),
)
async def test_a_403_names_the_resource_that_the_key_lacks(
    name: str, settings: Any, resource: str, marketplace: Marketplace, make_client: MakeClient
) -> None:
    """As License Manager calls it."""
    marketplace.answers(403, b'{"error": {"code": "1", "message": "Access denied"}}')

    with pytest.raises(ReauthorizationError, match=f"Access denied.*{resource}"):
        await CALLS[name][0](make_client(**settings))


async def test_a_401_names_the_credentials(marketplace: Marketplace, make_client: MakeClient) -> None:
    """And not a role."""
    marketplace.answers(401)

    with pytest.raises(ReauthorizationError, match=r"credentials\.app_key and credentials\.app_token"):
        await make_client().notify_changed("15")


@pytest.mark.parametrize(
    ("status", "error"),
    ((400, RejectedError), (429, ThrottledError), (500, RetryableError), (503, RetryableError)),
)
@pytest.mark.parametrize("name", CALLS)
async def test_other_refusals_are_what_they_always_are(
    name: str, status: int, error: type[Exception], marketplace: Marketplace, make_client: MakeClient
) -> None:
    """The core's table says."""
    marketplace.answers(status, b'{"error": {"code": "CHK003", "message": "no"}, "operationId": "x"}')

    with pytest.raises(error, match="no"):
        await CALLS[name][0](make_client())


async def test_each_group_of_routes_has_a_bucket_of_the_account(
    http: WatchedHttp, make_client: MakeClient
) -> None:
    """Shared by all sellers of the tenant at this marketplace."""
    client = make_client(requests_per_second=2.5)
    for call, _, _ in CALLS.values():
        await call(client)
    await make_client(requests_per_second=2.5, change_route="sku-binding").notify_changed("15")

    assert [bucket.key for bucket in http.buckets] == [
        "vtex:mystore:catalog",
        *["vtex:mystore:notificator"] * 2,
        *["vtex:mystore:suggestions"] * 3,
        "vtex:mystore:sku-binding",
    ]
    assert {(bucket.rate, bucket.burst) for bucket in http.buckets} == {(2.5, 3)}
