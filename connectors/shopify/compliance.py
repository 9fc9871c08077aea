"""What a shop's platform asks of an app as a whole: it was uninstalled, its scopes changed, somebody's data has to go.

These reach every tenant that holds the shop, or held it: the core does them without a connection (shopify facts,
"Webhooks").
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from connectors.shopify.signature import body_of, header, names_its_shop
from hub.connector import (
    AccountErased,
    AppAction,
    DataRequested,
    FactsChanged,
    PersonErased,
    Uninstalled,
    WebhookRequest,
)
from hub.errors import RejectedError
from hub.records import JSON


def actions(request: WebhookRequest) -> Sequence[AppAction]:
    """What the core has to do; nothing for a topic about goods. Raises ``RejectedError`` for an unreadable body,
    ``SignatureError`` for one that is not this topic's."""
    topic = header(request, "topic")
    read = _TOPICS.get(topic)
    if read is None:
        return []
    # A callback of the authorization is signed with the same secret, and everybody has one of a shop of their own.
    body_of(request)
    if topic in _NAMES_SHOP:
        names_its_shop(request, _NAMES_SHOP[topic])
    return [read(request)]


def _uninstalled(request: WebhookRequest) -> AppAction:
    return Uninstalled(at=_moment(header(request, "triggered-at")))


def _scopes(_: WebhookRequest) -> AppAction:
    """The body names no shop, and the header that does is not signed: what is granted now is asked."""
    return FactsChanged()


def _redact(request: WebhookRequest) -> AppAction:
    customer = _customer(body_of(request))
    texts = [str(customer[name]) for name in ("email", "phone") if customer.get(name)]
    return PersonErased(keys=_keys(customer), texts=texts)


def _data_request(request: WebhookRequest) -> AppAction:
    told = body_of(request)
    asked = told.get("data_request")
    reference = str(asked["id"]) if isinstance(asked, Mapping) and "id" in asked else None
    return DataRequested(keys=_keys(_customer(told)), reference=reference)


def _shop_redact(_: WebhookRequest) -> AppAction:
    return AccountErased()


def _customer(told: JSON) -> Mapping[str, Any]:
    customer = told.get("customer")
    if not isinstance(customer, Mapping):
        raise RejectedError("customer: is missing")
    return customer


def _keys(customer: Mapping[str, Any]) -> Sequence[str]:
    number = str(customer.get("id"))
    if not (number.isascii() and number.isdigit()):
        raise RejectedError("customer.id: must be a number")
    return [f"gid://shopify/Customer/{number}"]


def _moment(text: str) -> datetime | None:
    """When it happened, if the platform says so in a way that can be read."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


_TOPICS: Final[Mapping[str, Callable[[WebhookRequest], AppAction]]] = {
    "app/uninstalled": _uninstalled,
    "app/scopes_update": _scopes,
    "customers/redact": _redact,
    "customers/data_request": _data_request,
    "shop/redact": _shop_redact,
}

#: The field in which the body of a topic says whose it is.
_NAMES_SHOP: Final[Mapping[str, str]] = {
    "app/uninstalled": "myshopify_domain",
    "customers/redact": "shop_domain",
    "customers/data_request": "shop_domain",
    "shop/redact": "shop_domain",
}
