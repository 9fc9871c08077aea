"""Looks for news of the catalog that wait for nothing."""

from __future__ import annotations

import math
import time
from collections.abc import Collection
from functools import partial
from typing import Any

from hub.records import JSON
from hub.store.catalog.kinds import KINDS
from hub.store.database import Database

#: The last change of a table, from the end of its index. ``EXISTS (… changed_in > …)`` says the same, but PostgreSQL plans
#: a prepared statement without the number, takes a third of the rows to be newer, and reads the table until it meets one.
LAST = "(SELECT coalesce(max(changed_in), 0) FROM {} WHERE tenant_id = :tenant)"


class StoredWatch:
    """See ``hub.catalog.Watch``."""

    def __init__(self, db: Database, *, tenant_id: int, kinds: Collection[str]) -> None:
        self.quiet_at = -math.inf
        self._db, self._tenant_id, self._kinds = db, tenant_id, kinds
        self._question = question(kinds)
        self._looking = False

    def look(self, after: JSON) -> None:
        """See ``hub.catalog.Watch``."""
        if self._looking:
            return
        self._looking = True
        told = partial(self._tell, time.monotonic())
        self._db.ask_aside(self._question, told, tenant=self._tenant_id, **places(self._kinds, after))

    def _tell(self, began: float, has_news: Any) -> None:
        if has_news is not None and not has_news:
            self.quiet_at = began
        self._looking = False


def question(kinds: Collection[str]) -> str:
    """Whether something of ``:tenant`` has changed behind ``places``."""
    return "SELECT " + " OR ".join(f"{LAST.format(KINDS[kind].table)} > :{kind}" for kind in kinds)


def places(kinds: Collection[str], after: JSON) -> dict[str, int]:
    """Where a cursor stands in each kind."""
    return {kind: after.get(kind, (0, ""))[0] for kind in kinds}
