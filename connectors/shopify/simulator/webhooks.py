"""Webhooks: subscriptions, signatures, deliveries with retries (shopify facts, "Webhooks")."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from connectors.shopify.simulator.clock import Clock
from connectors.shopify.simulator.context import Context
from connectors.shopify.simulator.listing import Listing, listed
from connectors.shopify.simulator.options import Options
from connectors.shopify.simulator.selling import VERSIONS
from connectors.shopify.simulator.webhook_delivery import Delivery, Signature, headers_of, post
from hub import codec
from hub.records import JSON

Node = dict[str, Any]

#: Topics that reach an app by its own configuration alone.
COMPLIANCE = ("customers/data_request", "customers/redact", "shop/redact")
#: Deliveries on the way at once.
_AT_ONCE = 8
#: Deliveries whose outcome the state shows.
_SHOWN = 100
_FIRST = 1_500_000_000


class Webhooks:
    """Sends what happened to whoever wants to know."""

    def __init__(self, options: Options, clock: Clock) -> None:
        self._options, self._clock = options, clock
        self.url = options.webhook_url
        self._subscriptions: dict[str, Node] = {}
        self._made = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._recent: list[Delivery] = []
        self.counters: Counter[str] = Counter()

    def happened(self, topic: str, body: JSON) -> None:
        """Tell everyone who subscribed to the topic."""
        self.send(Send(topic=topic), body)

    def send(self, told: Send, body: JSON) -> list[str]:
        """Send as it was told; returns the ids of the webhooks."""
        sent = []
        for target, subscription in self._targets(told.topic):
            delivery = Delivery(
                topic=told.topic,
                body=codec.dumps(body),
                webhook_id=told.webhook_id or str(uuid.uuid4()),
                event_id=str(uuid.uuid4()),
                triggered_at=self._clock.text(),
                signature=told.signature,
                shop=told.shop,
            )
            sent.append(delivery.webhook_id)
            for _ in range(told.times):
                self._start(target, subscription, delivery)
        return sent

    def create(self, arguments: Mapping[str, Any]) -> Node:
        """``webhookSubscriptionCreate``."""
        told, topic = arguments["webhookSubscription"], arguments["topic"]
        uri = told.get("uri") or ""
        if not uri.startswith(("http://", "https://")):
            return _refused(["webhookSubscription", "callbackUrl"], "Address is invalid")
        taken = any(one["topic"] == topic and one["uri"] == uri for one in self._subscriptions.values())
        if taken:
            return _refused(
                ["webhookSubscription", "callbackUrl"], "Address for this topic has already been taken"
            )
        self._made += 1
        now = self._clock.text()
        node = {
            "__typename": "WebhookSubscription",
            "id": f"gid://shopify/WebhookSubscription/{_FIRST + self._made}",
            "topic": topic,
            "uri": uri,
            "format": told.get("format") or "JSON",
            "createdAt": now,
            "updatedAt": now,
            "apiVersion": {"__typename": "ApiVersion", "handle": VERSIONS[-1]},
        }
        node["apiVersion"] |= {"displayName": VERSIONS[-1], "supported": True}
        self._subscriptions[node["id"]] = node
        return {"webhookSubscription": node, "userErrors": []}

    def delete(self, arguments: Mapping[str, Any]) -> Node:
        """``webhookSubscriptionDelete``."""
        if self._subscriptions.pop(arguments["id"], None) is None:
            problem = {"field": ["id"], "message": "Webhook subscription does not exist"}
            return {"deletedWebhookSubscriptionId": None, "userErrors": [problem]}
        return {"deletedWebhookSubscriptionId": arguments["id"], "userErrors": []}

    def one(self, arguments: Mapping[str, Any]) -> Node | None:
        """``webhookSubscription``."""
        return self._subscriptions.get(arguments["id"])

    def listing(self, context: Context, arguments: Mapping[str, Any]) -> Listing:
        """``webhookSubscriptions``."""
        topics, uri = arguments.get("topics"), arguments.get("uri")
        found = [
            one
            for one in self._subscriptions.values()
            if (not topics or one["topic"] in topics) and (not uri or one["uri"] == uri)
        ]
        return listed(found)

    def count(self) -> int:
        """How many subscriptions there are."""
        return len(self._subscriptions)

    def forget(self) -> None:
        """The app was uninstalled, and its subscriptions with it."""
        self._subscriptions.clear()

    async def idle(self) -> None:
        """Until nothing is on its way."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def close(self) -> None:
        """Stop what is on its way."""
        for task in self._tasks:
            task.cancel()

    def summary(self) -> JSON:
        """Counters."""
        names = ("sent", "attempts", "delivered", "given_up")
        return {f"webhooks_{name}": self.counters[name] for name in names} | {
            "webhooks_pending": len(self._tasks)
        }

    def shown(self) -> list[JSON]:
        """The latest deliveries and what they were answered."""
        return [
            {"topic": one.topic, "webhook_id": one.webhook_id, "statuses": one.statuses}
            for one in self._recent
        ]

    def _targets(self, topic: str) -> list[tuple[str, str | None]]:
        name = topic.upper().replace("/", "_")
        targets: list[tuple[str, str | None]] = [(self.url, None)] if self.url else []
        if topic not in COMPLIANCE:
            targets += [
                (one["uri"], one["id"]) for one in self._subscriptions.values() if one["topic"] == name
            ]
        return targets

    def _start(self, target: str, subscription: str | None, delivery: Delivery) -> None:
        self.counters["sent"] += 1
        self._recent = [*self._recent[1 - _SHOWN :], delivery]
        task = asyncio.get_running_loop().create_task(self._deliver(target, subscription, delivery))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deliver(self, target: str, subscription: str | None, delivery: Delivery) -> None:
        headers = headers_of(delivery, self._options)
        for attempt in range(self._options.webhook_retries + 1):
            if attempt:
                await asyncio.sleep(self._options.webhook_retry_seconds * 2 ** (attempt - 1))
            async with self._slots:
                status = await post(target, delivery.body, headers)
            self.counters["attempts"] += 1
            delivery.statuses.append(status)
            if isinstance(status, int) and 200 <= status < 300:
                self.counters["delivered"] += 1
                return
        self.counters["given_up"] += 1
        # The platform drops what an app subscribed to by the API and does not answer.
        if subscription is not None:
            self._subscriptions.pop(subscription, None)


class Send(BaseModel):
    """The command ``webhook``: of the object ``id`` or with a ``payload``, more than once, with a bad signature."""

    model_config = ConfigDict(extra="forbid")

    topic: str = Field(pattern="^[a-z_]+/[a-z_]+$")
    id: str | None = None
    payload: JSON | None = None
    times: int = Field(1, ge=1)
    signature: Signature = "good"
    shop: str | None = None
    webhook_id: str | None = None


class Target(BaseModel):
    """The command ``webhook_url``: where webhooks of every topic go to from now on."""

    model_config = ConfigDict(extra="forbid")

    url: str


def _refused(where: list[str], message: str) -> Node:
    return {"webhookSubscription": None, "userErrors": [{"field": where, "message": message}]}
