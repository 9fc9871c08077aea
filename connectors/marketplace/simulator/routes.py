"""How a connection file calls the simulated marketplace."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hub.records import JSON

#: Parts of ``[destination.settings]`` for the destination ``marketplace``: all that it can be asked and told one by one.
ROUTES: Final[Mapping[str, JSON]] = {
    "upsert": {
        "method": "PUT",
        "path": "/products/{sku}",
        "carries": ["price", "stock"],
        "external_id": "id",
        "url": "url",
        "errors": "errors",
    },
    "price": {"method": "PUT", "path": "/offers/{external_id}/price", "errors": "errors"},
    "stock": {"method": "PUT", "path": "/offers/{external_id}/stock", "errors": "errors"},
    "block": {"method": "POST", "path": "/offers/{external_id}/block", "carries": ["stock"]},
    "unblock": {"method": "POST", "path": "/offers/{external_id}/unblock"},
    "delete": {"method": "DELETE", "path": "/offers/{external_id}"},
    "offers": {"path": "/offers?skus={skus}"},
    "categories": {"path": "/categories", "items": "categories"},
}
