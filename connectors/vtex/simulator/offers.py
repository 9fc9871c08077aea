"""What sellers answered for their SKUs, as the marketplace keeps it: price, stock, or why there is none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.vtex.simulator.outbox import Reply
from hub import codec
from hub.records import JSON

#: What an answer has to have (specs, external seller fulfillment).
_TOP = ("country", "items", "logisticsInfo", "postalCode")
_ITEM = (
    "id",
    "listPrice",
    "measurementUnit",
    "merchantName",
    "offerings",
    "price",
    "priceTags",
    "priceValidUntil",
    "quantity",
    "requestIndex",
    "seller",
    "unitMultiplier",
)
_LOGISTICS = ("itemIndex", "quantity", "shipsTo", "slas", "stockBalance", "deliveryChannels")


def offer_of(reply: Reply, sku: str) -> JSON:
    """What the marketplace shows of the SKU: ``available`` with price and stock, or a reason why it is not."""
    seen: JSON = {"http_status": reply.status, "duration_ms": round(reply.seconds * 1000, 1)}
    if reply.error is not None:
        why = "timeout" if reply.error == "timeout" else f"unreachable: {reply.error}"
        return seen | {"status": "unavailable", "why": why}
    if reply.status != 200:
        return seen | {"status": "unavailable", "why": f"HTTP {reply.status}"}
    answer = parsed(reply.body)
    if answer is None:
        return seen | {"status": "unavailable", "why": "no JSON object"}
    return seen | _read(answer, sku) | {"problems": problems(answer)}


def parsed(body: bytes) -> JSON | None:
    """An object, or nothing."""
    try:
        answer = codec.loads(body)
    except (codec.DecodeError, RecursionError):
        return None
    return answer if isinstance(answer, dict) else None


def problems(answer: Mapping[str, Any]) -> list[str]:
    """Fields that the schema requires and that are not there, and a quantity that oversells."""
    items, logistics = _objects(answer.get("items")), _objects(answer.get("logisticsInfo"))
    missing = [name for name in _TOP if name not in answer]
    missing += sorted({f"items.{name}" for one in items for name in _ITEM if name not in one})
    missing += sorted(
        {f"logisticsInfo.{name}" for one in logistics for name in _LOGISTICS if name not in one}
    )
    found = [f"missing {name}" for name in missing]
    by_index = {one.get("itemIndex"): one for one in logistics}
    for item in items:
        stock = by_index.get(item.get("requestIndex"), {}).get("stockBalance")
        if item.get("quantity") == 0 and stock != 0:
            found.append(f"quantity 0 of {item.get('id')} with stock {stock}: checkout sells any amount")
    return found


def _read(answer: JSON, sku: str) -> JSON:
    item = next((one for one in _objects(answer.get("items")) if one.get("id") == sku), None)
    if item is None:
        return {"status": "unavailable", "why": "not in items"}
    index = item.get("requestIndex")
    about = next((one for one in _objects(answer.get("logisticsInfo")) if one.get("itemIndex") == index), {})
    stock, price = about.get("stockBalance"), item.get("price")
    seen = {
        "price": price,
        "list_price": item.get("listPrice"),
        "stock": stock,
        "quantity": item.get("quantity"),
    }
    if not _above_zero(price):
        return {"status": "unavailable", "why": "no price", **seen}
    if not _above_zero(stock):
        return {"status": "unavailable", "why": "no stock", **seen}
    return {"status": "available", **seen}


def _above_zero(value: Any) -> bool:
    return isinstance(value, int) and value > 0


def _objects(value: Any) -> list[JSON]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
