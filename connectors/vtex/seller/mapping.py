"""A variant of the catalog as the suggestion that VTEX documents (SUG). Pure.

Left out, because a suggestion has no place for it: of a product ``status``, ``options`` and ``tags``; the price that is
struck through; which location holds how much.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connectors.vtex.seller import rules
from connectors.vtex.seller.draft import Draft
from connectors.vtex.seller.identity import seller_sku
from connectors.vtex.seller.settings import VtexSellerSettings
from hub.errors import RejectedError
from hub.records import JSON


@dataclass(frozen=True, kw_only=True, slots=True)
class Mapped:
    """``defaulted``: by VTEX's field (and ``language``) the value that the settings gave; it is to be logged."""

    seller_sku: str
    body: JSON
    defaulted: Mapping[str, Any]


def suggestion(
    product: JSON,
    variant: JSON,
    *,
    category: Sequence[str] | None,
    settings: VtexSellerSettings,
    now: datetime,
) -> Mapped:
    """The body of ``PUT …/suggestions/{sellerId}/{sellerSkuId}``.

    ``product`` is a document of the catalog (``hub.catalog.ports.Catalog.read``) and ``variant`` one of its variants;
    ``category`` are the names of its category from the root down. Raises ``RejectedError`` with every fault at once.
    """
    draft, sku = Draft(), ""
    try:
        sku = seller_sku(variant, settings.sku)
    except RejectedError as error:
        draft.faults += error.errors
    rules.texts(draft, product, variant, settings)
    rules.brand(draft, product, settings)
    rules.category(draft, category, settings)
    rules.measures(draft, variant, settings)
    rules.images(draft, product, variant, settings)
    rules.codes(draft, variant, settings)
    rules.quantity(draft, variant, settings)
    rules.price(draft, variant, settings, now)
    if draft.faults:
        raise RejectedError(*draft.faults)
    return Mapped(seller_sku=sku, body=_body(draft, product, variant, settings), defaulted=draft.defaulted)


def _body(draft: Draft, product: JSON, variant: JSON, settings: VtexSellerSettings) -> JSON:
    """With what needs no rule. ``Updated`` is required and has no schema; VTEX's own example says null."""
    return {
        **draft.fields,
        "ProductId": product["key"],
        "SellerId": settings.seller_id,
        "Updated": None,
        "ProductSpecifications": rules.specifications(product.get("attributes")),
        "SkuSpecifications": rules.specifications(variant.get("attributes")),
        "MeasurementUnit": "un",
        "UnitMultiplier": 1,
    }
