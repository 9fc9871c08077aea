"""The rate that nobody told the hub, learned from refusals (429). Pure; times are seconds, rates requests a second.

The other side is taken for a bucket: so many requests a second, and so many more that it has saved up. What passes before
the first refusal is mostly what was saved, so it bounds that and gives a careful guess of the rate. The guess rises until
it is refused as well. Then there is one rate that explains both: at which the requests that went beyond it, in the time in
which they were most, are those saved up. That rate is held to and rises by the third power of time: not at all for long, so that
refusals are rare, and by and by fast, so that a higher limit is found.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from hub.policy.lessons import Refusal
from hub.policy.trail import UNTRODDEN, Trail

#: Seconds in which the other side is taken to save up what it had, until it is measured.
SAVED_SPAN = 0.35
#: A guess rises by this part of itself in the time in which what was saved would pass. At twice the rate it is used up.
RISE = 0.15
#: But by no more than this part of itself in a second.
FASTEST = 3.0
#: The part of a measured rate that is held to.
SHARE = 0.99
#: The part less with which it begins after a refusal,
CAREFUL = 0.04
#: the seconds of use until it is back, and from when on it rises beyond.
PLATEAU = 10.0
#: The part of what was saved up that is sent at once after a refusal, as it is saved up again.
AT_ONCE = 0.4
#: Seconds' worth of a guess that may be sent at once, and of any learned rate that is taken at once.
BURST_SPAN, LOT_SPAN = 0.05, 0.02
#: The part of a told rate that is guessed to be right when it is refused.
OF_TOLD = 0.7
#: Seconds of use before which a measured rate ought not to be refused, as it is not yet back where it was.
TOO_SOON = 8.0
#: Refusals in a row that come too soon: then they have nothing to do with the rate, and no rate is held to.
IN_VAIN = 5
#: There is no limit any more where so many times the measured rate, or the first guess, was not refused,
FORGOTTEN, GUESS_FORGOTTEN = 20.0, 1000.0
#: or so many seconds after the last refusal.
KEPT = 300.0

#: Halvings that find a rate to a millionth.
_STEPS = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class LearnedRate:
    """One bucket's rate; ``redis_limiter.SCRIPT`` has the same ``pace``, ``burst`` and ``lot``.

    ``wall`` was measured (``settled``) or guessed ``age`` seconds of use ago. Up to ``saved`` requests were saved up, less
    what the rate makes of ``spent`` seconds, or ``last`` less what it makes of ``last_spent``, if that is more: nothing saved
    is used while requests come slowly. No more than what it makes of ``rest``, the seconds of the last refusal.
    The latest ``vain`` refusals came too soon. The ``trail`` is of what was sent since.
    Requests that were sent before ``until``, a point in time, were refused with it.
    """

    wall: float
    saved: float
    spent: float = 0.0
    last: float = 0.0
    last_spent: float = 0.0
    rest: float
    until: float
    settled: bool = False
    vain: int = 0
    age: float = 0.0
    trail: Trail = UNTRODDEN

    @classmethod
    def guess(cls, refusal: Refusal, rate: float, now: float, until: float) -> LearnedRate:
        """At the first refusal of a bucket; ``rate`` is the one that was told, or 0."""
        saved = max(1.0, rate * SAVED_SPAN) if rate else float(max(refusal.admitted, 1))
        if rate:
            return cls(wall=rate * OF_TOLD, saved=saved, rest=until - now, until=until)
        return cls(
            wall=_guessed(saved, refusal.seconds, refusal.last, refusal.last_seconds),
            saved=saved,
            spent=refusal.seconds,
            last=float(refusal.last),
            last_spent=refusal.last_seconds,
            rest=until - now,
            until=until,
        )

    @property
    def pace(self) -> float:
        """Requests a second, now."""
        return self._pace_at(self.age)

    @property
    def burst(self) -> float:
        """Requests that may be sent at once."""
        return self._at_once if self.settled else max(1.0, min(self.pace * BURST_SPAN, self.saved * AT_ONCE))

    @property
    def lot(self) -> float:
        """Requests that are worth waiting for, rather than for a single one."""
        return max(1.0, min(self.pace * LOT_SPAN, self.burst / 2))

    @property
    def given_up(self) -> bool:
        """Whether whatever rate is refused, so that none is held to until all is forgotten."""
        return self.vain >= IN_VAIN

    def holds(self, now: float) -> bool:
        """Whether it is worth keeping."""
        return now < self.until + KEPT and self.pace < self.wall * (
            FORGOTTEN if self.settled else GUESS_FORGOTTEN
        )

    def used(self, seconds: float) -> LearnedRate:
        """After so many seconds in which requests waited for it."""
        return replace(self, age=self.age + seconds)

    def sent(self, number: float, now: float) -> LearnedRate:
        """After so many requests by it; a negative number were not sent after all."""
        return replace(self, trail=self.trail.more(number, now))

    def refused_as_well(self, refusal: Refusal, until: float) -> LearnedRate:
        """After a further refusal by the same lack: of a process that has not told yet what it was admitted, too."""
        later = replace(self, until=max(self.until, until))
        if self.settled or self.age or not refusal.admitted:
            return later
        saved, spent = self.saved + refusal.admitted, max(self.spent, refusal.seconds)
        last, last_spent = self.last + refusal.last, max(self.last_spent, refusal.last_seconds)
        wall = _guessed(saved, spent, last, last_spent)
        return replace(later, saved=saved, spent=spent, last=last, last_spent=last_spent, wall=wall)

    def refused(self, took: float, now: float, until: float) -> LearnedRate:
        """After the next refusal, which took ``took`` seconds to come."""
        if self.given_up:
            return self
        end = now - took
        rate, settled = self._explanation(self.trail.until(end, now), end)
        too_soon = self.age - took < TOO_SOON if self.settled else not settled
        saved = self._saved_by(rate) if settled else self.saved / 2
        return LearnedRate(
            wall=rate * SHARE,
            saved=max(1.0, saved),
            rest=until - now,
            until=until,
            settled=settled,
            vain=self.vain + 1 if too_soon else 0,
        )

    def _explanation(self, trail: Trail, end: float) -> tuple[float, bool]:
        """The rate that explains a refusal of what was sent at ``end``, and whether that is a measure."""
        low, high = self._pace_at(0.0) / 2, self.pace
        if trail.sent <= 1 or self._unexplained(low, trail, end) <= 0:
            return low, False
        for _ in range(_STEPS):
            middle = (low + high) / 2
            low, high = (middle, high) if self._unexplained(middle, trail, end) > 0 else (low, middle)
        return high, True

    def _unexplained(self, rate: float, trail: Trail, end: float) -> float:
        """Requests beyond a rate, less those that can have been saved up at it."""
        return trail.beyond(rate, end) - max(0.0, min(self._saved_by(rate), rate * self.rest))

    def _saved_by(self, rate: float) -> float:
        """What was saved up, if that is the rate."""
        return max(self.saved - rate * self.spent, self.last - rate * self.last_spent)

    def _pace_at(self, age: float) -> float:
        if self.settled:
            return self.wall * (1 + CAREFUL * (age / PLATEAU - 1) ** 3)
        bent = min(age, self._bend)
        return self.wall / (1 - RISE * self.wall * bent / self.saved) * math.exp(_growth(age - bent))

    @property
    def _bend(self) -> float:
        """The age at which a guess begins to rise as fast as ever."""
        return max(0.0, self.saved / (RISE * self.wall) - 1 / FASTEST)

    @property
    def _at_once(self) -> float:
        return max(1.0, AT_ONCE * min(self.saved, self.wall * self.rest))


def _growth(seconds: float) -> float:
    return min(FASTEST * seconds, math.log(GUESS_FORGOTTEN))


def _guessed(saved: float, seconds: float, last: float, last_seconds: float) -> float:
    """A rate that is probably not too high."""
    return max(saved / (seconds + SAVED_SPAN), last / (last_seconds + SAVED_SPAN))
