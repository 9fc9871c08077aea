"""What people ask about categories: which are mapped, which SKUs wait for one that is not, and to map one by hand."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from connectors.vtex.marketplace.category_map import CategoryMap
from connectors.vtex.marketplace.category_tree import paths
from connectors.vtex.marketplace.log_codes import CATEGORY
from connectors.vtex.marketplace.logs import SKU, SkuInfo
from hub.connector import IdMap, Ledger
from hub.errors import ConfigurationError, HubError
from hub.excerpt import excerpt
from hub.marketplace import Marketplace
from hub.records import JSON

#: Records that are read at once.
PAGE: Final = 500
#: SKUs that are named of each category.
NAMED: Final = 20
_VTEX_ID = re.compile(r"[1-9]\d{0,17}", re.ASCII)


@dataclass(kw_only=True, slots=True)
class Waiting:
    """SKUs that wait for a category: how many, the first of them by id with their names, and what the category is called."""

    number: int = 0
    skus: dict[str, str | None] = field(default_factory=dict)
    path: str | None = None


async def queue(ledger: Ledger, ids: IdMap) -> Mapping[str, Waiting]:
    """The approval queue: by VTEX category id the SKUs that go on when it is mapped."""
    found: dict[str, Waiting] = {}
    async for category, keys in _parked(ledger):
        infos = await ids.get(SKU, keys)
        for key in keys:
            info = SkuInfo.of(infos.get(key))
            waiting = found.setdefault(category, Waiting())
            waiting.number += 1
            waiting.path = waiting.path or info.category
            if len(waiting.skus) < NAMED:
                waiting.skus[key] = info.name
    return found


async def listed(categories: CategoryMap, ledger: Ledger, ids: IdMap) -> list[JSON]:
    """Every category that is mapped or waited for, those that are waited for first."""
    waiting = await queue(ledger, ids)
    mapped = {one: theirs async for one, theirs in categories.all()}
    every = sorted({*waiting, *mapped}, key=lambda one: (one not in waiting, _by_number(one)))
    names = await categories.names(every)
    nobody = Waiting()
    return [
        {
            "category": one,
            "path": names.get(one) or waiting.get(one, nobody).path,
            "marketplace_category": mapped.get(one),
            "waiting": waiting.get(one, nobody).number,
            "skus": [{"sku": sku, "name": name} for sku, name in waiting.get(one, nobody).skus.items()],
        }
        for one in every
    ]


async def map_one(
    categories: CategoryMap, marketplace: Marketplace | None, category: str, theirs: str
) -> tuple[JSON, Sequence[str]]:
    """Map a category by hand: what is mapped to what, and warnings.

    Raises ``ConfigurationError`` where the id is none of VTEX's, or the marketplace has no such category.
    """
    if not _VTEX_ID.fullmatch(category):
        raise ConfigurationError(
            f"{excerpt(category)} is no id of a VTEX category, which is a number; `hub vtex categories list` shows those "
            "that are waited for",
            field="VTEX_ID",
        )
    path, warnings = await _path_of(marketplace, theirs)
    changed = await categories.put({category: theirs})
    found = {"category": category, "marketplace_category": theirs, "path": path, "changed": bool(changed)}
    return found, warnings


async def _path_of(marketplace: Marketplace | None, theirs: str) -> tuple[str | None, Sequence[str]]:
    """What the marketplace calls the category, as far as it can be asked."""
    if not theirs.strip() or len(theirs) > 200 or not theirs.isprintable():
        raise ConfigurationError("is no id of a category", field="MARKETPLACE_ID")
    if marketplace is None:
        return None, ["the destination is no marketplace: whether it has this category was not checked"]
    try:
        tree = await marketplace.categories()
    except HubError as error:
        return None, [f"the marketplace cannot be asked whether it has this category: {error}"]
    if tree is None:
        return None, ["the marketplace has no category tree: no category has to be mapped for it"]
    known = dict(paths(tree))
    if theirs not in known:
        named = [one for one, path in known.items() if theirs.lower() in path.lower()][:5]
        like = f"; categories called so: {', '.join(named)}" if named else ""
        raise ConfigurationError(
            f"{marketplace.title_for_people} has no category {excerpt(theirs)}{like}; take an id out of its category tree",
            field="MARKETPLACE_ID",
        )
    return known[theirs], []


async def _parked(ledger: Ledger) -> AsyncIterator[tuple[str, list[str]]]:
    """Keys of parked records, by category and page."""
    after: str | None = None
    while True:
        page = await ledger.history(states=["parked"], after=after, limit=PAGE)
        keys: dict[str, list[str]] = {}
        for record in page.records:
            if record.wake_key is not None and record.wake_key.startswith(CATEGORY):
                keys.setdefault(record.wake_key.removeprefix(CATEGORY), []).append(record.key)
        for category, some in keys.items():
            yield category, some
        after = page.cursor
        if after is None:
            return


def _by_number(category: str) -> tuple[int, str]:
    return (len(category), category)
