"""The event loop of every process: uvloop where there is a wheel of it, asyncio's own elsewhere."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Callable, Coroutine
from functools import cache
from typing import Any, TypeVar

_make: Callable[[], asyncio.AbstractEventLoop]
try:
    from uvloop import new_event_loop as _make
except ImportError:  # Windows has no uvloop
    from asyncio import new_event_loop as _make

T = TypeVar("T")

#: A page of records is hundreds of thousands of objects that live for a moment. By default the garbage collector walks
#: through all of them hundreds of times, which takes as long as the work.
COLLECT_AFTER = (500_000, 50, 100)
#: How long one thread may keep the others from running, in seconds. A query's thread needs its turn several times, and
#: beside a busy event loop would wait for each of them ten times as long by default, with a connection's lock in hand.
SWITCH_SECONDS = 0.0005


def new_event_loop() -> asyncio.AbstractEventLoop:
    """A new loop, not yet running. What was imported until then is no garbage and is not looked at again."""
    _freeze_once()
    gc.set_threshold(*COLLECT_AFTER)
    sys.setswitchinterval(SWITCH_SECONDS)
    return _make()


@cache
def _freeze_once() -> None:
    """A second time would keep what has become garbage since. (To ask the collector takes a walk through all of it.)"""
    gc.freeze()


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run ``main`` on a new loop until it is done."""
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        return runner.run(main)
