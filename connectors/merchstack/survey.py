"""Whether an export's settings mean anything that the catalog has: a slip in one of them exports all without a price."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from connectors.merchstack.export_settings import MerchstackExportSettings
from hub.catalog import Catalog
from hub.excerpt import excerpt
from hub.records import JSON

#: So many prices, or levels, are asked for at once, and so many pages at most.
PAGE, MOST_PAGES = 500, 20


async def unmatched(catalog: Catalog, settings: MerchstackExportSettings) -> Sequence[str]:
    """What to tell a person: each setting that fits none of the prices, or levels, that there are."""
    found: list[str] = []
    kinds = await _others(catalog, "price", lambda price: _is_meant(price, settings), _price)
    if kinds:
        names, wanted = "settings.price_kind", settings.price_kind
        if settings.currency is not None:
            names, wanted = f"{names} and settings.currency", f"{wanted} {settings.currency}"
        found.append(
            f"{names}: no price is {excerpt(wanted)}, so products go out without prices; there are {kinds}"
        )
    if settings.location is not None:
        own = settings.location
        others = await _others(catalog, "stock", lambda level: _place(level) == own, _place)
        if others:
            found.append(
                f"settings.location: nothing is in stock at {excerpt(own)}, so products go out without stock; "
                f"there is stock at {others}"
            )
    return found


async def _others(
    catalog: Catalog, kind: str, is_meant: Callable[[JSON], bool], shown: Callable[[JSON], str]
) -> str:
    """Which there are, in words, if none of them is meant; else nothing."""
    seen: dict[str, None] = {}
    cursor: JSON = {}
    for _ in range(MOST_PAGES):
        page = await catalog.changes((kind,), after=cursor, limit=PAGE)
        documents = await catalog.read(kind, [change.key for change in page.changes])
        if any(map(is_meant, documents.values())):
            return ""
        seen |= dict.fromkeys(map(shown, documents.values()))
        cursor = page.cursor
        if not page.full:
            break
    return excerpt(", ".join(sorted(seen))) if seen else ""


def _is_meant(price: JSON, settings: MerchstackExportSettings) -> bool:
    return price.get("price_kind") == settings.price_kind and settings.currency in {
        None,
        price.get("currency"),
    }


def _price(price: JSON) -> str:
    return f"{price.get('price_kind')} {price.get('currency')}"


def _place(level: JSON) -> str:
    return str(level.get("location"))
