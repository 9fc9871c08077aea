"""What the demo is about: whose prices go where, and what goes wrong on the way."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hub.records import JSON

TENANT = "demo"
CONNECTION = "prices"
TARGET = "custom"
API_KEY = "demo-key"

#: The record of MerchantOps, Custom connectors guide: Poll for pending publishes. It has to arrive as it stands there.
GUIDE_KEY = "pr-a0861877922e"
GUIDE_AT_DESTINATION = {
    "record": GUIDE_KEY,
    "sku": "1000035585-001-L2",
    "price": Decimal("32.85"),
    "currency": "USD",
}

#: Of all records, so many are refused for good (422), the same ones each time.
REFUSED_SHARE = 0.03

#: Requests give up after this time, in seconds; a stall lasts longer.
HTTP_TIMEOUT = 3.0

#: What the destination does besides: it turns requests away (429), fails, loses answers that it has acted on, hangs.
DESTINATION_FAULTS: JSON = {
    "throttle": 0.01,
    "retry_after": 1,
    "error": 0.01,
    "lose": 0.01,
    "stall": 0.003,
    "stall_seconds": HTTP_TIMEOUT + 2,
    "match": "POST",
}

#: And MerchantOps, where outcomes are reported.
SOURCE_FAULTS: JSON = {"throttle": 0.002, "retry_after": 1, "error": 0.01, "match": "POST"}


def connection(*, source: str, destination: str) -> dict[str, Any]:
    """The connection as somebody would write it in a file."""
    return {
        "connector": "merchantops",
        "settings": {"base_url": source, "target_key": TARGET, "limit": 100},
        "credentials": {"api_key": API_KEY},
        "destination": {
            "name": "http",
            "settings": {"url": f"{destination}/prices", "method": "POST", "external_id": "id"},
            "mapping": {
                "record": "record_key",
                "sku": "variant_key",
                "price": "amount",
                "currency": "currency",
            },
        },
    }
