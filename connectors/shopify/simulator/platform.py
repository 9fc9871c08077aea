"""The simulated platform: which path is answered by what."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from connectors.shopify.simulator.bulk import Bulk
from connectors.shopify.simulator.bulk_operation import RESULT_PATH, Operation
from connectors.shopify.simulator.bulk_result import send_result
from connectors.shopify.simulator.clock import Clock, date_of
from connectors.shopify.simulator.commands import Close, Commands
from connectors.shopify.simulator.context import Context
from connectors.shopify.simulator.endpoint import answer
from connectors.shopify.simulator.oauth import AUTHORIZE_PATH, TOKEN_PATH, OAuth
from connectors.shopify.simulator.options import Options
from connectors.shopify.simulator.resolvers import count_of
from connectors.shopify.simulator.selling import VERSIONS
from connectors.shopify.simulator.shop import Shop
from connectors.shopify.simulator.throttle import Bucket
from connectors.shopify.simulator.tokens import Tokens, scope_set
from connectors.shopify.simulator.webhooks import Webhooks
from hub.records import JSON
from hub.testing.asgi import Receive, Scope, Send, header, read_body, respond, respond_json
from hub.testing.simulator import Command, Simulator

_API = re.compile(r"/admin/api/([^/]+)/graphql\.json")
_VERSION = re.compile(r"20[0-9]{2}-(01|04|07|10)")
#: What the platform says with each status that closes a shop.
_CLOSED = {
    402: "Unavailable Shop",
    403: "[API] This action requires merchant approval",
    423: "Locked",
    430: "Security rejection",
}
_XML = [(b"content-type", b"application/xml")]
_COUNTERS = (
    "requests",
    "queries",
    "token_requests",
    "refused",
    "cost",
    "throttled",
    "bulk_downloads",
    "leaked_tokens",
)


class ShopifySimulator:
    """One shop and one app."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.clock = Clock()
        self._build()

    def reset(self) -> None:
        """Back to the shop and the token of the options; what runs and what is on its way is stopped."""
        self.bulk.close()
        self.webhooks.close()
        self.clock.reset()
        self._build()

    def _build(self) -> None:
        options = self.options
        self.counters: Counter[str] = Counter()
        self.shop = Shop(options, self.clock)
        self.tokens = Tokens(options, self.clock)
        self.bucket = Bucket(self.clock, size=options.bucket, restore=options.restore)
        self.oauth = OAuth(options, self.tokens, self.clock)
        self.webhooks = Webhooks(options, self.clock)
        self.bulk = Bulk(options, self.clock, self._bulk_finished)
        self.protected = scope_set(options.protected)
        self.closed = Close()

    def summary(self) -> JSON:
        """Requests, costs, throttled answers, bulk operations, webhooks, and how many objects there are."""
        return {
            **{name: self.counters[name] for name in _COUNTERS},
            **self.bulk.counts(),
            **self.webhooks.summary(),
            **{name: len(table) for name, table in self.shop.tables.items()},
        }

    def state(self) -> JSON:
        """The summary, the installation, what was changed, and the latest webhooks."""
        return self.summary() | {
            "installation": self.tokens.shown(),
            "throttle": self.bucket.status(),
            "changed": {name: len(table.changes) for name, table in self.shop.tables.items()},
            "webhooks": self.webhooks.shown(),
        }

    def commands(self) -> Mapping[str, Command]:
        """See ``docs/connectors/shopify.md``."""
        return Commands(self).all()

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
        elif path.startswith(RESULT_PATH) and method == "GET":
            await self._result(scope, receive, send)
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
        if self.closed.status or self.closed.code:
            await respond_json(send, self.closed.status or 200, _closed_body(self.closed), headers)
            return
        if not self.tokens.accepts(header(scope, b"x-shopify-access-token")):
            self.counters["refused"] += 1
            text = "[API] Invalid API key or access token (unrecognized login or wrong password)"
            await respond_json(send, 401, {"errors": text}, headers)
            return
        self.counters["queries"] += 1
        status = int(self.options.throttled_status)
        found = answer(self._context(scope), body, self.bucket, throttled_status=status)
        self.counters["cost"] += found.cost
        self.counters["throttled"] += found.throttled
        await respond_json(send, found.status, found.body, headers)

    def _context(self, scope: Scope) -> Context:
        base = f"http://{self._result_host(header(scope, b'host') or '')}"
        actions: dict[str, Any] = {}
        context = Context(
            shop=self.shop, scopes=self.tokens.scopes, protected=self.protected, actions=actions
        )
        bulk, webhooks = self.bulk, self.webhooks
        actions |= {
            "bulkOperation": lambda told: bulk.one(told, base),
            "bulkOperations": lambda told: bulk.listing(context, told, base),
            "bulkOperationRunQuery": lambda told: bulk.run(context, told, base),
            "bulkOperationCancel": lambda told: bulk.cancel(told, base),
            "webhookSubscription": webhooks.one,
            "webhookSubscriptions": lambda told: webhooks.listing(context, told),
            "webhookSubscriptionsCount": lambda told: count_of(webhooks.count()),
            "webhookSubscriptionCreate": webhooks.create,
            "webhookSubscriptionDelete": webhooks.delete,
            "appUninstall": lambda told: self._uninstalled_itself(),
        }
        return context

    def _uninstalled_itself(self) -> Any:
        Commands(self).uninstall()
        return {"app": None, "userErrors": []}

    def _result_host(self, asked: str) -> str:
        name, colon, port = asked.rpartition(":")
        return f"{self.options.result_host or name}{colon}{port}"

    async def _result(self, scope: Scope, receive: Receive, send: Send) -> None:
        await read_body(receive)
        self.counters["bulk_downloads"] += 1
        if header(scope, b"x-shopify-access-token") is not None:
            self.counters["leaked_tokens"] += 1
            await respond_json(send, 400, {"error": "A token of the shop has no business here"})
            return
        given = dict(parse_qsl(scope["query_string"].decode("latin-1")))
        operation = self.bulk.result(scope["path"].removeprefix(RESULT_PATH), given.get("Signature", ""))
        if operation is None:
            await respond(send, 403, b"<Error><Code>ExpiredToken</Code></Error>", _XML)
        else:
            await send_result(self.bulk, operation, header(scope, b"range"), send)

    def _bulk_finished(self, operation: Operation) -> None:
        body = {
            "admin_graphql_api_id": operation.gid,
            "completed_at": date_of(operation.completed_at or 0),
            "created_at": date_of(operation.created_at),
            "error_code": operation.error_code and operation.error_code.lower(),
            "status": operation.status.lower(),
            "type": "query",
        }
        self.webhooks.happened("bulk_operations/finish", body)


def _closed_body(closed: Close) -> JSON:
    """A text with a status; an error of GraphQL with a code."""
    if closed.code is not None:
        return {
            "errors": [
                {"message": f"The simulator was told: {closed.code}", "extensions": {"code": closed.code}}
            ]
        }
    return {"errors": _CLOSED.get(closed.status or 0, "Unavailable")}


def _served(version: str) -> str | None:
    """The version that answers: a retired one falls forward silently; None for what was never one."""
    if version in VERSIONS or version == "unstable":
        return version
    return VERSIONS[0] if _VERSION.fullmatch(version) and version < VERSIONS[0] else None


def _simulated(options: Any) -> ShopifySimulator:
    return ShopifySimulator(options)


SIMULATOR = Simulator(
    name="shopify",
    title="Shopify: the GraphQL Admin API of a shop, its OAuth screens and its webhooks",
    Options=Options,
    build=_simulated,
)
