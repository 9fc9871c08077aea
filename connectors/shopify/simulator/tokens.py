"""The app's installation: authorization codes, tokens and the scopes behind them (shopify facts, "OAuth", "Refresh")."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from dataclasses import dataclass, field

from connectors.shopify.simulator.clock import Clock
from connectors.shopify.simulator.options import Options
from hub.records import JSON

#: Seconds that a refresh token which was replaced stays good, unless its replacement is used before.
REPLACED_SECONDS = 30 * 86_400


@dataclass
class Code:
    """An authorization code that was not used yet."""

    scopes: frozenset[str]
    redirect_uri: str
    expires_at: float


@dataclass
class Refresh:
    """A refresh token: the ones that it was replaced by, and when first."""

    expires_at: float
    replaced_at: float | None = None
    replacements: list[str] = field(default_factory=list)


class Tokens:
    """What was handed out to the one app of the simulator, in the one shop."""

    def __init__(self, options: Options, clock: Clock) -> None:
        self._options, self._clock = options, clock
        self.installed = bool(options.access_token)
        self.scopes = scope_set(options.granted)
        self._grantable = self.scopes
        self._codes: dict[str, Code] = {}
        #: When each access token ends; None for never.
        self._access: dict[str, float | None] = {}
        self._refresh: dict[str, Refresh] = {}
        if options.access_token:
            self._access[options.access_token] = None

    def approve(self, asked: Collection[str], redirect_uri: str) -> str:
        """The merchant installs the app, with those of the scopes that are granted here; returns a code."""
        granted = frozenset(asked) & self._grantable if asked else self._grantable
        code = secrets.token_hex(16)
        expires_at = self._clock.seconds() + self._options.code_seconds
        self._codes[code] = Code(granted, redirect_uri, expires_at)
        return code

    def exchange(self, code: str, *, expiring: bool) -> JSON | None:
        """The answer to a code; None when there is no such code, or not any more."""
        known = self._codes.pop(code, None)
        if known is None or known.expires_at <= self._clock.seconds():
            return None
        self.installed, self.scopes = True, known.scopes
        # Whatever acquired a token before, somewhere else perhaps, cannot refresh it any more.
        self._refresh.clear()
        if expiring:
            return self._pair()[0]
        return {"access_token": self._new_access(None), "scope": self._written_scopes()}

    def refresh(self, token: str) -> JSON | None:
        """A new pair; None when the refresh token is not active."""
        now, known = self._clock.seconds(), self._refresh.get(token)
        if known is None or not self.installed or known.expires_at <= now:
            return None
        if known.replaced_at is not None and known.replaced_at + REPLACED_SECONDS <= now:
            return None
        self._forget_older_than(token)
        answer, replacement = self._pair()
        known.replaced_at = known.replaced_at if known.replaced_at is not None else now
        known.replacements.append(replacement)
        return answer

    def accepts(self, token: str | None) -> bool:
        """Whether an access token is good."""
        if token is None or not self.installed or token not in self._access:
            return False
        ends = self._access[token]
        return ends is None or ends > self._clock.seconds()

    def uninstall(self) -> None:
        """Every token is void."""
        self.installed = False
        self._access.clear()
        self._refresh.clear()
        self._codes.clear()

    def revoke(self) -> None:
        """Every access token is void; what can be refreshed still can be."""
        self._access.clear()

    def grant(self, scopes: Collection[str]) -> None:
        """These scopes are granted from now on, to the tokens that there are as well."""
        self.scopes = self._grantable = frozenset(scopes)

    def shown(self) -> JSON:
        """For the control path."""
        return {
            "installed": self.installed,
            "scopes": sorted(self.scopes),
            "access_tokens": len(self._access),
            "refresh_tokens": len(self._refresh),
        }

    def _pair(self) -> tuple[JSON, str]:
        options, now = self._options, self._clock.seconds()
        refresh = f"shprt_{secrets.token_hex(16)}"
        self._refresh[refresh] = Refresh(now + options.refresh_expires_in)
        answer = {
            "access_token": self._new_access(now + options.expires_in),
            "scope": self._written_scopes(),
            "expires_in": options.expires_in,
            "refresh_token": refresh,
            "refresh_token_expires_in": options.refresh_expires_in,
        }
        return answer, refresh

    def _forget_older_than(self, token: str) -> None:
        """A replacement that is used ends the token that it replaced, and the others that replaced that one."""
        for older, known in list(self._refresh.items()):
            if token in known.replacements:
                del self._refresh[older]
                for sibling in known.replacements:
                    if sibling != token:
                        self._refresh.pop(sibling, None)

    def _new_access(self, ends: float | None) -> str:
        token = f"shpat_{secrets.token_hex(16)}"
        self._access[token] = ends
        return token

    def _written_scopes(self) -> str:
        return ",".join(sorted(self.scopes))


def scope_set(text: str) -> frozenset[str]:
    """Scopes as they are written in a URL."""
    return frozenset(one.strip() for one in text.split(",") if one.strip())
