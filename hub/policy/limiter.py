"""The rate limit: token buckets that are taken from in lots, and that learn from what answers say.

Here stand the port and the adapter for one process; ``redis_limiter`` shares the buckets with the fleet.
"""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from hub.connector import Bucket
from hub.policy.learned_rate import LearnedRate
from hub.policy.lessons import Lesson, Refusal

#: Tokens are fractions; this much less than a whole one is one.
NEARLY = 1e-6
#: Who got less than wanted never comes back sooner, however fast the bucket fills.
LEAST_WAIT = timedelta(milliseconds=1)
#: Buckets in a process, beyond which those that say nothing any more are forgotten.
MOST_BUCKETS = 1024


@dataclass(frozen=True, kw_only=True)
class Grant:
    """``granted`` tokens were taken; ``wait`` is the time until a further one, zero where all wanted were granted.

    ``unlimited``: nothing limits this bucket for now, and nothing was counted. ``rate``: tokens a second, told or learned;
    0 for neither.
    """

    granted: int
    wait: timedelta = timedelta(0)
    unlimited: bool = False
    rate: float = 0.0

    @classmethod
    def of(cls, granted: int, wanted: int, wait: float, *, unlimited: bool, rate: float) -> Grant:
        """From the numbers of an adapter; ``wait`` in seconds."""
        if granted >= wanted:
            return cls(granted=granted, unlimited=unlimited, rate=rate)
        pause = max(timedelta(seconds=wait), LEAST_WAIT)
        return cls(granted=granted, wait=pause, unlimited=unlimited, rate=rate)


class Limiter(ABC):
    """Token buckets. Buckets with one key are one, whoever asks; the rate and size are the asker's."""

    @abstractmethod
    async def take(self, bucket: Bucket, wanted: int) -> Grant:
        """Take up to ``wanted`` (at least 1) tokens at once. Never raises."""

    @abstractmethod
    async def give_back(self, bucket: Bucket, unused: int) -> None:
        """Return tokens that were taken and not used, as far as the bucket holds them. Never raises."""

    @abstractmethod
    async def learn(self, bucket: Bucket, lesson: Lesson) -> None:
        """Hold everyone to what an answer said, less what the caller has in hand.

        A block lasts, whatever later answers say; of what remains, the latest answer counts. Never raises.
        """


class MemoryLimiter(Limiter):
    """For one process: `hub run` without Redis, and a fleet whose Redis is away."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._levels: dict[str, Level] = {}

    async def take(self, bucket: Bucket, wanted: int) -> Grant:
        """As the port says."""
        now = self._clock()
        level, grant = self._level(bucket, now).taken(bucket, wanted, now)
        self._keep(bucket, level, now)
        return grant

    async def give_back(self, bucket: Bucket, unused: int) -> None:
        """As the port says."""
        now = self._clock()
        self._keep(bucket, self._level(bucket, now).given_back(bucket, unused, now), now)

    async def learn(self, bucket: Bucket, lesson: Lesson) -> None:
        """As the port says."""
        now = self._clock()
        self._keep(bucket, self._level(bucket, now).taught(bucket, lesson, now), now)

    def _level(self, bucket: Bucket, now: float) -> Level:
        level = self._levels.get(bucket.key)
        return level.refilled(bucket, now) if level else Level(tokens=bucket.burst, at=now)

    def _keep(self, bucket: Bucket, level: Level, now: float) -> None:
        self._levels[bucket.key] = level
        if len(self._levels) > MOST_BUCKETS:
            self._levels = {key: kept for key, kept in self._levels.items() if kept.matters(now)}


@dataclass(frozen=True, kw_only=True, slots=True)
class Level:
    """How full a bucket is, with the arithmetic of ``redis_limiter.SCRIPT``; times are seconds of one clock.

    Until ``until``, ``left`` tokens are left by the word of the other side. At ``full`` it has refilled.
    """

    tokens: float
    at: float
    full: float = 0.0
    blocked: float = 0.0
    left: int = 0
    until: float = 0.0
    learned: LearnedRate | None = None

    def taught(self, bucket: Bucket, lesson: Lesson, now: float) -> Level:
        """Held to what an answer said."""
        level = self
        if lesson.block is not None:
            level = replace(level, blocked=max(level.blocked, now + lesson.block.total_seconds()))
        if lesson.remaining is not None and lesson.reset is not None:
            level = replace(level, left=lesson.remaining, until=now + lesson.reset.total_seconds())
        return level.refused(bucket, lesson.refusal, now) if lesson.refusal else level

    def refused(self, bucket: Bucket, refusal: Refusal, now: float) -> Level:
        """With a rate learned from what is blocked already."""
        learned, until = self.learned, self.blocked
        if learned is None and until <= now:  # somebody tells of a refusal that is forgotten already
            return self
        if learned is None:
            learned = LearnedRate.guess(refusal, bucket.rate or 0.0, now, until)
        elif now - refusal.took < learned.until:
            learned = learned.refused_as_well(refusal, until)
        else:
            learned = learned.refused(refusal.took, now, until)
        return replace(self, learned=learned)

    def refilled(self, bucket: Bucket, now: float) -> Level:
        """With what dripped in since the last look. A learned rate is older by the time in which there was room."""
        rate, burst, _ = self._limit(bucket)
        tokens = min(burst, self.tokens + max(0.0, now - self.at) * rate)
        level = replace(self, tokens=tokens, at=now)
        if self.learned is None or not self.learned.holds(now):
            return replace(level, learned=None)
        if self.learned.given_up or (bucket.rate and self.learned.pace >= bucket.rate):
            return level
        free = max(0.0, now - max(self.at, self.blocked))
        return replace(level, learned=self.learned.used(min(free, max(0.0, burst - self.tokens) / rate)))

    def taken(self, bucket: Bucket, wanted: int, now: float) -> tuple[Level, Grant]:
        """Less up to ``wanted`` tokens."""
        windowed, (rate, burst, lot) = self.until > now, self._limit(bucket)
        if self.blocked > now:
            return self, Grant.of(0, wanted, self.blocked - now, unlimited=False, rate=rate)
        granted = min(wanted, math.floor(self.tokens + NEARLY)) if rate else wanted
        granted = max(0, min(granted, self.left)) if windowed else granted
        tokens = self.tokens - granted if rate else self.tokens
        full = now + (burst - tokens) / rate if rate else 0.0
        learned = self._having_sent(granted, now)
        level = replace(self, tokens=tokens, full=full, left=self.left - granted, learned=learned)
        wait = max(
            (min(lot, wanted - granted) - tokens) / rate if rate and granted < wanted else 0.0,
            self.until - now if level.left < 1 and windowed else 0.0,
        )
        return level, Grant.of(granted, wanted, wait, unlimited=not rate and not windowed, rate=rate)

    def given_back(self, bucket: Bucket, unused: int, now: float) -> Level:
        """With tokens that were not used."""
        _, burst, _ = self._limit(bucket)
        tokens = min(burst, self.tokens + unused)
        return replace(self, tokens=tokens, left=self.left + unused, learned=self._having_sent(-unused, now))

    def matters(self, now: float) -> bool:
        """Whether a new bucket would be fuller."""
        kept = self.learned is not None and self.learned.holds(now)
        return kept or max(self.blocked, self.until, self.full) > now

    def _having_sent(self, sent: int, now: float) -> LearnedRate | None:
        if self.learned is None or self.learned.given_up or not sent:
            return self.learned
        return self.learned.sent(sent, now)

    def _limit(self, bucket: Bucket) -> tuple[float, float, float]:
        """Tokens a second, how many there may be at most, and how many are worth waiting for."""
        rate, learned = bucket.rate or 0.0, self.learned
        if learned is None or learned.given_up or (rate and learned.pace >= rate):
            return rate, float(bucket.burst), 1.0
        return learned.pace, min(learned.burst, bucket.burst) if rate else learned.burst, learned.lot
