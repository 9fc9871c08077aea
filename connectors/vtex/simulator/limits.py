"""Token buckets with burst credits, and how they are spoken of in headers (vtex facts, "Hosts, auth, limits")."""

from __future__ import annotations

import math
from email.utils import formatdate
from typing import get_args

from connectors.vtex.simulator.clock import Clock
from connectors.vtex.simulator.options import Options
from connectors.vtex.simulator.web import Group, Headers
from hub.errors import ConfigurationError

#: Seconds times requests a second are not always whole where they ought to be.
_ROUNDING = 1e-6


class Limits:
    """The bucket of each group of routes, or the one that they share."""

    def __init__(self, options: Options, clock: Clock) -> None:
        self._options, self._clock = options, clock
        self._buckets: dict[Group, Bucket] = {}
        if options.rate is not None:
            common = Bucket(clock, options.rate, options.burst)
            for group in get_args(Group):
                own = options.limit_scope == "group"
                self._buckets[group] = Bucket(clock, options.rate, options.burst) if own else common
        for text in options.limit:
            self._set(text)

    def take(self, group: Group) -> tuple[bool, Headers]:
        """Whether the request may pass, and the headers that its answer has."""
        bucket = self._buckets.get(group)
        if bucket is None:
            return True, ()
        passed = bucket.take()
        headers = self._told(bucket)
        return passed, headers if passed else headers + self._retry_after(bucket)

    def _set(self, text: str) -> None:
        group, _, numbers = text.partition("=")
        rate, _, burst = numbers.partition("/")
        known = {name: name for name in get_args(Group)}
        try:
            self._buckets[known[group]] = Bucket(self._clock, float(rate), int(burst or 1))
        except (KeyError, ValueError):
            named = ", ".join(known)
            raise ConfigurationError(
                f"write a limit as GROUP=RATE/BURST, with one of the groups {named}", field="limit"
            ) from None

    def _told(self, bucket: Bucket) -> Headers:
        """Under the names that the options choose."""
        style = self._options.limit_headers
        if style == "none":
            return ()
        wait = bucket.seconds_until_full()
        reset = math.ceil(self._clock.seconds() + wait) if style == "x-ratelimit" else math.ceil(wait)
        prefix = b"x-ratelimit-" if style == "x-ratelimit" else b"ratelimit-"
        values = {b"limit": bucket.size, b"remaining": bucket.left, b"reset": reset}
        return tuple((prefix + name, str(value).encode()) for name, value in values.items())

    def _retry_after(self, bucket: Bucket) -> Headers:
        """In whole seconds, which is all that the header can say; in the form of the options."""
        wait = max(1, math.ceil(bucket.seconds_until_next()))
        match self._options.retry_after_form:
            case "seconds":
                return ((b"retry-after", str(wait).encode()),)
            case "date":
                at = math.ceil(self._clock.seconds() + wait)
                return ((b"retry-after", formatdate(at, usegmt=True).encode()),)
        return ()


class Bucket:
    """Holds ``size`` requests and gets ``rate`` of them back each second."""

    def __init__(self, clock: Clock, rate: float, size: int) -> None:
        if not 0 < rate < math.inf or size < 1:
            raise ValueError("a limit is above zero")
        self._clock, self._rate, self.size = clock, rate, size
        self._tokens, self._at = float(size), clock.seconds()

    @property
    def left(self) -> int:
        """Requests that may follow at once."""
        return int(self._tokens + _ROUNDING)

    def take(self) -> bool:
        """Whether there was one left."""
        now = self._clock.seconds()
        self._tokens = min(self._tokens + (now - self._at) * self._rate, self.size)
        self._at = now
        if self._tokens < 1 - _ROUNDING:
            return False
        self._tokens -= 1
        return True

    def seconds_until_next(self) -> float:
        """Until one request may pass."""
        return max(0.0, (1 - self._tokens) / self._rate)

    def seconds_until_full(self) -> float:
        """Until all that can be saved up is there."""
        return (self.size - self._tokens) / self._rate
