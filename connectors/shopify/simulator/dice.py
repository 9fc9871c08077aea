"""Numbers that look random and are the same each time: no state, so any object can be made without its neighbours."""

from __future__ import annotations

from typing import Final

_MASK: Final = (1 << 64) - 1


def mix(seed: int, *numbers: int) -> int:
    """64 bits that depend on all numbers (the finaliser of SplitMix64, once for each)."""
    value = seed & _MASK
    for number in numbers:
        value = (value ^ (number + 0x9E3779B97F4A7C15)) * 0xBF58476D1CE4E5B9 & _MASK
        value = (value ^ value >> 27) * 0x94D049BB133111EB & _MASK
    return value ^ value >> 31
