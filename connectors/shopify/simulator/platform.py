"""The simulated platform: which path is answered by what, and what it can be told."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from connectors.shopify.simulator import changes
from connectors.shopify.simulator.clock import Clock
from connectors.shopify.simulator.context import Context
from connectors.shopify.simulator.endpoint import answer
from connectors.shopify.simulator.oauth import AUTHORIZE_PATH, TOKEN_PATH, OAuth
from connectors.shopify.simulator.options import Options
from connectors.shopify.simulator.selling import VERSIONS
from connectors.shopify.simulator.shop import Shop
from connectors.shopify.simulator.throttle import Bucket
from connectors.shopify.simulator.tokens import Tokens, scope_set
from hub.records import JSON
from hub.testing.asgi import Receive, Scope, Send, header, read_body, respond_json
from hub.testing.simulator import Command, Simulator

_API = re.compile(r"/admin/api/([^/]+)/graphql\.json")
_VERSION = re.compile(r"20[0-9]{2}-(01|04|07|10)")
#: What the platform says with each status that closes a shop.
_CLOSED = {
    402: "Unavailable Shop",
    403: "[API] This action requires merchant approval",
    404: "Not Found",
    423: "Locked",
    430: "Security rejection",
}


class ShopifySimulator:
    """One shop and one app."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.clock = Clock()
        self.reset()

    def reset(self) -> None:
        """Back to the shop and the token of the options."""
        options = self.options
        self.clock.reset()
        self.counters: Counter[str] = Counter()
        self.shop = Shop(options, self.clock)
        self.tokens = Tokens(options, self.clock)
        self.bucket = Bucket(self.clock, size=options.bucket, restore=options.restore)
        self.oauth = OAuth(options, self.tokens, self.clock)
        self.protected = scope_set(options.protected)
        self.closed: int | None = None

    def summary(self) -> JSON:
        """Requests, costs, throttled answers, bulk operations, webhooks, and how many objects there are."""
        return {
            **{name: self.counters[name] for name in _COUNTERS},
            **{name: len(table) for name, table in self.shop.tables.items()},
        }

    def state(self) -> JSON:
        """The summary, the installation and everything that was changed."""
        return self.summary() | {
            "installation": self.tokens.shown(),
            "throttle": self.bucket.status(),
            "changed": {name: len(table.changes) for name, table in self.shop.tables.items()},
        }

    def commands(self) -> Mapping[str, Command]:
        """See ``docs/connectors/shopify.md``."""
        return {
            "change": lambda told: self._changed(changes.Change.model_validate(told)),
            "delete": lambda told: self._deleted(changes.Addressed.model_validate(told)),
            "add": lambda told: self._added(changes.Add.model_validate(told)),
            "scopes": lambda told: self._granted(Grant.model_validate(told)),
            "uninstall": lambda _: self._uninstalled(),
            "revoke": lambda _: self._revoked(),
            "close": lambda told: self._closed(Close.model_validate(told)),
            "protect": lambda told: self._protected(Protect.model_validate(told)),
            "bucket": lambda told: self._filled(Fill.model_validate(told)),
            "clock": self.clock.told,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        path, method = scope["path"], scope["method"]
        self.counters["requests"] += 1
        api = _API.fullmatch(path)
        if path == AUTHORIZE_PATH and method == "GET":
            await self.oauth.authorize(scope, receive, send)
        elif path == TOKEN_PATH and method == "POST":
            self.counters["token_requests"] += 1
            await self.oauth.token(scope, receive, send)
        elif api and method == "POST":
            await self._graphql(api[1], scope, await read_body(receive), send)
        else:
            await read_body(receive)
            await respond_json(send, 404, {"errors": "Not Found"})

    async def _graphql(self, version: str, scope: Scope, body: bytes, send: Send) -> None:
        served = _served(version)
        if served is None:
            await respond_json(send, 404, {"errors": "Not Found"})
            return
        headers = [(b"x-shopify-api-version", served.encode())]
        if self.closed is not None:
            await respond_json(
                send, self.closed, {"errors": _CLOSED.get(self.closed, "Unavailable")}, headers
            )
            return
        if not self.tokens.accepts(header(scope, b"x-shopify-access-token")):
            self.counters["refused"] += 1
            text = "[API] Invalid API key or access token (unrecognized login or wrong password)"
            await respond_json(send, 401, {"errors": text}, headers)
            return
        self.counters["queries"] += 1
        found = answer(
            self._context(), body, self.bucket, throttled_status=int(self.options.throttled_status)
        )
        self.counters["cost"] += found.cost
        self.counters["throttled"] += found.throttled
        await respond_json(send, found.status, found.body, headers)

    def _context(self) -> Context:
        return Context(shop=self.shop, scopes=self.tokens.scopes, protected=self.protected, actions={})

    def _changed(self, told: changes.Change) -> JSON:
        return {"ids": changes.change(self.shop, told)}

    def _deleted(self, told: changes.Addressed) -> JSON:
        return {"ids": changes.delete(self.shop, told)}

    def _added(self, told: changes.Add) -> JSON:
        return {"ids": changes.add(self.shop, told)}

    def _granted(self, told: Grant) -> JSON:
        self.tokens.grant(told.granted)
        return {"granted": sorted(self.tokens.scopes)}

    def _uninstalled(self) -> JSON:
        self.tokens.uninstall()
        return self.tokens.shown()

    def _revoked(self) -> JSON:
        self.tokens.revoke()
        return self.tokens.shown()

    def _closed(self, told: Close) -> JSON:
        self.closed = told.status
        return {"status": self.closed}

    def _protected(self, told: Protect) -> JSON:
        self.protected = frozenset(told.fields)
        return {"protected": sorted(self.protected)}

    def _filled(self, told: Fill) -> JSON:
        self.bucket.set(told.points)
        return dict(self.bucket.status())


class _Told(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Grant(_Told):
    """The scopes that the merchant grants from now on."""

    granted: list[str]


class Close(_Told):
    """The status that every request of the API is answered with; none opens the shop again."""

    status: int | None = None


class Protect(_Told):
    """Protected customer data that the app may not see from now on."""

    fields: list[Literal["name", "email", "phone", "address"]]


class Fill(_Told):
    """What the bucket holds."""

    points: float


_COUNTERS = ("requests", "queries", "token_requests", "refused", "cost", "throttled")


def _served(version: str) -> str | None:
    """The version that answers: a retired one falls forward silently; None for what was never one."""
    if version in VERSIONS or version == "unstable":
        return version
    return VERSIONS[0] if _VERSION.fullmatch(version) and version < VERSIONS[0] else None


def _build(options: Any) -> ShopifySimulator:
    return ShopifySimulator(options)


SIMULATOR = Simulator(
    name="shopify",
    title="Shopify: the GraphQL Admin API of a shop, its OAuth screens and its webhooks",
    Options=Options,
    build=_build,
)
