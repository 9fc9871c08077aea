"""Whose limit a refusal met, among the buckets of one side of a connection: some may share one that nobody told."""

from __future__ import annotations

import math
from collections.abc import Iterable


class Blame:
    """Of one bucket, with what is known of its refusals (429); times in seconds.

    Beside a busier one it is the busier one's limit that was met, or that of both. Whoever sent a few requests in the same
    time and took that for its own rate would crawl.
    """

    def __init__(self) -> None:
        self.refused_at, self.refused_until = -math.inf, -math.inf
        self._answers, self._answers_before = 0, 0
        self._excused_at = math.inf
        self._is_own = True

    def answered(self) -> None:
        """One more answer."""
        self._answers += 1

    def is_own(self, now: float, until: float, others: Iterable[Blame]) -> bool:
        """Whether a refusal that holds ``until`` then met a limit of its own. Further ones before that are the same one."""
        if now >= self.refused_until:
            self._answers, self._answers_before = 0, self._answers
            self._is_own = self._judged(now, [other for other in others if other.is_busier(self, now)])
            self.refused_at = now
        self.refused_until = max(self.refused_until, until)
        return self._is_own

    def is_busier(self, other: Blame, now: float) -> bool:
        """Whether it had more answers since it was refused than the other one, that is refused now."""
        answers = self._answers_before if now < self.refused_until else self._answers
        return self is not other and answers > other._answers_before

    def _judged(self, now: float, busier: list[Blame]) -> bool:
        if any(now < other.refused_until for other in busier):
            return False
        # A busier one may be refused in a moment. If none was after the last time, it is not theirs.
        excused_at, self._excused_at = self._excused_at, now
        return all(other.refused_at < excused_at < math.inf for other in busier)
