"""Tokens in hand, so that not every request has to take one."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta

from hub.connector import Bucket
from hub.errors import ThrottledError
from hub.http.blame import Blame
from hub.http.slow_start import SlowStart
from hub.policy.lessons import Lesson
from hub.policy.limiter import Limiter

#: Seconds that a request may wait for its token; a longer wait goes back to the loop.
PATIENCE = 2.0
#: Seconds for which an unlimited bucket is believed to be so.
BELIEF = 0.5
#: A lot is never more than what the bucket gets in so many seconds, so that tokens are used about when they were taken.
LOT_SPAN = 0.5
#: Seconds after which the rest of a lot is given back.
LOT_LIFE = 1.0
#: Seconds between two lessons of one bucket for the fleet, unless it is a block.
TELL_EVERY = 0.25


class Lot:
    """Tokens in hand from one bucket, and what is known about it."""

    def __init__(self, limiter: Limiter, bucket: Bucket, name: str, clock: Callable[[], float]) -> None:
        self._limiter = limiter
        self._bucket = bucket
        self._name = name
        self._clock = clock
        self._lock = asyncio.Lock()
        self._tokens = 0
        self._good_until = 0.0
        self._unlimited_until = 0.0
        self._nothing_until = 0.0
        self._no_more_until = 0.0
        self._turned_away = 0
        self._rate = bucket.rate or math.inf
        self._start = SlowStart()
        self._told_at = -TELL_EVERY
        self._untold: Lesson | None = None
        #: Requests that were admitted and are not answered: whoever counted for an answer has not seen them all.
        self.under_way = 0
        self.blame = Blame()
        self._waiting = 0

    def spend(self, now: float) -> bool:
        """Whether a request may go now; a token is gone then."""
        if now < self._nothing_until:
            return False
        if now < self._unlimited_until:
            return self.under_way < self._start.window
        if self._tokens and now < self._good_until:
            self._tokens -= 1
            return True
        return False

    async def acquire(self, wanted: Callable[[], int]) -> float:
        """Wait for a token, in turn; the seconds that it took. Raises ``ThrottledError`` rather than wait long."""
        begin = self._clock()
        self._refuse_beyond(begin + PATIENCE)
        self._waiting += 1
        try:
            async with self._lock:
                while not self.spend(self._clock()):
                    self._refuse_beyond(begin + PATIENCE)
                    await self._more(wanted)
        finally:
            self._waiting -= 1
        return self._clock() - begin

    def returned(self) -> None:
        """An admitted request is answered, or never will be."""
        self.under_way -= 1
        self.blame.answered()
        self._start.answered(self._clock())

    async def learn(self, lesson: Lesson, took: float = 0.0, beside: Iterable[Lot] = ()) -> None:
        """A block holds here at once; the fleet is told of it at once too, and of a mere count now and then.

        Of what remains, those that are under way may have to be paid yet. The answer ``took`` so many seconds. Where it met
        the limit of one ``beside`` it is no measure of this one's rate.
        """
        now, is_refused = self._clock(), lesson.refusal is not None
        if is_refused:
            until = now + (lesson.block or timedelta(0)).total_seconds()
            refusal = self._start.refused(now, took)
            is_own = self.blame.is_own(now, until, [other.blame for other in beside])
            lesson = replace(lesson, refusal=refusal if is_own else None)
        if lesson.remaining is not None:
            lesson = replace(lesson, remaining=max(lesson.remaining - self.under_way, 0))
        if lesson.block:
            self._nothing_until = max(self._nothing_until, now + lesson.block.total_seconds())
        if is_refused:  # what is in hand was not sent
            await self._give_back()
        if lesson.remaining is not None:
            self._tokens = min(self._tokens, lesson.remaining)
        self._untold = lesson
        if lesson.block or now < self._unlimited_until or now >= self._told_at + TELL_EVERY:
            await self._tell()

    async def settle(self) -> None:
        """Nothing is going on: tokens go back, and the fleet hears the latest."""
        await self._give_back()
        await self._tell()

    async def _tell(self) -> None:
        lesson, self._untold = self._untold, None
        if lesson is None:
            return
        self._told_at, self._unlimited_until = self._clock(), 0.0
        if lesson.remaining is not None:  # those in hand are among them, and not the fleet's any more
            lesson = replace(lesson, remaining=lesson.remaining - self._tokens)
        await self._limiter.learn(self._bucket, lesson)

    async def _give_back(self) -> None:
        unused, self._tokens = self._tokens, 0
        if unused:
            await self._limiter.give_back(self._bucket, unused)

    def _refuse_beyond(self, latest: float) -> None:
        until = self._empty_until()
        if until <= latest:
            return
        # Those that are turned away come back one after the other, not all for the same token.
        wait = until - self._clock() + self._turned_away / self._rate
        self._turned_away += 1
        raise ThrottledError(
            f"the rate limit {self._name} has nothing for {wait:.1f} s",
            wait=timedelta(seconds=max(wait, 0.0)),
        )

    def _empty_until(self) -> float:
        return self._nothing_until if self._tokens else max(self._nothing_until, self._no_more_until)

    async def _more(self, wanted: Callable[[], int]) -> None:
        """Wait for what is missing: time, an answer, or tokens."""
        now, until = self._clock(), self._empty_until()
        if now < until:
            await asyncio.sleep(until - now)
        elif now < self._unlimited_until:
            await self._start.answer()
        else:
            await self._refill(wanted())

    async def _refill(self, wanted: int) -> None:
        rate = self._bucket.rate
        await self._give_back()
        # Of a learned rate only what is sent at once: what is in hand would count as sent when it is measured.
        lot = min(wanted, max(1, math.ceil(rate * LOT_SPAN))) if rate else self._waiting
        grant = await self._limiter.take(self._bucket, lot)
        now, self._rate = self._clock(), grant.rate or math.inf
        if grant.unlimited:
            self._unlimited_until = now + BELIEF
            self._start.look(now)
            return
        heard = self._start.heard(now) if grant.rate else None
        if grant.granted:
            self._tokens, self._good_until, self._turned_away = grant.granted, now + LOT_LIFE, 0
            self._no_more_until = now + grant.wait.total_seconds()
        else:
            self._nothing_until = max(self._nothing_until, now + grant.wait.total_seconds())
        if heard:
            await self._limiter.learn(self._bucket, Lesson(refusal=heard))
