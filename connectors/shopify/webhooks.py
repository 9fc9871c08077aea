"""A shop tells what changed: records that name it, and are read anew when they are worked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from connectors.shopify import compliance
from connectors.shopify.settings import ShopifyCredentials, ShopifySettings
from connectors.shopify.signature import body_of, header, shop_of, signed
from hub import codec
from hub.connector import AppAction, WebhookAnswer, WebhookRequest
from hub.errors import RejectedError, SignatureError
from hub.excerpt import excerpt
from hub.records import JSON, Record

#: By the topic's resource: our stream and the platform's type.
_RESOURCES: Final[Mapping[str, tuple[str, str]]] = {
    "products": ("products", "Product"),
    "collections": ("collections", "Collection"),
    "locations": ("locations", "Location"),
    "customers": ("customers", "Customer"),
}
_LEVELS: Final = "inventory_levels"


class ShopifyWebhooks:
    """The part of the connector that is ``hub.connector.AppWebhooks``.

    A webhook's own content is not used but for what it is about: it may be late, comes in another shape than what is
    read, and lacks most of it.
    """

    settings: ShopifySettings
    credentials: ShopifyCredentials

    @classmethod
    def app_account(cls, request: WebhookRequest) -> str:
        """The shop. Raises ``SignatureError``."""
        return shop_of(request)

    @classmethod
    def app_signed(cls, request: WebhookRequest, secret: str) -> bool:
        """HMAC-SHA256 over the raw body, in Base64."""
        return signed(request, secret)

    @classmethod
    def app_actions(cls, request: WebhookRequest) -> Sequence[AppAction]:
        """See ``connectors.shopify.compliance``."""
        return compliance.actions(request)

    @classmethod
    def app_webhook_id(cls, request: WebhookRequest) -> str | None:
        """Equal over the platform's retries of one delivery."""
        return header(request, "webhook-id")[:200] or None

    def app_key(self) -> str | None:
        """The shop, once there is a token of it."""
        held = self.credentials
        return None if held.access_token is None and held.refresh_token is None else self.settings.shop

    def app_secret(self) -> str | None:
        """The client secret."""
        secret = self.credentials.client_secret
        return None if secret is None else secret.get_secret_value()

    def receive(self, request: WebhookRequest) -> WebhookAnswer:
        """What changed, as a record. Raises ``SignatureError``, also for a webhook of another shop of the same app.

        Topics that bring no record, and ones that nobody asked for, are answered all the same: the platform would send
        them again for hours, and then stop sending any.
        """
        secret = self.app_secret()
        if secret is None or not signed(request, secret) or shop_of(request) != self.settings.shop:
            raise SignatureError("the signature does not fit, or it is another shop's")
        record = self._record(header(request, "topic"), request)
        return WebhookAnswer(
            records=[] if record is None else [record], dedupe_id=self.app_webhook_id(request)
        )

    def _record(self, topic: str, request: WebhookRequest) -> Record | None:
        resource, _, _ = topic.partition("/")
        if topic in ("customers/data_request", "customers/redact"):
            return None
        if resource == _LEVELS:
            return _level(topic, request) if "stock" in self.settings.wanted else None
        if resource not in _RESOURCES or _RESOURCES[resource][0] not in self.settings.wanted:
            return None
        stream, name = _RESOURCES[resource]
        gid = f"gid://shopify/{name}/{_number(body_of(request), 'id')}"
        # Nobody signs the topic: also what is said to be gone is looked for.
        return _naming(stream, gid, {"read": gid, "webhook": topic}, request)


def _level(topic: str, request: WebhookRequest) -> Record:
    told = body_of(request)
    item = f"gid://shopify/InventoryItem/{_number(told, 'inventory_item_id')}"
    place = f"gid://shopify/Location/{_number(told, 'location_id')}"
    payload = {"read": item, "location": place, "webhook": topic}
    return _naming("stock", codec.dumps([item, place]).decode(), payload, request)


def _naming(stream: str, key: str, payload: JSON, request: WebhookRequest) -> Record:
    """Its content is what it names, and each delivery is news: the same thing may have changed again."""
    delivery = header(request, "webhook-id") or codec.fingerprint([request.body.hex()])
    return Record(
        stream=stream, key=key, payload=payload, content_hash=codec.fingerprint([payload, delivery])
    )


def _number(told: JSON, name: str) -> str:
    value: Any = told.get(name)
    number = str(value)
    if isinstance(value, bool) or not (number.isascii() and number.isdigit()):
        raise RejectedError(f"{name}: must be a number, not {excerpt(value)}")
    return number
