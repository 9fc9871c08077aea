"""Who a webhook is from: its signature, its shop and its id (shopify facts, "Webhooks").

Only the body is signed. So where a body names the shop, it has to be the one in the header.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any, Final

from connectors.shopify.settings import SHOP_DOMAIN
from hub import codec
from hub.connector import WebhookRequest
from hub.errors import RejectedError, SignatureError
from hub.records import JSON

#: Headers of the newer kind of webhooks lack the prefix.
_PREFIXES: Final = ("x-shopify-", "shopify-")
#: Names under which a body says whose it is.
_DOMAINS: Final = ("shop_domain", "myshopify_domain")


def header(request: WebhookRequest, name: str) -> str:
    """One of the platform's headers, without its prefix; empty where there is none."""
    return next((value for prefix in _PREFIXES if (value := request.headers.get(f"{prefix}{name}"))), "")


def signed(request: WebhookRequest, secret: str) -> bool:
    """Whether the raw body was signed with the app's secret; on bytes, which any header can be turned into."""
    digest = hmac.new(secret.encode("utf-8", "surrogatepass"), request.body, hashlib.sha256).digest()
    given = header(request, "hmac-sha256").encode("utf-8", "surrogatepass")
    return bool(secret) and hmac.compare_digest(base64.b64encode(digest), given)


def shop_of(request: WebhookRequest) -> str:
    """The shop that a webhook names. Raises ``SignatureError`` for one without, and for two different ones."""
    shop = header(request, "shop-domain").strip().lower()
    if not SHOP_DOMAIN.fullmatch(shop):
        raise SignatureError("the webhook names no shop")
    told: Any = _body(request)
    for name in _DOMAINS if isinstance(told, Mapping) else ():
        if name in told and str(told[name]).strip().lower() != shop:
            raise SignatureError("the webhook's body is about another shop than its header")
    return shop


def names_its_shop(request: WebhookRequest, field: str) -> None:
    """Topic and shop stand in headers, which nobody signs: what another topic's body says of nobody's shop, or of another
    one, is not taken for this one. Raises ``SignatureError``."""
    told: Any = _body(request)
    shop = told.get(field) if isinstance(told, Mapping) else None
    if not isinstance(shop, str) or shop.strip().lower() != shop_of(request):
        raise SignatureError(f"the webhook's body does not name the shop in {field}, as this topic's do")


def body_of(request: WebhookRequest) -> JSON:
    """The body as an object. Raises ``RejectedError``."""
    told = _body(request)
    if not isinstance(told, dict):
        raise RejectedError("the webhook's body is no JSON object")
    return told


def _body(request: WebhookRequest) -> Any:
    try:
        return codec.loads(request.body)
    except (codec.DecodeError, RecursionError, ValueError):
        return None
