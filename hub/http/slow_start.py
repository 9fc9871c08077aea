"""How many requests may be under way to a bucket that nothing limits: few at first, more with every answer.

The first refusal comes with all that is under way. This keeps them to a part of what passed, and costs a platform that has
no limit next to nothing: where answers are fast, few requests under way are many a second.
"""

from __future__ import annotations

import asyncio

from hub.policy.lessons import Refusal

#: Requests under way before the first answer.
FIRST = 8.0
#: Further ones with each answer: the part of all requests that the first refusals can be.
MORE = 0.1
#: Seconds after which an answer says nothing about the rate.
RECENT = 1.0


class SlowStart:
    """One process's requests to one bucket while nothing limits it."""

    def __init__(self) -> None:
        self.window = FIRST
        self._answers = 0
        #: When it was seen that nothing limits the bucket, and the answers until then.
        self._looks: list[tuple[float, int]] = []
        self._waiting: asyncio.Future[None] | None = None

    def look(self, now: float) -> None:
        """Nothing limits the bucket."""
        self._looks = [(at, answers) for at, answers in self._looks if at > now - RECENT]
        self._looks.append((now, self._answers))

    def answered(self) -> None:
        """One more answer."""
        self._answers += 1
        self.window += MORE
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    async def answer(self) -> None:
        """Wait for one. Nobody else does meanwhile."""
        self._waiting = asyncio.get_running_loop().create_future()
        await self._waiting

    def refused(self, now: float, took: float) -> Refusal:
        """An answer that ``took`` so many seconds was 429; what was admitted before it is told once."""
        if not self._looks:
            return Refusal(took=took)
        begin, answers = self._looks[0]
        self._looks.clear()
        self.window = FIRST
        seconds = max(now - begin - took, 0.0)
        return Refusal(took=took, admitted=max(self._answers - answers - 1, 1), seconds=seconds)
