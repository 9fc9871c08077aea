"""How many requests may be under way to a bucket that nothing limits: few at first, more with every answer.

The first refusal comes with all that is under way. This keeps them to a part of what passed, and costs a platform that has
no limit next to nothing: where answers are fast, few requests under way are many a second.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence

from hub.policy.learned_rate import SAVED_SPAN
from hub.policy.lessons import Refusal

#: Requests under way before the first answer.
FIRST = 8.0
#: Further ones with each answer: the part of all requests that the first refusals can be.
MORE = 0.1
#: Seconds after which an answer says nothing about the rate.
RECENT = 1.0
#: Answers whose times are known: more than one process gets while it has nothing but these to go by.
MOST_KNOWN = 10_000


class SlowStart:
    """One process's requests to one bucket while nothing limits it."""

    def __init__(self) -> None:
        self.window = FIRST
        self._answers: deque[float] = deque(maxlen=MOST_KNOWN)
        #: When it was seen that nothing limits the bucket.
        self._looks: list[float] = []
        self._waiting: asyncio.Future[None] | None = None

    def look(self, now: float) -> None:
        """Nothing limits the bucket."""
        self._looks = [at for at in self._looks if at > now - RECENT]
        self._looks.append(now)
        while self._answers and self._answers[0] < self._looks[0]:
            self._answers.popleft()

    def answered(self, now: float) -> None:
        """One more answer."""
        if self._looks:
            self._answers.append(now)
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
        admitted = self._admitted(now)[:-1]  # the last one is the refusal itself
        return self._told(admitted, now, now - self._looks[0] - took, took)

    def heard(self, now: float) -> Refusal | None:
        """Another process was refused since the last look; what was admitted to this one, if that is not told yet."""
        admitted = self._admitted(now) if self._looks and now - self._looks[-1] <= RECENT else []
        if not admitted:
            self._looks.clear()
            return None
        return self._told(admitted, admitted[-1], admitted[-1] - self._looks[0], now - self._looks[-1])

    def _admitted(self, now: float) -> list[float]:
        return [at for at in self._answers if self._looks[0] <= at <= now]

    def _told(self, admitted: Sequence[float], end: float, seconds: float, took: float) -> Refusal:
        self._looks.clear()
        self.window = FIRST
        last, last_seconds = _quickest(admitted, end)
        return Refusal(
            took=took,
            admitted=max(len(admitted), 1),
            seconds=max(seconds, 0.0),
            last=last,
            last_seconds=last_seconds,
        )


def _quickest(passed: Sequence[float], now: float) -> tuple[int, float]:
    """How many of the answers came in how many seconds, from when on they came quicker than the rate that all make guess."""
    if len(passed) < 2 or now <= passed[0]:
        return 0, 0.0
    rate = len(passed) / (now - passed[0] + SAVED_SPAN)
    beyond = [len(passed) - place - rate * (now - at) for place, at in enumerate(passed)]
    first = beyond.index(max(beyond))
    return len(passed) - first, now - passed[first]
