"""A shop is connected in its owner's browser: the authorization code grant (shopify facts, "OAuth")."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Final
from urllib.parse import urlencode

from connectors.shopify import handout
from connectors.shopify.callback import checked_code
from connectors.shopify.documents import document
from connectors.shopify.settings import ShopifyCredentials, ShopifySettings
from connectors.shopify.tokens import AUTHORISED_AT
from hub import codec
from hub.connector import Grant, Ports
from hub.errors import ConfigurationError, HubError

#: Below the shop's origin.
AUTHORIZE_PATH: Final = "/admin/oauth/authorize"

_WRITE, _READ = "write_", "read_"


class ShopifyAuthorization:
    """The part of the connector that is ``hub.connector.Authorization``. State, browser and storage are the core's."""

    settings: ShopifySettings
    credentials: ShopifyCredentials
    ports: Ports

    def authorize_url(self, *, state: str, redirect_uri: str) -> str:
        """The screen where the owner grants access, offline and for all scopes of the settings.

        Raises ``ConfigurationError`` where the connection does not say which app asks.
        """
        client_id, _ = self._app()
        asked = {"client_id": client_id, "scope": ",".join(self.settings.scopes)}
        asked |= {"redirect_uri": redirect_uri, "state": state}
        given = {name: value for name, value in asked.items() if value}
        return f"{self.settings.origin}{AUTHORIZE_PATH}?{urlencode(given)}"

    async def exchange(self, *, query: Mapping[str, str], redirect_uri: str) -> Grant:
        """Check what the shop sent with the browser and trade its code for a pair of tokens.

        Raises ``ConfigurationError`` for an answer that the shop did not send, or not for this connection, not now; for a
        code that it refuses; and for fewer scopes than were asked for. What is on the shop's side for now is another
        ``HubError``.
        """
        client_id, secret = self._app()
        now = self.ports.clock.now()
        code = checked_code(query, secret=secret, shop=self.settings.shop, now=now)
        answer = await handout.ask(
            self.ports.http,
            self.settings.origin,
            {"client_id": client_id, "client_secret": secret, "code": code, "expiring": 1},
        )
        if answer.status_code in handout.REFUSALS:
            said = handout.refusal_of(answer) or f"HTTP {answer.status_code}"
            raise ConfigurationError(f"the shop does not trade the code for a token ({said})")
        tokens = handout.handed_out(answer, asked_at=now)
        granted = handout.scopes_of(answer)
        _require_granted(self.settings.scopes, granted)
        facts = {"shop": self.settings.shop, "scopes": ", ".join(sorted(granted))}
        facts |= await self._account(str(tokens["access_token"]))
        return Grant(credentials={**tokens, AUTHORISED_AT: _written(now)}, facts=facts)

    def _app(self) -> tuple[str, str]:
        if not self.settings.client_id:
            raise ConfigurationError(
                "the app's client id is missing. A shop is connected in a browser by an app; a custom app's token is given by "
                "`hub connection set NAME credentials.access_token=env:VARIABLE`",
                field="settings.client_id",
            )
        if self.credentials.client_secret is None:
            raise ConfigurationError("the app's client secret is missing", field="credentials.client_secret")
        return self.settings.client_id, self.credentials.client_secret.get_secret_value()

    async def _account(self, token: str) -> Mapping[str, str]:
        """What the shop is called. The access is granted by now, so that this may come to nothing."""
        url = f"{self.settings.origin}/admin/api/{self.settings.api_version}/graphql.json"
        try:
            answer = await self.ports.http.request(
                "POST", url, json={"query": document("shop").text}, headers={"X-Shopify-Access-Token": token}
            )
            shop = codec.loads(answer.content)["data"]["shop"]
            found = {"account": shop["name"], "plan": shop["plan"]["publicDisplayName"]}
        except (HubError, codec.DecodeError, RecursionError, KeyError, TypeError) as error:
            self.ports.log.info("the shop did not say what it is called", error=type(error).__name__)
            return {}
        return {name: value for name, value in found.items() if isinstance(value, str)}


def _require_granted(asked: Collection[str], granted: Collection[str]) -> None:
    """Whoever opens the link can change what is asked for in it; the right to write includes that to read."""
    implied = {f"{_READ}{scope.removeprefix(_WRITE)}" for scope in granted if scope.startswith(_WRITE)}
    missing = sorted(set(asked) - set(granted) - implied)
    if missing:
        raise ConfigurationError(
            f"the shop's owner granted less than was asked for; missing: {', '.join(missing)}. Grant all of it, or ask for "
            "less (settings.scopes, settings.resources)"
        )


def _written(moment: datetime) -> str:
    """So that later is also later as text."""
    return moment.isoformat(timespec="microseconds")
