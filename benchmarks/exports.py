"""Export files as Merchstack writes them: products with two variants each, a thousand a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

PRODUCTS_A_FILE = 1000
TENANT, STORE = "ABC", "123"


def write_export(folder: Path, export: str, *, files: int, products: int = PRODUCTS_A_FILE) -> None:
    """``files`` files of ``products`` products; the same content whatever ``export`` is called."""
    folder.mkdir(parents=True, exist_ok=True)
    total = files * products
    for number in range(files):
        numbers = range(number * products, (number + 1) * products)
        lines = (json.dumps(product(one, total, export)) for one in numbers)
        (folder / f"product_export{export}_{number + 1}.jsonl").write_text("\n".join(lines) + "\n")


def product(number: int, total: int, export: str) -> dict[str, Any]:
    """One record, in the shape of the documented example."""
    return {
        "exportMetaData": {
            "formatVersion": "1.0",
            "exportId": export,
            "recordNum": number + 1,
            "recordOf": total,
            "recordType": "product",
        },
        "tenantId": TENANT,
        "storeId": STORE,
        "externalSystemId": f"p-{number}",
        "brand": "Nike",
        "categoryIds": [],
        "translations": [
            {
                "languageCode": "en",
                "name": f"Nike Air Force One {number}",
                "slug": f"nike-air-force-one-{number}",
                "description": "World Famous Air Force Ones",
            }
        ],
        "enabled": True,
        "assets": [
            {
                "externalSystemAssetId": f"a-{number}",
                "name": "clothing__95.jpg",
                "type": "IMAGE",
                "mimeType": "image/jpeg",
                "width": 159,
                "height": 159,
                "source": "cloudinary/path/to/image/clothing__95.jpg",
                "focalPoint": {"x": 25, "y": 55},
            }
        ],
        "featuredAssetId": f"a-{number}",
        "attributes": [{"gender": ["male"], "color": ["black", "blue"], "country of origin": ["UK"]}],
        "variants": [
            {
                "enabled": True,
                "sku": f"661595-{number}-{size}",
                "externalSystemId": f"v-{number}-{size}",
                "price": 3999 + number,
                "compareAtPrice": 4999 + number,
                "currencyCode": "USD",
                "stockOnHand": 22,
                "outOfStockThreshold": 2,
                "attributes": [{"size": str(size)}],
            }
            for size in (41, 42)
        ],
    }
