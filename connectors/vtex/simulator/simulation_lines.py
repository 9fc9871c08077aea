"""The answer to a simulation: its items, logistics and messages (specs, checkout API and external marketplace orders)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from connectors.vtex.simulator.items import Offer, Sku
from hub.records import JSON

#: What one piece of a split line is cheaper by, in cents.
PROMOTION = 1

_VALID_UNTIL = "2099-12-31T23:59:59Z"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the answer: ``quantity`` of the ``asked`` pieces of the request's item ``index``."""

    index: int
    sku: Sku
    offer: Offer
    quantity: int
    asked: int
    availability: str

    @property
    def price(self) -> int:
        """In cents."""
        promoted = PROMOTION if self.quantity < self.asked and self.quantity == 1 else 0
        return (self.offer.price or 0) - promoted


def answer_of(
    lines: Sequence[Line],
    items: Sequence[tuple[str, int, str]],
    body: JSON,
    *,
    with_stock: bool,
    by_request: bool,
) -> JSON:
    """What is not sold is left out of ``items`` and has a message."""
    there = {line.index for line in lines}
    country = body.get("country")
    return {
        "items": [_item(line) for line in lines],
        "ratesAndBenefitsData": {"rateAndBenefitsIdentifiers": [], "teaser": []},
        "logisticsInfo": [
            _logistics(line, line.index if by_request else place, country, with_stock=with_stock)
            for place, line in enumerate(lines)
        ],
        "messages": [_message(index, sku) for index, (sku, _, _) in enumerate(items) if index not in there],
        "country": country,
        "postalCode": body.get("postalCode"),
    }


def _item(line: Line) -> JSON:
    price = line.price
    return {
        "id": str(line.sku.id),
        "requestIndex": line.index,
        "quantity": line.quantity,
        "seller": "1",
        "sellerChain": ["1"],
        "merchantName": None,
        "tax": 0,
        "priceValidUntil": _VALID_UNTIL,
        "price": price,
        "listPrice": line.offer.list_price,
        "rewardValue": 0,
        "sellingPrice": price,
        "offerings": [],
        "priceTags": [],
        "measurementUnit": "un",
        "unitMultiplier": 1,
        "parentItemIndex": None,
        "parentAssemblyBinding": None,
        "availability": line.availability,
        "priceDefinition": {
            "calculatedSellingPrice": price,
            "total": price * line.quantity,
            "sellingPrices": [{"value": price, "quantity": line.quantity}],
        },
    }


def _logistics(line: Line, index: int, country: str | None, *, with_stock: bool) -> JSON:
    stock = {"stockBalance": line.offer.stock} if with_stock else {}
    return {
        "itemIndex": index,
        "addressId": None,
        "selectedSla": None,
        "selectedDeliveryChannel": None,
        "quantity": line.quantity,
        "shipsTo": ["BRA"],
        "slas": [_sla(line)] if country and line.offer.stock else [],
        "deliveryChannels": [{"id": "delivery"} | stock],
    } | stock


def _sla(line: Line) -> JSON:
    return {
        "id": "Standard",
        "name": "Standard",
        "deliveryChannel": "delivery",
        "deliveryIds": [
            {
                "courierId": "1",
                "warehouseId": "1_1",
                "dockId": "1",
                "courierName": "Courier",
                "quantity": line.quantity,
            }
        ],
        "price": 1500,
        "shippingEstimate": "3bd",
        "availableDeliveryWindows": [],
        "pickupStoreInfo": None,
    }


def _message(index: int, sku: str) -> JSON:
    return {
        "code": "ORD027",
        "text": f"Item {sku} is not available or was not found",
        "status": "warning",
        "fields": {"itemIndex": str(index), "ean": None, "skuName": None},
    }
