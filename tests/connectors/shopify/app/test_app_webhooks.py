"""What the platform tells an app about its shops reaches everybody who holds the shop, once, and nobody else."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hub.loop.disconnect import disconnect
from hub.store import connections
from tests.connectors.shopify.app.shops import OTHER, SECRET, SHOP, Shop, Shops

PRODUCT = {"id": 7, "title": "A product"}
GID = "gid://shopify/Product/7"


async def test_a_webhook_reaches_everyone_who_holds_the_shop(shops: Shops) -> None:
    """Of whatever tenant; who holds another shop hears nothing."""
    one = await shops.connect("one", tenant="a")
    two = await shops.connect("two", tenant="b")
    other = await shops.connect("other", tenant="b", shop=OTHER)

    answer = await shops.send("products/update", PRODUCT)

    assert answer.status_code == 200
    wanted = [(GID, {"read": GID, "webhook": "products/update"})]
    assert (await shops.records(one), await shops.records(two)) == (wanted, wanted)
    assert await shops.records(other) == []


async def test_only_the_app_that_signed_is_told(shops: Shops) -> None:
    """A tenant cannot hear of a shop, or be heard, with a secret of their own making."""
    mine = await shops.connect("mine", tenant="a")
    theirs = await shops.connect("theirs", tenant="b", secret="made-up-by-tenant-b")

    await shops.send("products/update", PRODUCT)
    await shops.send("products/update", {"id": 8}, secret="made-up-by-tenant-b")

    assert [key for key, _ in await shops.records(mine)] == [GID]
    assert [key for key, _ in await shops.records(theirs)] == ["gid://shopify/Product/8"]


async def test_who_names_a_shop_without_being_let_in_hears_nothing(shops: Shops) -> None:
    """Also with the app's own secret: a name in the settings proves nothing."""
    stranger = await shops.connect("stranger", tenant="b", token=None)

    answer = await shops.send("products/update", PRODUCT)

    assert answer.status_code == 401  # no app is known by a connection that was let in
    assert (stranger.state, stranger.state_reason) == (
        "inactive",
        "it is not authorised yet: `hub connection authorize stranger` gives a link",
    )
    assert await shops.table("record") == await shops.table("app_hold") == []


@pytest.mark.parametrize(
    "headers",
    (
        {"x-shopify-hmac-sha256": "AAAA"},
        {"x-shopify-hmac-sha256": ""},
        {"x-shopify-hmac-sha256": "Zürich".encode("latin-1").decode("latin-1")},
        {"x-shopify-shop-domain": "north.myshopify.com.evil.com"},
        {"x-shopify-shop-domain": ""},
    ),
    ids=("wrong", "empty", "not ASCII", "evil domain", "no domain"),
)
async def test_what_is_not_signed_is_refused(shops: Shops, headers: dict[str, str]) -> None:
    """401 and nothing stored, whether anybody holds the shop or not."""
    await shops.connect("one", tenant="a")
    encoded = {name: value.encode("latin-1") for name, value in headers.items()}

    held = await shops.send("products/update", PRODUCT, headers=encoded)  # type: ignore[arg-type]
    nobodys = await shops.send("products/update", PRODUCT, shop=OTHER, secret="wrong")

    assert (held.status_code, nobodys.status_code) == (401, 401)
    assert held.content == nobodys.content
    assert await shops.table("record") == []


async def test_a_shop_that_nobody_holds_is_answered(shops: Shops) -> None:
    """The platform would send it again for hours."""
    await shops.connect("one", tenant="a")

    answer = await shops.send("products/update", PRODUCT, shop=OTHER)

    assert answer.status_code == 200
    assert await shops.table("record") == []


async def test_a_body_about_another_shop_is_refused(shops: Shops) -> None:
    """Headers are not signed, bodies are."""
    await shops.connect("one", tenant="a")

    answer = await shops.send("app/uninstalled", {"id": 1, "myshopify_domain": OTHER})

    assert answer.status_code == 401
    assert (await shops.connection("one")).state == "live"


@pytest.mark.parametrize(
    "topic", ("app/uninstalled", "shop/redact", "customers/redact", "customers/data_request")
)
@pytest.mark.parametrize(
    ("body", "status"),
    (
        (b"code=1&shop=mine.myshopify.com&state=2&timestamp=3", 400),
        ({"id": 7, "customer": {"id": 7}}, 401),
        ({"shop_domain": None, "myshopify_domain": None, "customer": {"id": 7}}, 401),
    ),
)
async def test_what_was_signed_for_something_else_asks_for_nothing(
    shops: Shops, topic: str, body: Any, status: int
) -> None:
    """The app's secret signs callbacks and webhooks of every topic, and who owns any shop has some of those."""
    await shops.connect("one", tenant="a")

    answer = await shops.send(topic, body)
    await shops.settled()

    assert answer.status_code == status
    assert (await shops.connection("one")).state == "live"
    assert await shops.lines("one") == ["connected"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    (
        ("GET", "/apps/shopify/webhooks", 405),
        ("POST", "/apps/nothing", 404),
        ("POST", "/apps/merchantops", 404),
    ),
)
async def test_other_addresses_say_so(shops: Shops, method: str, path: str, status: int) -> None:
    """Nobody is there."""
    assert (await shops.client.request(method, path)).status_code == status


async def test_a_delivery_is_taken_once_by_each(shops: Shops) -> None:
    """Also where one of them took it before the other could."""
    one = await shops.connect("one", tenant="a")
    await shops.send("products/update", PRODUCT, webhook_id="w1")
    two = await shops.connect("two", tenant="b")

    for _ in range(2):
        assert (await shops.send("products/update", PRODUCT, webhook_id="w1")).status_code == 200
    await shops.send("products/update", PRODUCT, webhook_id="w2")

    assert len(await shops.records(one)) == len(await shops.records(two)) == 1
    assert {row["coalesced"] for row in await shops.table("tally") if row["stream"] == "products"} == {1}


async def test_it_is_answered_within_a_second(shops: Shops) -> None:
    """For twenty holders at once."""
    for number in range(20):
        await shops.connect(f"c{number}", tenant=f"t{number}")
    await shops.send("products/update", PRODUCT)

    began = time.perf_counter()
    answer = await shops.send("products/update", {"id": 9})

    assert (answer.status_code, len(await shops.table("record"))) == (200, 40)
    assert time.perf_counter() - began < 2  # with room for a busy machine


async def test_a_body_that_cannot_be_read_is_explained(shops: Shops) -> None:
    """Signed, and still no webhook of this platform."""
    await shops.connect("one", tenant="a")

    goods = await shops.send("products/update", b"[]")
    person = await shops.send("customers/redact", {"shop_domain": SHOP, "customer": {"id": "x"}})

    assert (goods.status_code, person.status_code) == (400, 400)
    assert "customer.id" in person.json()["detail"]


@pytest.mark.parametrize(
    ("topic", "body", "stream", "key", "payload"),
    (
        ("collections/create", {"id": 3}, "collections", "gid://shopify/Collection/3", None),
        ("locations/update", {"id": 4}, "locations", "gid://shopify/Location/4", None),
        ("customers/update", {"id": 5}, "customers", "gid://shopify/Customer/5", None),
        ("products/delete", {"id": 7}, "products", GID, None),
        (
            "inventory_levels/update",
            {"inventory_item_id": 1, "location_id": 2},
            "stock",
            '["gid://shopify/InventoryItem/1","gid://shopify/Location/2"]',
            {
                "read": "gid://shopify/InventoryItem/1",
                "location": "gid://shopify/Location/2",
                "webhook": "inventory_levels/update",
            },
        ),
    ),
)
async def test_records_name_what_changed(
    shops: Shops, topic: str, body: dict[str, int], stream: str, key: str, payload: dict[str, str] | None
) -> None:
    """And hold nothing of what the webhook said of it."""
    await shops.connect("one", tenant="a")

    await shops.send(topic, {**body, "email": "ann@example.com"})

    [row] = await shops.table("record")
    assert (row["stream"], row["key"]) == (stream, key)
    from hub import codec

    assert codec.loads(row["payload"]) == (payload or {"read": key, "webhook": topic})


async def test_other_topics_are_answered_and_bring_nothing(shops: Shops) -> None:
    """The platform stops sending to whoever refuses."""
    await shops.connect("one", tenant="a")

    assert (await shops.send("orders/create", {"id": 1})).status_code == 200
    assert await shops.table("record") == []


async def test_uninstalling_disconnects_everyone_who_holds_the_shop(shops: Shops) -> None:
    """Without a call to the platform, whose tokens are void by then."""
    Shop.voided.clear()
    await shops.connect("one", tenant="a")
    await shops.connect("two", tenant="b")
    await shops.connect("other", tenant="b", shop=OTHER)

    await shops.send("app/uninstalled", {"id": 1, "myshopify_domain": SHOP})
    await shops.settled()

    for name in ("one", "two"):
        stored = await shops.connection(name)
        assert (stored.state, stored.state_reason) == ("inactive", "the app was uninstalled on the platform")
        assert shops.runtime.file_of(stored).credentials == {"client_secret": SECRET}
        assert (await shops.lines(name))[-1] == "disconnected"
    assert (await shops.connection("other")).state == "live"
    assert Shop.voided == []


async def test_late_news_of_an_uninstall_change_nothing(shops: Shops) -> None:
    """The shop was connected again since."""
    await shops.connect("one", tenant="a")

    await shops.send(
        "app/uninstalled", {"myshopify_domain": SHOP}, at=datetime.now(UTC) - timedelta(minutes=5)
    )
    await shops.settled()

    assert (await shops.connection("one")).state == "live"


@pytest.fixture
def granted() -> Iterator[dict[str, list[str]]]:
    """What each shop says that it has granted."""
    yield Shop.granted
    Shop.granted.clear()


SCOPES: Any = {"id": 1, "previous": ["b"], "current": ["read_everything"]}


async def test_changed_scopes_are_asked_for_shown_and_noted(shops: Shops, granted: dict[str, Any]) -> None:
    """What the webhook says of them was perhaps signed for another shop: its body names none."""
    await shops.connect("one", tenant="a")
    granted[SHOP] = ["read_a", "read_b"]

    await shops.send("app/scopes_update", SCOPES)
    await shops.settled()

    assert (await shops.connection("one")).facts == {"scopes": ["read_a", "read_b"]}
    assert (await shops.lines("one"))[-1] == "account changed"


async def test_a_hint_that_nothing_came_of_changes_nothing(shops: Shops, granted: dict[str, Any]) -> None:
    """Nor does one to a shop that is not connected any more."""
    one = await shops.connect("one", tenant="a")
    granted[SHOP] = ["read_a"]
    await shops.send("app/scopes_update", SCOPES)
    await shops.settled()

    await shops.send("app/scopes_update", SCOPES)
    await shops.settled()
    await disconnect(shops.runtime, one.id)
    granted[SHOP] = ["read_b"]
    await shops.send("app/scopes_update", SCOPES)
    await shops.settled()

    assert (await shops.connection("one")).facts == {"scopes": ["read_a"]}
    assert (await shops.lines("one")).count("account changed") == 1


async def test_a_disconnected_connection_takes_no_records(shops: Shops) -> None:
    """What it misses it reads when it is connected again."""
    one = await shops.connect("one", tenant="a")
    await disconnect(shops.runtime, one.id)

    assert (await shops.send("products/update", PRODUCT)).status_code == 200
    assert await shops.records(one) == []

    await shops.connect("one", tenant="a", token="shpat_2")
    await shops.send("products/update", PRODUCT)

    assert len(await shops.records(one)) == 1


async def test_a_connection_that_went_to_another_shop_hears_of_its_own_alone(shops: Shops) -> None:
    """Of the old one it still gets what concerns its data."""
    one = await shops.connect("one", tenant="a")
    await shops.connect("one", tenant="a", shop=OTHER)

    await shops.send("products/update", PRODUCT)
    await shops.send("products/update", {"id": 8}, shop=OTHER)

    assert [key for key, _ in await shops.records(one)] == ["gid://shopify/Product/8"]
    assert {row["app_key"] for row in await shops.table("app_hold")} == {SHOP, OTHER}


async def test_the_address_of_a_connection_takes_its_own_shop_alone(shops: Shops) -> None:
    """The same app signs for all its shops."""
    one = await shops.connect("one", tenant="a")

    mine = await shops.send("products/update", PRODUCT, address="/hooks/one/")
    foreign = await shops.send("products/update", PRODUCT, shop=OTHER, address="/hooks/one/")

    assert (mine.status_code, foreign.status_code) == (200, 401)
    assert len(await shops.records(one)) == 1


async def test_secrets_of_apps_are_encrypted_and_rotated(shops: Shops) -> None:
    """Like credentials."""
    await shops.connect("one", tenant="a")
    before = (await shops.table("app_hold"))[0]["secret"]

    await shops.db.run(connections.reencrypt, shops.db, shops.runtime.secrets.rotate)

    after = (await shops.table("app_hold"))[0]["secret"]
    assert SECRET not in before
    assert before != after
    assert (await shops.send("products/update", PRODUCT)).status_code == 200


async def test_what_is_asked_twice_is_done_once(shops: Shops) -> None:
    """Also where it was done before the second delivery."""
    await shops.connect("one", tenant="a")
    body = {"shop_domain": SHOP, "customer": {"id": 1}, "data_request": {"id": 9}}

    for _ in range(2):
        assert (await shops.send("customers/data_request", body, webhook_id="w1")).status_code == 200
        await shops.settled()

    assert (await shops.lines("one")).count("data requested") == 1
