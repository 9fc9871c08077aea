"""By which mapping of its category each SKU was decided last: those are found whose category was mapped anew since."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from connectors.vtex.marketplace import goods
from connectors.vtex.marketplace.category_map import CategoryMap
from connectors.vtex.marketplace.finding import Found
from hub import codec
from hub.connector import IdMap
from hub.errors import HubError, ParkedError, RejectedError
from hub.marketplace import Listing

#: In the id map, by SKU: ``[VTEX category, the marketplace's]``, the latter null while it was mapped to none that there is.
DECIDED: Final = "sku-category"
#: SKUs that are read at once, and how many times in one poll; it ends sooner where ``ENOUGH`` were found.
PAGE: Final = 500
MOST_PAGES: Final = 40
ENOUGH: Final = 500


class Remapped:
    """Of SKUs that are sold or were rejected. Those that are parked are woken by their category, and those that are off sale
    are looked at as a whole before they come back."""

    def __init__(self, ids: IdMap, categories: CategoryMap) -> None:
        self._ids, self._categories = ids, categories

    async def note(
        self,
        found: Mapping[str, Found],
        decided: Mapping[str, Listing | HubError],
        there_are: Collection[str] | None,
    ) -> None:
        """What was decided, by the marketplace's categories that ``there_are``, None where it has no tree.

        What could not be decided is tried again, so that what was known of it stays.
        """
        if over := [sku for sku, one in decided.items() if _is_over(one)]:
            await self._ids.remove(DECIDED, over)
        if there_are is None:
            return
        mapped = {sku: one.category if one.category in there_are else None for sku, one in found.items()}
        noted = {
            sku: codec.dumps([leaf, mapped[sku]]).decode()
            for sku, one in decided.items()
            if (leaf := _leaf(found[sku])) and not _is_over(one) and isinstance(one, Listing | RejectedError)
        }
        if noted:
            await self._ids.put(DECIDED, noted)

    async def behind(self, after: str, there_are: Collection[str]) -> tuple[Sequence[str], str | None]:
        """SKUs from ``after`` on whose category is mapped to another one than they were decided by, and where to go on, None at
        the end. One whose mapping has only ended is not among them: it stays as it is until there is another."""
        behind: list[str] = []
        for _ in range(MOST_PAGES):
            page = await self._ids.page(DECIDED, after=after, limit=PAGE)
            known = {sku: codec.loads(text) for sku, text in page.items()}
            mapped = await self._categories.get([leaf for leaf, _ in known.values()]) if known else {}
            behind += [
                sku
                for sku, (leaf, before) in known.items()
                if (now := mapped.get(leaf)) in there_are and now != before
            ]
            if len(page) < PAGE:
                return behind, None
            after = list(page)[-1]
            if len(behind) >= ENOUGH:
                break
        return behind, after


def _leaf(found: Found) -> str | None:
    return None if found.details is None else goods.category_id(found.details, found.product)


def _is_over(decided: Listing | HubError) -> bool:
    """Nothing follows from another mapping, but for what waits for one."""
    return isinstance(decided, ParkedError) or (isinstance(decided, Listing) and not decided.active)
