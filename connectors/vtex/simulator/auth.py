"""Application keys and what they may do (vtex facts, "Hosts, auth, limits")."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from connectors.vtex.simulator.options import Options
from connectors.vtex.simulator.web import Group, Request, Route
from hub.records import JSON


@dataclass(frozen=True)
class Refusal:
    """Why a request is not answered."""

    status: int
    text: str


class Keys:
    """The keys of the account."""

    def __init__(self, options: Options) -> None:
        self._require_headers = options.require_headers
        self._keys: dict[bytes, SetKey] = {}
        self.set(SetKey(app_key=options.app_key, app_token=options.app_token))

    def refusal(self, route: Route, request: Request) -> Refusal | None:
        """401 for a missing or unknown key or token, 403 for one that may not, 400 for missing headers."""
        headers = request.headers
        if self._require_headers and not _wants_json(headers):
            return Refusal(400, "Accept and Content-Type have to be application/json")
        if route.public:
            return None
        key = self._keys.get(headers.get(b"x-vtex-api-appkey", b""))
        if key is None or headers.get(b"x-vtex-api-apptoken") != key.app_token.encode():
            return Refusal(401, "Unauthorized: X-VTEX-API-AppKey and X-VTEX-API-AppToken name no valid key")
        if route.group in key.denied:
            return Refusal(403, "Forbidden: the key lacks the License Manager resource")
        return None

    def set(self, told: SetKey) -> JSON:
        """The command ``keys``."""
        if told.revoked:
            self._keys.pop(told.app_key.encode(), None)
        else:
            self._keys[told.app_key.encode()] = told
        return {"keys": len(self._keys)}


class SetKey(BaseModel):
    """A key with its token and the groups of routes that it is ``denied``, or one that is ``revoked``."""

    model_config = ConfigDict(extra="forbid")

    app_key: str
    app_token: str = ""
    denied: list[Group] = []
    revoked: bool = False


def _wants_json(headers: dict[bytes, bytes]) -> bool:
    return b"json" in headers.get(b"accept", b"") and b"json" in headers.get(b"content-type", b"")
