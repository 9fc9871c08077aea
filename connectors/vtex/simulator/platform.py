"""The simulated account: every request goes through its key, its limit and its route."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.vtex.simulator.affiliates import Affiliates
from connectors.vtex.simulator.auth import Keys
from connectors.vtex.simulator.bindings import Bindings
from connectors.vtex.simulator.callbacks import Callbacks
from connectors.vtex.simulator.catalog import Catalog
from connectors.vtex.simulator.catalog_routes import CatalogRoutes
from connectors.vtex.simulator.clock import Clock
from connectors.vtex.simulator.commands import commands
from connectors.vtex.simulator.counters import Counters
from connectors.vtex.simulator.errors import Errors, html_error
from connectors.vtex.simulator.limits import Limits
from connectors.vtex.simulator.mapper import Mapper
from connectors.vtex.simulator.notifications import Notifications
from connectors.vtex.simulator.options import Options
from connectors.vtex.simulator.router import Router
from connectors.vtex.simulator.seller_routes import SellerRoutes
from connectors.vtex.simulator.sellers import Sellers
from connectors.vtex.simulator.simulation import Simulation
from connectors.vtex.simulator.suggestion import Suggestion, accepted_product
from connectors.vtex.simulator.suggestion_routes import SuggestionRoutes
from connectors.vtex.simulator.suggestions import Suggestions
from connectors.vtex.simulator.web import Answer, Headers, Request, Route
from hub.records import JSON
from hub.testing.asgi import Receive, Scope, Send, read_body
from hub.testing.simulator import Command, Simulator

_NOWHERE = html_error(404)


class VtexSimulator:
    """One account in both of its roles, all hosts on one address."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.clock = Clock()
        self._build()

    def reset(self) -> None:
        """Back to what the options made; what is on its way is stopped."""
        for one in (self.callbacks, self.suggestions, self.notifications, self.mapper):
            one.close()
        self.clock.reset()
        self._build()

    def _build(self) -> None:
        options, clock = self.options, self.clock
        self.counters = Counters()
        self.keys, self.limits = Keys(options), Limits(options, clock)
        self.catalog = Catalog(options, clock)
        self.sellers, self.bindings = Sellers(options), Bindings(clock)
        self.callbacks = Callbacks(options, clock, self.sellers)
        self.suggestions = Suggestions(options, clock, names=self._names(), approved=self._approved)
        errors = Errors(options.error_shape)
        self.affiliates, self.mapper = Affiliates(options, errors), Mapper(options)
        self.notifications = Notifications(options, clock, self.affiliates)
        self.simulation = Simulation(options, errors, self.catalog, self.counters)
        self.told_by_sellers = SellerRoutes(options, errors, self.sellers, self.bindings, self.callbacks)
        self._errors = errors
        self._router = Router(
            [
                *self.told_by_sellers.all(),
                *SuggestionRoutes(options, self.suggestions, self.sellers, self.bindings).all(),
                *CatalogRoutes(options, errors, self.catalog).all(),
                *self.simulation.all(),
                *self.affiliates.all(),
                *self.mapper.all(),
            ]
        )

    def summary(self) -> JSON:
        """Counters of every part; small whatever the number of records."""
        return {
            **self.counters.summary(),
            **self.suggestions.summary(),
            **self.told_by_sellers.summary(),
            **self.callbacks.summary(),
            **self.notifications.summary(),
            **self.mapper.summary(),
            "bindings": len(self.bindings),
            "skus": self.options.skus,
            "skus_changed": self.catalog.modified,
        }

    def state(self) -> JSON:
        """The summary, and all suggestions, bindings, offers, affiliates and latest notifications."""
        return self.summary() | {
            "suggestions": [one.shown(self.options) for one in self.suggestions.all()],
            "bindings": self.bindings.shown(),
            "offers": self.callbacks.shown(),
            "sellers": self.sellers.shown(),
            "affiliates": self.affiliates.shown(),
            "notifications": self.notifications.shown(),
            "mapper": self.mapper.shown(),
        }

    def commands(self) -> Mapping[str, Command]:
        """See ``docs/connectors/vtex-simulator.md``."""
        return commands(self)

    async def idle(self) -> None:
        """Until nothing that the account sends is on its way; for tests in the same process."""
        for one in (self.callbacks, self.notifications, self.mapper):
            await one.idle()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        body = await read_body(receive)
        method = scope["method"]
        route, names, exists = self._router.find(method, scope["raw_path"])
        if route is None:
            await self._unrouted(method, exists=exists, send=send)
            return
        headers = dict(scope["headers"])
        request = Request(method, scope["path"], names, scope["query_string"], headers, body)
        answer, told = self._refused(route, request)
        if answer is None:
            self.counters.came(route, request)
            found = route.handler(request)
            answer = found if isinstance(found, Answer) else await found
        self.counters.answered(route.name, answer.status)
        await _send(send, answer, told)

    def _refused(self, route: Route, request: Request) -> tuple[Answer | None, Headers]:
        """The answer to a request that does not pass, and the headers that any answer to it has."""
        refusal = self.keys.refusal(route, request)
        if refusal is not None:
            self.counters.refused += 1
            return self._errors.refused(route.group, refusal.status, refusal.text), ()
        passed, headers = self.limits.take(route.group)
        if passed:
            return None, headers
        self.counters.throttled[route.name] += 1
        return self._errors.refused(route.group, 429, "Too many requests"), headers

    async def _unrouted(self, method: str, *, exists: bool, send: Send) -> None:
        self.counters.unknown_paths += 1
        answer = Answer(405) if exists else _NOWHERE
        self.counters.answered(f"{method} (no route)", answer.status)
        await _send(send, answer, ())

    def _approved(self, suggestion: Suggestion) -> None:
        lost = self.options.ean_text_lost
        self.bindings.bind(suggestion.key, accepted_product(suggestion.content, ean_text_lost=lost))
        self.callbacks.ask(suggestion.key, "approval")

    def _names(self) -> tuple[list[str], list[str]]:
        """The brands and the category paths of the account."""
        catalog, options = self.catalog, self.options
        paths = [catalog.category_path(one) for one in catalog.categories]
        return [*catalog.brands.values(), *options.known_brand], [*paths, *options.known_category]


async def _send(send: Send, answer: Answer, told: Headers) -> None:
    headers = [*answer.headers, *told]
    if answer.status != 204:
        headers.append((b"content-length", b"%d" % len(answer.body)))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


def _simulated(options: Any) -> VtexSimulator:
    return VtexSimulator(options)


SIMULATOR = Simulator(
    name="vtex",
    title="VTEX: an account that sellers offer to and that marketplaces read, all hosts on one address",
    Options=Options,
    build=_simulated,
)
