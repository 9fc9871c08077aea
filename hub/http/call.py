"""What is told of each call, to whoever counts or logs it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Side = Literal["source", "destination"]


@dataclass(frozen=True, kw_only=True, slots=True)
class HttpCall:
    """One call, made or not. No query, no header and no body is in it.

    ``status`` is None where no answer came, and ``error`` the name of the error that was raised, if any.
    ``duration_seconds`` is the time on the wire, ``waited_seconds`` that for the rate limit before it.
    """

    side: Side
    host: str
    method: str
    status: int | None = None
    duration_seconds: float = 0.0
    waited_seconds: float = 0.0
    error: str | None = None


Observe = Callable[[HttpCall], None]


def nobody(call: HttpCall) -> None:
    """Observes nothing."""
