"""The rate limit of the whole fleet: buckets in Redis, each call one short script, all by Redis's clock."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from hub.connector import Bucket
from hub.policy import learned_rate, trail
from hub.policy.learned_rate import LearnedRate
from hub.policy.lessons import Lesson
from hub.policy.limiter import Grant, Level, Limiter, MemoryLimiter
from hub.policy.redis_link import RedisLink
from hub.policy.trail import Trail

PREFIX = "hub:limit:"

#: Of a ``LearnedRate``, as ``SCRIPT`` returns and ``LEARN`` takes them.
_FIELDS = ("wall", "saved", "spent", "rest", "until", "settled", "vain", "age", "last", "last_spent")
#: Times that somebody else may be faster with a lesson.
_TRIES = 5

#: Wanted, given back, block and reset are 0 and remaining is -1 where they do not apply; took is -1 where nothing was
#: refused. See ``limiter.Level`` and ``learned_rate.LearnedRate``. What a refusal teaches is worked out by who was refused,
#: from the fields that come back, and set by ``LEARN``.
SCRIPT = """
local now, rate, burst = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local wanted, unused = tonumber(ARGV[4]), tonumber(ARGV[5])
local block, remaining, reset, took = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])
if now < 0 then
  local time = redis.call('TIME')
  now = time[1] + time[2] / 1e6
end

local held = redis.call('HMGET', KEYS[1], 'tokens', 'at', 'blocked', 'left', 'until',
  'wall', 'saved', 'spent', 'rest', 'event', 'settled', 'vain', 'age', 'last', 'last_spent', 'sent', 'begun', 'marked',
  'marks')
for place = 1, 18 do held[place] = tonumber(held[place]) end
local tokens, at = held[1] or burst, held[2] or now
local blocked, left, untill = held[3] or 0, held[4] or 0, held[5] or 0
local wall, saved, spent, rest, event, settled, vain, age = unpack(held, 6, 13)
local sent, begun, marked, marks = held[16] or 0, held[17], held[18], held[19] or ''

local told, lot, pace = rate, 1, 0
local function learned()
  if not wall or vain >= %(IN_VAIN)s then return end
  local once = %(AT_ONCE)s * saved
  if settled == 1 then
    pace = wall * (1 + %(CAREFUL)s * (age / %(PLATEAU)s - 1) ^ 3)
    once = %(AT_ONCE)s * math.min(saved, wall * rest)
  else
    local bent = math.min(age, math.max(0, saved / (%(RISE)s * wall) - 1 / %(FASTEST)s))
    pace = wall / (1 - %(RISE)s * wall * bent / saved)
      * math.exp(math.min(%(FASTEST)s * (age - bent), math.log(%(GUESS_FORGOTTEN)s)))
    once = math.min(pace * %(BURST_SPAN)s, once)
  end
  if told > 0 and pace >= told then
    rate, lot = told, 1
    return
  end
  once = math.max(1, once)
  rate, lot = pace, math.max(1, math.min(pace * %(LOT_SPAN)s, once / 2))
  burst = told > 0 and math.min(once, tonumber(ARGV[3])) or once
end

learned()
local room = math.max(0, burst - tokens)
tokens = math.min(burst, tokens + math.max(0, now - at) * rate)
if wall then
  local most = wall * (settled == 1 and %(FORGOTTEN)s or %(GUESS_FORGOTTEN)s)
  if now >= event + %(KEPT)s or pace >= most then
    wall, rate, burst, lot = nil, told, tonumber(ARGV[3]), 1
  elseif vain < %(IN_VAIN)s and not (told > 0 and pace >= told) then
    age = age + math.min(math.max(0, now - math.max(at, blocked)), room / rate)
    burst = tonumber(ARGV[3])
    learned()
  end
end
tokens = math.min(burst, tokens + unused)
left = left + unused
if block > 0 then blocked = math.max(blocked, now + block) end
if remaining >= 0 then left, untill = remaining, now + reset end
if took >= 0 and wall and now - took < event then event = math.max(event, blocked) end

local granted, wait, windowed = 0, 0, untill > now
if blocked > now then
  wait = blocked - now
elseif wanted > 0 then
  granted = wanted
  if rate > 0 then granted = math.min(granted, math.floor(tokens + 1e-6)) end
  if windowed then granted = math.max(0, math.min(granted, left)) end
  if rate > 0 then
    tokens = tokens - granted
    if granted < wanted then wait = (math.min(lot, wanted - granted) - tokens) / rate end
  end
  left = left - granted
  if windowed and left < 1 then wait = math.max(wait, untill - now) end
end

local text = function(number) return string.format('%%.17g', number) end
local more, due = granted - unused, false
if wall and vain < %(IN_VAIN)s and more ~= 0 and (more > 0 or begun) then
  due = not begun or now - marked >= math.max(%(LEAST_APART)s, %(APART)s * (now - begun))
  if due then begun, marked, marks = begun or now, now, marks .. text(now) .. ' ' .. text(sent) .. ' ' end
  sent = sent + more
end

local matters = math.max(blocked - now, untill - now)
if rate > 0 then matters = math.max(matters, (burst - tokens) / rate) end
if wall then matters = math.max(matters, event + %(KEPT)s - now) end
local known = {}
if wall then known = {text(wall), text(saved), text(spent), text(rest), text(event), text(settled), text(vain), text(age),
  text(held[14] or 0), text(held[15] or 0), text(sent), took >= 0 and marks or ''} end
if matters > 0 then
  redis.call('HSET', KEYS[1], 'tokens', text(tokens), 'at', text(now), 'blocked', text(blocked),
    'left', text(left), 'until', text(untill))
  if wall then
    redis.call('HSET', KEYS[1], 'event', known[5], 'age', known[8], 'sent', known[11])
    if due then redis.call('HSET', KEYS[1], 'begun', text(begun), 'marked', text(marked), 'marks', marks) end
  elseif held[6] then
    redis.call('HDEL', KEYS[1], 'wall', 'saved', 'spent', 'rest', 'event', 'settled', 'vain', 'age', 'last',
      'last_spent', 'sent', 'begun', 'marked', 'marks')
  end
  redis.call('EXPIRE', KEYS[1], math.ceil(matters) + 60)
elseif held[2] then
  redis.call('DEL', KEYS[1])
end
local unlimited = rate == 0 and not windowed and blocked <= now
return {granted, text(wait), unlimited and 1 or 0, text(rate), text(now), text(blocked), known}
"""
#: Sets a learned rate, unless somebody else has since the fields came back; then 0. Its trail goes on or begins anew.
LEARN = """
local held = redis.call('HMGET', KEYS[1], 'event', 'saved')
if tonumber(held[1]) ~= tonumber(ARGV[1]) or tonumber(held[2]) ~= tonumber(ARGV[2]) then return 0 end
redis.call('HSET', KEYS[1], 'wall', ARGV[3], 'saved', ARGV[4], 'spent', ARGV[5], 'rest', ARGV[6], 'event', ARGV[7],
  'settled', ARGV[8], 'vain', ARGV[9], 'age', ARGV[10],
  'last', ARGV[11], 'last_spent', ARGV[12])
redis.call('EXPIRE', KEYS[1], ARGV[13])
if ARGV[14] == '1' then redis.call('HDEL', KEYS[1], 'sent', 'begun', 'marked', 'marks') end
return 1
"""


class RedisLimiter(Limiter):
    """Shares its buckets with every process on the same Redis, and keeps them alone while there is none.

    ``clock`` (seconds) replaces Redis's own; only a test has one.
    """

    def __init__(self, link: RedisLink, *, clock: Callable[[], float] | None = None) -> None:
        self._link = link
        self._script = link.script(SCRIPT % {**vars(learned_rate), **vars(trail)})
        self._learn = link.script(LEARN)
        self._clock = clock
        self._alone = MemoryLimiter()

    async def take(self, bucket: Bucket, wanted: int) -> Grant:
        """As the port says."""

        async def shared() -> Grant:
            granted, wait, unlimited, rate, *_ = await self._run(bucket, wanted=wanted)
            return Grant.of(int(granted), wanted, float(wait), unlimited=bool(unlimited), rate=float(rate))

        return await self._link.ask(shared, lambda: self._alone.take(bucket, wanted))

    async def give_back(self, bucket: Bucket, unused: int) -> None:
        """As the port says."""
        await self._link.ask(
            lambda: self._run(bucket, unused=unused), lambda: self._alone.give_back(bucket, unused)
        )

    async def learn(self, bucket: Bucket, lesson: Lesson) -> None:
        """As the port says."""
        await self._link.ask(lambda: self._taught(bucket, lesson), lambda: self._alone.learn(bucket, lesson))

    async def _taught(self, bucket: Bucket, lesson: Lesson) -> None:
        for _ in range(_TRIES):
            *_, now, blocked, fields = await self._run(bucket, lesson=lesson)
            if lesson.refusal is None:
                return
            known = _learned_rate(fields) if fields else None
            level = Level(tokens=0.0, at=float(now), blocked=float(blocked), learned=known)
            learned = level.refused(bucket, lesson.refusal, float(now)).learned
            if learned == known or (learned and await self._set(bucket, learned, fields)):
                return

    async def _set(self, bucket: Bucket, learned: LearnedRate, expected: list[bytes]) -> bool:
        """Whether it is what the fleet knows now: not where somebody was faster."""
        texts = [expected[4], expected[1]] if expected else ["", ""]
        numbers = [float(getattr(learned, name)) for name in _FIELDS]
        keep = math.ceil(learned.rest + learned_rate.KEPT) + 60
        anew = int(not learned.trail.marks)
        return bool(await self._learn([PREFIX + bucket.key], [*texts, *map(repr, numbers), keep, anew]))

    async def _run(
        self, bucket: Bucket, *, wanted: int = 0, unused: int = 0, lesson: Lesson | None = None
    ) -> Any:
        now = self._clock() if self._clock else -1.0
        block = lesson.block.total_seconds() if lesson and lesson.block else 0.0
        reset = lesson.reset.total_seconds() if lesson and lesson.reset else 0.0
        remaining = lesson.remaining if lesson and lesson.reset and lesson.remaining is not None else -1
        took = lesson.refusal.took if lesson and lesson.refusal else -1.0
        numbers = (now, bucket.rate or 0.0, bucket.burst, wanted, unused, block, remaining, reset, took)
        return await self._script([PREFIX + bucket.key], [repr(number) for number in numbers])


def _learned_rate(fields: list[bytes]) -> LearnedRate:
    wall, saved, spent, rest, until, settled, vain, age, last, last_spent, sent = map(float, fields[:-1])
    points = [*map(float, fields[-1].split())]
    return LearnedRate(
        wall=wall,
        saved=saved,
        spent=spent,
        rest=rest,
        until=until,
        settled=bool(settled),
        vain=int(vain),
        age=age,
        last=last,
        last_spent=last_spent,
        trail=Trail(sent=sent, marks=tuple(zip(points[::2], points[1::2], strict=True))),
    )
