"""Pushing into the hub's own catalog: the push and the settle of the same records are one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import structlog

from hub.catalog import WritesCatalog
from hub.errors import HubError, ServiceUnavailableError
from hub.loop.ask import written
from hub.loop.verdict import decide
from hub.pipeline import Pipeline
from hub.records import Item, PushResult, Retry
from hub.store.catalog.waking import wake_arrived
from hub.store.catalog.writer import OutdatedError, StoredCatalogWriter
from hub.store.ledger.settle import LostClaimError, Settler
from hub.store.rows import Settlement, Slice

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class CatalogPush:
    """One slice on its way into the catalog."""

    pipeline: Pipeline
    destination: WritesCatalog
    settler: Settler
    held: Slice

    def settle(self, ready: Sequence[Item], results: Mapping[int, PushResult]) -> Settlement:
        """Write what is ``ready`` and settle the slice, whose other ``results`` are known already.

        Where that fails, each record is written in a transaction of its own, so that the one at fault fails alone.
        """
        try:
            return self._at_once(ready, results)
        except ServiceUnavailableError:
            raise
        except Exception as error:
            if len(ready) > 1:
                return _together([self._at_once((), results), *map(self._alone, ready)])
            return self._failed(ready, results, error)

    def _alone(self, item: Item) -> Settlement:
        try:
            return self._at_once([item], {})
        except ServiceUnavailableError:
            raise
        except Exception as error:
            return self._failed([item], {}, error)

    def _at_once(self, items: Sequence[Item], others: Mapping[int, PushResult]) -> Settlement:
        """The catalog is written before the ledger is locked, so a claim that was lost shows at the end: then all is
        undone, and done again without it. So it is where another writer was there first, by who waits for his turn."""
        wanted = len(items) + len(others)
        hasty = True
        while True:
            try:
                settlement = self._try(items, others, hasty=hasty)
            except OutdatedError:
                hasty = False
            except LostClaimError as lost:
                items = [item for item in items if item.id in lost.still_held]
                others = {number: result for number, result in others.items() if number in lost.still_held}
            else:
                return replace(settlement, lost=wanted - len(settlement.verdicts))

    def _try(self, items: Sequence[Item], others: Mapping[int, PushResult], *, hasty: bool) -> Settlement:
        with self.settler.db.transaction() as tx:
            writer = StoredCatalogWriter(
                db=self.settler.db,
                tx=tx,
                tenant_id=self.held.tenant_id,
                connection_id=self.held.connection_id,
                hasty=hasty,
            )
            results = {**others, **written(self.destination, writer, items)} if items else others
            verdicts = [
                decide(record, results[record.id], stage=self.held.stage, backoff=self.pipeline.backoff)
                for record in self.held.records
                if record.id in results
            ]
            writer.carry_out()
            settlement = self.settler.settle_within(tx, verdicts, together=True)
        if writer.brought_categories:
            wake_arrived(self.settler.db, tenant_id=self.held.tenant_id)
        return settlement

    def _failed(
        self, items: Sequence[Item], others: Mapping[int, PushResult], error: Exception
    ) -> Settlement:
        _log.exception("the catalog could not be written", connection=self.pipeline.connection.name)
        # A database's error quotes what could not be written.
        text = str(error) if isinstance(error, HubError) else f"the catalog failed: {type(error).__name__}"
        failure = Retry(error=self.pipeline.redact(text))
        return self._at_once((), {**others, **{item.id: failure for item in items}})


def _together(parts: Sequence[Settlement]) -> Settlement:
    return replace(
        parts[-1],
        verdicts=[verdict for part in parts for verdict in part.verdicts],
        to_report=[one for part in parts for one in part.to_report],
        lost=sum(part.lost for part in parts),
        groups=any(part.groups for part in parts),
    )
