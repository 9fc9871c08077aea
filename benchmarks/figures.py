"""How a benchmark prints what it found: one JSON line a figure, exit code 1 when a goal is missed."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One measured figure. ``ratio`` is ``value`` by ``against``'s; ``goal`` is what the ratio must reach.

    ``at_most`` turns the goal round: the ratio must not be above it.
    """

    figure: str
    value: float
    unit: str
    against: str
    ratio: float
    rounds: int
    goal: float | None = None
    at_most: bool = False

    @property
    def met(self) -> bool | None:
        """Whether the goal is reached; None where there is none."""
        if self.goal is None:
            return None
        return self.ratio <= self.goal if self.at_most else self.ratio >= self.goal

    def line(self) -> str:
        """As JSON."""
        sign = "<=" if self.at_most else ">="
        return json.dumps(
            {
                "figure": self.figure,
                "value": round(self.value, 3),
                "unit": self.unit,
                "against": self.against,
                "ratio": round(self.ratio, 3),
                "goal": None if self.goal is None else f"{sign} {self.goal}",
                "met": self.met,
                "median_of": self.rounds,
            }
        )


def finish(figures: Sequence[Figure]) -> None:
    """Print all figures and leave with 1 when a goal is missed."""
    for figure in figures:
        print(figure.line(), flush=True)
    sys.exit(any(figure.met is False for figure in figures))


def middle(values: Sequence[float]) -> float:
    """The median."""
    return float(median(values))


def note(text: str) -> None:
    """Progress goes to standard error; standard output is for figures alone."""
    print(text, file=sys.stderr, flush=True)
