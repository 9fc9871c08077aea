"""How many requests were sent until when: it tells, once one is refused, how many were too many. Pure; times in seconds."""

from __future__ import annotations

from dataclasses import dataclass, replace

#: Marks are so many seconds apart, or this part of the time since the first, if that is more.
LEAST_APART, APART = 0.02, 0.0625


@dataclass(frozen=True, kw_only=True, slots=True)
class Trail:
    """``sent`` requests so far, and ``marks``: points in time, each with what had been sent before it.

    The first is that of the first request. ``redis_limiter.SCRIPT`` makes the same marks.
    """

    sent: float = 0.0
    marks: tuple[tuple[float, float], ...] = ()

    def more(self, number: float, now: float) -> Trail:
        """With so many more; a negative number were not sent after all."""
        if number <= 0 and not self.marks:
            return self
        marks = (*self.marks, (now, self.sent)) if self._is_due(now) else self.marks
        return Trail(sent=self.sent + number, marks=marks)

    def until(self, end: float, now: float) -> Trail:
        """Without what was sent from ``end`` until ``now``."""
        kept = tuple(mark for mark in self.marks if mark[0] < end)
        if not kept:
            return UNTRODDEN
        later, sent = next((mark for mark in self.marks if mark[0] >= end), (now, self.sent))
        at, before = kept[-1]
        share = (end - at) / (later - at) if end < later else 1.0
        return replace(self, sent=before + (sent - before) * share, marks=kept)

    def beyond(self, rate: float, end: float) -> float:
        """The requests beyond those of a rate, in the time until ``end`` in which they were most."""
        return max((self.sent - before - rate * (end - at) for at, before in self.marks), default=0.0)

    def _is_due(self, now: float) -> bool:
        if not self.marks:
            return True
        first, last = self.marks[0][0], self.marks[-1][0]
        return now - last >= max(LEAST_APART, APART * (now - first))


#: Nothing was sent yet.
UNTRODDEN = Trail()
