"""One webhook on its way: its headers, its signature, and the request (shopify facts, "Webhooks")."""

from __future__ import annotations

import base64
import hashlib
import hmac
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Literal

import httpx

from connectors.shopify.simulator.options import Options
from connectors.shopify.simulator.selling import VERSIONS

Signature = Literal["good", "bad", "none"]

#: What the platform waits for: a connection, and an answer, in seconds.
_TIMEOUT = httpx.Timeout(5, connect=1)


@dataclass
class Delivery:
    """A webhook on its way to one address."""

    topic: str
    body: bytes
    webhook_id: str
    event_id: str
    triggered_at: str
    signature: Signature = "good"
    shop: str | None = None
    statuses: list[int | str] = field(default_factory=list)


def sign(body: bytes, secret: str) -> str:
    """``X-Shopify-Hmac-Sha256``: over the raw body, in Base64."""
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def headers_of(delivery: Delivery, options: Options) -> dict[str, str]:
    """All headers of a delivery; those of a retry are the same."""
    headers = {
        "Content-Type": "application/json",
        "X-Shopify-Topic": delivery.topic,
        "X-Shopify-Shop-Domain": delivery.shop or options.shop,
        "X-Shopify-API-Version": VERSIONS[-1],
        "X-Shopify-Webhook-Id": delivery.webhook_id,
        "X-Shopify-Event-Id": delivery.event_id,
        "X-Shopify-Triggered-At": delivery.triggered_at,
    }
    if delivery.signature != "none":
        secret = options.client_secret if delivery.signature == "good" else f"not {options.client_secret}"
        headers["X-Shopify-Hmac-Sha256"] = sign(delivery.body, secret)
    return headers


async def post(target: str, body: bytes, headers: Mapping[str, str]) -> int | str:
    """The status that it was answered, or the name of what went wrong."""
    try:
        async with httpx.AsyncClient(timeout=_TIMEOUT, trust_env=False, verify=_tls()) as client:
            return (await client.post(target, content=body, headers=headers)).status_code
    except httpx.HTTPError as error:
        return type(error).__name__


@cache
def _tls() -> ssl.SSLContext:
    """Made once: it takes longer than a delivery does."""
    return ssl.create_default_context()
