"""The paths of Catalog that a marketplace reads (vtex facts, "External marketplace")."""

from __future__ import annotations

from connectors.vtex.simulator.catalog import Catalog
from connectors.vtex.simulator.documents import product_document, sku_document
from connectors.vtex.simulator.errors import Errors
from connectors.vtex.simulator.options import Options
from connectors.vtex.simulator.web import JSON_TYPE, Answer, Handler, Request, Route, as_json
from hub import codec

_SYSTEM = "/api/catalog_system/pvt"


class CatalogRoutes:
    """The list of a sales channel, SKUs and products."""

    def __init__(self, options: Options, errors: Errors, catalog: Catalog) -> None:
        self._options, self._errors, self._catalog = options, errors, catalog

    def all(self) -> list[Route]:
        """Every route."""
        return [
            _route(f"{_SYSTEM}/sku/stockkeepingunitidsbysaleschannel", self.list),
            _route(f"{_SYSTEM}/sku/stockkeepingunitbyid/{{skuId}}", self.sku, 0),
            _route(f"{_SYSTEM}/products/productget/{{productId}}", self.product),
            _route("/api/catalog/pvt/product/{productId}", self.plain_product),
        ]

    def list(self, request: Request) -> Answer:
        """A page of SKU ids; neither a total nor a limit is documented."""
        query, options = request.query(), self._options
        channel, page = _number(query.get("sc")), _number(query.get("page", "1"))
        size = _number(query.get("pagesize", str(options.page_size)))
        if channel is None or not page or not size:
            return self._errors.catalog(
                400, "The request is invalid: sc, page and pageSize are whole numbers."
            )
        assigned = query.get("onlyassigned", "true").casefold() != "false"
        if page == 1 and options.empty_first_page:
            return as_json([])
        listed = self._catalog.listed(channel, only_assigned=assigned)
        size = min(size, options.page_cap)
        first = 0 if options.ignored_page else (page - 1) * size
        return as_json(list(listed[first : first + size]))

    def sku(self, request: Request) -> Answer:
        """One SKU."""
        number = _number(request.names[0])
        if number is None:
            return self._errors.catalog(400, f"The value '{request.names[0]}' is not valid.")
        sku = self._catalog.sku(number)
        if sku is None:
            return self._errors.catalog(404, "SKU not found.")
        return Answer(200, codec.dumps(sku_document(self._catalog, sku)), JSON_TYPE)

    def product(self, request: Request) -> Answer:
        """A product with its sales channels."""
        return self._product(request, with_channels=True)

    def plain_product(self, request: Request) -> Answer:
        """A product as it is written."""
        return self._product(request, with_channels=False)

    def _product(self, request: Request, *, with_channels: bool) -> Answer:
        number = _number(request.names[0])
        if number is None:
            return self._errors.catalog(400, f"The value '{request.names[0]}' is not valid.")
        product = self._catalog.product(number)
        if product is None:
            return self._errors.catalog(404, "Product not found.")
        document = product_document(self._catalog, product, with_channels=with_channels)
        return Answer(200, codec.dumps(document), JSON_TYPE)


def _route(path: str, handler: Handler, sku: int | None = None) -> Route:
    return Route(method="GET", path=path, group="catalog", handler=handler, sku=sku)


def _number(text: str | None) -> int | None:
    """What fits the int32 of the specs."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 11 else None
