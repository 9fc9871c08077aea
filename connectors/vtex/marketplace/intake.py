"""Notifications as webhooks: whose they are, and the records that they become."""

from __future__ import annotations

import hmac
from dataclasses import replace
from typing import Final

from connectors.vtex.marketplace.feed import record
from connectors.vtex.marketplace.notification import Notification, parse
from connectors.vtex.marketplace.settings import VtexMarketplaceCredentials, VtexMarketplaceSettings
from hub import codec
from hub.connector import Clock, WebhookAnswer, WebhookRequest
from hub.errors import RejectedError, SignatureError
from hub.records import Record

_METHODS: Final = {"POST", "PUT"}


class Intake:
    """One for each connection. Nothing signs a notification: a secret in the address is all that there can be."""

    def __init__(
        self, settings: VtexMarketplaceSettings, credentials: VtexMarketplaceCredentials, clock: Clock
    ) -> None:
        self._settings, self._clock = settings, clock
        secret = credentials.endpoint_secret
        self._secret = None if secret is None else secret.get_secret_value().encode()

    def take(self, request: WebhookRequest) -> WebhookAnswer:
        """At whatever path was registered. Raises ``SignatureError`` and ``RejectedError``."""
        self._authorize(request)
        if request.method not in _METHODS:
            return WebhookAnswer(status=405, headers={"allow": "POST"})
        told = parse(request.body)
        for one in told:
            self._refuse_strange(one)
        now = self._clock.now().isoformat()
        return WebhookAnswer(records=[_record(one, now) for one in told])

    def _authorize(self, request: WebhookRequest) -> None:
        given = request.path.lstrip("/").partition("/")[0].encode("utf-8", "surrogatepass")
        if self._secret is not None and not hmac.compare_digest(given, self._secret):
            raise SignatureError("the secret in the address is missing or wrong")

    def _refuse_strange(self, one: Notification) -> None:
        settings = self._settings
        if one.account != settings.account:
            raise RejectedError(f"An: this connection is of the account {settings.account}")
        if settings.affiliate_id and one.affiliate and one.affiliate.upper() != settings.affiliate_id:
            raise RejectedError(f"IdAffiliate: this connection is the affiliate {settings.affiliate_id}")


def _record(one: Notification, now: str) -> Record:
    """Two that say the same may be of two changes, as dates are only as fine as VTEX writes them: each is heard. Those of one
    SKU that wait are one piece of work anyway."""
    made = record(
        one.sku,
        one.changed,
        one.at or now,
        product=one.product,
        inactive=one.active is False,
        removed=one.removed,
    )
    return replace(made, content_hash=codec.fingerprint([made.payload, now]))
