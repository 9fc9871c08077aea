"""Writes by their idempotency key: a repetition is answered as before, another content under one key is a breach."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from hub.records import JSON

Answer = tuple[int, JSON | None]


class Writes:
    """All that came with a key."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[bytes, Answer]] = {}
        self.doubled: Counter[str] = Counter()
        self.repeated = 0
        self.without_key = 0

    def once(self, key: str | None, content: bytes, write: Callable[[], Answer]) -> Answer:
        """The answer of ``write``, or the one that the same key and content had."""
        if not key:
            self.without_key += 1
            return write()
        seen = self._seen.get(key)
        if seen is None:
            answer = write()
            if answer[0] < 400:
                self._seen[key] = content, answer
            return answer
        if seen[0] != content:
            self.doubled[key] += 1
            return 409, {"errors": ["this idempotency key has had another content"]}
        self.repeated += 1
        return seen[1]
