"""The circuit breaker of the whole fleet: counted in Redis, each call one short script, all by Redis's clock."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from hub.policy import circuit
from hub.policy.circuit import Circuit, CircuitStatus, MemoryCircuit, Permit, State
from hub.policy.redis_link import RedisLink

PREFIX = "hub:circuit:"

#: See ``circuit.Breaker``. ``ARGV[2]`` is ``allow`` (wanted) or ``record`` (successes, failures, unused) or ``look``.
SCRIPT = f"""
local FAILURES_TO_OPEN, PROBES = {circuit.FAILURES_TO_OPEN}, {circuit.PROBES}
local OPEN_FOR, LEASE = {circuit.OPEN_FOR.total_seconds()}, {circuit.PROBE_LEASE.total_seconds()}
local PROBE_WAIT, FORGET = {circuit.PROBE_WAIT.total_seconds()}, {int(circuit.FORGET_AFTER.total_seconds())}
local now, verb = tonumber(ARGV[1]), ARGV[2]
if now < 0 then
  local time = redis.call('TIME')
  now = time[1] + time[2] / 1e6
end

local held = redis.call('HMGET', KEYS[1], 'failures', 'open_until', 'successes', 'probes', 'lease')
local failures, open_until = tonumber(held[1]) or 0, tonumber(held[2]) or 0
local successes, probes, lease = tonumber(held[3]) or 0, tonumber(held[4]) or 0, tonumber(held[5]) or 0

local function state()
  if open_until == 0 then return 'closed' end
  return open_until > now and 'open' or 'half_open'
end
local function keep()
  local text = function(number) return string.format('%.17g', number) end
  redis.call('HSET', KEYS[1], 'failures', failures, 'open_until', text(open_until),
    'successes', successes, 'probes', probes, 'lease', text(lease))
  redis.call('EXPIRE', KEYS[1], FORGET)
end
local function forget()
  failures, open_until = 0, 0
  redis.call('DEL', KEYS[1])
end
local function open()
  open_until, successes, probes, lease = now + OPEN_FOR, 0, 0, 0
  keep()
end

local allowed = 0
if verb == 'allow' then
  local wanted = tonumber(ARGV[3])
  if state() == 'closed' then
    allowed = wanted
  elseif state() == 'half_open' then
    if lease <= now then probes = 0 end
    allowed = math.min(wanted, math.max(0, PROBES - successes - probes))
    if allowed > 0 then
      probes, lease = probes + allowed, now + LEASE
      keep()
    end
  end
elseif verb == 'record' then
  local won, lost, unused = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
  if state() == 'closed' then
    failures = (won > 0 and 0 or failures) + lost
    if failures >= FAILURES_TO_OPEN then open() elseif failures > 0 then keep() elseif held[1] then forget() end
  elseif state() == 'half_open' then
    failures, successes, probes = failures + lost, successes + won, math.max(0, probes - won - unused)
    if lost > 0 then open() elseif successes >= PROBES then forget() else keep() end
  end
end

local wait = 0
if state() == 'open' then wait = open_until - now end
if state() == 'half_open' and allowed == 0 then wait = math.min(PROBE_WAIT, math.max(0, lease - now)) end
return {{allowed, state(), string.format('%.17g', wait), failures}}
"""


class RedisCircuit(Circuit):
    """Counts with every process on the same Redis, and alone while there is none.

    ``clock`` (seconds) replaces Redis's own; only a test has one.
    """

    def __init__(self, link: RedisLink, *, clock: Callable[[], float] | None = None) -> None:
        self._link = link
        self._script = link.script(SCRIPT)
        self._clock = clock
        self._alone = MemoryCircuit()

    async def allow(self, key: str, wanted: int) -> Permit:
        """As the port says."""
        return await self._link.ask(
            lambda: self._permit(key, "allow", wanted), lambda: self._alone.allow(key, wanted)
        )

    async def record(self, key: str, *, successes: int = 0, failures: int = 0, unused: int = 0) -> Permit:
        """As the port says."""
        return await self._link.ask(
            lambda: self._permit(key, "record", successes, failures, unused),
            lambda: self._alone.record(key, successes=successes, failures=failures, unused=unused),
        )

    async def snapshot(self) -> Sequence[CircuitStatus]:
        """As the port says."""
        return await self._link.ask(self._snapshot, self._alone.snapshot)

    async def _snapshot(self) -> Sequence[CircuitStatus]:
        names = [_text(name) async for name in self._link.redis.scan_iter(match=f"{PREFIX}*", count=1000)]
        async with self._link.redis.pipeline(transaction=False) as pipe:
            for name in names:
                await self._script([name], self._arguments("look"), pipe)
            looks = await pipe.execute()
        found = [
            CircuitStatus(key=name.removeprefix(PREFIX), state=_state(state), failures=int(failures))
            for name, (_, state, _, failures) in zip(names, looks, strict=True)
        ]
        return sorted(found, key=lambda status: status.key)

    async def _permit(self, key: str, verb: str, *numbers: int) -> Permit:
        allowed, state, wait, _ = await self._script([PREFIX + key], self._arguments(verb, *numbers))
        return Permit(allowed=int(allowed), state=_state(state), wait=timedelta(seconds=float(wait)))

    def _arguments(self, verb: str, *numbers: int) -> list[str]:
        now = self._clock() if self._clock else -1.0
        return [repr(now), verb, *(repr(number) for number in numbers)]


def _state(value: Any) -> State:
    state: State = _text(value)  # type: ignore[assignment]
    return state


def _text(value: Any) -> str:
    """What a client gives that may or may not decode its answers."""
    return value.decode() if isinstance(value, bytes) else str(value)
