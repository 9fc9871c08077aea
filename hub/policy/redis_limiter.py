"""The rate limit of the whole fleet: buckets in Redis, each call one short script, all by Redis's clock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hub.connector import Bucket
from hub.policy.lessons import Lesson
from hub.policy.limiter import Grant, Limiter, MemoryLimiter
from hub.policy.redis_link import RedisLink

PREFIX = "hub:limit:"

#: Wanted, given back, block and reset are 0 and remaining is -1 where they do not apply. See ``limiter.Level``.
SCRIPT = """
local now, rate, burst = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local wanted, unused = tonumber(ARGV[4]), tonumber(ARGV[5])
local block, remaining, reset = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
if now < 0 then
  local time = redis.call('TIME')
  now = time[1] + time[2] / 1e6
end

local held = redis.call('HMGET', KEYS[1], 'tokens', 'at', 'blocked', 'left', 'until')
local tokens, at = tonumber(held[1]) or burst, tonumber(held[2]) or now
local blocked, left, untill = tonumber(held[3]) or 0, tonumber(held[4]) or 0, tonumber(held[5]) or 0

tokens = math.min(burst, tokens + math.max(0, now - at) * rate + unused)
left = left + unused
if block > 0 then blocked = math.max(blocked, now + block) end
if remaining >= 0 then left, untill = remaining, now + reset end

local granted, wait, windowed = 0, 0, untill > now
if blocked > now then
  wait = blocked - now
elseif wanted > 0 then
  granted = wanted
  if rate > 0 then granted = math.min(granted, math.floor(tokens + 1e-6)) end
  if windowed then granted = math.min(granted, left) end
  if rate > 0 then
    tokens = tokens - granted
    wait = math.max(wait, (1 - tokens) / rate)
  end
  left = left - granted
  if windowed and left < 1 then wait = math.max(wait, untill - now) end
end

local matters = math.max(blocked - now, untill - now)
if rate > 0 then matters = math.max(matters, (burst - tokens) / rate) end
if matters > 0 then
  local text = function(number) return string.format('%.17g', number) end
  redis.call('HSET', KEYS[1], 'tokens', text(tokens), 'at', text(now), 'blocked', text(blocked),
    'left', text(left), 'until', text(untill))
  redis.call('EXPIRE', KEYS[1], math.ceil(matters) + 60)
elseif held[2] then
  redis.call('DEL', KEYS[1])
end
local unlimited = rate == 0 and not windowed and blocked <= now
return {granted, string.format('%.17g', wait), unlimited and 1 or 0}
"""


class RedisLimiter(Limiter):
    """Shares its buckets with every process on the same Redis, and keeps them alone while there is none.

    ``clock`` (seconds) replaces Redis's own; only a test has one.
    """

    def __init__(self, link: RedisLink, *, clock: Callable[[], float] | None = None) -> None:
        self._link = link
        self._script = link.script(SCRIPT)
        self._clock = clock
        self._alone = MemoryLimiter()

    async def take(self, bucket: Bucket, wanted: int) -> Grant:
        """As the port says."""

        async def shared() -> Grant:
            granted, wait, unlimited = await self._run(bucket, wanted=wanted)
            return Grant.of(int(granted), wanted, float(wait), unlimited=bool(unlimited))

        return await self._link.ask(shared, lambda: self._alone.take(bucket, wanted))

    async def give_back(self, bucket: Bucket, unused: int) -> None:
        """As the port says."""
        await self._link.ask(
            lambda: self._run(bucket, unused=unused), lambda: self._alone.give_back(bucket, unused)
        )

    async def learn(self, bucket: Bucket, lesson: Lesson) -> None:
        """As the port says."""
        await self._link.ask(
            lambda: self._run(bucket, lesson=lesson), lambda: self._alone.learn(bucket, lesson)
        )

    async def _run(
        self, bucket: Bucket, *, wanted: int = 0, unused: int = 0, lesson: Lesson | None = None
    ) -> Any:
        now = self._clock() if self._clock else -1.0
        block = lesson.block.total_seconds() if lesson and lesson.block else 0.0
        reset = lesson.reset.total_seconds() if lesson and lesson.reset else 0.0
        remaining = lesson.remaining if lesson and lesson.reset and lesson.remaining is not None else -1
        numbers = (now, bucket.rate or 0.0, bucket.burst, wanted, unused, block, remaining, reset)
        return await self._script([PREFIX + bucket.key], [repr(number) for number in numbers])
