"""Blocking work beside the event loop, which is told when nobody waits for it any more."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar

from hub.errors import RetryableError

T = TypeVar("T")


class Abandoned:
    """True once the caller has gone: a thread cannot be stopped, but it can leave undone what it has not done yet.

    A write that comes late could overwrite a newer one that another worker has made meanwhile.
    """

    def __init__(self) -> None:
        self._event = threading.Event()

    def set(self) -> None:
        """The caller has gone."""
        self._event.set()

    def check(self) -> None:
        """To be called right before what cannot be undone. Raises ``RetryableError``."""
        if self._event.is_set():
            raise RetryableError("the write was given up before it was done")


async def in_thread(work: Callable[[Abandoned], T]) -> T:
    """Run blocking work in a thread."""
    abandoned = Abandoned()
    try:
        return await asyncio.to_thread(work, abandoned)
    except asyncio.CancelledError:
        abandoned.set()
        raise
