"""The top level of a bucket, also where it holds keys that are no names: ``obstore`` fails as a whole at one of those."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import obstore
from obstore.exceptions import InvalidPathError
from obstore.store import LocalStore, S3Store

from connectors.merchstack.bucket import first_line

#: Keys with an empty part or a dot as their first one sort before it; a file's name begins with it, or behind it.
_FIRST = "0"
#: The last of all characters: behind everything in a folder.
_LAST = "\U0010ffff"


@dataclass(frozen=True, kw_only=True, slots=True)
class TopLevel:
    """Its objects, as ``obstore`` tells of them. ``odd`` says why some keys were not looked at, naming one of them."""

    objects: Sequence[Any]
    odd: str | None = None


async def top_level(store: LocalStore | S3Store) -> TopLevel:
    """List it. Raises what ``obstore`` does, ``InvalidPathError`` only for a key that stands between our files."""
    try:
        page = await obstore.list_with_delimiter_async(store)
    except InvalidPathError as error:
        try:
            return TopLevel(objects=await _listed_around(store), odd=first_line(error))
        except InvalidPathError:
            raise error from None
    return TopLevel(objects=page["objects"])


async def _listed_around(store: LocalStore | S3Store) -> Sequence[Any]:
    """Behind the keys that cannot be read, and behind each folder anew, since this list goes into them."""
    found: dict[str, Any] = {}
    passed: set[str] = set()
    after: str | None = _FIRST
    while after is not None:
        after = await _listed_to_a_folder(store, after, found, passed)
    return list(found.values())


async def _listed_to_a_folder(
    store: LocalStore | S3Store, after: str, found: dict[str, Any], passed: set[str]
) -> str | None:
    """Add what comes to ``found``; gives where to go on behind a folder that is new, None at the end."""
    async for chunk in obstore.list(store, offset=after):
        for each in chunk:
            folder, is_below, _ = each["path"].partition("/")
            if not is_below:
                found[each["path"]] = each
            elif folder not in passed:
                passed.add(folder)
                return f"{folder}/{_LAST}"
    return None
