"""What the demo is about: an account on VTEX, the marketplace that sells its goods, and what VTEX says of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from hub.demo.stage import Simulator
from hub.records import JSON

CONNECTION: Final = "offers"
ACCOUNT, AFFILIATE, CURRENCY = "simulated", "HBB", "BRL"
#: The keys that the simulators begin with.
KEYS: Final = {"app_key": "vtexappkey-simulated", "app_token": "simulator-token"}
MARKETPLACE_TOKEN: Final = "marketplace-token"  # noqa: S105 - of simulators on this machine
#: Stands in the addresses of the notifications, the logs and the mapping.
SECRET: Final = "demo-endpoint-secret"  # noqa: S105 - likewise

#: The account's SKUs. By this seed some of each kind cannot be sold, none for two reasons.
SKUS, SEED, SHARE = 30, 518, 0.1
FIRST_SKU: Final = 2_000_001
#: What the merchant maps at first, and what later: categories of VTEX to those of the marketplace.
MAPPED_FIRST: Final = {"100": "c1", "101": "c3"}
MAPPED_LATER: Final = {"102": "c5"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Sku:
    """What VTEX says of one of them; ``cents`` is None where it is not sold in the trade policy."""

    sku: str
    active: bool
    own: bool
    ean: str | None
    category: str
    cents: int | None
    stock: int

    @property
    def flaw(self) -> str | None:
        """Why it cannot be sold: the code that the logs give."""
        if not self.active:
            return "A2"
        if not self.own:
            return "H9"
        if self.ean is None:
            return "E1"
        return "A1" if self.cents is None else None

    @property
    def price(self) -> Decimal | None:
        """In units of the currency."""
        return None if self.cents is None else Decimal(self.cents).scaleb(-2)


def options(web: str) -> Mapping[str, Any]:
    """Of the simulator of VTEX."""
    shares = ("inactive", "franchise", "no_price", "no_ean")
    return {
        "account": ACCOUNT,
        "affiliate_id": AFFILIATE,
        "affiliate_endpoint": f"{web}/hooks/{CONNECTION}/{SECRET}/api/notification/",
        "skus": SKUS,
        "categories": len(MAPPED_FIRST | MAPPED_LATER),
        "specifications": 0,
        "seed": SEED,
        "spelling": "mixed",
        **dict.fromkeys(shares, SHARE),
    }


def connection(vtex: str, marketplace: str) -> dict[str, Any]:
    """What somebody writes down of both."""
    return {
        "connector": "vtex-marketplace",
        "settings": {
            "account": ACCOUNT,
            "endpoint": vtex,
            "sales_channel": 1,
            "affiliate_id": AFFILIATE,
            "currency": CURRENCY,
            "mapper": True,
            "rules": {"gtin": {"required": True}},
        },
        "credentials": {**KEYS, "endpoint_secret": SECRET},
        "destination": {
            "name": "marketplace",
            "settings": {
                "title": "Simulated Market",
                "base_url": marketplace,
                "auth": "bearer",
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
                "block": {"path": "/offers/{external_id}/block", "carries": ["stock"]},
                "unblock": {"path": "/offers/{external_id}/unblock"},
                "offers": {"path": "/offers?skus={skus}"},
                "categories": {"path": "/categories", "items": "categories"},
            },
            "credentials": {"token": MARKETPLACE_TOKEN},
        },
    }


def goods(vtex: Simulator) -> Mapping[str, Sku]:
    """Every SKU as VTEX itself tells of it, by its id."""
    skus = [str(FIRST_SKU + number) for number in range(SKUS)]
    offers = _offers(vtex, skus)
    found = {}
    for sku in skus:
        details = vtex.ask(f"/api/catalog_system/pvt/sku/stockkeepingunitbyid/{sku}?sc=1", headers=_ACCESS)
        cents, stock = offers.get(sku, (None, 0))
        found[sku] = Sku(
            sku=sku,
            active=details["IsActive"] and details["IsProductActive"],
            own=any(seller["SellerId"] == "1" for seller in details["SkuSellers"]),
            ean=details["AlternateIds"].get("Ean"),
            category=details["ProductCategoryIds"].strip("/").rpartition("/")[2],
            cents=cents,
            stock=stock,
        )
    return found


def logs(web: str) -> str:
    """Where VTEX asks for them."""
    return f"{web}/c/{CONNECTION}/{SECRET}/{ACCOUNT}/logs/"


def _offers(vtex: Simulator, skus: list[str]) -> Mapping[str, tuple[int, int]]:
    """Price in cents and stock of what is sold."""
    items: list[JSON] = [{"id": sku, "quantity": 1, "seller": "1"} for sku in skus]
    answer = vtex.ask("/api/fulfillment/pvt/orderForms/simulation?sc=1", {"items": items}, headers=_ACCESS)
    stocks = [one["stockBalance"] for one in answer["logisticsInfo"]]
    return {one["id"]: (one["price"], stock) for one, stock in zip(answer["items"], stocks, strict=True)}


_ACCESS: Final = {
    "X-VTEX-API-AppKey": KEYS["app_key"],
    "X-VTEX-API-AppToken": KEYS["app_token"],
    "Accept": "application/json",
}
