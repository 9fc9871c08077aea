"""Rings bells off the path of a request: a broker that is slow or away costs a webhook nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog

from hub.runtime import Ring
from hub.store.ledger.bells import Bell

#: Bells that wait to be rung; what is more than that is left to the sweeper.
MOST_BELLS = 10_000
#: How long the end of the process waits for bells, in seconds.
LAST_BELLS_SECONDS = 2.0

_log = structlog.get_logger(__name__)


class Ringer:
    """``ring`` never blocks and never fails; what could not be sent is noted in the store, and the sweeper rings it."""

    def __init__(self, send: Ring) -> None:
        self._send = send
        self._waiting: list[Bell] = []
        self._task: asyncio.Task[None] | None = None

    def ring(self, bells: Sequence[Bell]) -> None:
        """Send bells soon, in a thread."""
        self._waiting += bells[: MOST_BELLS - len(self._waiting)]
        if self._waiting and self._task is None:
            self._task = asyncio.create_task(self._send_all())

    async def close(self) -> None:
        """Give what waits a moment."""
        if self._task is not None:
            await asyncio.wait([self._task], timeout=LAST_BELLS_SECONDS)

    async def _send_all(self) -> None:
        try:
            while self._waiting:
                bells, self._waiting = self._waiting, []
                await asyncio.to_thread(self._send, bells)
        except Exception as error:  # noqa: BLE001 - a bell is a convenience
            _log.warning("bells could not be rung; the sweeper will", error=type(error).__name__)
        finally:
            self._task = None
