"""One time limit for many: a timer for each request, as ``asyncio.timeout`` sets it, costs as much as its answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar, cast

T = TypeVar("T")


class Deadlines:
    """Each has the same time, so whoever began first is over first: one timer, for that one, is enough."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        #: When the time of each is over, of the event loop's, in the order in which they began.
        self._ends: dict[asyncio.Task[Any], float] = {}
        self._timer: asyncio.TimerHandle | None = None

    async def within(self, doing: Awaitable[T]) -> T:
        """Await this in the present task, which awaits one thing at a time. Raises ``TimeoutError``."""
        loop = asyncio.get_running_loop()
        task = cast("asyncio.Task[Any]", asyncio.current_task(loop))
        self._ends[task] = ends = loop.time() + self._seconds
        if self._timer is None:
            self._timer = loop.call_at(ends, self._end)
        try:
            return await doing
        except asyncio.CancelledError:
            # Somebody else may have cancelled the task as well, and that goes on.
            if task in self._ends or task.uncancel():
                raise
            raise TimeoutError from None
        finally:
            self._ends.pop(task, None)

    def _end(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        self._timer = None
        for task, ends in list(self._ends.items()):
            if ends > now:
                self._timer = loop.call_at(ends, self._end)
                return
            del self._ends[task]
            task.cancel()
