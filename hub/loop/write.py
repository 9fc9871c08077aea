"""Pushing into the hub's own catalog: the push and the settle of the same records are one transaction."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

import structlog
from sqlalchemy import Connection

from hub.catalog import WritesCatalog
from hub.errors import HubError, ServiceUnavailableError
from hub.loop.ask import written
from hub.loop.verdict import decide
from hub.pipeline import Pipeline
from hub.records import Item, PushResult, Retry
from hub.store.catalog.writer import StoredCatalogWriter
from hub.store.ledger.settle import Settler
from hub.store.rows import Locked, Settlement, Slice, Verdict

_Settle = Callable[[Sequence[Item], Mapping[int, PushResult]], Settlement]

_log = structlog.get_logger(__name__)


def write_and_settle(
    pipeline: Pipeline,
    destination: WritesCatalog,
    settler: Settler,
    held: Slice,
    ready: Sequence[Item],
    results: Mapping[int, PushResult],
) -> Settlement:
    """Write what is ``ready`` and settle the slice, whose other ``results`` are known already.

    Where that fails, each record is written in a transaction of its own, so that the one at fault fails alone.
    """

    def verdicts(results: Mapping[int, PushResult]) -> Sequence[Verdict]:
        return [
            decide(record, results[record.id], stage=held.stage, backoff=pipeline.backoff)
            for record in held.records
            if record.id in results
        ]

    def settle(items: Sequence[Item], others: Mapping[int, PushResult]) -> Settlement:
        def within(tx: Connection, connection: Locked, still_held: Collection[int]) -> Sequence[Verdict]:
            writer = StoredCatalogWriter(db=settler.db, tx=tx, connection=connection)
            mine = [item for item in items if item.id in still_held]
            return verdicts({**others, **written(destination, writer, mine)})

        return settler.settle_within(within, len(items) + len(others))

    try:
        return settle(ready, results)
    except ServiceUnavailableError:
        raise
    except Exception as error:
        if len(ready) > 1:
            parts = [settle([], results), *(_alone(pipeline, settle, item) for item in ready)]
            return _together(parts)
        _log.exception("the catalog could not be written", connection=pipeline.connection.name)
        return settle([], {**results, **{item.id: _failure(pipeline, error) for item in ready}})


def _alone(pipeline: Pipeline, settle: _Settle, item: Item) -> Settlement:
    try:
        return settle([item], {})
    except ServiceUnavailableError:
        raise
    except Exception as error:
        _log.exception("the catalog could not be written", connection=pipeline.connection.name, key=item.key)
        return settle([], {item.id: _failure(pipeline, error)})


def _failure(pipeline: Pipeline, error: Exception) -> Retry:
    # A database's error quotes what could not be written.
    text = str(error) if isinstance(error, HubError) else f"the catalog failed: {type(error).__name__}"
    return Retry(error=pipeline.redact(text))


def _together(parts: Sequence[Settlement]) -> Settlement:
    return replace(
        parts[-1],
        verdicts=[verdict for part in parts for verdict in part.verdicts],
        to_report=[one for part in parts for one in part.to_report],
        lost=sum(part.lost for part in parts),
        groups=any(part.groups for part in parts),
    )
