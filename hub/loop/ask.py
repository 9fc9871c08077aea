"""What a plugin is asked for a batch: whatever it does, every record gets a result, and nothing is raised."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, get_args

import structlog

from hub.catalog import CatalogWriter, WritesCatalog
from hub.connector import Plugin, result_of
from hub.errors import HubError
from hub.pipeline import Pipeline
from hub.records import Item, Outcome, Parked, PushResult, Rejected, ReportResult, Retry

_PUSH_RESULTS = get_args(PushResult)
_REPORT_RESULTS = get_args(ReportResult)

_log = structlog.get_logger(__name__)


async def pushed(pipeline: Pipeline, stage: str, items: Sequence[Item]) -> Mapping[int, PushResult]:
    """One result for each item, by its id, at ``stage`` "push" or "follow"."""
    if stage == "follow":
        ready, call = items, pipeline.follow
        results: dict[int, PushResult] = {}
    else:
        ready, results = await prepared(pipeline, items)
        call = pipeline.push
    if ready:
        plugin = pipeline.destination or pipeline.connector
        answers = await _guarded(pipeline, plugin, call, ready, gives=_PUSH_RESULTS)
        if isinstance(answers, Mapping):
            results |= answers
        else:
            results |= {item.id: answer for item, answer in zip(ready, answers, strict=True)}
    return results


async def prepared(pipeline: Pipeline, items: Sequence[Item]) -> tuple[Sequence[Item], dict[int, PushResult]]:
    """Fetch and transform: the items that are ready to be pushed, and the results of the others."""
    fetched = await _guarded(pipeline, pipeline.connector, pipeline.connector.fetch, items, gives=(Item,))
    if isinstance(fetched, Mapping):
        return (), dict(fetched)
    results: dict[int, PushResult] = {}
    ready = [item for item in (_transformed(pipeline, one, results) for one in fetched) if item is not None]
    there = {item.id for item in ready}
    for item in items:
        if item.id not in there:
            results.setdefault(item.id, Retry(error="the connector lost this record while fetching it"))
    return ready, results


def written(
    destination: WritesCatalog, writer: CatalogWriter, items: Sequence[Item]
) -> Mapping[int, PushResult]:
    """One result for each item from a destination that writes within the settle. Raises whatever it raises."""
    answers = _sound(destination.write(writer, items), _PUSH_RESULTS, len(items))
    return {item.id: answer for item, answer in zip(items, answers, strict=True)}


async def reported(pipeline: Pipeline, outcomes: Sequence[Outcome]) -> Mapping[int, ReportResult]:
    """One result for each outcome, by the id of its record."""
    try:
        answers = _sound(await pipeline.report(outcomes), _REPORT_RESULTS, len(outcomes))
    except HubError as error:
        result = result_of(error)
        if isinstance(result, Parked):  # only work can wait for something named
            result = Retry(error=result.reason)
        return dict.fromkeys((outcome.record_id for outcome in outcomes), result)
    except Exception as error:
        _log.exception("the connector failed while reporting", connection=pipeline.connection.name)
        text = _blame(pipeline.connector, pipeline, error)
        return {outcome.record_id: Retry(error=text) for outcome in outcomes}
    return {outcome.record_id: answer for outcome, answer in zip(outcomes, answers, strict=True)}


def _transformed(pipeline: Pipeline, item: Item, results: dict[int, PushResult]) -> Item | None:
    try:
        return replace(item, body=pipeline.transform(item))
    except HubError as error:
        results[item.id] = result_of(error)
    except Exception as error:
        _log.exception(
            "the connector failed while transforming", connection=pipeline.connection.name, key=item.key
        )
        results[item.id] = Rejected(
            errors=[f"transform failed: {type(error).__name__}: {pipeline.redact(str(error))}"]
        )
    return None


async def _guarded(
    pipeline: Pipeline,
    plugin: Plugin[Any, Any],
    call: Callable[[Sequence[Item]], Awaitable[Sequence[Any]]],
    items: Sequence[Item],
    *,
    gives: tuple[type, ...],
) -> Sequence[Any] | Mapping[int, PushResult]:
    """Call a plugin for a batch; what it raises counts for every item, as ``result_of`` says."""
    try:
        return _sound(await call(items), gives, len(items) if gives is _PUSH_RESULTS else None)
    except HubError as error:
        return {item.id: result_of(error) for item in items}
    except Exception as error:
        _log.exception("the plugin failed", connection=pipeline.connection.name)
        text = _blame(plugin, pipeline, error)
        return {item.id: Retry(error=text) for item in items}


def _sound(answers: Any, gives: tuple[type, ...], number: int | None) -> Sequence[Any]:
    """What a plugin answered, if it is what it has to be. Raises ``TypeError``."""
    if not isinstance(answers, list | tuple):
        raise TypeError(f"it answered {type(answers).__name__} instead of a list")
    if number is not None and len(answers) != number:
        raise TypeError(f"it answered {len(answers)} results for {number} records")
    for answer in answers:
        if not isinstance(answer, gives):
            raise TypeError(f"it answered {type(answer).__name__}, which is no result")
    return answers


def _blame(plugin: Plugin[Any, Any], pipeline: Pipeline, error: Exception) -> str:
    return f"{plugin.name} failed: {type(error).__name__}: {pipeline.redact(str(error))}"
