"""A clock that a test turns, and what limiters are asked of."""

from __future__ import annotations

from datetime import timedelta

from hub.connector import Bucket
from hub.policy.lessons import Lesson, Refusal

PRICES = Bucket(key="acme/prices", rate=4.0, burst=10)
UNKNOWN = Bucket(key="acme/unknown")


class Turned:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now

    def turn(self, seconds: float) -> None:
        """Later."""
        self.now += seconds


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


def refused(admitted: int = 0, within: float = 0.0) -> Lesson:
    """An answer of 429 that asks for a second."""
    return Lesson(block=seconds(1), refusal=Refusal(admitted=admitted, seconds=within))
