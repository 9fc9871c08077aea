"""The paths of the Suggestions API."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from connectors.vtex.simulator.bindings import Bindings, Key
from connectors.vtex.simulator.errors import html_error, suggestion_error
from connectors.vtex.simulator.options import Options
from connectors.vtex.simulator.sellers import Sellers
from connectors.vtex.simulator.suggestion import STATES, State, Suggestion, names_of
from connectors.vtex.simulator.suggestion_body import problems
from connectors.vtex.simulator.suggestions import Suggestions
from connectors.vtex.simulator.web import Answer, Request, Route, as_json
from hub import codec

#: Suggestions on one page at most.
PAGE = 50

_PATH = "/{account}/suggestions"
_ONE = f"{_PATH}/{{sellerId}}/{{sellerSkuId}}"
#: What ``status`` may ask for; approved and accepted are the same (vtex facts, "Suggestion").
_ASKED: dict[str, State] = {"accepted": "approved", **{state: state for state in STATES}}
_GONE = as_json({"Message": "Suggestion not found"}, 404)


class SuggestionRoutes:
    """Answers for ``/{account}/suggestions``."""

    def __init__(
        self, options: Options, suggestions: Suggestions, sellers: Sellers, bindings: Bindings
    ) -> None:
        self._options, self._suggestions = options, suggestions
        self._sellers, self._bindings = sellers, bindings
        self._order = Random(options.seed)

    def all(self) -> list[Route]:
        """Every route."""
        return [
            self._route("PUT", _ONE, self.put, 2),
            self._route("GET", _ONE, self.get, 2),
            self._route("DELETE", _ONE, self.delete, 2),
            self._route("GET", _PATH, self.list),
            self._route("GET", f"{_ONE}/versions", self.versions, 2),
            self._route("GET", f"{_ONE}/versions/{{version}}", self.version, 2),
        ]

    def put(self, request: Request) -> Answer:
        """Send or update a suggestion."""
        key = _key(request)
        if not self._sellers.knows(key[0]):
            return suggestion_error(400, {"SellerId": ["The seller is not registered in the marketplace."]})
        try:
            body = codec.loads(request.body)
        except (codec.DecodeError, RecursionError):
            return suggestion_error(400, {"": ["The body is no JSON."]})
        self._suggestions.settle()
        found = problems(body, seller=key[0], whole_dimensions=self._options.whole_dimensions)
        found = found or self._suggestions.put(key, body)
        # Nothing refuses it, and it gives the operator a second product to decide on (seed 004).
        self._suggestions.counters["of_bound"] += not found and self._bindings.get(key) is not None
        return suggestion_error(400, found) if found else Answer(200)

    def get(self, request: Request) -> Answer:
        """One suggestion; 404 when it never was or was approved."""
        suggestion = self._found(request)
        return as_json(suggestion.shown(self._options)) if suggestion else _GONE

    def delete(self, request: Request) -> Answer:
        """Forget a suggestion."""
        self._suggestions.settle()
        return Answer(200) if self._suggestions.delete(_key(request)) else _GONE

    def versions(self, request: Request) -> Answer:
        """All versions, the latest last."""
        suggestion = self._found(request)
        if suggestion is None:
            return _GONE
        return as_json([suggestion.shown(self._options, one) for one in suggestion.versions])

    def version(self, request: Request) -> Answer:
        """One version."""
        suggestion = self._found(request)
        found = (
            next((one for one in suggestion.versions if one.name == request.names[3]), None)
            if suggestion
            else None
        )
        return as_json(suggestion.shown(self._options, found)) if suggestion and found else _GONE

    def list(self, request: Request) -> Answer:
        """By pages of 50 at most; ``_next`` covers what is pending only, and the order may differ each time."""
        query = request.query()
        try:
            first, last = _whole(query, "_from", 1), _whole(query, "_to", 0)
        except ValueError as error:
            return suggestion_error(400, {str(error): ["It has to be a whole number."]})
        last = last or first + PAGE - 1
        if first < 1 or not 0 <= last - first < PAGE:
            return suggestion_error(
                400, {"_from": [f"A page begins at 1 or later and has at most {PAGE} records."]}
            )
        found = [one for one in self._suggestions.all() if _matches(one, query)]
        if self._options.unstable_order:
            self._order.shuffle(found)
        page = found[first - 1 : last]
        answer = {
            "data": [one.shown(self._options) for one in page],
            "_from": first,
            "_to": first + len(page) - 1,
        }
        left = any(one.state == "pending" for one in found[last:])
        after = f"_from={last + 1}&_to={2 * last - first + 1}"
        return as_json(answer | {"_next": f"/{self._options.account}/suggestions?{after}" if left else None})

    def _found(self, request: Request) -> Suggestion | None:
        return self._suggestions.get(_key(request))

    def _route(
        self, method: str, path: str, handler: Callable[[Request], Answer], sku: int | None = None
    ) -> Route:
        def of_this_account(request: Request) -> Answer:
            return handler(request) if request.names[0] == self._options.account else html_error(404)

        return Route(method=method, path=path, group="suggestions", handler=of_this_account, sku=sku)


def _key(request: Request) -> Key:
    return request.names[1], request.names[2]


def _whole(query: dict[str, str], name: str, default: int) -> int:
    """Raises ``ValueError`` with the parameter's name."""
    text = query.get(name, "")
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise ValueError(name)
    return int(text)


def _matches(suggestion: Suggestion, query: dict[str, str]) -> bool:
    status, kind = query.get("status", "").casefold(), query.get("type", "").casefold()
    seller, text = query.get("seller", ""), query.get("q", "").casefold()
    return (
        (not status or _ASKED.get(status) == suggestion.state)
        and (not kind or (kind == "new") == suggestion.is_new())
        and (not seller or seller == suggestion.key[0])
        and (not text or text in suggestion.key[1].casefold() or text in names_of(suggestion.content))
    )
