"""The simulated marketplace: every request goes through its token, its limit and its route."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote

from connectors.marketplace.simulator.commands import commands
from connectors.marketplace.simulator.goods import FaultsError, Goods, UnknownError
from connectors.marketplace.simulator.lots import LotBooks
from connectors.marketplace.simulator.options import Options
from connectors.marketplace.simulator.tokens import Tokens
from connectors.marketplace.simulator.tree import tree
from connectors.marketplace.simulator.writes import Answer, Writes
from connectors.vtex.simulator.clock import Clock
from connectors.vtex.simulator.limits import Bucket
from hub import codec
from hub.records import JSON
from hub.testing.asgi import Receive, Scope, Send, header, read_body, respond, respond_json
from hub.testing.simulator import Command, Simulator

_NOWHERE: Answer = (404, {"errors": ["there is no such path"]})
_CALLS: Mapping[tuple[str, ...], str] = {
    ("PUT", "products"): "upsert",
    ("PUT", "offers", "price"): "price",
    ("PUT", "offers", "stock"): "stock",
    ("POST", "offers", "block"): "block",
    ("POST", "offers", "unblock"): "unblock",
    ("DELETE", "offers"): "delete",
}
_NOT_HERE: Answer = (405, {"errors": ["this marketplace does no such thing"]})


class MarketplaceSimulator:
    """One marketplace with one seller."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.clock = Clock()
        self._build()

    def reset(self) -> None:
        """Back to what the options made."""
        self.clock.reset()
        self._build()

    def _build(self) -> None:
        options = self.options
        self.goods, self.writes = Goods(options), Writes()
        self.tokens = Tokens(options, self.clock.seconds)
        self.lots = LotBooks(options, self.clock.seconds, self._entry)
        self._bucket = None if options.rate is None else Bucket(self.clock, options.rate, options.burst)
        self.requests: Counter[str] = Counter()
        self.statuses: Counter[int] = Counter()

    def summary(self) -> JSON:
        """Counters, small whatever the number of offers."""
        offers, lots = self.goods.offers.values(), self.lots.lots.values()
        return {
            "offers": len(offers),
            "blocked": sum(not one.active for one in offers),
            "requests": dict(self.requests),
            "statuses": {str(status): count for status, count in self.statuses.items()},
            "writes": self.goods.writes.total(),
            "most_writes": max(self.goods.writes.values(), default=0),
            "doubled": self.writes.doubled.total(),
            "repeated": self.writes.repeated,
            "without_key": self.writes.without_key,
            "unknown": self.goods.unknown.total(),
            "tokens": self.tokens.handed_out,
            "lots": len(lots),
            "largest_lot": max((len(lot.entries) for lot in lots), default=0),
            "most_questions": max((lot.asked for lot in lots), default=0),
        }

    def state(self) -> JSON:
        """The summary and every offer and lot."""
        return self.summary() | {
            "offers": {
                sku: {**one.shown(), "product": one.product} for sku, one in self.goods.offers.items()
            },
            "writes_by_sku": dict(self.goods.writes),
            "unknown_skus": dict(self.goods.unknown),
            "lots": {lot.id: {**lot.shown(), "asked": lot.asked} for lot in self.lots.lots.values()},
        }

    def commands(self) -> Mapping[str, Command]:
        """See ``docs/connectors/marketplace-simulator.md``."""
        return commands(self)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        body = await read_body(receive)
        wait = self._throttled()
        if wait is not None:
            self.statuses[429] += 1
            told = [(b"retry-after", str(max(1, math.ceil(wait))).encode())]
            await respond_json(send, 429, {"errors": ["too many requests"]}, told)
            return
        status, answer = self._answer(scope, body)
        self.statuses[status] += 1
        if answer is None:
            await respond(send, status, b"")
        else:
            await respond_json(send, status, answer)

    def _throttled(self) -> float | None:
        if self._bucket is None or self._bucket.take():
            return None
        return self._bucket.seconds_until_next()

    def _answer(self, scope: Scope, body: bytes) -> Answer:
        method, path = scope["method"], unquote_parts(scope["raw_path"])
        if (method, path) == ("POST", ["oauth", "token"]):
            self.requests["POST /oauth/token"] += 1
            return self.tokens.hand_out(header(scope, b"content-type") or "", body)
        if not self.tokens.is_good(header(scope, b"authorization")):
            return 401, {"errors": ["the access token is unknown or has ended"]}
        if method in {"GET", "HEAD"}:
            return self._read(path, dict(parse_qsl(scope["query_string"].decode("latin-1"))))
        address = f"{method} {scope['path']}".encode() + b"\n" + body
        key = header(scope, b"idempotency-key")
        try:
            told = codec.loads(body) if body else {}
        except codec.DecodeError:
            return 400, {"errors": ["the body is no JSON"]}
        return self.writes.once(key, address, lambda: self._write(method, path, told))

    def _read(self, path: list[str], query: Mapping[str, str]) -> Answer:
        match path:
            case ["categories"]:
                self.requests["GET /categories"] += 1
                return 200, {"categories": list(tree(self.options.categories))}
            case ["offers"]:
                self.requests["GET /offers"] += 1
                wanted = [sku for sku in query.get("skus", "").split(",") if sku in self.goods.offers]
                return 200, {"items": [self.goods.offers[sku].shown() for sku in wanted]}
            case ["offers", name]:
                self.requests["GET /offers/{}"] += 1
                return self._found(name)
            case ["lots", name]:
                self.requests["GET /lots/{}"] += 1
                lot = self.lots.look(name)
                return (404, {"errors": [f"there is no lot {name}"]}) if lot is None else (200, lot.shown())
            case []:
                return 200, {"marketplace": "simulated"}
        return _NOWHERE

    def _found(self, name: str) -> Answer:
        try:
            return 200, self.goods.find(name).shown()
        except UnknownError:
            return _unknown(name)

    def _write(self, method: str, path: list[str], body: Any) -> Answer:
        if method == "POST" and path[:1] == ["lots"] and path[1:] in (["upsert"], ["price"], ["stock"]):
            self.requests["POST /lots/{}"] += 1
            return self._lot(path[1], body)
        call = _CALLS.get((method, path[0] if path else "", *path[2:]))
        if call is None or len(path) < 2:
            return _NOWHERE
        route = "/".join(["", path[0], "{}", *path[2:]])
        self.requests[f"{method} {route}"] += 1
        if not self._can(call):
            return _NOT_HERE
        return self._worked(call, path[1], body)

    def _can(self, call: str) -> bool:
        match call:
            case "block" | "unblock":
                return self.options.blocks
            case "delete":
                return self.options.deletes
        return True

    def _worked(self, call: str, name: str, body: JSON) -> Answer:
        try:
            return self._call(call, name, body)
        except UnknownError:
            return _unknown(name)
        except FaultsError as error:
            return 422, {"errors": error.faults}

    def _call(self, call: str, name: str, body: JSON) -> Answer:
        goods = self.goods
        match call:
            case "upsert":
                offer, made = goods.upsert(name, body)
                return 201 if made else 200, offer.shown()
            case "price":
                return 200, goods.price(name, body).shown()
            case "stock":
                return 200, goods.stock(name, body).shown()
            case "delete":
                goods.delete(name)
                return 204, None
            case _:
                return 200, goods.switch(name, active=call == "unblock", body=body).shown()

    def _lot(self, call: str, body: Any) -> Answer:
        entries = body.get("items") if isinstance(body, dict) else None
        if not isinstance(entries, list) or not entries:
            return 422, {"errors": ["items: a list of at least one is required"]}
        if len(entries) > self.options.lot_limit:
            return 422, {"errors": [f"items: at most {self.options.lot_limit} are allowed"]}
        lot = self.lots.take(call, entries)
        return 202, {"id": lot.id, "state": lot.state}

    def _entry(self, call: str, entry: JSON) -> JSON:
        """What becomes of an entry when its lot is decided."""
        sku = str(entry.get("sku"))
        try:
            status, shown = self._call(call, sku, entry)
        except UnknownError:
            return {"sku": sku, "status": "rejected", "errors": [f"{sku} is not sold here"]}
        except FaultsError as error:
            return {"sku": sku, "status": "rejected", "errors": error.faults}
        what = "created" if status == 201 else "updated"
        return {"sku": sku, "status": what, "id": (shown or {}).get("id"), "errors": []}


def unquote_parts(raw_path: bytes) -> list[str]:
    """The segments of a path."""
    return [unquote(part) for part in raw_path.decode("latin-1").strip("/").split("/") if part]


def _unknown(name: str) -> Answer:
    return 404, {"errors": [f"{name} is not sold here"]}


def _simulated(options: Any) -> MarketplaceSimulator:
    return MarketplaceSimulator(options)


SIMULATOR = Simulator(
    name="marketplace",
    title="A marketplace with rules, lots, blocks and limits",
    Options=Options,
    build=_simulated,
)
