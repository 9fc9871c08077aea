"""Instants between two steps of the loop at which a test lets a worker die by SIGKILL.

The worker is that of production with one of its functions wrapped from outside, so that nothing in production knows
of it.
"""

from __future__ import annotations

import inspect
import os
import signal
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import wraps
from importlib import import_module
from typing import Any, Literal


@dataclass(frozen=True, kw_only=True)
class Point:
    """An instant between two steps of the loop: ``before`` or ``after`` a function of the hub.

    ``after`` a function that had nothing to do, and returns None for it, nobody dies.
    """

    moment: Literal["before", "after"]
    module: str
    function: str


#: Between each pair of steps, in the order in which a record comes by.
POINTS = {
    "before the source is polled": Point(moment="before", module="hub.pipeline", function="Pipeline.poll"),
    "after the source answered": Point(moment="after", module="hub.pipeline", function="Pipeline.poll"),
    "after admission": Point(moment="after", module="hub.loop.poll", function="admit_page"),
    "after claim": Point(moment="after", module="hub.store.ledger.claim", function="claim_work"),
    "after push": Point(moment="after", module="hub.pipeline", function="Pipeline.push"),
    "after settle": Point(moment="before", module="hub.pipeline", function="Pipeline.report"),
    "after report": Point(moment="after", module="hub.pipeline", function="Pipeline.report"),
    "after the report's settle": Point(moment="before", module="hub.store.ledger.bells", function="finish"),
}


def arm(point: Point, key: str | None = None) -> None:
    """Wrap the function of ``point`` in this process and those that it forks.

    Whoever comes by is killed with its whole process group; with ``key`` only where that record is among those that
    the function is given.
    """
    *owners, name = point.function.split(".")
    owner: Any = import_module(point.module)
    for part in owners:
        owner = getattr(owner, part)
    setattr(owner, name, _doomed(getattr(owner, name), point, key))


def _doomed(function: Callable[..., Any], point: Point, key: str | None) -> Callable[..., Any]:
    def die_before(arguments: Iterable[Any]) -> None:
        if point.moment == "before" and _is_meant(key, arguments):
            _die()

    def die_after(result: Any, arguments: Iterable[Any]) -> Any:
        if point.moment == "after" and result is not None and _is_meant(key, arguments):
            _die()
        return result

    if inspect.iscoroutinefunction(function):

        @wraps(function)
        async def waited(*arguments: Any, **named: Any) -> Any:
            die_before(arguments)
            return die_after(await function(*arguments, **named), arguments)

        return waited

    @wraps(function)
    def called(*arguments: Any, **named: Any) -> Any:
        die_before(arguments)
        return die_after(function(*arguments, **named), arguments)

    return called


def _is_meant(key: str | None, arguments: Iterable[Any]) -> bool:
    if key is None:
        return True
    batches = (argument for argument in arguments if isinstance(argument, list | tuple))
    return any(getattr(one, "key", None) == key for batch in batches for one in batch)


def _die() -> None:
    """With everything that was started, as when a container is killed: nothing is left to clean up."""
    os.killpg(os.getpgrp(), signal.SIGKILL)
