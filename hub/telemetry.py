"""What the loop tells whoever listens: one frozen value an event, so that Prometheus, logs and tests are sinks alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Polled:
    """A poll ended. ``result`` is ok, failed, refused, paused or lost; counts are records."""

    connector: str
    connection: str
    result: str
    seconds: float
    lag_seconds: float = 0.0
    counts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Worked:
    """A slice ended at ``stage`` (push, follow or report). ``states`` counts where its records went."""

    connector: str
    connection: str
    stream: str
    stage: str
    seconds: float
    states: Mapping[str, int]
    retries: int = 0
    lost: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Swept:
    """The sweeper brought something back: lost claims, old bells, pruned records."""

    lost_claims: int = 0
    rung: int = 0
    pruned: int = 0


Observe = Callable[[Any], None]


def ignore(event: Any) -> None:
    """Nobody listens."""
