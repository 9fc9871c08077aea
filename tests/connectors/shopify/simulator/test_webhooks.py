"""Webhooks come signed, more than once if they are not answered, and in the shape of the older API."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from hub.testing.asgi import Receive, Scope, Send, read_body, respond
from hub.testing.simulator import running

SUBSCRIBE = """mutation ($topic: WebhookSubscriptionTopic!, $uri: String!) {
  webhookSubscriptionCreate(topic: $topic, webhookSubscription: {uri: $uri, format: JSON}) {
    webhookSubscription { id topic uri } userErrors { field message } } }"""
SUBSCRIPTIONS = (
    "{ webhookSubscriptions(first: 10) { nodes { id topic uri } } webhookSubscriptionsCount { count } }"
)


class Inbox:
    """An app that receives webhooks, and answers with the statuses that it was told, then with 200."""

    def __init__(self) -> None:
        self.url = ""
        self.statuses: list[int] = []
        self.received: list[tuple[dict[str, str], bytes]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.received.append((headers, await read_body(receive)))
        await respond(send, self.statuses.pop(0) if self.statuses else 200, b"{}")

    @property
    def topics(self) -> list[str]:
        return [headers["x-shopify-topic"] for headers, _ in self.received]

    def body(self, at: int = 0) -> Any:
        return json.loads(self.received[at][1])


@pytest.fixture
async def inbox() -> AsyncIterator[Inbox]:
    inbox = Inbox()
    async with running(inbox) as url:
        inbox.url = f"{url}/webhooks"
        yield inbox


@pytest.fixture
async def told(app: Any, inbox: Inbox) -> Any:
    """An app whose configuration names the inbox."""
    await app.tell("webhook_url", url=inbox.url)
    return app


async def test_a_change_is_told_with_a_signature_over_the_raw_body(told: Any, inbox: Inbox) -> None:
    """And with every header that the platform sends."""
    [gid] = (await told.tell("change", count=1))["ids"]
    await told.platform.webhooks.idle()

    [(headers, body)] = inbox.received
    digest = hmac.new(b"simulator-secret", body, hashlib.sha256).digest()
    assert headers["x-shopify-hmac-sha256"] == base64.b64encode(digest).decode()
    assert headers["x-shopify-topic"] == "products/update"
    assert headers["x-shopify-shop-domain"] == "simulated.myshopify.com"
    assert headers["x-shopify-api-version"] == "2026-10"
    assert headers["x-shopify-webhook-id"] != headers["x-shopify-event-id"]
    assert headers["x-shopify-triggered-at"]
    product = inbox.body()
    assert product["admin_graphql_api_id"] == gid
    assert product["id"] == int(gid.rpartition("/")[2])
    assert product["status"] == product["status"].lower()
    assert product["updated_at"].endswith("+01:00")
    assert product["variants"][0]["inventory_item_id"] > product["variants"][0]["id"]


async def test_every_kind_of_change_has_its_topic(told: Any, inbox: Inbox) -> None:
    """A variant's is its product's; a deletion says the id alone."""
    for resource in ("products", "collections", "inventory_levels", "variants", "customers"):
        await told.tell("change", resource=resource, count=1)
    await told.tell("add", resource="collections")
    deleted = (await told.tell("delete", count=1))["ids"]
    await told.tell("change", count=1, webhooks=False)
    await told.platform.webhooks.idle()

    assert sorted(inbox.topics) == [
        "collections/create",
        "collections/update",
        "customers/update",
        "inventory_levels/update",
        "products/delete",
        "products/update",
        "products/update",
    ]
    at = inbox.topics.index("products/delete")
    assert inbox.body(at) == {"id": int(deleted[0].rpartition("/")[2])}
    level = inbox.body(inbox.topics.index("inventory_levels/update"))
    assert level.keys() == {
        "inventory_item_id",
        "location_id",
        "available",
        "updated_at",
        "admin_graphql_api_id",
    }


async def test_a_webhook_that_is_not_answered_comes_again_with_the_same_id(serve: Any, inbox: Inbox) -> None:
    """Until it is; so that it can be deduplicated."""
    inbox.statuses = [500, 404]
    async with serve(webhook_url=inbox.url, webhook_retry_seconds=0) as app:
        await app.tell("change", count=1)
        await app.platform.webhooks.idle()
        summary = await app.summary()

    assert len({headers["x-shopify-webhook-id"] for headers, _ in inbox.received}) == 1
    assert len({body for _, body in inbox.received}) == 1
    assert len(inbox.received) == 3
    assert (summary["webhooks_sent"], summary["webhooks_attempts"], summary["webhooks_delivered"]) == (
        1,
        3,
        1,
    )


async def test_a_subscription_that_is_never_answered_is_dropped(serve: Any, inbox: Inbox) -> None:
    """One by the API; that of the app's own configuration stays."""
    inbox.statuses = [500] * 6
    async with serve(webhook_url=inbox.url, webhook_retry_seconds=0, webhook_retries=2) as app:
        await app.data(SUBSCRIBE, topic="PRODUCTS_UPDATE", uri=inbox.url)
        await app.tell("change", count=1)
        await app.platform.webhooks.idle()
        left = await app.data(SUBSCRIPTIONS)
        await app.tell("change", count=1)
        await app.platform.webhooks.idle()
        summary = await app.summary()

    assert left["webhookSubscriptions"]["nodes"] == []
    assert (summary["webhooks_given_up"], summary["webhooks_delivered"]) == (2, 1)


async def test_subscriptions_are_made_listed_and_deleted(app: Any, inbox: Inbox) -> None:
    """One for each topic and address; they get their topic alone."""
    made = (await app.data(SUBSCRIBE, topic="COLLECTIONS_UPDATE", uri=inbox.url))["webhookSubscriptionCreate"]
    again = (await app.data(SUBSCRIBE, topic="COLLECTIONS_UPDATE", uri=inbox.url))[
        "webhookSubscriptionCreate"
    ]
    wrong = (await app.data(SUBSCRIBE, topic="PRODUCTS_UPDATE", uri="nowhere"))["webhookSubscriptionCreate"]
    listed = await app.data(SUBSCRIPTIONS)
    await app.tell("change", resource="collections", count=1)
    await app.tell("change", resource="products", count=1)
    await app.platform.webhooks.idle()
    gone = await app.data(
        "mutation ($id: ID!) { webhookSubscriptionDelete(id: $id) { deletedWebhookSubscriptionId userErrors { message } } }",
        id=made["webhookSubscription"]["id"],
    )

    assert made["userErrors"] == []
    assert "already been taken" in again["userErrors"][0]["message"]
    assert wrong["userErrors"][0]["message"] == "Address is invalid"
    assert listed["webhookSubscriptions"]["nodes"] == [made["webhookSubscription"]]
    assert inbox.topics == ["collections/update"]
    assert (
        gone["webhookSubscriptionDelete"]["deletedWebhookSubscriptionId"] == made["webhookSubscription"]["id"]
    )
    assert (await app.data(SUBSCRIPTIONS))["webhookSubscriptionsCount"]["count"] == 0


async def test_the_compliance_topics_cannot_be_subscribed_to(app: Any, inbox: Inbox) -> None:
    """They come by the app's own configuration alone."""
    body = await app.ask(SUBSCRIBE, topic="CUSTOMERS_REDACT", uri=inbox.url)

    assert "CUSTOMERS_REDACT" in body["errors"][0]["message"]


@pytest.mark.parametrize(
    ("topic", "fields"),
    (
        (
            "customers/data_request",
            {"shop_id", "shop_domain", "customer", "orders_requested", "data_request"},
        ),
        ("customers/redact", {"shop_id", "shop_domain", "customer", "orders_to_redact"}),
        ("shop/redact", {"shop_id", "shop_domain"}),
    ),
)
async def test_the_compliance_topics_have_their_own_bodies(
    told: Any, inbox: Inbox, topic: str, fields: set[str]
) -> None:
    """Sent on command, of a customer that can be named."""
    await told.tell("webhook", topic=topic, id="gid://shopify/Customer/7000000000003")
    await told.platform.webhooks.idle()

    assert inbox.body().keys() == fields
    assert topic == "shop/redact" or inbox.body()["customer"]["id"] == 7_000_000_000_003


async def test_uninstalling_is_told_and_ends_the_subscriptions(told: Any, inbox: Inbox) -> None:
    """So are scopes that the merchant took back."""
    await told.data(SUBSCRIBE, topic="PRODUCTS_UPDATE", uri=inbox.url)
    await told.tell("scopes", granted=["read_products"])
    await told.tell("uninstall")
    await told.tell("change", count=1)
    await told.platform.webhooks.idle()

    assert sorted(inbox.topics) == ["app/scopes_update", "app/uninstalled", "products/update"]
    scopes = inbox.body(inbox.topics.index("app/scopes_update"))
    assert scopes["current"] == ["read_products"]
    assert "read_customers" in scopes["previous"]


async def test_the_end_of_a_bulk_operation_is_told(told: Any, inbox: Inbox) -> None:
    """In lower case, without its address."""
    run = 'mutation { bulkOperationRunQuery(query: "{ products { edges { node { id } } } }", groupObjects: false) { bulkOperation { id } } }'
    operation = (await told.data(run))["bulkOperationRunQuery"]["bulkOperation"]
    await told.platform.bulk.idle()
    await told.platform.webhooks.idle()

    body = inbox.body()
    assert inbox.topics == ["bulk_operations/finish"]
    assert (body["admin_graphql_api_id"], body["status"], body["type"]) == (
        operation["id"],
        "completed",
        "query",
    )
    assert body["error_code"] is None


@pytest.mark.parametrize("signature", ("bad", "none"))
async def test_a_webhook_can_be_forged_doubled_and_made_up(told: Any, inbox: Inbox, signature: str) -> None:
    """On command, for what an app has to stand."""
    answer = await told.tell(
        "webhook",
        topic="products/update",
        payload={"id": 1},
        times=3,
        signature=signature,
        shop="other.myshopify.com",
    )
    await told.platform.webhooks.idle()

    good = base64.b64encode(hmac.new(b"simulator-secret", b'{"id":1}', hashlib.sha256).digest()).decode()
    assert len(inbox.received) == 3
    for headers, body in inbox.received:
        assert body == b'{"id":1}'
        assert headers.get("x-shopify-hmac-sha256") != good
        assert [headers["x-shopify-webhook-id"]] == answer["webhook_ids"]
        assert headers["x-shopify-shop-domain"] == "other.myshopify.com"


async def test_a_webhook_about_an_object_has_to_name_it(told: Any) -> None:
    """The command says so."""
    answer = await told.client.post(f"{told.url}/_simulator/webhook", json={"topic": "products/update"})

    assert answer.status_code == 422
    assert "id: products/update is about an object" in answer.text
