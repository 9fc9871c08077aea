"""What each call sends: the user's mapping from the listing, or all that the call is for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.marketplace.deciding import Kind, Step
from connectors.marketplace.routes import Route
from hub.mapping import Mapping as FieldMapping
from hub.marketplace import Listing
from hub.records import JSON


class Body:
    """The body of one kind of call."""

    def __init__(self, kind: Kind, route: Route) -> None:
        self._kind = kind
        self._mapping = FieldMapping.compile(route.body, field=f"{kind}.body") if route.body else None

    def of(self, step: Step, external_id: str | None, *, named: bool = False) -> Any:
        """What is sent; None for nothing. ``named``: with the SKU, where no address says it. Raises ``RejectedError`` where the mapping cannot be applied."""
        if self._mapping is not None:
            return self._mapping.apply(said(step.says, external_id))
        if self._kind == "upsert":
            return _whole(step)
        name = {"sku": step.says.sku} if named else {}
        return {**name, **_carried(step)} or None


def said(listing: Listing, external_id: str | None) -> JSON:
    """What a mapping works on."""
    return {**listing.body(), "external_id": external_id}


def _whole(step: Step) -> JSON:
    says = step.says
    return {
        "sku": says.sku,
        "group": says.group,
        "category": says.category,
        "product": says.product,
        **_carried(step),
    }


def _carried(step: Step) -> JSON:
    """What is not known is left out: it stays as it is."""
    says, body = step.says, dict[str, Any]()
    if "price" in step.sets and says.offer is not None:
        offer: Mapping[str, Any] = {
            "currency": says.offer.currency,
            "price": says.offer.price,
            "list_price": says.offer.list_price,
        }
        body |= offer
    if "stock" in step.sets and says.stock is not None:
        body["stock"] = says.stock
    if "active" in step.sets and step.kind not in {"block", "unblock"}:
        body["active"] = says.active
    return body
