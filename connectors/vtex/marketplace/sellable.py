"""Whether a SKU may be sold at a marketplace at all: steps d and e of VTEX's guide (seed 001), and whose SKU it is. Pure.

Each answer is the reason why not, in words for a merchant; None where there is none. Only what VTEX says counts against a SKU:
a field that is missing is an error of its own (``unsaid``), so that nothing is taken off sale for VTEX having left it out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from connectors.vtex.marketplace.fields import PRODUCT, SKU
from connectors.vtex.marketplace.goods import identifier
from connectors.vtex.marketplace.messages import coded
from hub.excerpt import excerpt

#: What VTEX calls the account itself among the sellers of a SKU (VTEX facts, 2).
MAIN_SELLER: Final = "1"

#: How the reasons of ``off_channel`` and ``not_ours`` begin; those of ``inactive`` are known by their code (A2).
OFF_SALE: Final = (
    "the SKU is not in the sales channel ",
    f"the main account (seller {MAIN_SELLER}) does not sell ",
    "the SKU is sold by ",
)

#: Sales channels or sellers that a reason names.
_MOST_NAMED: Final = 10


def needs_product(sku: Any) -> bool:
    """Whether the product's document has to be read too: ``IsProductActive`` and ``SalesChannels`` are not always there."""
    return _flag(sku, "IsProductActive") is None or _channels(sku, None) is None


def off_sale(sku: Any, channel: int | str, product: Any = None) -> str | None:
    """The first reason of all, with the code of its log message where it has one."""
    if reason := inactive(sku, product):
        (said,) = coded("A2", reason)
        return said
    return off_channel(sku, channel, product) or not_ours(sku)


def unsaid(sku: Any, product: Any = None) -> list[str]:
    """What VTEX had to say and has not, as errors."""
    missing = {
        "Id": identifier(_get(sku, "Id")) is None,
        "IsActive": _flag(sku, "IsActive") is None,
        "IsProductActive": _product_active(sku, product) is None,
        "SalesChannels": _channels(sku, product) is None,
        "SkuSellers": _sellers(sku) is None,
    }
    remedy = f"save the SKU once more under {SKU}, and ask VTEX's support if that does not help"
    return [
        f"{name}: VTEX does not say it of this SKU; {remedy}"
        for name, is_missing in missing.items()
        if is_missing
    ]


def inactive(sku: Any, product: Any = None) -> str | None:
    """Step d: ``IsActive`` and ``IsProductActive``, or ``IsActive`` of the product's document."""
    is_off = _flag(sku, "IsActive") is False, _product_active(sku, product) is False
    remedies = (f"{SKU} > Active", f"{PRODUCT} > Active")
    if not any(is_off):
        return None
    what = {
        (True, False): "the SKU is",
        (False, True): "the SKU's product is",
        (True, True): "the SKU and its product are",
    }[is_off]
    where = " and ".join(remedy for remedy, off in zip(remedies, is_off, strict=True) if off)
    return f"{what} not active in VTEX; switch on {where} to sell it"


def off_channel(sku: Any, channel: int | str, product: Any = None) -> str | None:
    """Step e: ``SalesChannels``, or ``ListStoreId`` of the product's document."""
    found = _channels(sku, product)
    wanted = str(channel).strip()
    if found is None or wanted in found:
        return None
    others = f"only in {_named(found)}" if found else "and in no other"
    return (
        f"the SKU is not in the sales channel {wanted}, {others}; "
        f"add the trade policy {wanted} under {PRODUCT} > Trade policies to sell it"
    )


def not_ours(sku: Any) -> str | None:
    """Whether the main account sells it: SKUs of other sellers and of franchise accounts are theirs to offer (seed 001)."""
    sellers = _sellers(sku)
    if sellers is None:
        return None
    own = [is_active for name, is_active in sellers if name == MAIN_SELLER]
    if any(own):
        return None
    if own:
        return (
            f"the main account (seller {MAIN_SELLER}) does not sell the SKU any more; "
            "activate it among the SKU's sellers to sell it"
        )
    others = list(dict.fromkeys(name for name, _ in sellers))
    sold = f"sold by {_named([excerpt(name) for name in others])}" if others else "sold by nobody"
    return (
        f"the SKU is {sold} and not by the main account (seller {MAIN_SELLER}), whose SKUs alone are offered: "
        "nothing has to be done, unless the main account is to sell it"
    )


def _product_active(sku: Any, product: Any) -> bool | None:
    said = _flag(sku, "IsProductActive")
    return _flag(product, "IsActive") if said is None else said


def _channels(sku: Any, product: Any) -> list[str] | None:
    lists = (_get(sku, "SalesChannels"), _get(product, "ListStoreId"))
    found = next((each for each in lists if isinstance(each, list)), None)
    return None if found is None else [name for each in found if (name := identifier(each))]


def _sellers(sku: Any) -> list[tuple[str, bool]] | None:
    """Each with whether it sells the SKU, which it does unless it is said not to."""
    given = _get(sku, "SkuSellers")
    if not isinstance(given, list):
        return None
    named = ((identifier(_get(each, "SellerId")), _flag(each, "IsActive")) for each in given)
    return [(name, active is not False) for name, active in named if name]


def _named(names: Sequence[str]) -> str:
    shown, more = ", ".join(names[:_MOST_NAMED]), len(names) - _MOST_NAMED
    return f"{shown} and {more} more" if more > 0 else shown


def _flag(document: Any, name: str) -> bool | None:
    """A boolean, or its name as a text in any case; None for anything else."""
    value = _get(document, name)
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.strip().casefold())
    return value if isinstance(value, bool) else None


def _get(document: Any, name: str) -> Any:
    return document.get(name) if isinstance(document, dict) else None
