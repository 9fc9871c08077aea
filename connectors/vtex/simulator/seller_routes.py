"""What sellers tell the account: SKUs, prices and stock that changed, and catalog writes that they may not do."""

from __future__ import annotations

from collections import Counter

from connectors.vtex.simulator.bindings import Binding, Bindings
from connectors.vtex.simulator.callbacks import Callbacks
from connectors.vtex.simulator.errors import Errors, catalog_error, html_error
from connectors.vtex.simulator.options import Options
from connectors.vtex.simulator.sellers import Sellers
from connectors.vtex.simulator.web import Answer, Group, Handler, Request, Route, as_json
from hub.records import JSON

_CLASSIC = "/api/catalog_system/pvt/skuseller"
_BINDING = "/api/sku-binding/pvt/skuseller"
_NOTIFICATOR = "/api/notificator/{sellerId}/changenotification/{skuId}"
_ACCEPTED = Answer(202)
_OK = Answer(200)
_NO_CONTENT = Answer(204)


class SellerRoutes:
    """Change notifications, bindings, and the refusal of direct writes."""

    def __init__(
        self, options: Options, errors: Errors, sellers: Sellers, bindings: Bindings, callbacks: Callbacks
    ) -> None:
        self._options, self._errors, self._sellers = options, errors, sellers
        self._bindings, self._callbacks = bindings, callbacks
        self._known = _NO_CONTENT if options.changenotification_status == "204" else _OK
        self.counters: Counter[str] = Counter()

    def all(self) -> list[Route]:
        """Every route."""
        two, one = "/{sellerId}/{sellerSkuId}", "/{skuId}"
        changed = "/changenotification"
        return [
            _route("POST", _CLASSIC + changed + two, self.classic, 1),
            _route("POST", _CLASSIC + changed + one, self.numbered, 0),
            _route("GET", _CLASSIC + two, self.details, 1),
            _route("POST", _BINDING + changed + two, self.binding, 1),
            _route("POST", _BINDING + changed + one, self.numbered, 0),
            _route("GET", _BINDING + two, self.details, 1),
            _route("POST", f"{_NOTIFICATOR}/price", self.price, 1),
            _route("POST", f"{_NOTIFICATOR}/inventory", self.inventory, 1),
            *[_route("POST", path, self.direct_write) for path in _WRITES],
            *[_route("PUT", f"{path}/{{id}}", self.direct_write) for path in _WRITES],
        ]

    def classic(self, request: Request) -> Answer:
        """A seller's SKU by the seller's ids."""
        return self._changed(request, self._known)

    def binding(self, request: Request) -> Answer:
        """The same at the SKU bindings API."""
        return self._changed(request, _OK)

    def numbered(self, request: Request) -> Answer:
        """By the marketplace's SKU id, which a seller's SKU id is not."""
        binding = self._bindings.numbered(request.names[0])
        if binding is None:
            return self._not_found(self._options.account, request.names[0])
        return self._notify(binding, _OK)

    def details(self, request: Request) -> Answer:
        """Which SKU of the marketplace it is."""
        seller, sku = request.names
        binding = self._bindings.get((seller, sku))
        return as_json(binding.details()) if binding else self._not_found(seller, sku)

    def price(self, request: Request) -> Answer:
        """A price changed."""
        return self._offer_changed(request, "price")

    def inventory(self, request: Request) -> Answer:
        """A stock changed."""
        return self._offer_changed(request, "inventory")

    def direct_write(self, request: Request) -> Answer:
        """Sellers may not."""
        self.counters["direct_writes"] += 1
        return self._errors.catalog(403, "Forbidden: sellers do not write to the catalog; send a suggestion")

    def summary(self) -> JSON:
        """Counters."""
        names = ("changed", "not_found", "price", "inventory", "not_bound", "direct_writes")
        return {f"notified_{name}": self.counters[name] for name in names[:-1]} | {
            "direct_writes": self.counters["direct_writes"]
        }

    def _changed(self, request: Request, known: Answer) -> Answer:
        seller, sku = request.names
        if not self._sellers.knows(seller):
            return self._errors.catalog(404, f"Seller `{seller}` not found")
        binding = self._bindings.get((seller, sku))
        return self._notify(binding, known) if binding else self._not_found(seller, sku)

    def _notify(self, binding: Binding, known: Answer) -> Answer:
        self.counters["changed"] += 1
        self._bindings.notified(binding)
        self._callbacks.ask((binding.seller, binding.seller_sku), "catalog")
        return known

    def _offer_changed(self, request: Request, what: str) -> Answer:
        seller, sku = request.names
        if not self._sellers.knows(seller):
            return self._errors.catalog(404, f"Seller `{seller}` not found")
        self.counters[what] += 1
        if self._bindings.get((seller, sku)):
            self._callbacks.ask((seller, sku), what)
        else:
            self.counters["not_bound"] += 1
        return _ACCEPTED

    def _not_found(self, seller: str, sku: str) -> Answer:
        """404 with the documented text, or what else may come."""
        self.counters["not_found"] += 1
        text = f"Seller StockKeepingUnit `{sku}` not found for this seller id `{seller}`"
        match self._options.not_found:
            case "html":
                return html_error(404)
            case "other":
                return catalog_error(404, "Account not found", "text")
            case shape:
                return catalog_error(404, text, shape)


#: The routes of the catalog that write products and SKUs.
_WRITES = (
    "/api/catalog/pvt/product",
    "/api/catalog/pvt/stockkeepingunit",
    "/api/catalog/pvt/skuseller",
    "/api/catalog/pvt/skusupplier",
    "/api/catalog/pvt/category",
    "/api/catalog/pvt/brand",
)


def _route(method: str, path: str, handler: Handler, sku: int | None = None) -> Route:
    if path.startswith("/api/notificator"):
        return Route(method=method, path=path, group="notificator", handler=handler, sku=sku)
    group: Group = "sku-binding" if path.startswith(_BINDING) else "catalog"
    return Route(method=method, path=path, group=group, handler=handler, sku=sku)
