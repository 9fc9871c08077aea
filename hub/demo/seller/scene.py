"""What the demo is about: the goods in Merchstack's files, the marketplace that they are offered to, and whose prices hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from hub import codec
from hub.records import JSON

GOODS, MARKET, PRICES = "goods", "market", "prices"
SELLER, ACCOUNT, CURRENCY = "seller", "simulated", "USD"
MERCHANTOPS_KEY, TARGET = "demo-key", "custom"
#: The keys that the simulator of VTEX begins with.
KEYS: Final = {"app_key": "vtexappkey-simulated", "app_token": "simulator-token"}
#: Stands in the path of the hub's endpoint, as the marketplace calls it.
SECRET: Final = "demo-endpoint-secret"  # noqa: S105 - of simulators on this machine
#: Where a shopper of the demo lives, and what is delivered there.
ADDRESS: Final = {"country": "USA", "postal_code": "10001"}
SLA: Final = {"id": "standard", "name": "Standard", "price": "4.90", "estimate": "3bd"}

#: Products with a variant each. Of the first so many, MerchantOps publishes prices.
PRODUCTS, PUBLISHED = 12, 5

_PARENT, _CATEGORY = "apparel", "socks"


@dataclass(frozen=True, kw_only=True, slots=True)
class Goods:
    """One variant as the files have it; ``cents`` is its price there."""

    product: str
    variant: str
    cents: int
    stock: int


def goods() -> Sequence[Goods]:
    """The product of MerchantOps' guide first."""
    products = [str(1000035585 + number) for number in range(PRODUCTS)]
    return [
        Goods(product=product, variant=f"{product}-001-L2", cents=1999 + 250 * number, stock=5 + 3 * number)
        for number, product in enumerate(products)
    ]


def published() -> Mapping[str, Decimal]:
    """What MerchantOps publishes, by variant: the price of its guide to the cent."""
    return {
        one.variant: Decimal("32.85") + number * Decimal("1.01")
        for number, one in enumerate(goods()[:PUBLISHED])
    }


def price_records() -> Sequence[JSON]:
    """The same as MerchantOps shows them (Custom connectors guide)."""
    return [
        {
            "record_key": f"pr-{variant}",
            "variant_key": variant,
            "amount": amount,
            "currency": CURRENCY,
            "price_type": "map",
            "effective_from": "2026-04-27",
            "batch_key": "pb-demo",
        }
        for variant, amount in published().items()
    ]


def write_files(folder: Path) -> Sequence[str]:
    """An export of Merchstack: a file of categories and one of products. Their names."""
    folder.mkdir()
    files = {
        "category_export90100_1.jsonl": [
            _named(_PARENT, "Apparel"),
            _named(_CATEGORY, "Socks", externalSystemParentId=_PARENT),
        ],
        "product_export90100_1.jsonl": [_product(one) for one in goods()],
    }
    for name, records in files.items():
        kind = name.partition("_")[0]
        lines = [
            codec.dumps(_record(kind, number, len(records), record))
            for number, record in enumerate(records, start=1)
        ]
        (folder / name).write_bytes(b"".join(line + b"\n" for line in lines))
    return list(files)


def import_goods(folder: Path) -> dict[str, Any]:
    """Merchstack's files into the catalog."""
    return {
        "connector": "merchstack",
        "settings": {"url": str(folder), "tenant_id": "DEMO", "quiet_seconds": 0},
        "destination": {"name": "catalog"},
        "delivery": {"poll_seconds": 0.5},
    }


def offer_goods(marketplace: str) -> dict[str, Any]:
    """The catalog to the marketplace. Files of Merchstack hold no measures."""
    return {
        "connector": "vtex-seller",
        "settings": {
            "account": ACCOUNT,
            "endpoint": marketplace,
            "seller_id": SELLER,
            "currency": CURRENCY,
            "follow_seconds": 1,
            "shipping": [{"country": ADDRESS["country"], "slas": [SLA]}],
            "defaults": {"length_mm": 200, "width_mm": 100, "height_mm": 30, "weight_grams": 80},
        },
        "credentials": {**KEYS, "endpoint_secret": SECRET},
    }


def import_prices(merchantops: str) -> dict[str, Any]:
    """MerchantOps' prices into the same catalog, where they stand in the place of the files' prices."""
    return {
        "connector": "merchantops",
        "settings": {"base_url": merchantops, "target_key": TARGET},
        "credentials": {"api_key": MERCHANTOPS_KEY},
        "destination": {
            "name": "catalog",
            "settings": {"owns": ["prices"]},
            "mapping": {
                "kind": {"value": "price"},
                "variant": "variant_key",
                "currency": "currency",
                "amount": {"path": "amount", "cast": "decimal", "required": True},
                "source_id": "record_key",
            },
        },
    }


def endpoint(web: str) -> str:
    """What the marketplace is told to call."""
    return f"{web}/c/{MARKET}/{SECRET}/api"


def _record(kind: str, number: int, of: int, content: JSON) -> JSON:
    metadata = {
        "formatVersion": "1.0",
        "exportId": "90100",
        "recordNum": number,
        "recordOf": of,
        "recordType": kind,
    }
    return {"exportMetaData": metadata, "tenantId": "DEMO", "storeId": "1", **content}


def _named(key: str, name: str, **fields: Any) -> JSON:
    return {"externalSystemId": key, "translations": [{"languageCode": "en", "name": name}], **fields}


def _product(one: Goods) -> JSON:
    text = {"name": f"Compression Socks {one.product}", "description": "<p>For long days.</p>"}
    return {
        "externalSystemId": one.product,
        "brand": "24/7",
        "categoryIds": [_CATEGORY],
        "translations": [{"languageCode": "en", **text}],
        "assets": [
            {
                "externalSystemAssetId": f"{one.product}-side",
                "name": "side.jpg",
                "type": "IMAGE",
                "source": f"https://cdn.example/{one.product}.jpg",
            }
        ],
        "variants": [
            {
                "externalSystemId": one.variant,
                "sku": one.variant,
                "attributes": [{"Size": ["L2"]}],
                "currencyCode": CURRENCY,
                "price": one.cents,
                "stockOnHand": one.stock,
            }
        ],
    }
