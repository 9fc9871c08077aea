"""A catalog notification in every spelling that is known (vtex facts, "Notification")."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import get_args

from connectors.vtex.simulator.options import Spelling
from hub.records import JSON

#: The fields of the oldest form.
_OLDEST = ("IdSku", "An", "IdAffiliate", "DateModified", "IsActive")
#: As the guides write them.
_GUIDE = {
    "IdSku": "idSKU",
    "ProductId": "productId",
    "An": "an",
    "IdAffiliate": "idAffiliate",
    "IsActive": "isActive",
}

#: What "mixed" goes through.
SPELLINGS: tuple[Spelling, ...] = tuple(one for one in get_args(Spelling) if one != "mixed")


@dataclass(frozen=True, kw_only=True)
class Happened:
    """What happened to a SKU."""

    sku: int
    product: int
    active: bool
    stock: bool = False
    price: bool = False
    content: bool = False
    removed: bool = False


def spelt(happened: Happened, spelling: Spelling, *, account: str, affiliate: str, at: str) -> JSON:
    """The payload; ``mixed`` has to be decided before."""
    real: JSON = {
        "IdSku": str(happened.sku),
        "ProductId": happened.product,
        "An": account,
        "IdAffiliate": affiliate,
        "DateModified": at,
        "IsActive": happened.active,
        "StockModified": happened.stock,
        "PriceModified": happened.price,
        "HasStockKeepingUnitModified": happened.content,
        "HasStockKeepingUnitRemovedFromAffiliate": happened.removed,
    }
    return _RESPELL[spelling](real) if spelling in _RESPELL else real


def _as_strings(real: JSON) -> JSON:
    return {
        name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in real.items()
    }


#: From the real payload to each other spelling.
_RESPELL: dict[Spelling, Callable[[JSON], JSON]] = {
    "version": lambda real: real | {"Version": "1.0"},
    "guide": lambda real: {_GUIDE.get(name, name): value for name, value in real.items()},
    "oldest": lambda real: {name: real[name] for name in _OLDEST},
    "strings": _as_strings,
    "lower": lambda real: {name.lower(): value for name, value in real.items()},
    "myvtex": lambda real: real | {"An": f"{real['An']}.myvtex"},
    "no_product": lambda real: {name: value for name, value in real.items() if name != "ProductId"},
}
