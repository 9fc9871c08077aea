"""The access token of a shop, renewed before it ends: one renewal at a time in the fleet, the pair stored at once.

A renewal uses up nothing: the refresh token stays usable until its replacement is used (shopify facts, "Refresh"), so that
one that failed on the way, or whose answer was lost, is made again with the same token.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx

from connectors.shopify import handout
from connectors.shopify.settings import ShopifyCredentials, ShopifySettings
from hub.connector import Ports
from hub.errors import NotNowError, ReauthorizationError, RetryableError

#: An access token is renewed so long before it ends; one that lives shortly, in its last quarter.
MARGIN: Final = timedelta(minutes=5)
#: After a renewal that failed on the way, a token that is still good is used so long before the next attempt.
PAUSE: Final = timedelta(seconds=30)
#: What makes an app and a shop the same for the platform, and when it was authorised last.
SAME: Final = ("shop", "client_id")
AUTHORISED_AT: Final = "authorised_at"


@dataclass(frozen=True, kw_only=True, repr=False)
class _Pair:
    """What is in hand. ``ends`` is None for a token that does not end, ``life`` where it is not known."""

    access: str
    refresh: str | None
    ends: datetime | None
    life: timedelta | None = None

    @property
    def due(self) -> datetime | None:
        """When to renew it."""
        if self.ends is None or self.refresh is None:
            return None
        return self.ends - (MARGIN if self.life is None else min(MARGIN, self.life / 4))


class Tokens:
    """The access token of one connection, as one process has it in hand."""

    def __init__(self, settings: ShopifySettings, credentials: ShopifyCredentials, ports: Ports) -> None:
        self._settings, self._ports = settings, ports
        self._pair = _pair_of(credentials)
        self._not_before = datetime.min.replace(tzinfo=UTC)

    async def fresh_token(self) -> str:
        """An access token that is good for a while.

        Raises ``ReauthorizationError`` where there is none and none can be had, ``RetryableError`` or ``NotNowError`` where
        the shop cannot be asked for one now and the one in hand has ended.
        """
        pair, now = self._present(), self._ports.clock.now()
        if pair.due is None or now < max(pair.due, self._not_before):
            return pair.access
        try:
            return await self._renewed(pair)
        except (RetryableError, NotNowError) as error:
            if pair.ends is None or now >= pair.ends:
                raise
            self._not_before = min(now + PAUSE, pair.ends)
            self._ports.log.warning("the access token could not be renewed yet", error=str(error))
            return pair.access

    async def token_after(self, refused: str) -> str:
        """Another access token than the one that the shop has just refused (401).

        Raises as ``fresh_token`` does: ``ReauthorizationError`` for a custom app's token, which nothing renews.
        """
        pair = self._present()
        if pair.access != refused:
            return pair.access
        if pair.refresh is None:
            raise ReauthorizationError(
                "the shop does not take the access token: it was revoked, or the app was uninstalled. Connect the shop again "
                "(`hub shopify connect`), or give the connection the custom app's new token"
            )
        return await self._renewed(pair)

    def _present(self) -> _Pair:
        if self._pair is None:
            raise ReauthorizationError(
                "the shop is not connected yet: `hub shopify connect` gives a link for its owner, or give the connection the "
                "access_token of a custom app"
            )
        return self._pair

    async def _renewed(self, pair: _Pair) -> str:
        vault = self._ports.vault
        if vault is None:
            raise ReauthorizationError(
                "the access token has ended, and one that is written down can only be renewed once the connection is stored"
            )
        stored = await vault.renew({"access_token": pair.access, "refresh_token": pair.refresh}, self._obtain)
        self._pair = _pair_of(ShopifyCredentials.model_validate(dict(stored)), self._ports.clock.now())
        return self._present().access

    async def _obtain(self, current: Mapping[str, Any]) -> Mapping[str, Any]:
        asked_at = self._ports.clock.now()
        fields = {
            "client_id": self._settings.client_id,
            "client_secret": current.get("client_secret"),
            "grant_type": "refresh_token",
            "refresh_token": current["refresh_token"],
        }
        answer = await handout.ask(self._ports.http, self._settings.origin, fields)
        if answer.status_code in handout.REFUSALS:
            raise await self._refused(answer)
        found = handout.handed_out(answer, asked_at=asked_at)
        if found["refresh_token"] is None or found["access_token_expires_at"] is None:
            raise RetryableError("the shop renewed the access token without saying how it goes on")
        return found

    async def _refused(self, answer: httpx.Response) -> ReauthorizationError | RetryableError:
        """A refusal in words is for good; it does not say why, but the hub may know."""
        said, status = handout.refusal_of(answer), answer.status_code
        if not said:
            return RetryableError(f"the shop's token endpoint: HTTP {status}", response_code=status)
        if self._ports.vault is not None and await self._ports.vault.superseded(same=SAME, by=AUTHORISED_AT):
            return ReauthorizationError(
                "connected elsewhere: this shop was connected with the same app again, which ends the access of this "
                "connection. `hub shopify connect` takes it back",
                response_code=status,
            )
        return ReauthorizationError(
            f"the shop does not renew the access of this connection any more ({said}): the app was uninstalled, connected "
            "elsewhere, or has another client secret. `hub shopify connect` gives a link to connect it again",
            response_code=status,
        )


def _pair_of(credentials: ShopifyCredentials, renewed_at: datetime | None = None) -> _Pair | None:
    access, refresh = credentials.access_token, credentials.refresh_token
    if access is None:
        return None
    ends = credentials.access_token_expires_at
    if ends is not None and ends.tzinfo is None:
        ends = ends.replace(tzinfo=UTC)
    return _Pair(
        access=access.get_secret_value(),
        refresh=refresh.get_secret_value() if refresh is not None else None,
        ends=ends,
        life=ends - renewed_at if ends is not None and renewed_at is not None else None,
    )
