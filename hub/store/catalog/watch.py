"""Looks for news of the catalog that wait for nothing."""

from __future__ import annotations

import math
import time
from collections.abc import Collection
from functools import partial

from hub.records import JSON
from hub.store.catalog.kinds import KINDS
from hub.store.database import Database

#: The last change of a table, from the end of its index. ``EXISTS (… changed_in > …)`` says the same, but PostgreSQL plans
#: a prepared statement without the number, takes a third of the rows to be newer, and reads the table until it meets one.
LAST = "(SELECT coalesce(max(changed_in), 0) FROM {} WHERE tenant_id = :tenant)"

#: Looks begin so many seconds apart at least.
LEAST_APART = 0.005


class StoredWatch:
    """See ``hub.catalog.Watch``."""

    def __init__(self, db: Database, *, tenant_id: int, kinds: Collection[str]) -> None:
        self.quiet_at = -math.inf
        self._db, self._tenant_id, self._kinds = db, tenant_id, kinds
        self._question = question(kinds)
        self._began = -math.inf

    def look(self, after: JSON) -> None:
        """See ``hub.catalog.Watch``."""
        self._db.hear_aside()
        now = time.monotonic()
        if now - self._began < LEAST_APART:
            return
        self._began = now
        told = partial(self._tell, now)
        self._db.ask_aside(self._question, told, tenant=self._tenant_id, **places(self._kinds, after))

    def _tell(self, began: float, has_news: bool | None) -> None:
        if has_news is False:
            self.quiet_at = max(self.quiet_at, began)


def question(kinds: Collection[str]) -> str:
    """Whether something of ``:tenant`` has changed behind ``places``."""
    return "SELECT " + " OR ".join(f"{LAST.format(KINDS[kind].table)} > :{kind}" for kind in kinds)


def standing(number: int, key: str, full: bool) -> list[int | str]:
    """Where a cursor stands in a kind: behind this change. A full page may end within a transaction, and says so."""
    return [number, key, "full"] if full else [number, key]


def places(kinds: Collection[str], after: JSON) -> dict[str, int]:
    """By kind the transaction behind which there would be news: where a full page ended, that one may hold more itself."""
    stand = {kind: after.get(kind, (0, "")) for kind in kinds}
    return {kind: place[0] - (len(place) > 2) for kind, place in stand.items()}
