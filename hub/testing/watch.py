"""What a simulator sees of the requests that somebody asks about: how many, and how many at once."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from hub.records import JSON
from hub.testing.asgi import App, Receive, Scope, Send


class Watch:
    """ASGI middleware that counts the requests whose "METHOD /path" contains ``match``.

    A request is in flight from its arrival until it is answered or cut, faults included.
    """

    def __init__(self, app: App, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._app = app
        self._clock = clock
        self.begin(None)

    def begin(self, match: str | None) -> None:
        """Count anew, from now on; None counts nothing. Requests that are in flight are left out."""
        self._match = match
        self._in_flight: set[object] = set()
        self._recent: deque[float] = deque()
        self._requests = self._most_at_once = self._most_in_a_second = 0

    def seen(self) -> JSON:
        """Requests since ``begin``, in flight now, the most at once, and the most that began within a second."""
        return {
            "match": self._match,
            "requests": self._requests,
            "in_flight": len(self._in_flight),
            "most_at_once": self._most_at_once,
            "most_in_a_second": self._most_in_a_second,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request on, and count it if it matches."""
        if self._match is None or self._match not in f"{scope['method']} {scope['path']}":
            await self._app(scope, receive, send)
            return
        in_flight, request = self._in_flight, object()
        in_flight.add(request)
        self._count()
        try:
            await self._app(scope, receive, send)
        finally:
            in_flight.discard(request)

    def _count(self) -> None:
        now = self._clock()
        self._requests += 1
        self._recent.append(now)
        while self._recent[0] <= now - 1:
            self._recent.popleft()
        self._most_at_once = max(self._most_at_once, len(self._in_flight))
        self._most_in_a_second = max(self._most_in_a_second, len(self._recent))
