"""What the simulator can be told while it runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict

from connectors.shopify.simulator import changes, payloads
from connectors.shopify.simulator.webhooks import COMPLIANCE, Send, Target
from hub.records import JSON
from hub.testing.simulator import Command

if TYPE_CHECKING:  # it is what these commands are for, and hands them out
    from connectors.shopify.simulator.platform import ShopifySimulator

#: Topics of a resource, where the platform has any.
_TOPICS = {
    "products": "products",
    "variants": "products",
    "collections": "collections",
    "customers": "customers",
    "locations": "locations",
    "inventory_levels": "inventory_levels",
}


class Commands:
    """The commands of one simulator."""

    def __init__(self, simulator: ShopifySimulator) -> None:
        self._simulator = simulator

    def all(self) -> Mapping[str, Command]:
        """By name."""
        simulator = self._simulator
        return {
            "change": lambda told: self.change(changes.Change.model_validate(told)),
            "delete": lambda told: self.delete(changes.Addressed.model_validate(told)),
            "add": lambda told: self.add(changes.Add.model_validate(told)),
            "scopes": lambda told: self.grant(Grant.model_validate(told)),
            "uninstall": lambda _: self.uninstall(),
            "revoke": lambda _: self.revoke(),
            "close": lambda told: self.close(Close.model_validate(told)),
            "protect": lambda told: self.protect(Protect.model_validate(told)),
            "bucket": lambda told: self.fill(Fill.model_validate(told)),
            "webhook": lambda told: self.webhook(Send.model_validate(told)),
            "webhook_url": lambda told: self.webhook_url(Target.model_validate(told)),
            "bulk": simulator.bulk.told,
            "clock": simulator.clock.told,
        }

    def change(self, told: changes.Change) -> JSON:
        """Objects have changed."""
        changed = changes.change(self._simulator.shop, told)
        self._notify(told.resource, "update", changed, wanted=told.webhooks)
        return {"ids": changed}

    def delete(self, told: changes.Addressed) -> JSON:
        """Objects are gone."""
        deleted = changes.delete(self._simulator.shop, told)
        self._notify(told.resource, "delete", deleted, wanted=told.webhooks)
        return {"ids": deleted}

    def add(self, told: changes.Add) -> JSON:
        """There are new objects."""
        added = changes.add(self._simulator.shop, told)
        self._notify(told.resource, "create", added, wanted=told.webhooks)
        return {"ids": added}

    def grant(self, told: Grant) -> JSON:
        """The scopes have changed."""
        tokens = self._simulator.tokens
        before = sorted(tokens.scopes)
        tokens.grant(told.granted)
        body = payloads.scopes_body(self._simulator.shop, before, sorted(tokens.scopes))
        self._simulator.webhooks.happened("app/scopes_update", body)
        return {"granted": sorted(tokens.scopes)}

    def uninstall(self) -> JSON:
        """The merchant has removed the app."""
        simulator = self._simulator
        simulator.tokens.uninstall()
        simulator.webhooks.happened("app/uninstalled", payloads.shop_body(simulator.shop))
        simulator.webhooks.forget()
        return simulator.tokens.shown()

    def revoke(self) -> JSON:
        """Access tokens are void, refresh tokens are not."""
        self._simulator.tokens.revoke()
        return self._simulator.tokens.shown()

    def close(self, told: Close) -> JSON:
        """The shop answers with a status or an error alone."""
        self._simulator.closed = told
        return told.model_dump()

    def protect(self, told: Protect) -> JSON:
        """Customer data is protected."""
        self._simulator.protected = frozenset(told.fields)
        return {"protected": sorted(told.fields)}

    def fill(self, told: Fill) -> JSON:
        """The bucket holds so many points."""
        self._simulator.bucket.set(told.points)
        return dict(self._simulator.bucket.status())

    def webhook_url(self, told: Target) -> JSON:
        """Webhooks go somewhere else."""
        self._simulator.webhooks.url = told.url
        return {"url": told.url}

    def webhook(self, told: Send) -> JSON:
        """A webhook is sent, whatever happened."""
        return {"webhook_ids": self._simulator.webhooks.send(told, self._body(told))}

    def _body(self, told: Send) -> JSON:
        shop = self._simulator.shop
        if told.payload is not None:
            return told.payload
        if told.topic in COMPLIANCE:
            return payloads.compliance_body(shop, told.topic, payloads.customer_of(told.id))
        if told.topic == "app/uninstalled":
            return payloads.shop_body(shop)
        if told.topic == "app/scopes_update":
            scopes = sorted(self._simulator.tokens.scopes)
            return payloads.scopes_body(shop, scopes, scopes)
        if told.id is None:
            raise ValueError(f"id: {told.topic} is about an object")
        return payloads.body_of(shop, told.topic, told.id)

    def _notify(self, resource: str, event: str, gids: Sequence[str], *, wanted: bool) -> None:
        if not wanted:
            return
        shop = self._simulator.shop
        if resource == "variants":
            gids, event = sorted({payloads.product_of(one) for one in gids}), "update"
        if resource == "inventory_levels" and event == "delete":
            event = "disconnect"
        topic = f"{_TOPICS[resource]}/{event}"
        for one in gids:
            self._simulator.webhooks.happened(topic, payloads.body_of(shop, topic, one))


class _Told(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Grant(_Told):
    """The scopes that the merchant grants from now on."""

    granted: list[str]


class Close(_Told):
    """The status that every request of the API is answered with, or the ``code`` of an error at 200; none opens it."""

    status: int | None = None
    code: Literal["SHOP_INACTIVE", "INTERNAL_SERVER_ERROR"] | None = None


class Protect(_Told):
    """Protected customer data that the app may not see from now on."""

    fields: list[Literal["name", "email", "phone", "address"]]


class Fill(_Told):
    """What the bucket holds."""

    points: float
