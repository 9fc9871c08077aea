"""The header that shows a marketplace who calls, renewed as the settings say when it has ended."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from urllib.parse import urlencode

import httpx

from connectors.destinations.answers import UnreadableAnswerError, decoded, found, id_text
from connectors.destinations.auth import auth_headers
from connectors.marketplace.routes import Refresh
from connectors.marketplace.settings import MarketplaceCredentials, MarketplaceSettings
from hub import codec
from hub.connector import Ports
from hub.errors import NotNowError, ReauthorizationError, RejectedError, RetryableError
from hub.exact import exact
from hub.expression import Expression
from hub.mapping import Mapping as FieldMapping

#: A token is renewed so long before it ends, or in the last tenth of a short life.
MARGIN: Final = timedelta(minutes=1)
#: Work waits so long when the token endpoint cannot be reached.
PAUSE: Final = timedelta(seconds=15)
#: Credentials that a renewal may change.
_HELD: Final = ("token", "refresh_token")


class Access:
    """What one process has in hand. A renewal is made once in the whole fleet and stored before it is used."""

    def __init__(
        self, settings: MarketplaceSettings, credentials: MarketplaceCredentials, ports: Ports
    ) -> None:
        """Raises ``ConfigurationError`` if ``auth`` needs a credential that is not there and cannot be had."""
        self._settings, self._ports = settings, ports
        self._renewal = None if settings.refresh is None else _Renewal(settings.refresh)
        self._take(credentials)

    async def headers(self) -> Mapping[str, str]:
        """Good for a while, as far as it is known.

        Raises ``ReauthorizationError`` where nothing can be had, ``NotNowError`` where it cannot be had now.
        """
        if self._renewal is not None and self._is_due():
            await self._renew(self._renewal)
        return self._headers

    async def after_refusal(
        self, refused: Mapping[str, str], error: ReauthorizationError
    ) -> Mapping[str, str]:
        """Others than those that were just answered 401. Raises ``error`` where nothing renews them."""
        if self._renewal is None:
            raise error
        if self._headers == refused:
            await self._renew(self._renewal)
        return self._headers

    def _take(self, credentials: MarketplaceCredentials) -> None:
        self._credentials = credentials
        missing = self._renewal is not None and credentials.token is None
        self._headers = {} if missing else auth_headers(self._settings, credentials)

    def _is_due(self) -> bool:
        if not self._headers:
            return True
        ends = self._credentials.token_expires_at
        if ends is None:
            return False
        ends = ends if ends.tzinfo else ends.replace(tzinfo=UTC)
        return self._ports.clock.now() >= ends

    async def _renew(self, renewal: _Renewal) -> None:
        vault = self._ports.vault
        plain_ones = _plain(self._credentials)
        try:
            if vault is not None:
                held = {name: plain_ones.get(name) for name in _HELD}
                stored = dict(await vault.renew(held, self._obtain))
            elif self._credentials.refresh_token is None:
                stored = {**plain_ones, **await self._obtain(plain_ones)}
            else:
                raise ReauthorizationError(
                    "the access token has ended, and its refresh token can only be used once the connection is stored"
                )
        except RetryableError as error:
            raise NotNowError(f"the access token could not be renewed yet: {error}", wait=PAUSE) from error
        self._take(MarketplaceCredentials.model_validate(stored))

    async def _obtain(self, current: Mapping[str, Any]) -> Mapping[str, Any]:
        assert self._renewal is not None  # noqa: S101 - for mypy; nothing else asks for it
        asked_at = self._ports.clock.now()
        content, kind = self._renewal.request(current)
        try:
            answer = await self._ports.http.request(
                "POST",
                self._renewal.url,
                headers={"Content-Type": kind, "Accept": "application/json"},
                content=content,
            )
        except (RejectedError, ReauthorizationError) as error:
            self._ports.log.warning("the marketplace renews the access token no more", error=str(error))
            raise ReauthorizationError(
                f"{self._settings.title} does not renew the access token ({error}); give the connection new credentials",
                response_code=error.response_code,
            ) from error
        return self._renewal.read(answer, asked_at)


class _Renewal:
    """What is asked of the token endpoint, and what it answers."""

    def __init__(self, settings: Refresh) -> None:
        self._settings, self.url = settings, settings.url
        self._body = FieldMapping.compile(settings.body)
        self._token, self._next = Expression(settings.token), Expression(settings.refresh_token)
        self._expires = Expression(settings.expires)

    def request(self, credentials: Mapping[str, Any]) -> tuple[bytes, str]:
        """Body and media type. What is wrong with it is said without what is in it: these are secrets."""
        try:
            body = self._body.apply(dict(credentials))
        except RejectedError:
            body = {}
        if not body or None in body.values():
            raise ReauthorizationError(
                "the access token cannot be renewed: refresh.body asks for a credential that is not there; give the "
                "connection all that it names"
            )
        if self._settings.form:
            return urlencode(body).encode(), "application/x-www-form-urlencoded"
        return codec.dumps(body), "application/json"

    def read(self, answer: httpx.Response, asked_at: datetime) -> Mapping[str, Any]:
        """The credentials that changed. Raises ``RetryableError`` for an answer without a token."""
        try:
            said = decoded(answer)
            token = id_text(found(self._token, said))
            refresh = id_text(found(self._next, said))
            seconds = _number(found(self._expires, said))
        except UnreadableAnswerError:
            raise RetryableError("the token endpoint's answer cannot be read") from None
        if token is None:
            raise RetryableError("the token endpoint answered without a token")
        ends = None if seconds is None else asked_at + _life(seconds)
        handed_out = {"token": token, "token_expires_at": ends.isoformat() if ends else None}
        return handed_out if refresh is None else handed_out | {"refresh_token": refresh}


def _number(value: Any) -> Decimal | None:
    number = exact(Decimal(value) if isinstance(value, str) and value.isdecimal() else value)
    return None if number is None or number <= 0 else Decimal(number)


def _life(seconds: Decimal) -> timedelta:
    """How long a token is used."""
    life = timedelta(seconds=float(min(seconds, Decimal(10**9))))
    return life - min(MARGIN, life / 10)


def _plain(credentials: MarketplaceCredentials) -> dict[str, Any]:
    """With the secrets in them."""
    given = credentials.model_dump(exclude_none=True)
    return {
        name: value.get_secret_value() if hasattr(value, "get_secret_value") else value
        for name, value in given.items()
    }
