"""The event loop of every process: uvloop where there is a wheel of it, asyncio's own elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

_make: Callable[[], asyncio.AbstractEventLoop]
try:
    from uvloop import new_event_loop as _make
except ImportError:  # Windows has no uvloop
    from asyncio import new_event_loop as _make

T = TypeVar("T")


def new_event_loop() -> asyncio.AbstractEventLoop:
    """A new loop, not yet running."""
    return _make()


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run ``main`` on a new loop until it is done."""
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        return runner.run(main)
