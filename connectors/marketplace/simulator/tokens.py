"""Access tokens that may end, and the endpoint that hands out others (OAuth 2, RFC 6749 sections 4.4 and 6)."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qsl

from connectors.marketplace.simulator.options import Options
from hub import codec
from hub.records import JSON

_FORM = "application/x-www-form-urlencoded"


class Tokens:
    """Those that are good, and until when."""

    def __init__(self, options: Options, seconds: Callable[[], float]) -> None:
        self._options, self._seconds = options, seconds
        self._good: dict[str, float | None] = {options.token: None}
        self._refresh = options.refresh_token
        self.handed_out = 0

    def is_good(self, authorization: str | None) -> bool:
        """Whether a request with this header passes."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or token not in self._good:
            return False
        ends = self._good[token]
        return ends is None or self._seconds() < ends

    def expire(self) -> int:
        """None is good any more; how many were."""
        count = len(self._good)
        self._good.clear()
        return count

    def revoke(self) -> None:
        """None is good, and none is handed out."""
        self._good.clear()
        self._options = self._options.model_copy(update={"client_secret": "", "refresh_token": ""})
        self._refresh = ""

    def hand_out(self, kind: str, content: bytes) -> tuple[int, JSON]:
        """Answer the token endpoint."""
        given = dict(parse_qsl(content.decode())) if kind.startswith(_FORM) else codec.loads(content)
        if not self._may(given):
            return 400, {"error": "invalid_grant"}
        self.handed_out += 1
        token = f"token-{self.handed_out}"
        seconds = self._options.token_seconds
        self._good[token] = None if seconds is None else self._seconds() + seconds
        answer: JSON = {"access_token": token, "token_type": "Bearer"}
        if seconds is not None:
            answer["expires_in"] = seconds
        if self._options.rotates and self._refresh:
            answer["refresh_token"] = self._refresh = f"refresh-{self.handed_out}"
        return 200, answer

    def _may(self, given: JSON) -> bool:
        options = self._options
        match given.get("grant_type"):
            case "client_credentials":
                named = (given.get("client_id"), given.get("client_secret"))
                return bool(options.client_secret) and named == (options.client_id, options.client_secret)
            case "refresh_token":
                return bool(self._refresh) and given.get("refresh_token") == self._refresh
            case _:
                return False
